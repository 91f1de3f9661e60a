/* SPDX-License-Identifier: Apache-2.0 */

/* Sets of bytes of a file. They have few parts: a file is fetched from its beginning on. */

#include "registry/worker/ranges.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/parse.h"

/* Smaller blocks than these are not looked at: no kernel has holes in parts of a page. */
#define MIN_BLOCK ((int64_t)64 * 1024)

void range_set_done(RangeSet *set)
{
    free(set->items);
    *set = (RangeSet) {};
}

void range_set_add(RangeSet *set, Range range)
{
    size_t first = 0, last;

    if (range.from >= range.to)
        return;
    while (first < set->count && set->items[first].to < range.from)
        first++;
    for (last = first; last < set->count && set->items[last].from <= range.to; last++) {
        if (set->items[last].from < range.from)
            range.from = set->items[last].from;
        if (set->items[last].to > range.to)
            range.to = set->items[last].to;
    }

    /* [first, last) becomes one. */
    if (first == last) {
        set->items = memory_grow(set->items, &set->capacity, set->count + 1, sizeof(Range));
        memmove(set->items + first + 1, set->items + first, (set->count - first) * sizeof(Range));
        set->count++;
    } else {
        memmove(set->items + first + 1, set->items + last, (set->count - last) * sizeof(Range));
        set->count -= last - first - 1;
    }
    set->items[first] = range;
}

bool range_set_gap(const RangeSet *set, int64_t from, int64_t to, Range *ret)
{
    for (size_t i = 0; i < set->count && from < to; i++) {
        if (set->items[i].to <= from)
            continue;
        if (set->items[i].from > from) {
            *ret = (Range) { from, set->items[i].from < to ? set->items[i].from : to };
            return true;
        }
        from = set->items[i].to;
    }
    if (from >= to)
        return false;
    *ret = (Range) { from, to };
    return true;
}

int64_t range_set_size(const RangeSet *set)
{
    int64_t size = 0;

    for (size_t i = 0; i < set->count; i++)
        size += set->items[i].to - set->items[i].from;
    return size;
}

int64_t range_set_prefix(const RangeSet *set)
{
    return set->count > 0 && set->items[0].from == 0 ? set->items[0].to : 0;
}

int range_set_of_file(int fd, int64_t size, RangeSet *ret)
{
    _cleanup_range_set_ RangeSet set = {};
    int64_t data = 0, hole, block;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    block = st.st_blksize > MIN_BLOCK ? st.st_blksize : MIN_BLOCK;
    while (data < size) {
        data = lseek(fd, data, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
        if (hole < 0)
            return -errno;
        range_set_add(&set, (Range) { data, hole >= size ? size : (hole - 1) / block * block });
        data = hole;
    }
    *ret = set;
    set = (RangeSet) {};
    return 0;
}

/* A number that ends before one of the characters of @ends, or with the text. */
static int read_number(const char **text, const char *ends, int64_t *ret)
{
    size_t length = strspn(*text, "0123456789");
    char digits[24] = {};

    if (length == 0 || length >= sizeof(digits) || !strchr(ends, (*text)[length]))
        return -EINVAL;
    memcpy(digits, *text, length);
    *text += length;
    return parse_i64(digits, ret);
}

int range_parse_content(const char *text, Range *ret, int64_t *ret_total)
{
    int64_t from, last, total = -1;

    if (strncmp(text, "bytes ", 6) != 0)
        return -EINVAL;
    text += 6;
    if (read_number(&text, "-", &from) < 0 || *text++ != '-' ||
        read_number(&text, "/", &last) < 0 || *text++ != '/')
        return -EINVAL;
    if (strcmp(text, "*") != 0 && (read_number(&text, "", &total) < 0 || *text || total <= last))
        return -EINVAL;
    if (last < from || last == INT64_MAX)
        return -EINVAL;
    *ret = (Range) { from, last + 1 };
    *ret_total = total;
    return 0;
}

int range_parse_progress(const char *text, int64_t *ret_size)
{
    int64_t from, last;

    if (strncmp(text, "bytes=", 6) == 0)
        text += 6;
    if (read_number(&text, "-", &from) < 0 || *text++ != '-' || read_number(&text, "", &last) < 0 ||
        *text || from != 0 || last == INT64_MAX)
        return -EINVAL;
    /* "0-0" is what nothing looks like, too: a byte that is sent twice does no harm. */
    *ret_size = last == 0 ? 0 : last + 1;
    return 0;
}
