/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who has which name in which network, and what a container may know of that: the networks that it
 * is in, one after the other, and its own links. */

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/ip-address.h"
#include "network/dns-client.h"

typedef struct Names Names;

Names *names_new(void);
void names_free(Names *names);
DEFINE_CLEANUP(Names *, names_free);

/* @container stays the caller's and must be as it is until it is removed. */
void names_add(Names *names, const DnsContainer *container);
void names_remove(Names *names, const DnsContainer *container);

typedef struct AddressList {
    IpAddress *items;
    size_t count;
    size_t capacity;
} AddressList;

void address_list_done(AddressList *list);
#define _cleanup_address_list_ _cleanup_(address_list_done)

/* Does @asker know @name (in lower case)? @addresses, emptied, gets those of both families. */
bool names_find(const Names *names, const DnsContainer *asker, const char *name,
                AddressList *addresses);

/* The name of who has @address in one of @asker's networks; NULL: nobody. */
const char *names_find_address(const Names *names, const DnsContainer *asker,
                               const IpAddress *address);
