/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One line of `events`, as runc writes it and engines parse it; with its line end, to be freed. */

#include "sandbox/cgroup-stats.h"

char *event_stats_text(const char *id, const CgroupStats *stats);
char *event_oom_text(const char *id);
