/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The driver journald: each line an entry, in the journal's native protocol and with the fields
 * that Docker's has (systemd, "Native Journal Protocol").
 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/memory.h"
#include "base/string-buffer.h"
#include "base/time-format.h"
#include "supervisor/log-private.h"
#include "supervisor/log-socket-private.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

typedef struct LogJournald {
    LogSink sink;
    LogSocket socket;
    StringBuffer fields; /* the same in each entry */
    StringBuffer message;
} LogJournald;

static void field_add(StringBuffer *buffer, const char *name, const char *value, size_t size)
{
    uint8_t little_endian[8];

    string_buffer_add(buffer, name);
    if (memchr(value, '\n', size)) {
        for (size_t i = 0; i < sizeof(little_endian); i++)
            little_endian[i] = (uint8_t)((uint64_t)size >> (8 * i));
        string_buffer_add_char(buffer, '\n');
        string_buffer_add_bytes(buffer, little_endian, sizeof(little_endian));
    } else {
        string_buffer_add_char(buffer, '=');
    }
    string_buffer_add_bytes(buffer, value, size);
    string_buffer_add_char(buffer, '\n');
}

static void field_add_text(StringBuffer *buffer, const char *name, const char *value)
{
    field_add(buffer, name, value ? value : "", value ? strlen(value) : 0);
}

/* What a label's name may be as a field's: the journal drops an entry with another one. */
static char *field_name(const char *key)
{
    char *name = memory_strdup(key), *to = name;

    for (const char *from = key; *from; from++) {
        if (isalnum((unsigned char)*from))
            *to++ = (char)toupper((unsigned char)*from);
        else if (to > name)
            *to++ = '_';
    }
    *to = '\0';
    return name;
}

static void fields_make(LogJournald *log, const LogTarget *target)
{
    _cleanup_free_ char *id = memory_strndup(target->container, LOG_SHORT_ID_LENGTH);
    const char *tag = string_map_get(target->options, "tag");

    field_add_text(&log->fields, "CONTAINER_ID", id);
    field_add_text(&log->fields, "CONTAINER_ID_FULL", target->container);
    field_add_text(&log->fields, "CONTAINER_NAME", target->name);
    field_add_text(&log->fields, "CONTAINER_TAG", tag ? tag : id);
    field_add_text(&log->fields, "IMAGE_NAME", target->image);
    field_add_text(&log->fields, "SYSLOG_IDENTIFIER", tag ? tag : id);
    for (size_t i = 0; target->attributes && i < target->attributes->count; i++) {
        const StringPair *attribute = &target->attributes->items[i];
        _cleanup_free_ char *name = field_name(attribute->key);

        if (*name && strcmp(attribute->key, "tag") != 0)
            field_add_text(&log->fields, name, attribute->value);
    }
}

static int line_send(LogSink *sink, const LogLine *line, uint64_t payload)
{
    LogJournald *log = (LogJournald *)sink;
    _cleanup_free_ char *time = time_to_rfc3339(line->time);

    log->message.length = 0;
    field_add(&log->message, "MESSAGE", line->text, line->size);
    string_buffer_printf(&log->message, "PRIORITY=%d\n",
                         line->stream == LOG_STREAM_STDERR ? LOG_ERR : LOG_INFO);
    field_add_text(&log->message, "SYSLOG_TIMESTAMP", time);
    if (line->is_partial)
        string_buffer_add(&log->message, "CONTAINER_PARTIAL_MESSAGE=true\n");
    string_buffer_add_bytes(&log->message, log->fields.data, log->fields.length);
    return log_socket_send(&log->socket, log->message.data, log->message.length, payload);
}

static int journald_take(LogSink *sink, const LogLine *line)
{
    return log_socket_take(&((LogJournald *)sink)->socket, sink, line, line_send);
}

static void journald_lose(LogSink *sink, const LogLine *line)
{
    log_socket_lose(&((LogJournald *)sink)->socket, line);
}

static void journald_rest(LogSink *sink)
{
    string_buffer_done(&((LogJournald *)sink)->message);
}

static void journald_free(LogSink *sink)
{
    LogJournald *log = (LogJournald *)sink;

    log_socket_done(&log->socket);
    string_buffer_done(&log->fields);
    string_buffer_done(&log->message);
    free(log);
}

static const LogSinkType log_journald_type = {
    .take = journald_take,
    .lose = journald_lose,
    .rest = journald_rest,
    .free = journald_free,
};

int log_journald_open(const LogTarget *target, LogSink **ret, Error *err)
{
    LogSocketAddress address = {
        .local = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET },
    };
    LogJournald *log = NEW(LogJournald);
    int r;

    log->sink = (LogSink) { .type = &log_journald_type, .wait_fd = -EBADF };
    r = log_socket_open(&log->socket, &address, sizeof(address.local), SOCK_DGRAM);
    if (r < 0) {
        journald_free(&log->sink);
        return error_set(err, ERROR_UNAVAILABLE, "this host has no journal at '%s': %s",
                         JOURNAL_SOCKET, strerror(-r));
    }
    fields_make(log, target);
    log_socket_set_buffer(&log->socket, target->options);
    *ret = &log->sink;
    return 0;
}
