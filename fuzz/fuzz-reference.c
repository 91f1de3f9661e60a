/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary text to the parser of image references. What is accepted must survive both of its
 * written forms: completed and shortened, it still means the same image.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "image/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const Reference *reference, const char *text)
{
    _cleanup_reference_ Reference again = {};
    _cleanup_free_ char *complete = reference_to_string(reference);
    _cleanup_free_ char *complete_again = NULL;

    if (reference_parse(text, &again, NULL) < 0)
        abort();
    complete_again = reference_to_string(&again);
    if (strcmp(complete, complete_again) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = memory_strndup((const char *)data, size);
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *complete = NULL;
    _cleanup_free_ char *familiar = NULL;

    if (reference_parse(text, &reference, NULL) < 0)
        return 0;
    complete = reference_to_string(&reference);
    familiar = reference_to_familiar(&reference);
    check_same(&reference, complete);
    check_same(&reference, familiar);
    return 0;
}
