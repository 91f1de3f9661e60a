/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is answered from what containers are called, without asking anybody. */

#include "network/dns/message.h"
#include "network/dns/names.h"

/* What a container may be asked for does not change while others keep the answer for longer. */
#define LOCAL_LIFETIME 5 /* seconds */

typedef struct Local {
    Names *names;
    AddressList addresses; /* of the answer at hand: kept, so that none allocates */
    unsigned turn;         /* whose address of several comes first */
} Local;

void local_init(Local *local);
void local_done(Local *local);

/*
 * Write the answer to what @asker asks, @limit bytes at most. Returns its size; 0: nobody here is
 * called so.
 */
size_t local_answer(Local *local, const DnsContainer *asker, const Query *query,
                    const uint8_t *message, uint8_t *buffer, size_t limit);
