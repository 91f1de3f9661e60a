/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Configurations of CNI. What the specification says of a member is checked; members that it says
 * nothing of are a plug-in's, and are handed to it as they are.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "network/cni-private.h"

#define CONFIG_SIZE_MAX (1 << 20)
#define PLUGINS_MAX 64

static const char *const versions[] = { "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0" };

CniVersions cni_version_parse(const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
        if (strcmp(versions[i], text) == 0)
            return 1U << i;
    return 0;
}

const char *cni_version_highest(CniVersions set)
{
    size_t i = ARRAY_SIZE(versions) - 1;

    while (i > 0 && !(set & (1U << i)))
        i--;
    return versions[i];
}

bool cni_version_deletes_by_result(const char *version)
{
    return cni_version_parse(version) >= cni_version_parse("0.4.0");
}

void cni_config_done(CniConfig *config)
{
    free(config->name);
    json_decref(config->plugins);
    *config = (CniConfig) {};
}

/* As libcni has it. */
static bool name_is_valid(const char *name)
{
    static const char characters[] = "_.-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789";

    return *name && !strchr("_.-", *name) && name[strspn(name, characters)] == '\0';
}

/* The one configuration is for, and with CNI 1.1 those that it is for as well. */
static int read_versions(const json_t *json, CniVersions *ret, Error *err)
{
    const json_t *one = json_object_get(json, "cniVersion");
    const json_t *more = json_object_get(json, "cniVersions");
    const char *text = json_string_value(one);
    CniVersions set = text ? cni_version_parse(text) : 0;

    if ((one && !text) || (more && !json_is_array(more)))
        return error_set(err, ERROR_INVALID, "%s: expected %s", text ? "cniVersions" : "cniVersion",
                         text ? "an array" : "a string");
    for (size_t i = 0; i < json_array_size(more); i++) {
        const char *other = json_string_value(json_array_get(more, i));

        if (!other)
            return error_set(err, ERROR_INVALID, "cniVersions[%zu]: expected a string", i);
        set |= cni_version_parse(other);
    }
    if (!set)
        return error_set(err, ERROR_UNSUPPORTED,
                         "cniVersion: '%s' is not supported, " CNI_VERSIONS " are",
                         text ? text : "");
    *ret = set;
    return 0;
}

static int check_capabilities(const json_t *plugin, Error *err)
{
    json_t *capabilities = json_object_get(plugin, "capabilities");
    const char *name;
    json_t *value;

    if (capabilities && !json_is_object(capabilities))
        return error_set(err, ERROR_INVALID, "capabilities: expected an object");
    json_object_foreach(capabilities, name, value)
    {
        if (!json_is_boolean(value))
            return error_set(err, ERROR_INVALID, "capabilities.%s: expected true or false", name);
    }
    return 0;
}

static int check_plugin(const json_t *plugin, Error *err)
{
    static const char *const ours[] = { "prevResult", "runtimeConfig" };
    const char *type = json_string_value(json_object_get(plugin, "type"));

    if (!json_is_object(plugin))
        return error_set(err, ERROR_INVALID, "expected an object");
    if (!type)
        return error_set(err, ERROR_INVALID, "type: expected a string");
    if (!path_is_name(type) || json_string_length(json_object_get(plugin, "type")) != strlen(type))
        return error_set(err, ERROR_INVALID, "type: '%s' is no name of a program", type);
    for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
        if (json_object_get(plugin, ours[i]))
            return error_set(err, ERROR_INVALID, "%s: is for who executes the plug-in to say",
                             ours[i]);
    return check_capabilities(plugin, err);
}

static int check_plugins(const json_t *plugins, Error *err)
{
    size_t count = json_array_size(plugins);

    if (count == 0 || count > PLUGINS_MAX)
        return error_set(err, ERROR_INVALID, "plugins: expected an array of 1 to %d", PLUGINS_MAX);
    for (size_t i = 0; i < count; i++) {
        int r = check_plugin(json_array_get(plugins, i), err);

        if (r < 0)
            return error_wrap(err, r, "plugins[%zu]", i);
    }
    return 0;
}

/* A .conf is its only plug-in; the members that are the list's are given to each anew. */
static int read_plugins(json_t *json, json_t **ret, Error *err)
{
    _cleanup_json_ json_t *plugins = json_incref(json_object_get(json, "plugins"));
    int r;

    if (plugins) {
        r = check_plugins(plugins, err);
    } else {
        if (!json_object_get(json, "type"))
            return error_set(err, ERROR_INVALID, "has neither 'plugins' nor a 'type'");
        r = check_plugin(json, err);
        plugins = json_pack("[O]", json);
    }
    if (r < 0)
        return r;
    *ret = TAKE_PTR(plugins);
    return 0;
}

int cni_config_parse(const char *text, size_t size, CniConfig *ret, Error *err)
{
    _cleanup_cni_config_ CniConfig config = {};
    _cleanup_json_ json_t *json = NULL;
    const json_t *name;
    int r = json_parse(text, size, &json, err);

    if (r < 0)
        return r;
    if (!json_is_object(json))
        return error_set(err, ERROR_INVALID, "expected an object");
    name = json_object_get(json, "name");
    if (!json_is_string(name) || json_string_length(name) != strlen(json_string_value(name)) ||
        !name_is_valid(json_string_value(name)))
        return error_set(err, ERROR_INVALID,
                         "name: expected letters, digits, '_', '.', '-', a letter or digit first");
    config.name = memory_strdup(json_string_value(name));
    r = read_versions(json, &config.versions, err);
    if (r >= 0)
        r = read_plugins(json, &config.plugins, err);
    if (r < 0)
        return error_wrap(err, r, "'%s'", config.name);

    *ret = config;
    config = (CniConfig) {};
    return 0;
}

static bool is_config(const char *file)
{
    static const char *const endings[] = { ".conflist", ".conf", ".json" };
    size_t length = strlen(file);

    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        size_t ending = strlen(endings[i]);

        if (length > ending && strcmp(file + length - ending, endings[i]) == 0)
            return true;
    }
    return false;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Their order is that of their names. A directory that is not there has none. */
static int list_files(const char *directory, int *ret_fd, StringList *files, Error *err)
{
    _cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_directory_ DIR *stream = NULL;
    const struct dirent *entry;
    int r = fd < 0 ? -errno : directory_open_at(fd, ".", &stream);

    if (r == -ENOENT)
        return 0;
    while (r >= 0 && (r = directory_read(stream, &entry)) > 0)
        if (is_config(entry->d_name))
            string_list_add(files, entry->d_name);
    if (r < 0)
        return error_result(err, r, "read '%s'", directory);
    if (files->count > 1)
        qsort(files->items, files->count, sizeof(*files->items), compare);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* A symlink is followed: the directory is root's, and others keep theirs elsewhere. */
static int read_config(int directory_fd, const char *file, CniConfig *ret, Error *err)
{
    _cleanup_close_ int fd =
        openat(directory_fd, file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    _cleanup_free_ char *text = NULL;
    struct stat status;
    size_t size;
    int r = fd < 0 || fstat(fd, &status) < 0 ? -errno : 0;

    if (r >= 0 && (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH))))
        return error_set(err, ERROR_DENIED,
                         "'%s' can be changed by others than root: 'chown root' and 'chmod go-w' "
                         "it",
                         file);
    if (r >= 0)
        r = fd_read_all(fd, CONFIG_SIZE_MAX, &text, &size);
    if (r < 0)
        return error_result(err, r, "'%s'", file);
    r = cni_config_parse(text, size, ret, err);
    return r < 0 ? error_wrap(err, r, "'%s'", file) : 0;
}

static const char *directory_of(const char *directory)
{
    return directory ? directory : CNI_DEFAULT_CONFIG_DIRECTORY;
}

int cni_list(const CniOptions *options, StringList *names, Error *err)
{
    _cleanup_string_list_ StringList files = {};
    _cleanup_close_ int fd = -EBADF;
    int r = list_files(directory_of(options->config_directory), &fd, &files, err);

    for (size_t i = 0; i < files.count && r >= 0; i++) {
        _cleanup_cni_config_ CniConfig config = {};

        if (read_config(fd, files.items[i], &config, NULL) >= 0 &&
            !string_list_contains(names, config.name))
            string_list_add(names, config.name);
    }
    return r;
}

/* Not found may be due to a file that cannot be read: the first of them is told of. */
static int not_found(const char *directory, const char *name, const Error *problem, Error *err)
{
    if (!error_is_set(problem))
        return error_set(err, ERROR_NOT_FOUND, "no CNI configuration '%s' in '%s'", name,
                         directory);
    return error_set(err, ERROR_NOT_FOUND,
                     "no CNI configuration '%s' in '%s', where a file is wrong: %s", name,
                     directory, error_message(problem));
}

int cni_config_find(const char *directory, const char *name, CniConfig *ret, Error *err)
{
    _cleanup_string_list_ StringList files = {};
    _cleanup_error_ Error problem = {};
    _cleanup_close_ int fd = -EBADF;
    int r;

    directory = directory_of(directory);
    r = list_files(directory, &fd, &files, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < files.count; i++) {
        _cleanup_cni_config_ CniConfig config = {};

        if (read_config(fd, files.items[i], &config, error_is_set(&problem) ? NULL : &problem) <
                0 ||
            strcmp(config.name, name) != 0)
            continue;
        *ret = config;
        config = (CniConfig) {};
        return 0;
    }
    return not_found(directory, name, &problem, err);
}
