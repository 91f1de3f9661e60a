/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which subnet a network gets where its user leaves that open, and which address a container. Pure
 * functions: who has what already is the caller's to know. */

#include "network/network-link.h"

/*
 * A subnet of @family that overlaps none of @taken: of IPv4 the first free one of Docker's pools
 * (172.17.0.0/16 to 172.31.0.0/16, then /20s of 192.168.0.0/16), of IPv6 a random /64 of an RFC
 * 4193 prefix. EXHAUSTED: none is free.
 */
int address_pool_choose_subnet(IpFamily family, const NetworkPrefixList *taken, IpPrefix *ret,
                               Error *err);

/* Is @address one that a container may have: inside, not the network's or broadcast address, nor
 * the gateway, nor an auxiliary one? Errors: INVALID (with the reason). */
int address_pool_check(const NetworkSpec *spec, const IpAddress *address, Error *err);

/* Errors: whatever the caller means by them; 1: it is taken. */
typedef int (*AddressTaken)(const IpAddress *address, void *data);

/*
 * The first address after @last (no family: from the start) that @is_taken says is free, going
 * around once. CONFLICT: all are taken.
 */
int address_pool_choose(const NetworkSpec *spec, IpFamily family, const IpAddress *last,
                        AddressTaken is_taken, void *data, IpAddress *ret, Error *err);
