/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary bytes to the reader of HTTP responses. What is complete stays what it is when
 * more comes after it, and what is refused is refused with it.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/http-response.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *copy = memory_new(1, size ? size : 1); /* exactly so much */
    _cleanup_http_response_ HttpResponse part = {}, whole = {};
    int first, second;

    if (size > 0)
        memcpy(copy, data, size);
    first = http_response_parse(copy, size / 2, false, &part);
    second = http_response_parse(copy, size, true, &whole);
    if (first < 0 && first == -EBADMSG && second > 0)
        abort();
    if (first > 0 &&
        (second <= 0 || part.status != whole.status || part.body_size != whole.body_size ||
         memcmp(part.body, whole.body, part.body_size) != 0))
        abort();
    if (second > 0 && (whole.body[whole.body_size] != '\0' || whole.body_size > HTTP_BODY_MAX ||
                       whole.status < 200 || whole.status > 599))
        abort();
    return 0;
}
