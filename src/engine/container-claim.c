/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Claims: the lock that says who is responsible for a container, and the steps that only its holder
 * takes. The lock file lies in the container's runtime directory, which goes away as a whole; a
 * lock counts only while its file is still the one that the path leads to.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/random-id.h"
#include "base/time-format.h"
#include "engine/container-network.h"
#include "engine/container-private.h"
#include "engine/volume.h"
#include "sandbox/cgroup.h"
#include "supervisor/oci-runtime.h"

#define DIRECTORY_MODE 0700
#define KILLED_EXIT_CODE 137

/* Does the path still lead to the locked file? Its directory may have been removed meanwhile. */
static bool lock_is_current(const ContainerClaim *claim, const char *id)
{
    char path[CONTAINER_ID_LENGTH + sizeof("/" CONTAINER_LOCK_NAME)];
    struct stat locked, current;

    (void)snprintf(path, sizeof(path), "%s/" CONTAINER_LOCK_NAME, id);
    return fstat(claim->lock_fd, &locked) == 0 &&
           fstatat(claim->engine->runtime_fd, path, &current, AT_SYMLINK_NOFOLLOW) == 0 &&
           locked.st_ino == current.st_ino && locked.st_dev == current.st_dev;
}

/* One attempt. Returns 1 with the lock, 0 when the directory was removed under us, or -errno. */
static int try_lock(ContainerClaim *claim, const char *id, bool wait)
{
    claim->runtime_fd = path_open_directory(claim->engine->runtime_fd, id, DIRECTORY_MODE);
    if (claim->runtime_fd < 0)
        return claim->runtime_fd == -ENOENT ? 0 : claim->runtime_fd;
    claim->lock_fd = openat(claim->runtime_fd, CONTAINER_LOCK_NAME,
                            O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (claim->lock_fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (flock(claim->lock_fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0)
        return errno == EINTR ? 0 : -errno;
    return lock_is_current(claim, id);
}

int container_claim_take(Engine *engine, const char *id, bool wait, ContainerClaim **ret,
                         Error *err)
{
    _cleanup_free_ ContainerClaim *claim = NEW(ContainerClaim);

    *claim = (ContainerClaim) { .engine = engine,
                                .lock_fd = -EBADF,
                                .runtime_fd = -EBADF,
                                .directory_fd = -EBADF,
                                .rootfs_fd = -EBADF,
                                .id_map_fd = -EBADF };
    for (;;) { /* again only when the holder before us removed the directory */
        int r = try_lock(claim, id, wait);

        if (r > 0)
            break;
        claim->lock_fd = fd_close(claim->lock_fd);
        claim->runtime_fd = fd_close(claim->runtime_fd);
        if (r == -EWOULDBLOCK)
            return r;
        if (r < 0)
            return error_result(err, r, "lock container '%.12s'", id);
    }

    (void)strncpy(claim->id, id, CONTAINER_ID_LENGTH);
    *ret = TAKE_PTR(claim);
    return 0;
}

/*
 * Remove the runtime directory. It is renamed away first: who arrives now makes a new one, and who
 * waits for our lock notices that the path leads elsewhere.
 */
static int remove_runtime(ContainerClaim *claim, const char *id)
{
    char away[] = ".0123456789abcdef";

    random_hex(away + 1, sizeof(away) - 2);
    if (renameat(claim->engine->runtime_fd, id, claim->engine->runtime_fd, away) < 0)
        return -errno;
    return path_remove_tree(claim->engine->runtime_fd, away);
}

/* Another runtime may have made more than a cgroup tells of, and has its own way to be rid of it.
 */
static void kill_by_runtime(const ContainerClaim *claim)
{
    const Container *container = claim->container;
    _cleanup_free_ char *directory = NULL;
    OciRuntime runtime = { .program = container->spec.runtime, .mounts_fd = -EBADF };

    if (!runtime.program ||
        faccessat(claim->runtime_fd, OCI_RUNTIME_STATE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    runtime.directory = directory = path_of_directory(claim->runtime_fd);
    if (directory && oci_runtime_check(runtime.program, NULL) >= 0)
        oci_runtime_delete(&runtime, container->id);
}

int container_kill_remains(const ContainerClaim *claim, Error *err)
{
    const Container *container = claim->container;
    _cleanup_free_ char *path = container_cgroup_path(container);
    _cleanup_(cgroup_freep) Cgroup *cgroup = NULL;
    _cleanup_error_ Error problem = {};
    int r;

    kill_by_runtime(claim);
    r = cgroup_open(path, &cgroup, &problem);

    if (r < 0 && problem.kind == ERROR_NOT_FOUND)
        return 0;
    if (r >= 0)
        r = cgroup_kill(cgroup, &problem);
    if (r >= 0)
        r = cgroup_remove(cgroup, &problem);
    if (r < 0)
        error_move(err, &problem);
    return r;
}

/* The image of a container that has gone may have been removed by force before: then its layers
 * were waiting for this. Where this fails, the next collection does it. */
static void collect_layers(Engine *engine, const Digest *image_id)
{
    _cleanup_(image_freep) Image *image = NULL;
    _cleanup_error_ Error problem = {};
    ImageStore *images;

    if (engine_images(engine, &images, &problem) >= 0 &&
        image_store_find(images, image_id->text, &image, &problem) < 0 &&
        problem.kind == ERROR_NOT_FOUND)
        (void)image_store_collect(images, false, NULL);
}

/* Of one that nobody has seen, or that takes them along. A volume whose driver does not let go of
 * it is no reason to keep the container. */
static int remove_volumes(Engine *engine, const Container *container, Error *err)
{
    _cleanup_error_ Error problem = {};
    int r;

    if (!container->spec.auto_remove && container->state != CONTAINER_CREATING)
        return 0;
    r = container_volumes_remove(engine, container, &problem);
    if (r < 0 && problem.kind != ERROR_EXHAUSTED) {
        log_warning("volumes of container '%s' stay: %s", container->name, error_message(&problem));
        return 0;
    }
    if (r < 0)
        error_move(err, &problem);
    return r;
}

int container_claim_remove(ContainerClaim *claim, Error *err)
{
    Engine *engine = claim->engine;
    Container *container = claim->container;
    int r;

    /* One that removes itself needs no mark: whoever finds it half-done removes it too. */
    if (!container->spec.auto_remove && container->state != CONTAINER_CREATING &&
        container->state != CONTAINER_REMOVING) {
        r = container_set_state(container, CONTAINER_REMOVING, err);
        if (r < 0)
            return r;
        r = container_row_update(engine, container, err);
        if (r < 0)
            return r;
    }

    container_network_release(engine, container);
    volume_release(engine, container->id);
    claim->rootfs_fd = fd_close(claim->rootfs_fd);
    claim->id_map_fd = fd_close(claim->id_map_fd);
    claim->directory_fd = fd_close(claim->directory_fd);
    r = path_remove_tree(engine->containers_fd, container->id);
    if (r < 0)
        return error_result(err, r, "remove files of container '%s'", container->name);
    container_quota_release(engine, container);
    r = remove_volumes(engine, container, err);
    if (r < 0)
        return r;
    r = container_row_delete(engine, container->id, err);
    if (r < 0)
        return r;
    claim->undo = false;
    container_tell(engine, container, "destroy", NULL);
    collect_layers(engine, &container->image);
    return 0;
}

int container_claim_record_exit(ContainerClaim *claim, const ShimExit *told, Error *err)
{
    Container *container = claim->container;
    _cleanup_shim_exit_ ShimExit record = {};
    int r = container_set_state(container, CONTAINER_EXITED, err);

    if (r < 0)
        return r;
    if (!told && shim_exit_read(claim->directory_fd, &record, NULL) < 0)
        record = (ShimExit) {
            .code = KILLED_EXIT_CODE,
            .finished_at = time_now(),
            .error = memory_strdup("its shim ended without recording an exit status"),
        };
    if (!told)
        told = &record;
    free(container->error);
    container->error = memory_strdup(told->error);
    container->exit_code = told->code;
    container->is_stopped = told->is_stopped;
    container->restart_count = told->restart_count;
    if (told->started_at != 0)
        container->started_at = told->started_at;
    container->oom_killed = told->oom_killed;
    container->is_stopped = told->is_stopped;
    container->restart_count = told->restart_count;
    container->finished_at = told->finished_at;
    container->pid = 0;
    container_network_release(claim->engine, container);
    return container_row_update(claim->engine, container, err);
}

const Container *container_claim_get(const ContainerClaim *claim)
{
    return claim->container;
}

void container_claim_free(ContainerClaim *claim)
{
    int saved_errno = errno;
    _cleanup_error_ Error ignored = {}; /* the next command finishes what fails here */

    if (!claim->shim) { /* otherwise it goes on: its shim has the lock and the directory */
        if (claim->undo) {
            /* Its row still says that it is being made, or removes itself: all of it goes. */
            claim->container->spec.auto_remove = true;
            (void)container_claim_remove(claim, &ignored);
        }
        volume_release(claim->engine, claim->id);
        /* One that was removed meanwhile has no row to be loaded. */
        if (claim->container || !container_row_exists(claim->engine, claim->id))
            (void)remove_runtime(claim, claim->id);
    }
    if (claim->shim)
        shim_client_free(claim->shim);
    if (claim->container)
        container_free(claim->container);
    for (size_t i = 0; i < claim->config_fds.count; i++)
        fd_close(claim->config_fds.fds[i]);
    fd_close(claim->rootfs_fd);
    fd_close(claim->id_map_fd);
    fd_close(claim->directory_fd);
    fd_close(claim->runtime_fd);
    fd_close(claim->lock_fd);
    free(claim);
    errno = saved_errno;
}

char *container_cgroup_path(const Container *container)
{
    const char *parent = container->spec.cgroup_parent ? container->spec.cgroup_parent : "";

    /* The parent may be written without its first slash, and with a last one. */
    _cleanup_free_ char *path =
        memory_printf("/%s" CONTAINER_CGROUP_PREFIX "%s", parent, container->id);
    return path_clean(path);
}
