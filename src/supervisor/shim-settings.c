/* SPDX-License-Identifier: Apache-2.0 */

/* The settings' field table, and the file that they are kept in. */

#include "supervisor/shim-settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

/* Labels are the only part without a limit of their own. */
#define SETTINGS_SIZE_MAX ((size_t)16 << 20)

static const JsonField healthcheck_fields[] = {
    JSON_FIELD(ShimHealthcheck, arguments, "arguments", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ShimHealthcheck, interval, "interval", JSON_TYPE_INT64),
    JSON_FIELD(ShimHealthcheck, timeout, "timeout", JSON_TYPE_INT64),
    JSON_FIELD(ShimHealthcheck, start_period, "startPeriod", JSON_TYPE_INT64),
    JSON_FIELD(ShimHealthcheck, start_interval, "startInterval", JSON_TYPE_INT64),
    JSON_FIELD(ShimHealthcheck, retries, "retries", JSON_TYPE_INT64),
};
static const JsonStruct healthcheck_json = JSON_STRUCT(ShimHealthcheck, healthcheck_fields);

static const JsonField settings_fields[] = {
    JSON_FIELD(ShimSettings, name, "name", JSON_TYPE_STRING),
    JSON_FIELD(ShimSettings, image, "image", JSON_TYPE_STRING),
    JSON_FIELD(ShimSettings, labels, "labels", JSON_TYPE_STRING_MAP),
    JSON_FIELD(ShimSettings, open_stdin, "openStdin", JSON_TYPE_BOOL),
    JSON_FIELD(ShimSettings, stdin_once, "stdinOnce", JSON_TYPE_BOOL),
    JSON_FIELD(ShimSettings, auto_remove, "autoRemove", JSON_TYPE_BOOL),
    JSON_FIELD(ShimSettings, restart, "restart", JSON_TYPE_STRING),
    JSON_FIELD(ShimSettings, restart_maximum, "restartMaximum", JSON_TYPE_INT64),
    JSON_FIELD(ShimSettings, stop_signal, "stopSignal", JSON_TYPE_INT32),
    JSON_FIELD(ShimSettings, stop_timeout, "stopTimeout", JSON_TYPE_INT64),
    JSON_FIELD_OF(ShimSettings, healthcheck, "healthcheck", JSON_TYPE_STRUCT_POINTER,
                  &healthcheck_json),
    JSON_FIELD(ShimSettings, log_driver, "logDriver", JSON_TYPE_STRING),
    JSON_FIELD(ShimSettings, log_options, "logOptions", JSON_TYPE_STRING_MAP),
    JSON_FIELD(ShimSettings, log_attributes, "logAttributes", JSON_TYPE_STRING_MAP),
    JSON_FIELD(ShimSettings, runtime, "runtime", JSON_TYPE_STRING),
    JSON_FIELD(ShimSettings, plug, "plug", JSON_TYPE_STRING_LIST),
};
const JsonStruct shim_settings_json = JSON_STRUCT(ShimSettings, settings_fields);

void shim_settings_done(ShimSettings *settings)
{
    json_struct_done(&shim_settings_json, settings);
}

int shim_settings_read(int bundle_fd, ShimSettings *ret, Error *err)
{
    _cleanup_shim_settings_ ShimSettings settings = {};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    _cleanup_error_ Error cause = {};
    size_t size;
    int r = file_read_at(bundle_fd, SHIM_SETTINGS_NAME, SETTINGS_SIZE_MAX, &text, &size);

    if (r < 0 && r != -ENOENT)
        return error_result(err, r, "read '%s'", SHIM_SETTINGS_NAME);
    if (r >= 0 && (json_parse(text, size, &json, &cause) < 0 ||
                   json_struct_read(&shim_settings_json, json, &settings, &cause) < 0))
        return error_set(err, ERROR_CORRUPT, "'%s': %s", SHIM_SETTINGS_NAME, error_message(&cause));

    *ret = settings;
    settings = (ShimSettings) {};
    return 0;
}

int shim_settings_write(int bundle_fd, const ShimSettings *settings, Error *err)
{
    _cleanup_json_ json_t *json = json_struct_write(&shim_settings_json, settings);
    _cleanup_free_ char *text = json_to_text(json);
    int r = file_write_at(bundle_fd, SHIM_SETTINGS_NAME, text, strlen(text), 0600, 0);

    return r < 0 ? error_result(err, r, "write '%s'", SHIM_SETTINGS_NAME) : 0;
}
