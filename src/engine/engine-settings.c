/* SPDX-License-Identifier: Apache-2.0 */

/* The configuration file, read strictly: a name that means nothing is an error. */

#include "engine/engine-settings.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/yaml-json.h"
#include "engine/userns-mode.h"

#define SIZE_MAX_BYTES (1U << 20)

#define DEFAULT_USERNS "auto"
#define DEFAULT_FIRST_ID 0x30000000U
#define DEFAULT_LAST_ID 0x6fffffffU

static const JsonField id_pool_fields[] = {
    JSON_FIELD_FLAGS(IdPool, first, "first", JSON_TYPE_UINT32, JSON_REQUIRED),
    JSON_FIELD_FLAGS(IdPool, last, "last", JSON_TYPE_UINT32, JSON_REQUIRED),
};
static const JsonStruct id_pool_json = JSON_STRUCT(IdPool, id_pool_fields);

static const JsonField settings_fields[] = {
    JSON_FIELD(EngineSettings, userns, "userns", JSON_TYPE_STRING),
    JSON_FIELD_OF(EngineSettings, id_pool, "id-pool", JSON_TYPE_STRUCT, &id_pool_json),
    JSON_FIELD(EngineSettings, secret_key, "secret-key", JSON_TYPE_STRING),
};
static const JsonStruct settings_json = JSON_STRUCT(EngineSettings, settings_fields);

void engine_settings_done(EngineSettings *settings)
{
    json_struct_done(&settings_json, settings);
}

static int check_settings(EngineSettings *settings, Error *err)
{
    UsernsMode mode;
    int r;

    if (settings->id_pool.last == 0)
        settings->id_pool = (IdPool) { DEFAULT_FIRST_ID, DEFAULT_LAST_ID };
    if (!settings->userns)
        settings->userns = memory_strdup(DEFAULT_USERNS);
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
    return 0;
}

/* Nothing but comments is no document of YAML, and a fine configuration. */
static bool says_nothing(const char *text)
{
    while (*text) {
        text += strspn(text, " \t\r\n");
        if (*text && *text != '#')
            return false;
        text += strcspn(text, "\n");
    }
    return true;
}

static int parse(const char *text, size_t size, EngineSettings *settings, Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    int r;

    if (says_nothing(text))
        return 0;
    r = yaml_parse(text, size, &json, err);
    if (r == 0)
        r = json_struct_read(&settings_json, json, settings, err);
    return r < 0 ? r : json_struct_check_members(&settings_json, json, err);
}

static int read_file(const char *path, char **ret, size_t *ret_size)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd < 0 ? -errno : fd_read_all(fd, SIZE_MAX_BYTES, ret, ret_size);
}

int engine_settings_read(const char *path, EngineSettings *ret, Error *err)
{
    _cleanup_engine_settings_ EngineSettings settings = {};
    const char *name = path ? path : ENGINE_DEFAULT_CONFIG;
    _cleanup_free_ char *text = NULL;
    size_t size;
    int r = read_file(name, &text, &size);

    if (r < 0 && (path || r != -ENOENT))
        return error_result(err, r, "read the configuration '%s'", name);
    r = r < 0 ? 0 : parse(text, size, &settings, err);
    if (r >= 0)
        r = check_settings(&settings, err);
    if (r < 0)
        return error_wrap(err, r, "configuration '%s'", name);

    *ret = settings;
    settings = (EngineSettings) {};
    return 0;
}
