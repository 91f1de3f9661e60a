/* SPDX-License-Identifier: Apache-2.0 */
/* Image configurations: the field tables, the checks of what comes from outside, and chain IDs. */

#include "image/image-config.h"

#include <string.h>

#include "base/memory.h"
#include "base/time-format.h"
#include "image/manifest.h"

static const JsonField healthcheck_fields[] = {
    JSON_FIELD(ImageHealthcheck, test, "Test", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ImageHealthcheck, interval, "Interval", JSON_TYPE_INT64),
    JSON_FIELD(ImageHealthcheck, timeout, "Timeout", JSON_TYPE_INT64),
    JSON_FIELD(ImageHealthcheck, start_period, "StartPeriod", JSON_TYPE_INT64),
    JSON_FIELD(ImageHealthcheck, start_interval, "StartInterval", JSON_TYPE_INT64),
    JSON_FIELD(ImageHealthcheck, retries, "Retries", JSON_TYPE_INT64),
};
static const JsonStruct healthcheck_json = JSON_STRUCT(ImageHealthcheck, healthcheck_fields);

static const JsonField defaults_fields[] = {
    JSON_FIELD(ImageDefaults, user, "User", JSON_TYPE_STRING),
    JSON_FIELD(ImageDefaults, exposed_ports, "ExposedPorts", JSON_TYPE_STRING_SET),
    JSON_FIELD(ImageDefaults, environment, "Env", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ImageDefaults, entrypoint, "Entrypoint", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ImageDefaults, command, "Cmd", JSON_TYPE_STRING_LIST),
    JSON_FIELD_OF(ImageDefaults, healthcheck, "Healthcheck", JSON_TYPE_STRUCT_POINTER,
                  &healthcheck_json),
    JSON_FIELD(ImageDefaults, arguments_escaped, "ArgsEscaped", JSON_TYPE_BOOL),
    JSON_FIELD(ImageDefaults, volumes, "Volumes", JSON_TYPE_STRING_SET),
    JSON_FIELD(ImageDefaults, working_directory, "WorkingDir", JSON_TYPE_STRING),
    JSON_FIELD(ImageDefaults, on_build, "OnBuild", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ImageDefaults, labels, "Labels", JSON_TYPE_STRING_MAP),
    JSON_FIELD(ImageDefaults, stop_signal, "StopSignal", JSON_TYPE_STRING),
    JSON_FIELD(ImageDefaults, shell, "Shell", JSON_TYPE_STRING_LIST),
};
const JsonStruct image_defaults_json = JSON_STRUCT(ImageDefaults, defaults_fields);

static const JsonField rootfs_fields[] = {
    JSON_FIELD_FLAGS(ImageRootfs, type, "type", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(ImageRootfs, diff_ids, "diff_ids", JSON_TYPE_STRING_LIST, JSON_KEEP_EMPTY),
};
static const JsonStruct rootfs_json = JSON_STRUCT(ImageRootfs, rootfs_fields);

static const JsonField history_fields[] = {
    JSON_FIELD(ImageHistoryEntry, created, "created", JSON_TYPE_STRING),
    JSON_FIELD(ImageHistoryEntry, author, "author", JSON_TYPE_STRING),
    JSON_FIELD(ImageHistoryEntry, created_by, "created_by", JSON_TYPE_STRING),
    JSON_FIELD(ImageHistoryEntry, comment, "comment", JSON_TYPE_STRING),
    JSON_FIELD(ImageHistoryEntry, empty_layer, "empty_layer", JSON_TYPE_BOOL),
};
static const JsonStruct history_json = JSON_STRUCT(ImageHistoryEntry, history_fields);

static const JsonField image_config_fields[] = {
    JSON_FIELD(ImageConfig, created, "created", JSON_TYPE_STRING),
    JSON_FIELD(ImageConfig, author, "author", JSON_TYPE_STRING),
    JSON_FIELD(ImageConfig, comment, "comment", JSON_TYPE_STRING),
    JSON_FIELD(ImageConfig, docker_version, "docker_version", JSON_TYPE_STRING),
    JSON_FIELD_FLAGS(ImageConfig, architecture, "architecture", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(ImageConfig, variant, "variant", JSON_TYPE_STRING),
    JSON_FIELD_FLAGS(ImageConfig, os, "os", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(ImageConfig, os_version, "os.version", JSON_TYPE_STRING),
    JSON_FIELD_OF(ImageConfig, config, "config", JSON_TYPE_STRUCT, &image_defaults_json),
    { .name = "rootfs",
      .type = JSON_TYPE_STRUCT,
      .offset = offsetof(ImageConfig, rootfs),
      .flags = JSON_REQUIRED,
      .type_of = &rootfs_json },
    JSON_FIELD_OF(ImageConfig, history, "history", JSON_TYPE_STRUCT_ARRAY, &history_json),
};
const JsonStruct image_config_json = JSON_STRUCT(ImageConfig, image_config_fields);

void image_config_done(ImageConfig *config)
{
    json_struct_done(&image_config_json, config);
}

static int check_config(const ImageConfig *config, Error *err)
{
    const StringList *diff_ids = &config->rootfs.diff_ids;
    Digest digest;
    int64_t created;

    if (strcmp(config->rootfs.type, "layers") != 0)
        return error_set(err, ERROR_INVALID,
                         "image configuration: rootfs.type is '%.80s', not 'layers'",
                         config->rootfs.type);
    if (diff_ids->count > IMAGE_MAX_LAYERS)
        return error_set(err, ERROR_INVALID,
                         "image configuration: %zu layers, at most %d are supported",
                         diff_ids->count, IMAGE_MAX_LAYERS);
    for (size_t i = 0; i < diff_ids->count; i++)
        if (digest_parse(diff_ids->items[i], &digest) < 0)
            return error_set(err, ERROR_INVALID,
                             "image configuration: diff id '%.80s' is not a sha256 digest",
                             diff_ids->items[i]);
    if (config->created && time_from_rfc3339(config->created, &created) < 0)
        return error_set(err, ERROR_INVALID, "image configuration: created: '%.80s' is not a time",
                         config->created);
    return 0;
}

int image_config_parse(const char *data, size_t size, ImageConfig *ret, Error *err)
{
    _cleanup_image_config_ ImageConfig config = {};
    _cleanup_json_ json_t *json = NULL;
    int r;

    if (size > IMAGE_JSON_MAX_SIZE)
        return error_set(err, ERROR_INVALID, "image configuration: longer than %d bytes",
                         IMAGE_JSON_MAX_SIZE);
    r = json_parse(data, size, &json, err);
    if (r < 0)
        return error_wrap(err, r, "image configuration");
    r = json_struct_read(&image_config_json, json, &config, err);
    if (r < 0)
        return error_wrap(err, r, "image configuration");
    r = check_config(&config, err);
    if (r < 0)
        return r;
    *ret = config;
    config = (ImageConfig) {};
    return 0;
}

char *image_config_to_text(const ImageConfig *config)
{
    _cleanup_json_ json_t *json = json_struct_write(&image_config_json, config);

    return json_to_text(json);
}

int64_t image_config_created(const ImageConfig *config)
{
    int64_t created = 0;

    /* image_config_parse() let only valid times through */
    if (config->created)
        (void)time_from_rfc3339(config->created, &created);
    return created;
}

Digest image_chain_id(const Digest *parent, const Digest *diff_id)
{
    DigestState state;

    if (!parent)
        return *diff_id;
    digest_begin(&state);
    digest_add(&state, parent->text, DIGEST_LENGTH);
    digest_add(&state, " ", 1);
    digest_add(&state, diff_id->text, DIGEST_LENGTH);
    return digest_end(&state);
}

Digest *image_config_chain_ids(const ImageConfig *config)
{
    const StringList *diff_ids = &config->rootfs.diff_ids;
    Digest *chain_ids, diff_id;

    if (diff_ids->count == 0)
        return NULL;
    chain_ids = NEW_ARRAY(Digest, diff_ids->count);
    for (size_t i = 0; i < diff_ids->count; i++) {
        (void)digest_parse(diff_ids->items[i], &diff_id); /* checked by image_config_parse() */
        chain_ids[i] = image_chain_id(i > 0 ? &chain_ids[i - 1] : NULL, &diff_id);
    }
    return chain_ids;
}
