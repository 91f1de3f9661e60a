/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One hash table of everything that can be asked for, keyed by network and text: a question costs
 * the same with one container or thousands. An address is a key, too, told apart by its kind.
 */

#include "network/dns/names.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

#define BUCKETS_AT_FIRST 64

typedef enum KeyKind {
    KEY_NAME,
    KEY_ADDRESS,
} KeyKind;

/* A container in a network. */
typedef struct Member {
    struct Member *next;
    const DnsContainer *container;
    const DnsNetwork *network;
    AddressList addresses;
} Member;

typedef struct Entry {
    struct Entry *next;
    uint32_t hash;
    KeyKind kind;
    const Member *member;
    char key[]; /* in lower case */
} Entry;

struct Names {
    Member *members;
    Entry **buckets;
    size_t n_buckets; /* a power of two */
    size_t count;
};

void address_list_done(AddressList *list)
{
    free(list->items);
    *list = (AddressList) {};
}

static void address_list_add(AddressList *list, const IpAddress *address)
{
    list->items = memory_grow(list->items, &list->capacity, list->count + 1, sizeof(*list->items));
    list->items[list->count++] = *address;
}

Names *names_new(void)
{
    Names *names = NEW(Names);

    names->n_buckets = BUCKETS_AT_FIRST;
    names->buckets = NEW_ARRAY(Entry *, names->n_buckets);
    return names;
}

static void member_free(Member *member)
{
    address_list_done(&member->addresses);
    free(member);
}

void names_free(Names *names)
{
    if (!names)
        return;
    for (size_t i = 0; i < names->n_buckets; i++) {
        while (names->buckets[i]) {
            Entry *entry = names->buckets[i];

            names->buckets[i] = entry->next;
            free(entry);
        }
    }
    while (names->members) {
        Member *member = names->members;

        names->members = member->next;
        member_free(member);
    }
    free(names->buckets);
    free(names);
}

/* FNV-1a: who asks puts nothing into the table, so that none can be chosen to collide. */
static uint32_t hash_text(uint32_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 16777619U;
    return hash;
}

static uint32_t hash_key(const char *network, KeyKind kind, const char *key)
{
    return hash_text(hash_text(2166136261U ^ (uint32_t)kind, network), key);
}

static bool entry_matches(const Entry *entry, uint32_t hash, const char *network, KeyKind kind,
                          const char *key)
{
    return entry->hash == hash && entry->kind == kind && !strcmp(entry->key, key) &&
           !strcmp(entry->member->network->network, network);
}

/* The next entry of that key from @entry on. */
static const Entry *next_match(const Entry *entry, uint32_t hash, const char *network, KeyKind kind,
                               const char *key)
{
    while (entry && !entry_matches(entry, hash, network, kind, key))
        entry = entry->next;
    return entry;
}

static void grow(Names *names)
{
    size_t n_buckets = names->n_buckets * 2;
    Entry **buckets = NEW_ARRAY(Entry *, n_buckets);

    for (size_t i = 0; i < names->n_buckets; i++) {
        while (names->buckets[i]) {
            Entry *entry = names->buckets[i];

            names->buckets[i] = entry->next;
            entry->next = buckets[entry->hash & (n_buckets - 1)];
            buckets[entry->hash & (n_buckets - 1)] = entry;
        }
    }
    free(names->buckets);
    names->buckets = buckets;
    names->n_buckets = n_buckets;
}

static void add_key(Names *names, const Member *member, KeyKind kind, const char *key)
{
    size_t length = strlen(key);
    Entry *entry = memory_new(1, sizeof(*entry) + length + 1);
    Entry **bucket;

    for (size_t i = 0; i < length; i++)
        entry->key[i] = (char)tolower((unsigned char)key[i]);
    entry->kind = kind;
    entry->member = member;
    entry->hash = hash_key(member->network->network, kind, entry->key);
    bucket = &names->buckets[entry->hash & (names->n_buckets - 1)];
    for (const Entry *other = *bucket; other; other = other->next) {
        if (other->member == member && other->hash == entry->hash && other->kind == kind &&
            !strcmp(other->key, entry->key)) {
            free(entry); /* an alias that is the name: once is enough */
            return;
        }
    }
    entry->next = *bucket;
    *bucket = entry;
    if (++names->count > names->n_buckets)
        grow(names);
}

static void add_member(Names *names, const DnsContainer *container, const DnsNetwork *network)
{
    Member *member = NEW(Member);

    member->container = container;
    member->network = network;
    member->next = names->members;
    names->members = member;
    for (size_t i = 0; i < network->addresses.count; i++) {
        char text[IP_ADDRESS_TEXT_MAX];
        IpAddress address;

        if (ip_address_parse(network->addresses.items[i], &address) < 0)
            continue; /* was refused before */
        address_list_add(&member->addresses, &address);
        add_key(names, member, KEY_ADDRESS, ip_address_format(&address, text));
    }
    for (size_t i = 0; i < network->names.count; i++)
        add_key(names, member, KEY_NAME, network->names.items[i]);
}

void names_add(Names *names, const DnsContainer *container)
{
    for (size_t i = 0; i < container->networks.count; i++)
        add_member(names, container, &container->networks.items[i]);
}

static void remove_entries(Names *names, const DnsContainer *container)
{
    for (size_t i = 0; i < names->n_buckets; i++) {
        Entry **link = &names->buckets[i];

        while (*link) {
            Entry *entry = *link;

            if (entry->member->container != container) {
                link = &entry->next;
                continue;
            }
            *link = entry->next;
            free(entry);
            names->count--;
        }
    }
}

void names_remove(Names *names, const DnsContainer *container)
{
    Member **link = &names->members;

    remove_entries(names, container);
    while (*link) {
        Member *member = *link;

        if (member->container != container) {
            link = &member->next;
            continue;
        }
        *link = member->next;
        member_free(member);
    }
}

static const Entry *first_match(const Names *names, uint32_t hash, const char *network,
                                KeyKind kind, const char *key)
{
    return next_match(names->buckets[hash & (names->n_buckets - 1)], hash, network, kind, key);
}

static bool find_in_network(const Names *names, const char *network, const char *name,
                            AddressList *addresses)
{
    uint32_t hash = hash_key(network, KEY_NAME, name);
    const Entry *entry = first_match(names, hash, network, KEY_NAME, name);

    if (!entry)
        return false;
    for (; entry; entry = next_match(entry->next, hash, network, KEY_NAME, name))
        for (size_t i = 0; i < entry->member->addresses.count; i++)
            address_list_add(addresses, &entry->member->addresses.items[i]);
    return true;
}

/* What a link says is an address, or a name of the network. */
static bool find_link(const Names *names, const DnsNetwork *network, const char *name,
                      AddressList *addresses)
{
    for (size_t i = 0; i < network->links.count; i++) {
        const StringPair *link = &network->links.items[i];
        char target[256];
        size_t length = link->value ? strlen(link->value) : sizeof(target);
        IpAddress address;

        if (strcasecmp(link->key, name) != 0 || length >= sizeof(target))
            continue;
        if (ip_address_parse(link->value, &address) >= 0) {
            address_list_add(addresses, &address);
            return true;
        }
        for (size_t k = 0; k <= length; k++)
            target[k] = (char)tolower((unsigned char)link->value[k]);
        return find_in_network(names, network->network, target, addresses);
    }
    return false;
}

bool names_find(const Names *names, const DnsContainer *asker, const char *name,
                AddressList *addresses)
{
    addresses->count = 0;
    for (size_t i = 0; i < asker->networks.count; i++) {
        const DnsNetwork *network = &asker->networks.items[i];

        if (find_link(names, network, name, addresses) ||
            find_in_network(names, network->network, name, addresses))
            return true;
    }
    return false;
}

const char *names_find_address(const Names *names, const DnsContainer *asker,
                               const IpAddress *address)
{
    char key[IP_ADDRESS_TEXT_MAX];

    ip_address_format(address, key);
    for (size_t i = 0; i < asker->networks.count; i++) {
        const char *network = asker->networks.items[i].network;
        uint32_t hash = hash_key(network, KEY_ADDRESS, key);
        const Entry *entry = first_match(names, hash, network, KEY_ADDRESS, key);

        if (entry && entry->member->network->names.count > 0)
            return entry->member->network->names.items[0];
    }
    return NULL;
}
