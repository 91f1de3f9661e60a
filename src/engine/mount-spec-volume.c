/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The text of --volume, "[SOURCE:]TARGET" or "SOURCE:TARGET:OPTIONS", and of --volumes-from.
 * Options are a table; which of them go with the mount's type is checked as for every mount.
 */

#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/string-list.h"
#include "engine/mount-spec-private.h"

/* Only a kernel with SELinux has this directory. */
#define SELINUX_PATH "/sys/fs/selinux"

/* SELinux labels: without SELinux there is nothing to label, and the wish is fulfilled. */
static int apply_label_option(ContainerMount *mount, const char *option, Error *err)
{
    (void)mount;
    if (access(SELINUX_PATH, F_OK) == 0)
        return error_set(err, ERROR_UNSUPPORTED,
                         "option '%s' is not supported by this version: label the source with "
                         "chcon(1)",
                         option);
    return 0;
}

static int apply_access(ContainerMount *mount, const char *option, Error *err)
{
    (void)err;
    mount->read_only = strcmp(option, "ro") == 0;
    return 0;
}

static int apply_propagation(ContainerMount *mount, const char *option, Error *err)
{
    (void)err;
    mount->propagation = memory_strdup(option);
    return 0;
}

static int apply_no_copy(ContainerMount *mount, const char *option, Error *err)
{
    (void)option, (void)err;
    mount->volume_no_copy = true;
    return 0;
}

/* Docker's hints for shared folders of virtual machines: on Linux all three mean the same. */
static int accept_consistency(ContainerMount *mount, const char *option, Error *err)
{
    (void)mount, (void)option, (void)err;
    return 0;
}

/* Options of one group exclude each other. */
static const struct {
    const char *name;
    unsigned group;
    int (*apply)(ContainerMount *mount, const char *option, Error *err);
} options_table[] = {
    { "ro", 1 << 0, apply_access },
    { "rw", 1 << 0, apply_access },
    { "z", 1 << 1, apply_label_option },
    { "Z", 1 << 1, apply_label_option },
    { "private", 1 << 2, apply_propagation },
    { "rprivate", 1 << 2, apply_propagation },
    { "shared", 1 << 2, apply_propagation },
    { "rshared", 1 << 2, apply_propagation },
    { "slave", 1 << 2, apply_propagation },
    { "rslave", 1 << 2, apply_propagation },
    { "nocopy", 1 << 3, apply_no_copy },
    { "volume-nocopy", 1 << 3, apply_no_copy },
    { "consistent", 1 << 4, accept_consistency },
    { "cached", 1 << 4, accept_consistency },
    { "delegated", 1 << 4, accept_consistency },
};

static int apply_option(ContainerMount *mount, const char *option, unsigned *groups, Error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(options_table); i++) {
        if (strcmp(options_table[i].name, option) != 0)
            continue;
        if (*groups & options_table[i].group)
            return error_set(err, ERROR_INVALID, "option '%s' contradicts or repeats another one",
                             option);
        *groups |= options_table[i].group;
        return options_table[i].apply(mount, option, err);
    }
    return error_set(
        err, ERROR_INVALID,
        "unknown option '%s', use ro, rw, z, Z, nocopy or a propagation such as rslave", option);
}

static int apply_options(ContainerMount *mount, const char *text, Error *err)
{
    _cleanup_string_list_ StringList options = {};
    unsigned groups = 0;

    string_list_split(&options, text, ',');
    for (size_t i = 0; i < options.count; i++) {
        int r = apply_option(mount, options.items[i], &groups, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool is_relative_path(const char *source)
{
    return strcmp(source, ".") == 0 || strcmp(source, "..") == 0 || strncmp(source, "./", 2) == 0 ||
           strncmp(source, "../", 3) == 0;
}

int mount_spec_resolve_source(const char *source, const char *directory, char **ret, Error *err)
{
    if (!is_relative_path(source)) {
        *ret = memory_strdup(source);
        return 0;
    }
    if (!directory)
        return error_set(err, ERROR_INVALID, "the source '%s' is not an absolute path", source);
    *ret = path_join(directory, source);
    return 0;
}

/* Named volumes are told from paths by their first character, as Docker does. */
static int take_source(ContainerMount *mount, const char *source, const char *directory, Error *err)
{
    if (*source == '\0')
        return error_set(err, ERROR_INVALID, "the source is empty");
    if (!path_is_absolute(source) && !is_relative_path(source)) {
        mount->type = memory_strdup(MOUNT_TYPE_DEFAULT);
        mount->source = memory_strdup(source);
        return 0;
    }
    mount->type = memory_strdup("bind");
    mount->create_source = true;
    return mount_spec_resolve_source(source, directory, &mount->source, err);
}

static int parse_parts(const StringList *parts, const char *directory, ContainerMount *mount,
                       Error *err)
{
    int r = 0;

    if (parts->count > 3)
        return error_set(err, ERROR_INVALID,
                         "too many colons, write [SOURCE:]TARGET or SOURCE:TARGET:OPTIONS");

    mount->target = memory_strdup(parts->items[parts->count == 1 ? 0 : 1]);
    if (parts->count == 1)
        mount->type = memory_strdup(MOUNT_TYPE_DEFAULT);
    else
        r = take_source(mount, parts->items[0], directory, err);
    if (r == 0 && parts->count == 3) {
        mount->mode = memory_strdup(parts->items[2]);
        r = apply_options(mount, parts->items[2], err);
    }
    return r < 0 ? r : mount_spec_validate(mount, err);
}

int mount_spec_parse_bind(const char *text, const char *directory, ContainerMount *ret, Error *err)
{
    _cleanup_container_mount_ ContainerMount mount = {};
    _cleanup_string_list_ StringList parts = {};
    int r;

    string_list_split(&parts, text, ':');
    r = parse_parts(&parts, directory, &mount, err);
    if (r < 0)
        return r;
    *ret = mount;
    mount = (ContainerMount) {};
    return 0;
}

int mount_spec_complete_bind(const char *text, const char *directory, char **ret, Error *err)
{
    _cleanup_container_mount_ ContainerMount mount = {};
    int r = mount_spec_parse_bind(text, directory, &mount, err);

    if (r < 0)
        return r;
    if (!mount.source) {
        *ret = memory_strdup(text);
        return 0;
    }
    if (strchr(mount.source, ':'))
        return error_set(err, ERROR_INVALID,
                         "the source '%s' has a colon: use --mount type=bind instead",
                         mount.source);
    *ret = memory_printf("%s%s", mount.source, strchr(text, ':'));
    return 0;
}

static int check_volumes_from_option(const char *option, bool *read_only, Error *err)
{
    static const char *const known[] = { "ro", "rw", "z", "Z" };

    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (strcmp(known[i], option) != 0)
            continue;
        *read_only = *read_only || strcmp(option, "ro") == 0;
        return 0;
    }
    return error_set(err, ERROR_INVALID, "unknown option '%s', use ro or rw", option);
}

int mount_spec_parse_volumes_from(const char *text, char **ret_container, bool *ret_read_only,
                                  Error *err)
{
    size_t length = strcspn(text, ":");
    _cleanup_string_list_ StringList options = {};
    bool read_only = false;
    int r = 0;

    if (length == 0)
        return error_set(err, ERROR_INVALID, "no container is named: write CONTAINER[:ro|rw]");
    if (text[length] == ':')
        string_list_split(&options, text + length + 1, ',');
    for (size_t i = 0; i < options.count && r >= 0; i++)
        r = check_volumes_from_option(options.items[i], &read_only, err);
    if (r < 0)
        return r;
    *ret_container = memory_strndup(text, length);
    *ret_read_only = read_only;
    return 0;
}
