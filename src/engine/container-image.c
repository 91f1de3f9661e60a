/* SPDX-License-Identifier: Apache-2.0 */

/* All work on the files as they are stored, never through the container's own mounts. */

#include "engine/container-image.h"

#include "base/fd.h"
#include "base/memory.h"
#include "engine/container-private.h"
#include "engine/images.h"
#include "image/image-changes.h"
#include "image/image-commit.h"

static int find(Engine *engine, const char *name, Container **ret, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    int r = container_find_live(engine, name, &container, err);

    if (r < 0)
        return r;
    if (container->state == CONTAINER_CREATING || container->state == CONTAINER_REMOVING)
        return error_set(err, ERROR_CONFLICT, "container '%s' is being %s", container->name,
                         container->state == CONTAINER_CREATING ? "created" : "removed");
    *ret = TAKE_PTR(container);
    return 0;
}

/* Whoever removes it deletes its files under our hands: what was read then is not all of it. */
static int check_still_there(Engine *engine, const Container *container, Error *err)
{
    _cleanup_(container_freep) Container *now = NULL;
    int r = container_row_load(engine, container->id, &now, NULL);

    if (r >= 0 && now->state != CONTAINER_REMOVING)
        return 0;
    return error_set(err, ERROR_CONFLICT, "container '%s' was removed meanwhile", container->name);
}

/* The container that something is read of. */
typedef struct Reading {
    Engine *engine;
    const Container *container;
} Reading;

static int check_reading(void *data, Error *err)
{
    const Reading *reading = data;

    return check_still_there(reading->engine, reading->container, err);
}

int container_diff(Engine *engine, const char *name, OverlayChanges *ret, Error *err)
{
    _cleanup_overlay_changes_ OverlayChanges changes = {};
    _cleanup_(container_freep) Container *container = NULL;
    int r = find(engine, name, &container, err);

    if (r >= 0)
        r = container_rootfs_list_changes(engine, container, &changes, err);
    if (r >= 0)
        r = check_still_there(engine, container, err);
    if (r < 0)
        return r;
    *ret = changes;
    changes = (OverlayChanges) {};
    return 0;
}

int container_export(Engine *engine, const char *name, int output_fd, StringList *warnings,
                     Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_pack_result_ PackResult packed = {};
    _cleanup_close_ int root_fd = -EBADF;
    PackOptions options = { .output_fd = output_fd };
    int r = find(engine, name, &container, err);

    if (r >= 0)
        r = container_rootfs_view(engine, container, &root_fd, err);
    if (r < 0)
        return r;
    options.source_fd = root_fd;
    r = image_worker_pack(&options, &packed, err);
    if (r >= 0)
        r = check_still_there(engine, container, err);
    if (r < 0)
        return error_wrap(err, r, "export container '%s'", container->name);

    for (size_t i = 0; i < packed.warnings.count; i++)
        string_list_add(warnings, packed.warnings.items[i]);
    container_tell(engine, container, "export", NULL);
    return 0;
}

static ImageHealthcheck *copy_healthcheck(const ContainerHealthcheck *check)
{
    ImageHealthcheck *copy = NEW(ImageHealthcheck);

    string_list_copy(&copy->test, &check->test);
    copy->interval = check->interval;
    copy->timeout = check->timeout;
    copy->start_period = check->start_period;
    copy->start_interval = check->start_interval;
    copy->retries = check->retries;
    return copy;
}

/* What the container runs, as an image says it. */
static void make_defaults(const ContainerSpec *spec, ImageDefaults *ret)
{
    ret->user = memory_strdup(spec->user);
    ret->working_directory = memory_strdup(spec->working_directory);
    ret->stop_signal = memory_strdup(spec->stop_signal);
    string_list_copy(&ret->exposed_ports, &spec->exposed_ports);
    string_list_copy(&ret->environment, &spec->environment);
    string_list_copy(&ret->entrypoint, &spec->entrypoint);
    string_list_copy(&ret->command, &spec->command);
    string_list_copy(&ret->volumes, &spec->volumes);
    string_list_copy(&ret->shell, &spec->shell);
    string_map_copy(&ret->labels, &spec->labels);
    if (spec->healthcheck)
        ret->healthcheck = copy_healthcheck(spec->healthcheck);
}

/* Returns 1 when it is frozen for as long as @ret is connected, 0 when it need not be. */
static int hold(Engine *engine, const Container *container, ShimClient **ret, Error *err)
{
    _cleanup_(shim_client_freep) ShimClient *shim = NULL;
    _cleanup_error_ Error problem = {};
    int r = container_connect(engine, container, &shim, &problem);

    if (r >= 0)
        r = shim_client_hold(shim, &problem);
    if (r >= 0) {
        *ret = TAKE_PTR(shim);
        return 1;
    }
    /* It is paused, has ended, or waits for its next start. */
    if (problem.kind == ERROR_CONFLICT || problem.kind == ERROR_NOT_FOUND)
        return 0;
    error_move(err, &problem);
    return error_wrap(err, r, "pause container '%s', without which there is '--no-pause'",
                      container->name);
}

static void tell(Engine *engine, const Container *container, const ContainerCommit *commit,
                 const Digest *id)
{
    _cleanup_free_ char *name = commit->reference ? reference_to_familiar(commit->reference) : NULL;
    _cleanup_string_map_ StringMap attributes = {};

    engine_tell_image(engine, "create", id->text, NULL);
    if (name)
        engine_tell_image(engine, "tag", id->text, name);
    string_map_set(&attributes, "comment", commit->message ? commit->message : "");
    string_map_set(&attributes, "imageID", id->text);
    string_map_set(&attributes, "imageRef", name ? name : "");
    container_tell(engine, container, "commit", &attributes);
}

static int make_image(Engine *engine, const Container *container, const ContainerCommit *commit,
                      ImageDefaults *defaults, Digest *ret_id, StringList *warnings, Error *err)
{
    _cleanup_free_ char *command = string_list_join(&container->spec.command, " ");
    _cleanup_(shim_client_freep) ShimClient *shim = NULL;
    _cleanup_close_ int changes_fd = -EBADF;
    Reading reading = { engine, container };
    ImageCommit image = {
        .parent = container->image,
        .defaults = defaults,
        .reference = commit->reference,
        .author = commit->author,
        .message = commit->message,
        .created_by = command,
        .check = check_reading,
        .check_data = &reading,
    };
    ImageStore *images;
    int r = engine_images(engine, &images, err);

    if (r >= 0)
        r = container_rootfs_open_changes(engine, container, &changes_fd, err);
    if (r >= 0 && commit->pause && container_is_up(container))
        r = hold(engine, container, &shim, err);
    if (r < 0)
        return r;
    image.changes_fd = changes_fd;
    r = image_commit(images, &image, ret_id, warnings, err);
    if (shim) /* who comes after us finds it running; where this fails, our end does it */
        (void)shim_client_let_go(shim, NULL);
    return r;
}

static void image_defaults_done(ImageDefaults *defaults)
{
    json_struct_done(&image_defaults_json, defaults);
}

int container_commit(Engine *engine, const ContainerCommit *commit, Digest *ret_id,
                     StringList *warnings, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_(image_defaults_done) ImageDefaults defaults = {};
    int r;

    if (commit->reference && digest_is_set(&commit->reference->digest))
        return error_set(err, ERROR_INVALID, "an image is committed under a tag, not a digest");
    r = find(engine, commit->container, &container, err);
    if (r < 0)
        return r;
    make_defaults(&container->spec, &defaults);
    r = image_changes_apply(commit->changes, &defaults, err);
    if (r < 0)
        return r;
    r = make_image(engine, container, commit, &defaults, ret_id, warnings, err);
    if (r < 0)
        return error_wrap(err, r, "commit container '%s'", container->name);
    tell(engine, container, commit, ret_id);
    return 0;
}
