/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary bytes to the readers of log files: the first one chooses format and question, the
 * others are the file. Whatever is found lies within the file and begins a record; a record that is
 * decoded lies within itself.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "base/memory.h"
#include "engine/log-reader-private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_right)
{
    if (!is_right)
        abort();
}

static void check_offset(const char *file, size_t size, int64_t offset)
{
    check(offset >= 0 && offset <= (int64_t)size);
    check(offset == 0 || file[offset - 1] == '\n');
}

static void decode_all(LogFormat format, const char *file, size_t size)
{
    const char *position = file, *newline;

    while ((newline = memchr(position, '\n', size - (size_t)(position - file)))) {
        size_t length = (size_t)(newline + 1 - position);
        _cleanup_free_ char *line = memory_dup(position, length); /* its end is the memory's */
        LogEntry entry;

        if (log_record_decode(format, line, length, &entry)) {
            check(entry.text >= line && entry.text + entry.size <= line + length);
            check(!entry.attributes || (entry.attributes >= line &&
                                        entry.attributes + entry.attributes_size < line + length));
        }
        position = newline + 1;
    }
}

static void seek_all(LogFormat format, const char *file, size_t size, int64_t number)
{
    _cleanup_close_ int fd = memfd_create("log", MFD_CLOEXEC);
    int64_t count = number;

    check(fd >= 0 && fd_write_all(fd, file, size) == 0);
    check_offset(file, size, log_seek_tail(fd, (int64_t)size, &count));
    check(count >= 0 && count <= number);
    check_offset(file, size, log_seek_since(fd, (int64_t)size, format, number));
    (void)log_begins_before(fd, format, number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    LogFormat format;

    if (size == 0)
        return 0;
    format = data[0] & 1 ? LOG_FORMAT_JSON : LOG_FORMAT_LOCAL;
    decode_all(format, (const char *)data + 1, size - 1);
    seek_all(format, (const char *)data + 1, size - 1, data[0] >> 1);
    return 0;
}
