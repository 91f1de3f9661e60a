/* SPDX-License-Identifier: Apache-2.0 */

/* The configuration file: its members and what they may say. */

#include "engine/engine-settings.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/settings-file.h"
#include "engine/userns-mode.h"

#define DEFAULT_USERNS "auto"
#define DEFAULT_NETWORK "bridge"
#define DEFAULT_FIRST_ID 0x30000000U
#define DEFAULT_LAST_ID 0x6fffffffU

static const JsonField id_pool_fields[] = {
    JSON_FIELD_FLAGS(IdPool, first, "first", JSON_TYPE_UINT32, JSON_REQUIRED),
    JSON_FIELD_FLAGS(IdPool, last, "last", JSON_TYPE_UINT32, JSON_REQUIRED),
};
static const JsonStruct id_pool_json = JSON_STRUCT(IdPool, id_pool_fields);

static const JsonField cni_fields[] = {
    JSON_FIELD(CniSettings, config_directory, "config-directory", JSON_TYPE_STRING),
    JSON_FIELD(CniSettings, plugin_path, "plugin-path", JSON_TYPE_STRING),
    JSON_FIELD(CniSettings, timeout, "timeout", JSON_TYPE_UINT32),
};
static const JsonStruct cni_json = JSON_STRUCT(CniSettings, cni_fields);

static const JsonField settings_fields[] = {
    JSON_FIELD(EngineSettings, userns, "userns", JSON_TYPE_STRING),
    JSON_FIELD_OF(EngineSettings, id_pool, "id-pool", JSON_TYPE_STRUCT, &id_pool_json),
    JSON_FIELD(EngineSettings, default_network, "default-network", JSON_TYPE_STRING),
    JSON_FIELD(EngineSettings, secret_key, "secret-key", JSON_TYPE_STRING),
    JSON_FIELD_OF(EngineSettings, cni, "cni", JSON_TYPE_STRUCT, &cni_json),
};
static const JsonStruct settings_json = JSON_STRUCT(EngineSettings, settings_fields);

void engine_settings_done(EngineSettings *settings)
{
    json_struct_done(&settings_json, settings);
}

/* A relative directory would be another one for each caller. */
static int check_cni(const CniSettings *cni, Error *err)
{
    _cleanup_string_list_ StringList directories = {};

    if (cni->config_directory && !path_is_absolute(cni->config_directory))
        return error_set(err, ERROR_INVALID, "cni.config-directory: '%s' is not an absolute path",
                         cni->config_directory);
    if (cni->plugin_path)
        string_list_split(&directories, cni->plugin_path, ':');
    for (size_t i = 0; i < directories.count; i++)
        if (!path_is_absolute(directories.items[i]))
            return error_set(err, ERROR_INVALID, "cni.plugin-path: '%s' is not an absolute path",
                             directories.items[i]);
    return 0;
}

static int check_settings(EngineSettings *settings, Error *err)
{
    UsernsMode mode;
    int r;

    if (settings->id_pool.last == 0)
        settings->id_pool = (IdPool) { DEFAULT_FIRST_ID, DEFAULT_LAST_ID };
    if (!settings->userns)
        settings->userns = memory_strdup(DEFAULT_USERNS);
    if (!settings->default_network || !*settings->default_network) {
        free(settings->default_network);
        settings->default_network = memory_strdup(DEFAULT_NETWORK);
    }
    if (strpbrk(settings->default_network, "=,") ||
        strcmp(settings->default_network, "default") == 0)
        return error_set(err, ERROR_INVALID, "default-network: '%s' is not the name of one network",
                         settings->default_network);
    r = userns_mode_parse(settings->userns, &mode, err);
    if (r < 0)
        return error_wrap(err, r, "userns");
    if (mode.kind != USERNS_AUTO && mode.kind != USERNS_HOST)
        return error_set(err, ERROR_INVALID, "userns: '%s' is no default, use auto or host",
                         settings->userns);
    if (settings->id_pool.first == 0 || settings->id_pool.last < settings->id_pool.first ||
        settings->id_pool.last == UINT32_MAX)
        return error_set(err, ERROR_INVALID,
                         "id-pool: from %u to %u is no range of ids, without the host's root",
                         settings->id_pool.first, settings->id_pool.last);
    if (settings->secret_key && !path_is_absolute(settings->secret_key))
        return error_set(err, ERROR_INVALID, "secret-key: '%s' is not an absolute path",
                         settings->secret_key);
    return check_cni(&settings->cni, err);
}

int engine_settings_read(const char *path, EngineSettings *ret, Error *err)
{
    _cleanup_engine_settings_ EngineSettings settings = {};
    const char *name = path ? path : ENGINE_DEFAULT_CONFIG;
    int r = settings_file_read(name, !path, &settings_json, &settings, err);

    if (r >= 0)
        r = check_settings(&settings, err);
    if (r < 0)
        return error_wrap(err, r, "configuration '%s'", name);

    *ret = settings;
    settings = (EngineSettings) {};
    return 0;
}
