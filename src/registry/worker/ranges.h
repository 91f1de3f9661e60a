/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sets of bytes of a file: which are there, and what is to be asked for next. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

typedef struct Range {
    int64_t from;
    int64_t to; /* the byte after the last one */
} Range;

/* Ascending, neither touching nor empty. `{}` is the empty set. */
typedef struct RangeSet {
    Range *items;
    size_t count;
    size_t capacity;
} RangeSet;

void range_set_done(RangeSet *set);
#define _cleanup_range_set_ _cleanup_(range_set_done)

/* Add @range, which may overlap what is there; an empty one is none. */
void range_set_add(RangeSet *set, Range range);

/* The first bytes at or after @from and before @to that are not in the set; false: none. */
bool range_set_gap(const RangeSet *set, int64_t from, int64_t to, Range *ret);

/* How many bytes are in the set, and up to where it has all of them from 0 on. */
int64_t range_set_size(const RangeSet *set);
int64_t range_set_prefix(const RangeSet *set);

/*
 * What the file @fd of @size bytes in the end has already: not its holes, and not the last block
 * before a hole or a premature end, which may be there in part. Returns 0 or -errno.
 */
int range_set_of_file(int fd, int64_t size, RangeSet *ret);

/* "bytes 0-9/100", of a Content-Range; *ret_total is -1 where it says "*". Returns 0 or -EINVAL. */
int range_parse_content(const char *text, Range *ret, int64_t *ret_total);

/* "0-9" or "bytes=0-9" of an upload's state: how many bytes have come. Returns 0 or -EINVAL. */
int range_parse_progress(const char *text, int64_t *ret_size);
