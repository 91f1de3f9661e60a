/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One record of a log file as an entry. Files may have been damaged, so their bytes are not
 * trusted: what is no record is told from what is one, and nothing else. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/log-options.h"

typedef struct LogEntry {
    int64_t time; /* nanoseconds since 1970 */
    bool is_stderr;
    const char *text; /* with its newline, if it had one */
    size_t size;
    const char *attributes; /* a JSON object; NULL: none */
    size_t attributes_size;
} LogEntry;

/* Decode the record @line, which ends with a newline, in place: *ret points into it. */
bool log_record_decode(LogFormat format, char *line, size_t size, LogEntry *ret);
