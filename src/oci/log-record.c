/* SPDX-License-Identifier: Apache-2.0 */

/* One line per record, written at once, so that those of several processes do not mix. */

#include "oci/log-record.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "base/string-buffer.h"
#include "base/time-format.h"

typedef struct LogRecord {
    char *level;
    char *message;
    char *time;
} LogRecord;

static const JsonField log_record_fields[] = {
    JSON_FIELD(LogRecord, level, "level", JSON_TYPE_STRING),
    JSON_FIELD(LogRecord, message, "msg", JSON_TYPE_STRING),
    JSON_FIELD(LogRecord, time, "time", JSON_TYPE_STRING),
};
static const JsonStruct log_record_json = JSON_STRUCT(LogRecord, log_record_fields);

/* Quoted as Go does: what is no printable ASCII, quotes and backslashes are escaped. */
static void add_quoted(StringBuffer *buffer, const char *text)
{
    string_buffer_add_char(buffer, '"');
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\')
            string_buffer_printf(buffer, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7f)
            string_buffer_printf(buffer, "\\x%02x", byte);
        else
            string_buffer_add_char(buffer, *text);
    }
    string_buffer_add_char(buffer, '"');
}

char *log_record_make(const char *message, int64_t time, bool as_json)
{
    _cleanup_string_buffer_ StringBuffer line = {};
    _cleanup_free_ char *when = time_to_rfc3339(time);

    if (as_json) {
        LogRecord record = { .level = "error", .message = (char *)message, .time = when };
        _cleanup_json_ json_t *json = json_struct_write(&log_record_json, &record);
        _cleanup_free_ char *text = json_to_text(json);

        string_buffer_add(&line, text);
    } else {
        string_buffer_printf(&line, "time=\"%s\" level=error msg=", when);
        add_quoted(&line, message);
    }
    string_buffer_add_char(&line, '\n');
    return string_buffer_take(&line);
}

static void append_to_file(const char *path, const char *record)
{
    _cleanup_close_ int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);

    /* Standard error has the message all the same. */
    if (fd >= 0)
        (void)fd_write_all(fd, record, strlen(record));
}

void log_record_report(const GlobalOptions *global, const Error *error)
{
    bool as_json = global->log_format && strcmp(global->log_format, "json") == 0;
    _cleanup_free_ char *record = log_record_make(error_message(error), time_now(), as_json);
    _cleanup_free_ char *line = memory_printf("cay-oci: %s\n", error_message(error));
    const char *shown = as_json && !global->log ? record : line;

    if (global->log)
        append_to_file(global->log, record);
    (void)fd_write_all(STDERR_FILENO, shown, strlen(shown)); /* nowhere else to complain */
}
