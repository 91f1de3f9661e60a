/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* WWW-Authenticate (RFC 9110, section 11): how a registry wants to be spoken to. */

#include "base/string-list.h"

typedef enum ChallengeScheme {
    CHALLENGE_NONE,
    CHALLENGE_BASIC,
    CHALLENGE_BEARER, /* a token of the server `realm` */
} ChallengeScheme;

typedef struct Challenge {
    ChallengeScheme scheme;
    char *realm; /* all may be NULL */
    char *service;
    char *scope;
    char *error; /* "invalid_token", "insufficient_scope" */
} Challenge;

void challenge_done(Challenge *challenge);
#define _cleanup_challenge_ _cleanup_(challenge_done)

/*
 * Read the values of all WWW-Authenticate headers of one answer, each of which may have several
 * challenges. Yields the one to go by: Bearer with a realm before Basic. Schemes that are not known
 * are skipped; a header is read up to where it stops making sense.
 */
void challenge_parse(const StringList *headers, Challenge *ret);
