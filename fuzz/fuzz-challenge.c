/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary text to the reader of WWW-Authenticate, each line as a header of its own. What is
 * found is usable: a bearer challenge has a realm.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "registry/worker/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = memory_strndup(size > 0 ? (const char *)data : "", size);
    _cleanup_string_list_ StringList headers = {};
    _cleanup_challenge_ Challenge challenge = {};

    string_list_split(&headers, text, '\n');
    challenge_parse(&headers, &challenge);
    if (challenge.scheme == CHALLENGE_BEARER && !challenge.realm)
        abort();
    if (challenge.scheme == CHALLENGE_NONE &&
        (challenge.realm || challenge.service || challenge.scope || challenge.error))
        abort();
    return 0;
}
