/* SPDX-License-Identifier: Apache-2.0 */

/* Growing waits, and those that a registry asks for. */

#include "registry/worker/retry.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "base/random-id.h"
#include "base/time-format.h"

#define FIRST_WAIT (100 * (NANOSECONDS_PER_SECOND / 1000))
#define GROWTH 3

int64_t retry_wait(unsigned attempt)
{
    int64_t wait = FIRST_WAIT;
    uint16_t random;

    for (unsigned i = 1; i < attempt && i < RETRY_ATTEMPTS; i++)
        wait *= GROWTH;
    random_bytes(&random, sizeof(random));
    return wait + wait / 2 * random / UINT16_MAX;
}

int retry_parse_after(const char *text, int64_t now, int64_t *ret)
{
    int64_t seconds;
    time_t date;

    if (*text && strspn(text, "0123456789") == strlen(text)) {
        if (parse_i64(text, &seconds) < 0 || seconds > INT64_MAX / NANOSECONDS_PER_SECOND)
            seconds = INT64_MAX / NANOSECONDS_PER_SECOND;
        *ret = seconds * NANOSECONDS_PER_SECOND;
        return 0;
    }
    date = curl_getdate(text, NULL);
    if (date < 0)
        return -EINVAL;
    seconds = (int64_t)date - now / NANOSECONDS_PER_SECOND;
    *ret = seconds <= 0                                   ? 0
           : seconds > INT64_MAX / NANOSECONDS_PER_SECOND ? INT64_MAX
                                                          : seconds * NANOSECONDS_PER_SECOND;
    return 0;
}
