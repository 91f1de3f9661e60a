/* SPDX-License-Identifier: Apache-2.0 */

/* The exit record: one field table for the file in the bundle and for the message to clients. */

#include "supervisor/shim-exit-private.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "supervisor/shim-protocol.h"

/* A byte becomes up to six in JSON ("\u001b"), and the other members need their share. */
#define EXIT_ERROR_MAX (SHIM_TEXT_MAX / 8)

static const JsonField exit_fields[] = {
    JSON_FIELD_FLAGS(ShimExit, code, "exitCode", JSON_TYPE_INT32, JSON_REQUIRED),
    JSON_FIELD(ShimExit, oom_killed, "oomKilled", JSON_TYPE_BOOL),
    JSON_FIELD(ShimExit, is_stopped, "isStopped", JSON_TYPE_BOOL),
    JSON_FIELD(ShimExit, is_restarting, "isRestarting", JSON_TYPE_BOOL),
    JSON_FIELD(ShimExit, restart_count, "restartCount", JSON_TYPE_INT64),
    JSON_FIELD(ShimExit, started_at, "startedAt", JSON_TYPE_INT64),
    JSON_FIELD_FLAGS(ShimExit, finished_at, "finishedAt", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD(ShimExit, error, "error", JSON_TYPE_STRING),
};

static const JsonStruct exit_json = JSON_STRUCT(ShimExit, exit_fields);

void shim_exit_done(ShimExit *exit)
{
    json_struct_done(&exit_json, exit);
}

char *shim_exit_to_text(const ShimExit *exit)
{
    _cleanup_free_ char *error = exit->error ? memory_strndup(exit->error, EXIT_ERROR_MAX) : NULL;
    _cleanup_json_ json_t *json = NULL;
    ShimExit record = *exit;

    record.error = error;
    json = json_struct_write(&exit_json, &record);
    return json_to_text(json);
}

int shim_exit_from_text(const char *text, size_t size, ShimExit *ret, Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    _cleanup_shim_exit_ ShimExit record = {};
    _cleanup_error_ Error cause = {};

    if (json_parse(text, size, &json, &cause) < 0 ||
        json_struct_read(&exit_json, json, &record, &cause) < 0)
        return error_set(err, ERROR_CORRUPT, "exit record: %s", error_message(&cause));

    *ret = record;
    record = (ShimExit) {};
    return 0;
}

int shim_exit_read(int bundle_fd, ShimExit *ret, Error *err)
{
    _cleanup_free_ char *text = NULL;
    size_t size;
    int r = file_read_at(bundle_fd, SHIM_EXIT_NAME, SHIM_TEXT_MAX, &text, &size);

    if (r == -EFBIG)
        return error_set(err, ERROR_CORRUPT, "exit record: larger than %zu bytes", SHIM_TEXT_MAX);
    if (r < 0)
        return error_result(err, r, "read '%s'", SHIM_EXIT_NAME);
    return shim_exit_from_text(text, size, ret, err);
}
