/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A hash table whose entries are also in a ring, the last used one first. What is asked is chosen
 * by containers, so the hash is a secret one's: nobody can have them all in one bucket.
 */

#include "network/dns/cache.h"

#include <string.h>

#include "base/memory.h"
#include "base/random-id.h"
#include "base/time-format.h"

#define BUCKETS 1024
#define FLAGS_OF_KEY 0x0130 /* recursion desired, authentic data, checking disabled */

/* All that an answer depends on. */
typedef struct Key {
    uint64_t servers;
    uint16_t type;
    uint16_t flags;
    uint16_t edns_flags;
    uint16_t udp_max; /* 0: without EDNS */
    uint16_t name_size;
    uint8_t name[MESSAGE_NAME_MAX];
} Key;

typedef struct Entry {
    struct Entry *next; /* in its bucket */
    struct Entry *newer;
    struct Entry *older;
    uint32_t hash;
    uint16_t key_size;
    uint16_t size;
    int64_t since;
    int64_t until;
    uint8_t data[]; /* the key, as far as it goes, then the message */
} Entry;

struct Cache {
    Entry *buckets[BUCKETS];
    Entry *newest;
    Entry *oldest;
    size_t count;
    size_t bytes;
    uint64_t secret;
};

Cache *cache_new(void)
{
    Cache *cache = NEW(Cache);

    random_bytes(&cache->secret, sizeof(cache->secret));
    return cache;
}

static size_t make_key(uint64_t servers, const Query *query, Key *ret)
{
    memset(ret, 0, sizeof(*ret)); /* it is compared byte by byte */
    ret->servers = servers;
    ret->type = query->type;
    ret->flags = query->flags & FLAGS_OF_KEY;
    ret->edns_flags = query->edns_flags;
    ret->udp_max = query->has_edns ? query->udp_max : 0;
    ret->name_size = (uint16_t)query->name_size;
    memcpy(ret->name, query->name, query->name_size);
    return offsetof(Key, name) + query->name_size;
}

static uint32_t hash_key(const Cache *cache, const Key *key, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)key;
    uint64_t hash = cache->secret;

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return (uint32_t)(hash >> 32);
}

static size_t entry_bytes(const Entry *entry)
{
    return sizeof(*entry) + entry->key_size + entry->size;
}

static void unlink_from_ring(Cache *cache, Entry *entry)
{
    *(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void put_first(Cache *cache, Entry *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    *(entry->older ? &entry->older->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

static void forget(Cache *cache, Entry *entry)
{
    Entry **link = &cache->buckets[entry->hash % BUCKETS];

    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    unlink_from_ring(cache, entry);
    cache->count--;
    cache->bytes -= entry_bytes(entry);
    free(entry);
}

void cache_clear(Cache *cache)
{
    while (cache->newest)
        forget(cache, cache->newest);
}

void cache_free(Cache *cache)
{
    if (!cache)
        return;
    cache_clear(cache);
    free(cache);
}

static Entry *find(Cache *cache, const Key *key, size_t key_size, uint32_t hash)
{
    Entry *entry = cache->buckets[hash % BUCKETS];

    while (entry && (entry->hash != hash || entry->key_size != key_size ||
                     memcmp(entry->data, key, key_size) != 0))
        entry = entry->next;
    return entry;
}

static uint32_t lifetime_of(const uint8_t *reply, size_t size)
{
    uint32_t seconds = reply_lifetime(reply, size);
    uint32_t most = reply_has_answers(reply) ? CACHE_LIFETIME_MAX : CACHE_NOTHING_MAX;

    return seconds < most ? seconds : most;
}

void cache_add(Cache *cache, uint64_t servers, const Query *query, const uint8_t *reply,
               size_t size, int64_t now)
{
    uint32_t seconds =
        size <= CACHE_MESSAGE_MAX && !query->has_edns_options ? lifetime_of(reply, size) : 0;
    uint32_t hash;
    size_t key_size;
    Entry *entry;
    Key key;

    if (seconds == 0)
        return;
    key_size = make_key(servers, query, &key);
    hash = hash_key(cache, &key, key_size);
    entry = find(cache, &key, key_size, hash);
    if (entry)
        forget(cache, entry);
    entry = memory_new(1, sizeof(*entry) + key_size + size);
    entry->hash = hash;
    entry->key_size = (uint16_t)key_size;
    entry->size = (uint16_t)size;
    entry->since = now;
    entry->until = now + seconds * NANOSECONDS_PER_SECOND;
    memcpy(entry->data, &key, key_size);
    memcpy(entry->data + key_size, reply, size);
    entry->next = cache->buckets[hash % BUCKETS];
    cache->buckets[hash % BUCKETS] = entry;
    put_first(cache, entry);
    cache->count++;
    cache->bytes += entry_bytes(entry);
    while (cache->count > CACHE_ENTRIES_MAX || cache->bytes > CACHE_BYTES_MAX)
        forget(cache, cache->oldest);
}

size_t cache_find(Cache *cache, uint64_t servers, const Query *query, int64_t now, uint8_t *buffer)
{
    size_t key_size, size;
    Entry *entry;
    Key key;

    if (query->has_edns_options)
        return 0; /* the answer may be to these */
    key_size = make_key(servers, query, &key);
    entry = find(cache, &key, key_size, hash_key(cache, &key, key_size));
    if (entry && now >= entry->until) {
        forget(cache, entry);
        entry = NULL;
    }
    if (!entry)
        return 0;
    unlink_from_ring(cache, entry);
    put_first(cache, entry);
    size = entry->size;
    memcpy(buffer, entry->data + key_size, size);
    reply_age(buffer, size, (uint32_t)((now - entry->since) / NANOSECONDS_PER_SECOND));
    return size;
}
