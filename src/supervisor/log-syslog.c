/* SPDX-License-Identifier: Apache-2.0 */

/* The driver syslog: each line a message, in the forms that Docker's has. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/string-buffer.h"
#include "base/time-format.h"
#include "supervisor/log-private.h"
#include "supervisor/log-socket-private.h"

#define SYSLOG_SOCKET "/dev/log"

typedef struct LogSyslog {
    LogSink sink;
    LogSocket socket;
    SyslogFormat format;
    int facility;
    char *tag;
    char *hostname;
    StringBuffer message;
} LogSyslog;

/* "Jan  2 15:04:05", in local time, as RFC 3164 has it. */
static void add_stamp(StringBuffer *message, int64_t time)
{
    time_t seconds = time / NANOSECONDS_PER_SECOND;
    char text[32];
    struct tm tm;

    (void)localtime_r(&seconds, &tm); /* 64 bits of nanoseconds end in 2262 */
    (void)strftime(text, sizeof(text), "%b %e %H:%M:%S", &tm);
    string_buffer_add(message, text);
}

/* RFC 5424's, with as many digits of the second as asked for. */
static void add_timestamp(StringBuffer *message, int64_t time, bool has_micro)
{
    time_t seconds = time / NANOSECONDS_PER_SECOND;
    char text[32];
    struct tm tm;

    (void)gmtime_r(&seconds, &tm);
    (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    string_buffer_add(message, text);
    if (has_micro)
        string_buffer_printf(message, ".%06d", (int)(time % NANOSECONDS_PER_SECOND / 1000));
    string_buffer_add_char(message, 'Z');
}

static void message_make(LogSyslog *log, const LogLine *line)
{
    StringBuffer *message = &log->message;
    int severity = line->stream == LOG_STREAM_STDERR ? LOG_ERR : LOG_INFO;

    message->length = 0;
    string_buffer_printf(message, "<%d>", log->facility | severity);
    if (log->format == SYSLOG_FORMAT_UNIX || log->format == SYSLOG_FORMAT_RFC3164) {
        add_stamp(message, line->time);
        if (log->format == SYSLOG_FORMAT_RFC3164)
            string_buffer_printf(message, " %s", log->hostname);
        string_buffer_printf(message, " %s[%d]: ", log->tag, (int)getpid());
    } else {
        string_buffer_add(message, "1 ");
        add_timestamp(message, line->time, log->format == SYSLOG_FORMAT_RFC5424_MICRO);
        string_buffer_printf(message, " %s %s %d %s - ", log->hostname, log->tag, (int)getpid(),
                             log->tag);
    }
    string_buffer_add_bytes(message, line->text, line->size);
    string_buffer_add_char(message, '\n');
}

static int line_send(LogSink *sink, const LogLine *line, uint64_t payload)
{
    LogSyslog *log = (LogSyslog *)sink;

    message_make(log, line);
    return log_socket_send(&log->socket, log->message.data, log->message.length, payload);
}

static int syslog_take(LogSink *sink, const LogLine *line)
{
    return log_socket_take(&((LogSyslog *)sink)->socket, sink, line, line_send);
}

static void syslog_lose(LogSink *sink, const LogLine *line)
{
    log_socket_lose(&((LogSyslog *)sink)->socket, line);
}

static void syslog_rest(LogSink *sink)
{
    string_buffer_done(&((LogSyslog *)sink)->message);
}

static void syslog_free(LogSink *sink)
{
    LogSyslog *log = (LogSyslog *)sink;

    log_socket_done(&log->socket);
    string_buffer_done(&log->message);
    free(log->tag);
    free(log->hostname);
    free(log);
}

static const LogSinkType log_syslog_type = {
    .take = syslog_take,
    .lose = syslog_lose,
    .rest = syslog_rest,
    .free = syslog_free,
};

static int open_path(LogSyslog *log, const char *path, int type)
{
    LogSocketAddress address = { .local = { .sun_family = AF_UNIX } };

    memcpy(address.local.sun_path, path, strlen(path) + 1); /* its length is checked */
    return log_socket_open(&log->socket, &address, sizeof(address.local), type);
}

/* As syslog(3) does: a datagram, else a stream. */
static int open_default(LogSyslog *log, Error *err)
{
    int r = open_path(log, SYSLOG_SOCKET, SOCK_DGRAM);

    if (r == -EPROTOTYPE)
        r = open_path(log, SYSLOG_SOCKET, SOCK_STREAM);
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, "nobody takes messages at '%s': %s",
                             SYSLOG_SOCKET, strerror(-r))
                 : 0;
}

static int open_host(LogSyslog *log, const SyslogAddress *address)
{
    LogSocketAddress socket_address = {};
    uint32_t port = 0;

    (void)parse_u32(address->port, &port); /* validated */
    if (inet_pton(AF_INET, address->host, &socket_address.v4.sin_addr) == 1) {
        socket_address.v4.sin_family = AF_INET;
        socket_address.v4.sin_port = htons((uint16_t)port);
        return log_socket_open(&log->socket, &socket_address, sizeof(socket_address.v4),
                               address->type);
    }
    socket_address = (LogSocketAddress) { .v6 = { .sin6_family = AF_INET6,
                                                  .sin6_port = htons((uint16_t)port) } };
    (void)inet_pton(AF_INET6, address->host, &socket_address.v6.sin6_addr);
    return log_socket_open(&log->socket, &socket_address, sizeof(socket_address.v6), address->type);
}

static int open_address(LogSyslog *log, const char *text, Error *err)
{
    _cleanup_(syslog_address_done) SyslogAddress address = {};
    int r;

    if (!text)
        return open_default(log, err);
    r = syslog_address_parse(text, &address, err);
    if (r < 0)
        return r;
    r = address.path ? open_path(log, address.path, address.type) : open_host(log, &address);
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, "nobody takes messages at '%s': %s", text,
                             strerror(-r))
                 : 0;
}

int log_syslog_open(const LogTarget *target, LogSink **ret, Error *err)
{
    const char *facility = string_map_get(target->options, "syslog-facility");
    const char *format = string_map_get(target->options, "syslog-format");
    const char *tag = string_map_get(target->options, "tag");
    LogSyslog *log = NEW(LogSyslog);
    struct utsname host = {};
    int r;

    (void)uname(&host); /* cannot fail */
    log->sink = (LogSink) { .type = &log_syslog_type, .wait_fd = -EBADF };
    log->socket.fd = -EBADF;
    log->tag = tag ? memory_strdup(tag) : memory_strndup(target->container, LOG_SHORT_ID_LENGTH);
    log->hostname = memory_strdup(host.nodename);
    r = syslog_facility_parse(facility ? facility : "daemon", &log->facility, err);
    if (r >= 0)
        r = syslog_format_parse(format ? format : "", &log->format, err);
    if (r >= 0)
        r = open_address(log, string_map_get(target->options, "syslog-address"), err);
    if (r < 0) {
        syslog_free(&log->sink);
        return r;
    }
    log_socket_set_buffer(&log->socket, target->options);
    *ret = &log->sink;
    return 0;
}
