/* SPDX-License-Identifier: Apache-2.0 */

/* Kept in the file alone: a shim at rest holds no output of checks in its memory. */

#include "supervisor/health-log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"

/* A byte of output becomes at most six in JSON. */
#define LOG_SIZE_MAX (HEALTH_LOG_RESULTS_MAX * (6 * HEALTH_OUTPUT_MAX + 1024))

static const JsonField result_fields[] = {
    JSON_FIELD_FLAGS(HealthResult, start, "start", JSON_TYPE_INT64, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(HealthResult, end, "end", JSON_TYPE_INT64, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(HealthResult, exit_code, "exitCode", JSON_TYPE_INT32, JSON_KEEP_EMPTY),
    JSON_FIELD(HealthResult, output, "output", JSON_TYPE_STRING),
};
static const JsonStruct result_json = JSON_STRUCT(HealthResult, result_fields);

static const JsonField log_fields[] = {
    JSON_FIELD_OF(HealthLog, results, "results", JSON_TYPE_STRUCT_ARRAY, &result_json),
};
static const JsonStruct log_json = JSON_STRUCT(HealthLog, log_fields);

void health_log_done(HealthLog *log)
{
    json_struct_done(&log_json, log);
}

int health_log_read(int runtime_fd, HealthLog *ret, Error *err)
{
    _cleanup_health_log_ HealthLog log = {};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    _cleanup_error_ Error cause = {};
    size_t size;
    int r = file_read_at(runtime_fd, HEALTH_LOG_NAME, LOG_SIZE_MAX, &text, &size);

    if (r < 0 && r != -ENOENT)
        return error_result(err, r, "read '%s'", HEALTH_LOG_NAME);
    if (r >= 0 && (json_parse(text, size, &json, &cause) < 0 ||
                   json_struct_read(&log_json, json, &log, &cause) < 0))
        return error_set(err, ERROR_CORRUPT, "'%s': %s", HEALTH_LOG_NAME, error_message(&cause));

    *ret = log;
    log = (HealthLog) {};
    return 0;
}

static void drop_oldest(HealthLog *log)
{
    size_t surplus = log->results.count - HEALTH_LOG_RESULTS_MAX;

    for (size_t i = 0; i < surplus; i++)
        json_struct_done(&result_json, &log->results.items[i]);
    memmove(log->results.items, log->results.items + surplus,
            HEALTH_LOG_RESULTS_MAX * sizeof(*log->results.items));
    log->results.count = HEALTH_LOG_RESULTS_MAX;
}

int health_log_add(int runtime_fd, const HealthResult *result)
{
    _cleanup_health_log_ HealthLog log = {};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    HealthResult *added;

    (void)health_log_read(runtime_fd, &log, NULL); /* what cannot be read is begun anew */
    added = JSON_ARRAY_ADD(&log.results);
    *added = *result;
    added->output = memory_strdup(result->output);
    if (log.results.count > HEALTH_LOG_RESULTS_MAX)
        drop_oldest(&log);
    json = json_struct_write(&log_json, &log);
    text = json_to_text(json);
    return file_write_at(runtime_fd, HEALTH_LOG_NAME, text, strlen(text), 0600, 0);
}

void health_log_remove(int runtime_fd)
{
    (void)unlinkat(runtime_fd, HEALTH_LOG_NAME, 0); /* there may be none */
}
