/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Volumes whose files a plug-in has, by Docker's protocol
 * (docs.docker.com/engine/extend/plugins_volume). We keep a row for each that was asked for here;
 * all else the plug-in knows, and is asked for when it is needed.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json-fields.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/time-format.h"
#include "engine/plugin.h"
#include "engine/volume-private.h"

#define INTERFACE "VolumeDriver"

/* As long as Docker waits for them. */
#define SHORT_TIMEOUT (60 * NANOSECONDS_PER_SECOND)
#define LONG_TIMEOUT (120 * NANOSECONDS_PER_SECOND)

const VolumeDriver *volume_driver_find(const char *name)
{
    return strcmp(name, VOLUME_DRIVER_LOCAL) == 0 ? &volume_local_driver : &volume_plugin_driver;
}

void volume_list_drivers(StringList *names)
{
    string_list_add(names, VOLUME_DRIVER_LOCAL);
    plugin_list(names);
}

static json_t *request_of(const Volume *volume)
{
    return json_pack("{s:s}", "Name", volume->name);
}

static int call(const Volume *volume, const char *method, const json_t *request, int64_t timeout,
                json_t **ret, Error *err)
{
    _cleanup_error_ Error problem = {};
    int r = plugin_call(volume->driver, method, request, timeout, ret, &problem);

    if (r < 0 && problem.kind == ERROR_NOT_FOUND)
        return error_set(err, ERROR_NOT_FOUND, "no such volume driver: '%s'", volume->driver);
    if (r < 0)
        error_move(err, &problem);
    return r;
}

static int call_simply(const Volume *volume, const char *method, int64_t timeout, json_t **ret,
                       Error *err)
{
    _cleanup_json_ json_t *request = request_of(volume);

    return call(volume, method, request, timeout, ret, err);
}

static int plugin_check(const Volume *volume, Error *err)
{
    _cleanup_error_ Error problem = {};
    int r = plugin_activate(volume->driver, INTERFACE, &problem);

    if (r < 0 && problem.kind == ERROR_NOT_FOUND)
        return error_set(err, ERROR_NOT_FOUND, "no such volume driver: '%s'", volume->driver);
    if (r < 0)
        error_move(err, &problem);
    return r;
}

/* One that it has already is taken as it is: Docker does not ask for it again either. */
static int plugin_create(Engine *engine, const Volume *volume, int directory_fd, Error *err)
{
    _cleanup_json_ json_t *request = request_of(volume), *answer = NULL, *options = json_object();

    (void)engine, (void)directory_fd;
    if (call_simply(volume, INTERFACE ".Get", SHORT_TIMEOUT, &answer, NULL) >= 0 &&
        json_is_object(json_object_get(answer, "Volume")))
        return 1;
    json_decref(TAKE_PTR(answer));
    for (size_t i = 0; i < volume->options.count; i++)
        json_object_set_new(options, volume->options.items[i].key,
                            json_string(volume->options.items[i].value));
    json_object_set(request, "Opts", options);
    return call(volume, INTERFACE ".Create", request, LONG_TIMEOUT, &answer, err);
}

static int plugin_remove(Engine *engine, const Volume *volume, Error *err)
{
    _cleanup_json_ json_t *answer = NULL;

    (void)engine;
    return call_simply(volume, INTERFACE ".Remove", SHORT_TIMEOUT, &answer, err);
}

/* Where the plug-in says that it has mounted it: kept for who wants to know. */
static int open_mount_point(const Volume *volume, const VolumeUse *use, const json_t *answer,
                            VolumeMount *ret, Error *err)
{
    const char *path = json_string_value(json_object_get(answer, "Mountpoint"));
    int fd;

    if (!path || !path_is_absolute(path))
        return error_set(err, ERROR_UNAVAILABLE, "plug-in '%s' tells no mount point",
                         volume->driver);
    fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, "open mount point '%s' of plug-in '%s'", path, volume->driver);
    (void)!pwrite(use->mark_fd, path, strlen(path), 0); /* else nobody knows */
    *ret = (VolumeMount) { .fd = fd, .path = memory_strdup(path) };
    return 0;
}

static void unmount(const Volume *volume, const char *container)
{
    _cleanup_json_ json_t *request = request_of(volume), *answer = NULL;
    _cleanup_error_ Error problem = {};

    json_object_set_new(request, "ID", json_string(container));
    if (call(volume, INTERFACE ".Unmount", request, SHORT_TIMEOUT, &answer, &problem) < 0)
        log_warning("unmount volume '%s': %s", volume->name, error_message(&problem));
}

/* It counts by container: a second place in the same one shows what is mounted. */
static int plugin_mount(Engine *engine, const Volume *volume, const VolumeUse *use,
                        VolumeMount *ret, Error *err)
{
    _cleanup_json_ json_t *request = request_of(volume), *answer = NULL;
    int r;

    (void)engine;
    if (use->is_mounted) {
        r = call(volume, INTERFACE ".Path", request, SHORT_TIMEOUT, &answer, err);
    } else {
        json_object_set_new(request, "ID", json_string(use->container));
        r = call(volume, INTERFACE ".Mount", request, LONG_TIMEOUT, &answer, err);
    }
    if (r < 0)
        return r;
    r = open_mount_point(volume, use, answer, ret, err);
    if (r < 0 && !use->is_mounted)
        unmount(volume, use->container);
    return r;
}

static void plugin_release(Engine *engine, const Volume *volume, const char *container)
{
    (void)engine;
    unmount(volume, container);
}

static int plugin_describe(Volume *volume, Error *err)
{
    _cleanup_json_ json_t *answer = NULL, *capabilities = NULL;
    const json_t *known;
    json_t *status;
    int r = call_simply(volume, INTERFACE ".Get", SHORT_TIMEOUT, &answer, err);

    if (r < 0)
        return r;
    known = json_object_get(answer, "Volume");
    volume->mount_point = memory_strdup(json_string_value(json_object_get(known, "Mountpoint")));
    status = json_object_get(known, "Status");
    if (json_is_object(status))
        volume->status = json_incref(status);
    /* Not all of them know of capabilities, and then have none. */
    if (call_simply(volume, INTERFACE ".Capabilities", SHORT_TIMEOUT, &capabilities, NULL) >= 0)
        volume->scope = memory_strdup(json_string_value(
            json_object_get(json_object_get(capabilities, "Capabilities"), "Scope")));
    return 0;
}

const VolumeDriver volume_plugin_driver = {
    .check = plugin_check,
    .create = plugin_create,
    .remove = plugin_remove,
    .mount = plugin_mount,
    .release = plugin_release,
    .describe = plugin_describe,
};
