/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Times as Docker's JSON and tables show them. All times are nanoseconds since 1970, UTC. */

#include <stdint.h>

#define NANOSECONDS_PER_SECOND INT64_C(1000000000)

int64_t time_now(void);
/* CLOCK_MONOTONIC, nanoseconds. */
int64_t time_monotonic(void);

/* "2026-01-02T03:04:05.123456789Z" (RFC 3339, trailing zeros cut as Go does). 0 gives
 * "0001-01-01T00:00:00Z". */
char *time_to_rfc3339(int64_t time);
/* The inverse, also with a numeric zone. Returns 0 or -EINVAL. */
int time_from_rfc3339(const char *text, int64_t *ret);
/* "5 minutes", "About an hour", "2 weeks": Docker's HumanDuration of @nanoseconds. */
char *time_to_human(int64_t nanoseconds);
/* "113MB", "1.09kB": Docker's HumanSize, decimal units, three significant digits. */
char *size_to_human(int64_t bytes);
/* "1.5MiB", "1020KiB": Docker's BytesSize, binary units, four significant digits. */
char *size_to_human_binary(int64_t bytes);
