/* SPDX-License-Identifier: Apache-2.0 */

/* One --secret as text, with the fields of Docker's services and podman's containers. */

#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/string-list.h"
#include "engine/secret.h"

static int take_text(char **slot, const char *value)
{
    free(*slot);
    *slot = memory_strdup(value);
    return 0;
}

static int take_source(ContainerSecret *secret, const char *value, Error *err)
{
    (void)err;
    return take_text(&secret->source, value);
}

static int take_target(ContainerSecret *secret, const char *value, Error *err)
{
    (void)err;
    return take_text(&secret->target, value);
}

static int take_id(uint32_t *slot, const char *value, Error *err)
{
    if (parse_u32(value, slot) < 0 || *slot == UINT32_MAX)
        return error_set(err, ERROR_INVALID, "'%s' is not a numeric id", value);
    return 0;
}

static int take_uid(ContainerSecret *secret, const char *value, Error *err)
{
    return take_id(&secret->uid, value, err);
}

static int take_gid(ContainerSecret *secret, const char *value, Error *err)
{
    return take_id(&secret->gid, value, err);
}

/* Nobody executes a secret, and a file that nobody may read is none: 0 is no mode. */
static int take_mode(ContainerSecret *secret, const char *value, Error *err)
{
    if (parse_mode(value, &secret->mode) < 0 || secret->mode == 0 || secret->mode > 0777)
        return error_set(err, ERROR_INVALID, "'%s' is not a mode from 1 to 0777 in octal", value);
    return 0;
}

static int take_type(ContainerSecret *secret, const char *value, Error *err)
{
    (void)secret;
    if (strcmp(value, "mount") == 0 || strcmp(value, "file") == 0)
        return 0;
    if (strcmp(value, "env") == 0)
        return error_set(err, ERROR_UNSUPPORTED,
                         "'env' is not supported: what is in the environment shows in 'inspect', "
                         "in /proc, and in whatever the program starts; let it read the file");
    return error_set(err, ERROR_INVALID, "there is only 'mount'");
}

static const struct {
    const char *name;
    int (*take)(ContainerSecret *secret, const char *value, Error *err);
} fields[] = {
    { "source", take_source }, { "src", take_source }, { "target", take_target },
    { "uid", take_uid },       { "gid", take_gid },    { "mode", take_mode },
    { "type", take_type },
};

static int take_field(ContainerSecret *secret, const char *text, bool is_first, Error *err)
{
    size_t length = strcspn(text, "=");

    if (text[length] == '\0' && is_first)
        return take_text(&secret->source, text); /* the name alone */
    for (size_t i = 0; i < ARRAY_SIZE(fields) && text[length]; i++)
        if (strlen(fields[i].name) == length && strncmp(fields[i].name, text, length) == 0) {
            int r = fields[i].take(secret, text + length + 1, err);

            return r < 0 ? error_wrap(err, r, "field '%s'", fields[i].name) : 0;
        }
    return error_set(err, ERROR_INVALID,
                     "unknown field '%s': there are source, target, uid, gid and mode", text);
}

int secret_spec_parse(const char *text, ContainerSecret *ret, Error *err)
{
    _cleanup_string_list_ StringList parts = {};
    ContainerSecret secret = {};
    int r = 0;

    string_list_split(&parts, text, ',');
    for (size_t i = 0; i < parts.count && r >= 0; i++)
        r = take_field(&secret, parts.items[i], i == 0, err);
    if (r >= 0 && (!secret.source || !*secret.source))
        r = error_set(err, ERROR_INVALID, "it names no secret");
    if (r < 0) {
        container_secret_done(&secret);
        return r;
    }

    *ret = secret;
    return 0;
}

char *secret_spec_path(const ContainerSecret *secret)
{
    return path_join(SECRET_DIRECTORY, secret->target ? secret->target : secret->source);
}

static bool has_dots(const char *path)
{
    _cleanup_string_list_ StringList parts = {};

    string_list_split(&parts, path, '/');
    return string_list_contains(&parts, "..");
}

static int check_one(const ContainerSecret *secret, const char *path, Error *err)
{
    int r = secret_name_validate(secret->source ? secret->source : "", err);

    if (r < 0)
        return r;
    if (secret->target && (*secret->target == '\0' || has_dots(secret->target) ||
                           strcmp(path, SECRET_DIRECTORY) == 0 || strcmp(path, "/") == 0))
        return error_set(err, ERROR_INVALID,
                         "secret '%s': invalid target '%s': name a file below " SECRET_DIRECTORY
                         ", or an absolute path without '..'",
                         secret->source, secret->target);
    return 0;
}

int secret_specs_validate(const ContainerSpec *spec, Error *err)
{
    _cleanup_string_list_ StringList paths = {};
    int r = 0;

    for (size_t i = 0; i < spec->secrets.count && r >= 0; i++) {
        const ContainerSecret *secret = &spec->secrets.items[i];
        _cleanup_free_ char *path = secret->source ? secret_spec_path(secret) : NULL;

        r = check_one(secret, path, err);
        if (r >= 0 && string_list_contains(&paths, path))
            r = error_set(err, ERROR_INVALID, "two secrets have the target '%s'", path);
        string_list_add(&paths, path ? path : "");
    }
    return r;
}
