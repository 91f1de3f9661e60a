/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What others have answered, for as long as they say, and no longer than that makes sense. Of a
 * bounded number and size: what was not asked for the longest goes first. Answers of different
 * servers are kept apart: what a container's own servers say is nobody else's.
 */

#include "base/cleanup.h"
#include "network/dns/message.h"

typedef struct Cache Cache;

#define CACHE_ENTRIES_MAX 1024
#define CACHE_BYTES_MAX (384 * 1024)
#define CACHE_MESSAGE_MAX 4096
#define CACHE_LIFETIME_MAX 3600 /* seconds, of what there is */
#define CACHE_NOTHING_MAX 60    /* of what there is not: it may come to be */

Cache *cache_new(void);
void cache_free(Cache *cache);
DEFINE_CLEANUP(Cache *, cache_free);

void cache_clear(Cache *cache);

/* Keep what reply_check() has accepted. @servers: a number of theirs. @now in nanoseconds. */
void cache_add(Cache *cache, uint64_t servers, const Query *query, const uint8_t *reply,
               size_t size, int64_t now);

/* Copy it into @buffer of CACHE_MESSAGE_MAX bytes, as old as it is. Returns its size; 0: unknown.
 */
size_t cache_find(Cache *cache, uint64_t servers, const Query *query, int64_t now, uint8_t *buffer);
