/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Landlock (landlock(7)): no path but those that are named, no network, no signals out. */

#include <stdbool.h>
#include <stddef.h>

typedef struct LandlockRule {
    int fd;          /* a file, or a directory with all beneath it; O_PATH will do */
    bool may_change; /* write, make and remove there, too; never execute */
} LandlockRule;

typedef struct LandlockOptions {
    const LandlockRule *rules;
    size_t n_rules;
    bool may_connect; /* by TCP; nothing listens anyway */
} LandlockOptions;

/*
 * Restrict this process to what @options say; whatever is not named cannot even be read. Mounting
 * is forbidden with it. No new privileges must be set. Returns 0 or -errno; -EOPNOTSUPP where the
 * kernel has none that allows hard links (before 5.19).
 */
int landlock_confine(const LandlockOptions *options);

/* The same for a program that may read what @paths lead to now, and connect by TCP, and nothing
 * else. A path that there is not is left out. */
int landlock_confine_to_reading(const char *const *paths, size_t count);
