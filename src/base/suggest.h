/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * "Did you mean": the candidate nearest to a mistyped word by edit distance.
 *
 *     Suggestion suggestion = SUGGESTION_INIT("memroy");
 *     suggestion_offer(&suggestion, "memory");
 *     suggestion.best    the nearest so far, NULL while nothing is near enough
 */

#include <limits.h>

typedef struct Suggestion {
    const char *word;
    const char *best; /* one of the offered candidates; not owned */
    unsigned distance;
} Suggestion;

#define SUGGESTION_INIT(mistyped)                                                                  \
    (Suggestion)                                                                                   \
    {                                                                                              \
        .word = (mistyped), .distance = UINT_MAX                                                   \
    }

/* Remember @candidate if it is nearer than what was offered before. */
void suggestion_offer(Suggestion *suggestion, const char *candidate);
