/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Messages about input that nobody trusts: they travel as JSON and end on a terminal, so they hold
 * nothing but printable ASCII.
 */

#include "image/worker/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/string-buffer.h"

#define QUOTE_LIMIT 160

int failure_write(Error *err, int r, const char *format, ...)
{
    _cleanup_free_ char *what = NULL;
    va_list arguments;

    va_start(arguments, format);
    what = memory_vprintf(format, arguments);
    va_end(arguments);

    if (r == -ENOSPC || r == -EDQUOT) {
        (void)error_set(err, ERROR_EXHAUSTED, "no space left to %s", what);
        return r;
    }
    return error_result(err, r, "%s", what);
}

char *failure_quote(const char *name)
{
    StringBuffer quoted = {};

    for (const char *p = name; *p; p++) {
        if (p - name >= QUOTE_LIMIT) {
            string_buffer_add(&quoted, "...");
            break;
        }
        if (*p >= ' ' && *p <= '~' && *p != '\\')
            string_buffer_add_char(&quoted, *p);
        else
            string_buffer_printf(&quoted, "\\x%02x", (unsigned char)*p);
    }
    return string_buffer_take(&quoted);
}
