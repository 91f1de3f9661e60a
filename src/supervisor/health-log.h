/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The last results of a container's health checks: a file in its runtime directory, which its shim
 * writes and `inspect` reads. What they make of the container stands in its status.
 */

#include <stdint.h>

#include "base/error.h"
#include "base/json-fields.h"

#define HEALTH_LOG_NAME "health.json"
#define HEALTH_LOG_RESULTS_MAX 5
/* Bytes of output that are kept of a check. */
#define HEALTH_OUTPUT_MAX ((size_t)4096)

/* Engine API: HealthcheckResult. */
typedef struct HealthResult {
    int64_t start; /* nanoseconds since 1970, as the next */
    int64_t end;
    int32_t exit_code; /* -1: it could not be executed, or took too long */
    char *output;
} HealthResult;

typedef struct HealthLog {
    JSON_ARRAY_OF(HealthResult) results; /* oldest first */
} HealthLog;

void health_log_done(HealthLog *log);
#define _cleanup_health_log_ _cleanup_(health_log_done)

/* A missing file is an empty log. Errors: CORRUPT, SYSTEM. */
int health_log_read(int runtime_fd, HealthLog *ret, Error *err);

/* Add a result, and drop the oldest where there are too many. Returns 0 or -errno. */
int health_log_add(int runtime_fd, const HealthResult *result);

/* Forget the results of an earlier run. */
void health_log_remove(int runtime_fd);
