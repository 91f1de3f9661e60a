/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The fields of --mount, one table row each. They are separated and quoted as in one line of CSV
 * (RFC 4180), so that a path may contain a comma.
 */

#include <string.h>

#include "base/csv.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/string-list.h"
#include "engine/mount-spec-private.h"

typedef struct MountParser {
    ContainerMount mount;
    const char *directory;
    bool read_only_is_forced; /* bind-recursive=readonly */
    unsigned prefixes;        /* PREFIX_* of the fields that were given */
} MountParser;

enum {
    PREFIX_BIND = 1 << 0,
    PREFIX_TMPFS = 1 << 1,
    PREFIX_VOLUME = 1 << 2,
    PREFIX_IMAGE = 1 << 3,
};

/* The type that goes with each. */
static const struct {
    unsigned prefix;
    const char *type;
} prefixes[] = {
    { PREFIX_BIND, "bind" },
    { PREFIX_TMPFS, "tmpfs" },
    { PREFIX_VOLUME, "volume" },
    { PREFIX_IMAGE, "image" },
};

/* Field handlers: the value is never NULL. */

static int replace(char **slot, const char *value)
{
    free(*slot);
    *slot = memory_strdup(value);
    return 0;
}

static int invalid_value(const char *field, const char *value, const char *expected, Error *err)
{
    return error_set(err, ERROR_INVALID, "invalid value '%s' for '%s': %s", value, field, expected);
}

static int take_bool(const char *field, const char *value, bool *ret, Error *err)
{
    return parse_bool(value, ret) < 0 ? invalid_value(field, value, "use true or false", err) : 0;
}

static int take_type(MountParser *parser, const char *field, const char *value, Error *err)
{
    (void)field, (void)err;
    return replace(&parser->mount.type, value);
}

static int take_source(MountParser *parser, const char *field, const char *value, Error *err)
{
    (void)field;
    free(parser->mount.source);
    parser->mount.source = NULL;
    if (*value == '\0')
        return 0; /* the same as none */
    return mount_spec_resolve_source(value, parser->directory, &parser->mount.source, err);
}

static int take_target(MountParser *parser, const char *field, const char *value, Error *err)
{
    (void)field, (void)err;
    return replace(&parser->mount.target, value);
}

static int take_read_only(MountParser *parser, const char *field, const char *value, Error *err)
{
    return take_bool(field, value, &parser->mount.read_only, err);
}

static int take_propagation(MountParser *parser, const char *field, const char *value, Error *err)
{
    (void)field, (void)err;
    return replace(&parser->mount.propagation, value);
}

static int take_non_recursive(MountParser *parser, const char *field, const char *value, Error *err)
{
    return take_bool(field, value, &parser->mount.non_recursive, err);
}

static int take_create_source(MountParser *parser, const char *field, const char *value, Error *err)
{
    return take_bool(field, value, &parser->mount.create_source, err);
}

/* "enabled" is the default, where read-only means the mounts below the source, too. */
static int take_recursive(MountParser *parser, const char *field, const char *value, Error *err)
{
    static const struct {
        const char *value;
        bool non_recursive, top_read_only, read_only_forced;
    } modes[] = {
        { "enabled", false, false, false },
        { "disabled", true, false, false },
        { "writable", false, true, false },
        { "readonly", false, false, true },
    };

    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        if (strcmp(modes[i].value, value) != 0)
            continue;
        parser->mount.non_recursive = modes[i].non_recursive;
        parser->mount.read_only_non_recursive = modes[i].top_read_only;
        parser->read_only_is_forced = modes[i].read_only_forced;
        return 0;
    }
    return invalid_value(field, value, "use enabled, disabled, writable or readonly", err);
}

static int take_tmpfs_size(MountParser *parser, const char *field, const char *value, Error *err)
{
    if (parse_size(value, &parser->mount.tmpfs_size) < 0)
        return invalid_value(field, value, "write bytes, or '64m', '1g'", err);
    return 0;
}

static int take_tmpfs_mode(MountParser *parser, const char *field, const char *value, Error *err)
{
    if (parse_mode(value, &parser->mount.tmpfs_mode) < 0)
        return invalid_value(field, value, "write an octal mode such as 1770", err);
    return 0;
}

/* Docker's hint for virtual machines' shared folders: every value means the same on Linux. */
static int take_consistency(MountParser *parser, const char *field, const char *value, Error *err)
{
    static const char *const known[] = { "default", "consistent", "cached", "delegated" };

    (void)parser;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (strcmp(known[i], value) == 0)
            return 0;
    return invalid_value(field, value, "use consistent, cached or delegated", err);
}

static int take_match_user(MountParser *parser, const char *field, const char *value, Error *err)
{
    return take_bool(field, value, &parser->mount.match_user, err);
}

static int take_no_copy(MountParser *parser, const char *field, const char *value, Error *err)
{
    return take_bool(field, value, &parser->mount.volume_no_copy, err);
}

static int take_volume_subpath(MountParser *parser, const char *field, const char *value,
                               Error *err)
{
    (void)field, (void)err;
    return replace(&parser->mount.volume_subpath, value);
}

static int take_image_subpath(MountParser *parser, const char *field, const char *value, Error *err)
{
    (void)field, (void)err;
    return replace(&parser->mount.image_subpath, value);
}

static int take_volume_driver(MountParser *parser, const char *field, const char *value, Error *err)
{
    (void)field, (void)err;
    return replace(&parser->mount.volume_driver, value);
}

/* "key=value"; the key alone has an empty value. */
static int take_pair(StringMap *map, const char *field, const char *value, Error *err)
{
    size_t length = strcspn(value, "=");
    _cleanup_free_ char *key = memory_strndup(value, length);

    if (length == 0)
        return invalid_value(field, value, "write KEY=VALUE", err);
    string_map_set(map, key, value[length] ? value + length + 1 : "");
    return 0;
}

static int take_volume_label(MountParser *parser, const char *field, const char *value, Error *err)
{
    return take_pair(&parser->mount.volume_labels, field, value, err);
}

static int take_volume_option(MountParser *parser, const char *field, const char *value, Error *err)
{
    return take_pair(&parser->mount.volume_options, field, value, err);
}

static const struct {
    const char *name;
    unsigned prefix;
    bool value_is_optional; /* the name alone means "true" */
    int (*take)(MountParser *parser, const char *field, const char *value, Error *err);
} fields[] = {
    { "type", 0, false, take_type },
    { "source", 0, false, take_source },
    { "src", 0, false, take_source },
    { "target", 0, false, take_target },
    { "destination", 0, false, take_target },
    { "dst", 0, false, take_target },
    { "readonly", 0, true, take_read_only },
    { "ro", 0, true, take_read_only },
    { "consistency", 0, false, take_consistency },
    { "bind-propagation", PREFIX_BIND, false, take_propagation },
    { "bind-recursive", PREFIX_BIND, false, take_recursive },
    { "bind-nonrecursive", PREFIX_BIND, true, take_non_recursive },
    { "bind-create-src", PREFIX_BIND, true, take_create_source },
    { "tmpfs-size", PREFIX_TMPFS, false, take_tmpfs_size },
    { "tmpfs-mode", PREFIX_TMPFS, false, take_tmpfs_mode },
    { "match-user", PREFIX_BIND, true, take_match_user },
    { "volume-driver", PREFIX_VOLUME, false, take_volume_driver },
    { "volume-label", PREFIX_VOLUME, false, take_volume_label },
    { "volume-nocopy", PREFIX_VOLUME, true, take_no_copy },
    { "volume-opt", PREFIX_VOLUME, false, take_volume_option },
    { "volume-subpath", PREFIX_VOLUME, false, take_volume_subpath },
    { "image-subpath", PREFIX_IMAGE, false, take_image_subpath },
};

static int take_field(MountParser *parser, const char *text, Error *err)
{
    size_t length = strcspn(text, "=");
    _cleanup_free_ char *name = memory_strndup(text, length);

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (strcmp(fields[i].name, name) != 0)
            continue;
        if (text[length] == '\0' && !fields[i].value_is_optional)
            return error_set(err, ERROR_INVALID, "field '%s' needs a value: %s=VALUE", name, name);
        parser->prefixes |= fields[i].prefix;
        return fields[i].take(parser, name, text[length] ? text + length + 1 : "true", err);
    }
    return error_set(err, ERROR_INVALID,
                     "unknown field '%s', there are type, source, target, "
                     "readonly, match-user, bind-*, volume-*, tmpfs-* and image-*",
                     text);
}

/* What only the fields show, before the checks that every mount gets. */
static int check_fields(const MountParser *parser, Error *err)
{
    const ContainerMount *mount = &parser->mount;

    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
        if ((parser->prefixes & prefixes[i].prefix) && strcmp(mount->type, prefixes[i].type) != 0)
            return error_set(err, ERROR_INVALID, "'%s-*' options do not go with type '%s'",
                             prefixes[i].type, mount->type);
    if (parser->read_only_is_forced && !mount->read_only)
        return error_set(err, ERROR_INVALID, "'bind-recursive=readonly' needs 'readonly' as well");
    if (parser->read_only_is_forced &&
        (!mount->propagation || strcmp(mount->propagation, "rprivate") != 0))
        return error_set(err, ERROR_INVALID,
                         "'bind-recursive=readonly' needs 'bind-propagation=rprivate' as well");
    return 0;
}

static int parse_fields(MountParser *parser, const char *text, Error *err)
{
    _cleanup_string_list_ StringList list = {};
    int r = csv_split(text, &list, err);

    for (size_t i = 0; i < list.count && r == 0; i++)
        r = take_field(parser, list.items[i], err);
    if (!parser->mount.type)
        parser->mount.type = memory_strdup(MOUNT_TYPE_DEFAULT);
    if (r == 0)
        r = check_fields(parser, err);
    return r < 0 ? r : mount_spec_validate(&parser->mount, err);
}

int mount_spec_parse_mount(const char *text, const char *directory, ContainerMount *ret, Error *err)
{
    MountParser parser = { .directory = directory };
    int r = parse_fields(&parser, text, err);

    if (r < 0)
        container_mount_done(&parser.mount);
    else
        *ret = parser.mount;
    return r;
}
