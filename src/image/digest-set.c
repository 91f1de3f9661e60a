/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted array: filled first, asked often afterwards. */

#include "image/digest-set.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static int compare(const void *a, const void *b)
{
    return memcmp(((const Digest *)a)->text, ((const Digest *)b)->text, DIGEST_LENGTH);
}

void digest_set_done(DigestSet *set)
{
    free(set->items);
    *set = (DigestSet) {};
}

void digest_set_add(DigestSet *set, const Digest *digest)
{
    set->items = memory_grow(set->items, &set->capacity, set->count + 1, sizeof(*set->items));
    set->items[set->count++] = *digest;
    set->is_sorted = false;
}

void digest_set_add_text(DigestSet *set, const char *text)
{
    Digest digest;

    if (text && digest_parse(text, &digest) == 0)
        digest_set_add(set, &digest);
}

bool digest_set_contains(DigestSet *set, const Digest *digest)
{
    if (set->count == 0)
        return false;
    if (!set->is_sorted)
        qsort(set->items, set->count, sizeof(*set->items), compare);
    set->is_sorted = true;
    return bsearch(digest, set->items, set->count, sizeof(*set->items), compare) != NULL;
}
