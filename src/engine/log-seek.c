/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finding a place in a log file without reading it: records end with newlines, which are in no
 * record's middle, and are in the order of their times.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "engine/log-reader-private.h"

#define BLOCK_SIZE ((size_t)64 * 1024)

/* The end of one record and the whole of the next, each of the longest line. */
#define ENTRY_BLOCK_SIZE (4 * BLOCK_SIZE)

/* A range that is read through instead of halved any further. */
#define RANGE_MIN ((int64_t)BLOCK_SIZE)

static ssize_t read_block(int fd, char *block, size_t size, int64_t offset)
{
    ssize_t n;

    do
        n = pread(fd, block, size, offset);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int64_t log_seek_tail(int fd, int64_t size, int64_t *count)
{
    _cleanup_free_ char *block = NEW_ARRAY(char, BLOCK_SIZE);
    bool is_inside = false; /* a record ends at what comes next */
    int64_t end = size;

    while (end > 0) {
        size_t length = end < (int64_t)BLOCK_SIZE ? (size_t)end : BLOCK_SIZE, rest = length;
        ssize_t n = read_block(fd, block, length, end - (int64_t)length);
        const char *newline;

        if (n < 0)
            return n;
        if ((size_t)n < length)
            return -EIO; /* nobody shortens these files by whole records */
        for (; (newline = memrchr(block, '\n', rest)); rest = (size_t)(newline - block)) {
            int64_t begin = end - (int64_t)length + (newline - block) + 1;

            if (is_inside && --*count == 0)
                return begin;
            if (*count == 0)
                return begin; /* none: the end of what is whole */
            is_inside = true;
        }
        end -= (int64_t)length;
    }
    if (is_inside)
        --*count;
    return 0;
}

int64_t log_seek_end(int fd, int64_t size)
{
    int64_t none = 0;

    return log_seek_tail(fd, size, &none);
}

/*
 * Read and decode the first record that begins in @offset (where one begins, if @is_begin) and
 * before @limit. *ret_begin is its offset. Returns 1, 0 when there is none that can be decoded, or
 * -errno.
 */
static int read_entry(int fd, LogFormat format, int64_t offset, bool is_begin, char *block,
                      int64_t *ret_begin, LogEntry *ret)
{
    ssize_t n = read_block(fd, block, ENTRY_BLOCK_SIZE, offset);
    char *position = block, *end = block + (n > 0 ? n : 0), *newline;

    if (n < 0)
        return (int)n;
    while (position < end && (newline = memchr(position, '\n', (size_t)(end - position)))) {
        size_t size = (size_t)(newline + 1 - position);

        *ret_begin = offset + (position - block);
        if (is_begin && log_record_decode(format, position, size, ret))
            return 1;
        is_begin = true;
        position = newline + 1;
    }
    return 0;
}

int64_t log_seek_since(int fd, int64_t size, LogFormat format, int64_t since)
{
    _cleanup_free_ char *block = NEW_ARRAY(char, ENTRY_BLOCK_SIZE);
    int64_t low = 0, high = size; /* a record begins at low */

    while (high - low > RANGE_MIN) {
        int64_t middle = low + (high - low) / 2, begin = 0;
        LogEntry entry;
        int r = read_entry(fd, format, middle, false, block, &begin, &entry);

        if (r < 0)
            return r;
        if (r > 0 && begin < high && entry.time < since)
            low = begin;
        else
            high = middle; /* also where nothing can be decoded: the lower half is read then */
    }
    return low;
}

bool log_begins_before(int fd, LogFormat format, int64_t since)
{
    _cleanup_free_ char *block = NEW_ARRAY(char, ENTRY_BLOCK_SIZE);
    int64_t begin;
    LogEntry entry;

    return read_entry(fd, format, 0, true, block, &begin, &entry) > 0 && entry.time < since;
}
