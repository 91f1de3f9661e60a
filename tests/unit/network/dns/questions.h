/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Messages as others make them. */

#include "check.h"
#include "network/dns/message.h"

typedef struct Bytes {
    uint8_t data[4096];
    size_t size;
} Bytes;

void bytes_add(Bytes *bytes, const void *data, size_t size);
void bytes_add16(Bytes *bytes, unsigned value);
void bytes_add_name(Bytes *bytes, const char *name);

/* A question with the id 0x1234, without EDNS. */
void bytes_add_question(Bytes *bytes, const char *name, uint16_t type);
/* A record, to be counted in the header by the caller. */
void bytes_add_record(Bytes *bytes, const char *name, uint16_t type, uint32_t lifetime,
                      const void *content, size_t size);
/* The question becomes an answer with these counts. */
void bytes_make_answer(Bytes *bytes, unsigned code, unsigned answers, unsigned authorities);

/* Reads it, which must work. */
Query query_of(const Bytes *bytes);
