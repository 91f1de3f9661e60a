/* SPDX-License-Identifier: Apache-2.0 */

/* Opening and closing of one installation's directories, database and stores. */

#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "engine/engine-private.h"

#define DIRECTORY_MODE 0700

/* Open the directory @path, or make it and its parents. Yields its absolute path too. */
static int open_root(const char *path, int *ret_fd, char **ret_path, Error *err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_free_ char *current = NULL;
    _cleanup_free_ char *absolute = NULL;

    if (!path_is_absolute(path)) {
        current = getcwd(NULL, 0);
        if (!current)
            return error_errno(err, "find the current directory");
    }
    absolute = path_join(current ? current : "/", path);

    if (fd < 0 && errno == ENOENT) {
        _cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int r = path_make_directories(root_fd, absolute, DIRECTORY_MODE, 0, 0);

        if (r < 0)
            return error_result(err, r, "make directory '%s'", absolute);
        fd_close(r);
        fd = open(absolute, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0)
        return error_errno(err, "open directory '%s'", path);

    *ret_fd = TAKE_FD(fd);
    *ret_path = TAKE_PTR(absolute);
    return 0;
}

/* Existing directories, the usual case, cost one system call each. */
static int open_child(int dir_fd, const char *directory, const char *name, int *ret_fd, Error *err)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        fd = path_open_directory(dir_fd, name, DIRECTORY_MODE);
    else if (fd < 0)
        fd = -errno;
    if (fd < 0)
        return error_result(err, fd, "open directory '%s/%s'", directory, name);
    *ret_fd = fd;
    return 0;
}

static int open_directories(Engine *engine, const EngineOptions *options, Error *err)
{
    _cleanup_close_ int runtime_fd = -EBADF;
    int r;

    r = open_root(options->state ? options->state : ENGINE_DEFAULT_STATE, &engine->state_fd,
                  &engine->state_path, err);
    if (r < 0)
        return r;
    r = open_root(options->runtime ? options->runtime : ENGINE_DEFAULT_RUNTIME, &runtime_fd,
                  &engine->runtime_path, err);
    if (r < 0)
        return r;
    r = open_child(engine->state_fd, engine->state_path, "containers", &engine->containers_fd, err);
    if (r < 0)
        return r;
    r = open_child(engine->state_fd, engine->state_path, "cache", &engine->cache_fd, err);
    if (r < 0)
        return r;
    r = open_child(engine->state_fd, engine->state_path, "events", &engine->events_fd, err);
    if (r < 0)
        return r;
    r = open_child(engine->state_fd, engine->state_path, "volumes", &engine->volumes_fd, err);
    if (r < 0)
        return r;
    r = open_child(runtime_fd, engine->runtime_path, "volumes", &engine->changes_fd, err);
    if (r < 0)
        return r;
    return open_child(runtime_fd, engine->runtime_path, "containers", &engine->runtime_fd, err);
}

int engine_open(const EngineOptions *options, Engine **ret, Error *err)
{
    static const DatabaseSchema *const schemas[] = { &image_schema,   &container_schema,
                                                     &volume_schema,  &secret_schema,
                                                     &network_schema, &published_port_schema };
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r;

    if (geteuid() != 0)
        return error_set(err, ERROR_DENIED, "needs root: run it with sudo");

    engine = NEW(Engine);
    engine->state_fd = engine->containers_fd = engine->runtime_fd = engine->cache_fd = -EBADF;
    engine->events_fd = engine->volumes_fd = engine->changes_fd = -EBADF;
    engine->config_path = memory_strdup(options->config);
    engine->registries_path = memory_strdup(options->registries);
    engine->secret_key_path = memory_strdup(options->secret_key);
    r = open_directories(engine, options, err);
    if (r < 0)
        return r;
    r = database_open(engine->state_fd, "cay.db", schemas, ARRAY_SIZE(schemas), &engine->database,
                      err);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(engine);
    return 0;
}

void engine_close(Engine *engine)
{
    engine_forget_tmpfs_volumes(engine);
    if (engine->images)
        image_store_close(engine->images);
    if (engine->layers)
        layer_store_close(engine->layers);
    if (engine->database)
        database_close(engine->database);
    if (engine->network_links)
        network_links_close(engine->network_links);
    firewall_close(engine->firewall);
    free(engine->network_tag);
    fd_close(engine->changes_fd);
    fd_close(engine->volumes_fd);
    fd_close(engine->events_fd);
    fd_close(engine->cache_fd);
    fd_close(engine->runtime_fd);
    fd_close(engine->containers_fd);
    fd_close(engine->state_fd);
    if (engine->settings)
        engine_settings_done(engine->settings);
    free(engine->settings);
    registry_settings_free(engine->registry_settings);
    free(engine->registries_path);
    free(engine->config_path);
    free(engine->secret_key_path);
    free(engine->runtime_path);
    free(engine->state_path);
    free(engine);
}

int engine_settings(Engine *engine, const EngineSettings **ret, Error *err)
{
    if (!engine->settings) {
        _cleanup_free_ EngineSettings *settings = NEW(EngineSettings);
        int r = engine_settings_read(engine->config_path, settings, err);

        if (r < 0)
            return r;
        engine->settings = TAKE_PTR(settings);
    }
    *ret = engine->settings;
    return 0;
}

int engine_registry_settings(Engine *engine, const RegistrySettings **ret, Error *err)
{
    if (!engine->registry_settings) {
        int r = registry_settings_read(engine->registries_path, engine->config_path,
                                       &engine->registry_settings, err);

        if (r < 0)
            return r;
    }
    *ret = engine->registry_settings;
    return 0;
}

int engine_network_links(Engine *engine, NetworkLinks **ret, Error *err)
{
    if (!engine->network_links) {
        int r = network_links_open(&engine->network_links, err);

        if (r < 0)
            return r;
    }
    *ret = engine->network_links;
    return 0;
}

static int list_image_users(void *data, ImageUsers *users, Error *err)
{
    Engine *engine = data;
    int r = container_list_image_users(engine, users, err);

    return r < 0 ? r : image_mount_list_users(engine, users, err);
}

int engine_images(Engine *engine, ImageStore **ret, Error *err)
{
    int r;

    if (!engine->layers) {
        r = layer_store_open(engine->state_fd, &engine->layers, err);
        if (r < 0)
            return r;
    }
    if (!engine->images) {
        r = image_store_open(engine->state_fd, engine->database, engine->layers, &engine->images,
                             err);
        if (r < 0)
            return r;
        image_store_set_users(engine->images, list_image_users, engine);
    }

    *ret = engine->images;
    return 0;
}
