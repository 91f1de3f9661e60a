/* SPDX-License-Identifier: Apache-2.0 */

/* One line per message, written at once so that lines of several processes do not mix. */

#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string-buffer.h"

static const char *const prefixes[] = {
    [LOG_LEVEL_ERROR] = "cay: ",
    [LOG_LEVEL_WARNING] = "cay: warning: ",
    [LOG_LEVEL_INFO] = "",
    [LOG_LEVEL_DEBUG] = "cay: debug: ",
};

static LogLevel log_level = LOG_LEVEL_INFO;

void log_set_level(LogLevel level)
{
    log_level = level;
}

void log_message(LogLevel level, const char *format, ...)
{
    _cleanup_string_buffer_ StringBuffer line = {};
    int saved_errno = errno;
    va_list arguments;

    if (level > log_level)
        return;

    string_buffer_add(&line, prefixes[level]);
    va_start(arguments, format);
    string_buffer_vprintf(&line, format, arguments);
    va_end(arguments);
    string_buffer_add_char(&line, '\n');
    (void)fd_write_all(STDERR_FILENO, line.data, line.length); /* nowhere else to complain */
    errno = saved_errno;
}
