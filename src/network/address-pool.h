/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which subnet a network gets where its user leaves that open, and which addresses containers may
 * have in it. Pure functions: who has what already is the caller's to know. Addresses of a range
 * are numbered, so that what is free of them can be kept as a few gaps however wide it is.
 */

#include "network/network-link.h"

/*
 * A subnet of @family that overlaps none of @taken: of IPv4 the first free one of Docker's pools
 * (172.17.0.0/16 to 172.31.0.0/16, then /20s of 192.168.0.0/16), of IPv6 a random /64 of an RFC
 * 4193 prefix. EXHAUSTED: none is free.
 */
int address_pool_choose_subnet(IpFamily family, const NetworkPrefixList *taken, IpPrefix *ret,
                               Error *err);

/* The first address of @range that a host of @subnet may have; none where there is none. */
IpAddress address_pool_first_host(const IpPrefix *subnet, const IpPrefix *range);

/* Is @address one that a container may have: inside, not the network's or broadcast address, nor
 * the gateway, nor an auxiliary one? Errors: INVALID (with the reason). */
int address_pool_check(const NetworkSpec *spec, const IpAddress *address, Error *err);

/* The range that free addresses of a family are chosen from. */
typedef struct AddressPool {
    IpAddress first; /* number 0 */
    int64_t last;    /* number; of what is wider the rest is never chosen */
} AddressPool;

/* False: the network has no subnet of that family. */
bool address_pool_of(const NetworkSpec *spec, IpFamily family, AddressPool *ret);

/* False: @address is outside the range. */
bool address_pool_number(const AddressPool *pool, const IpAddress *address, int64_t *ret);
IpAddress address_pool_at(const AddressPool *pool, int64_t number);

/* Numbers from @first to @last that are free. */
typedef struct AddressGap {
    int64_t first;
    int64_t last;
} AddressGap;

typedef struct AddressGapList {
    AddressGap *items;
    size_t count;
    size_t capacity;
} AddressGapList;

void address_gap_list_done(AddressGapList *list);
#define _cleanup_address_gap_list_ _cleanup_(address_gap_list_done)

/* What of the range is free as long as no container has any of it, in order. */
void address_pool_list_gaps(const NetworkSpec *spec, IpFamily family, AddressGapList *ret);

/* What is left of @gap without @number, which is in it: up to two, of which @ret has the count. */
size_t address_gap_split(const AddressGap *gap, int64_t number, AddressGap ret[static 2]);
