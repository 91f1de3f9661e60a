/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sets of digests, for finding what is still needed among much that may not be. `{}` is empty. */

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/digest.h"

typedef struct DigestSet {
    Digest *items;
    size_t count;
    size_t capacity;
    bool is_sorted;
} DigestSet;

void digest_set_done(DigestSet *set);
#define _cleanup_digest_set_ _cleanup_(digest_set_done)

void digest_set_add(DigestSet *set, const Digest *digest);

/* The same for text; what is no digest is left out. */
void digest_set_add_text(DigestSet *set, const char *text);

/* Sorts on the first question after an addition. */
bool digest_set_contains(DigestSet *set, const Digest *digest);
