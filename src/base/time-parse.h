/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Points in time as users write them. All times are nanoseconds since 1970, UTC. */

#include <stdint.h>

/*
 * What Docker's --since and --until take: a Go duration before @now ("10m", "1h30m"), seconds since
 * 1970 with an optional fraction ("1136073845.5"), or a date with as much of a time as wanted and
 * an optional zone ("2026-01-02", "2026-01-02T15:04", "2026-01-02T15:04:05.5Z"); without a zone it
 * is the caller's local time. Returns 0, -EINVAL (malformed) or -ERANGE (does not fit).
 */
int time_parse_when(const char *text, int64_t now, int64_t *ret);
