/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Edit distance with transpositions (optimal string alignment), on bytes. Only words short enough
 * to be names are compared; it runs once, for a command line that has failed already.
 */

#include "base/suggest.h"

#include <stdlib.h>
#include <string.h>

#define WORD_MAX 64

static unsigned minimum(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* UINT_MAX for words that are too long to be worth a guess. */
static unsigned edit_distance(const char *a, const char *b)
{
    unsigned rows[3][WORD_MAX + 1];
    unsigned *before = rows[0], *previous = rows[1], *current = rows[2];
    size_t a_length = strlen(a), b_length = strlen(b);

    if (a_length > WORD_MAX || b_length > WORD_MAX)
        return UINT_MAX;

    for (unsigned j = 0; j <= b_length; j++)
        previous[j] = j;

    for (size_t i = 1; i <= a_length; i++) {
        current[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned replace = previous[j - 1] + (a[i - 1] != b[j - 1]);

            current[j] = minimum(replace, minimum(previous[j], current[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                current[j] = minimum(current[j], before[j - 2] + 1);
        }

        unsigned *oldest = before;
        before = previous;
        previous = current;
        current = oldest;
    }
    return previous[b_length];
}

/* How many edits still look like a slip of the fingers: more in a longer word. */
static unsigned edits_allowed(const char *word)
{
    size_t length = strlen(word);

    return length <= 2 ? 1 : length <= 5 ? 2 : 3;
}

void suggestion_offer(Suggestion *suggestion, const char *candidate)
{
    unsigned distance = edit_distance(suggestion->word, candidate);

    /* A word of which not one letter is kept says nothing. */
    if (distance > edits_allowed(suggestion->word) || distance >= strlen(candidate))
        return;
    if (distance < suggestion->distance) {
        suggestion->best = candidate;
        suggestion->distance = distance;
    }
}
