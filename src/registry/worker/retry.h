/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* When to ask again what failed but may work the next time. Waits are nanoseconds. */

#include <stdint.h>

#define RETRY_ATTEMPTS 5

/* The wait after the @attempt-th attempt (from 1 on): growing, by up to half of it at random, so
 * that many who failed at once do not come back at once. */
int64_t retry_wait(unsigned attempt);

/* What Retry-After says: seconds, or a date (@now: since 1970). Returns 0 or -EINVAL; never
 * negative.
 */
int retry_parse_after(const char *text, int64_t now, int64_t *ret);

/* Nobody waits for longer than this because a registry says so. */
#define RETRY_AFTER_MAX (INT64_C(60) * 1000000000)
