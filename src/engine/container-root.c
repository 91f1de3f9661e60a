/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A container's files for whoever is outside of it: one handle, below which names are resolved as
 * the container would resolve them, whether it runs or not.
 *
 * Of one that runs it is the root of its first process. For one that does not, the same is put
 * together from its root file system and its mounts by a child, in a mount namespace that lasts as
 * long as its handle: nobody else ever sees it, and nothing has to be unmounted.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child-fd.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "engine/config-mounts.h"
#include "engine/container-private.h"
#include "engine/container-userns.h"
#include "engine/volume.h"

#define ATTEMPTS 3
#define PLACE_MODE 0755

/* One mount below the root, detached so far. */
typedef struct RootMount {
    const char *target;
    int fd;
    bool is_directory;
} RootMount;

typedef struct RootMounts {
    RootMount *items;
    size_t count;
    bool read_only; /* the root itself, once all is mounted */
} RootMounts;

static void root_mounts_done(RootMounts *mounts)
{
    for (size_t i = 0; i < mounts->count; i++)
        fd_close(mounts->items[i].fd);
    free(mounts->items);
}

void container_root_done(ContainerRoot *root)
{
    if (root->live) {
        fd_close(root->fd);
        container_free(root->live);
    }
    fd_close(root->namespace_fd);
    if (root->claim)
        container_claim_free(root->claim); /* the root is its rootfs_fd */
    id_map_done(&root->ids);
    *root = CONTAINER_ROOT_INIT;
}

/* --- of one that does not run --- */

static int set_attributes(int fd, bool read_only, bool recursive)
{
    struct mount_attr attributes = { .attr_set = read_only ? MOUNT_ATTR_RDONLY : 0,
                                     .propagation = MS_PRIVATE };
    unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);

    return mount_setattr(fd, "", flags, &attributes, sizeof(attributes)) < 0 ? -errno : 0;
}

static int clone_mount(int dir_fd, const char *path, bool recursive)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
    int fd = open_tree(dir_fd, path, recursive ? flags | AT_RECURSIVE : flags);

    return fd < 0 ? -errno : fd;
}

/* Of the detached mount or host's directory @root_fd what @subpath names; NULL: all of it. */
static int clone_part(const ContainerMount *mount, int root_fd, const char *subpath, int *ret_fd,
                      Error *err)
{
    _cleanup_close_ int part_fd = subpath ? path_open_within(root_fd, subpath, O_PATH) : root_fd;
    _cleanup_close_ int fd = part_fd < 0 ? part_fd : clone_mount(part_fd, "", true);

    if (!subpath)
        (void)TAKE_FD(part_fd);
    if (fd < 0)
        return error_result(err, fd, "mount '%s': open '%s'", mount->target, mount->source);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int open_volume(const ContainerRoot *root, const ContainerMount *mount, int *ret_fd,
                       Error *err)
{
    const ContainerClaim *claim = root->claim;
    _cleanup_volume_mount_ VolumeMount volume = VOLUME_MOUNT_INIT;
    int r = volume_mount(claim->engine, mount, claim->container->id, &volume, err);

    if (r < 0)
        return r;
    if (!volume.path && !mount->volume_subpath) {
        *ret_fd = TAKE_FD(volume.fd);
        return 0;
    }
    return clone_part(mount, volume.fd, mount->volume_subpath, ret_fd, err);
}

static int open_image(const ContainerRoot *root, const ContainerMount *mount, int *ret_fd,
                      Error *err)
{
    const ConfigSource source = { .engine = root->claim->engine,
                                  .container = root->claim->container,
                                  .directory_fd = root->claim->directory_fd };
    _cleanup_close_ int fd = -EBADF;
    Digest image;
    int r;

    if (digest_parse(mount->source, &image) < 0)
        return error_set(err, ERROR_CORRUPT, "mount '%s': '%s' is not an image", mount->target,
                         mount->source);
    r = container_image_mount(&source, &image, &fd, err);
    if (r >= 0 && mount->image_subpath)
        return clone_part(mount, fd, mount->image_subpath, ret_fd, err);
    if (r >= 0)
        *ret_fd = TAKE_FD(fd);
    return r;
}

static int open_bind(const ContainerRoot *root, const ContainerMount *mount, int *ret_fd,
                     Error *err)
{
    int fd = clone_mount(AT_FDCWD, mount->source, !mount->non_recursive);

    (void)root;
    if (fd < 0)
        return error_result(err, fd, "mount source '%s'", mount->source);
    *ret_fd = fd;
    return 0;
}

/* What exists only while the container runs: nothing is there, and nothing can be put there. */
static int open_nothing(const ContainerRoot *root, const ContainerMount *mount, int *ret_fd,
                        Error *err)
{
    _cleanup_close_ int context_fd = fsopen("tmpfs", FSOPEN_CLOEXEC);
    _cleanup_close_ int fd = -EBADF;

    (void)root;
    if (context_fd >= 0 && fsconfig(context_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        fd = fsmount(context_fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
    if (fd < 0)
        return error_errno(err, "mount a tmpfs for '%s'", mount->target);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static const struct {
    const char *type;
    int (*open)(const ContainerRoot *root, const ContainerMount *mount, int *ret_fd, Error *err);
} kinds[] = {
    { "bind", open_bind },
    { "image", open_image },
    { "tmpfs", open_nothing },
    { "volume", open_volume },
};

static int open_mount(const ContainerRoot *root, const ContainerMount *mount, RootMount *ret,
                      Error *err)
{
    struct stat status;
    int r = error_kind_to_result(ERROR_UNSUPPORTED);

    ret->target = mount->target;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i].type, mount->type) == 0)
            r = kinds[i].open(root, mount, &ret->fd, err);
    if (r < 0)
        return r;
    r = set_attributes(ret->fd, mount->read_only, !mount->read_only_non_recursive);
    if (r == 0 && fstat(ret->fd, &status) < 0)
        r = -errno;
    if (r < 0)
        return error_result(err, r, "mount '%s'", mount->target);
    ret->is_directory = S_ISDIR(status.st_mode);
    return 0;
}

static int compare_targets(const void *a, const void *b)
{
    return strcmp(((const RootMount *)a)->target, ((const RootMount *)b)->target);
}

static bool is_mounted(const RootMounts *mounts, const char *target)
{
    for (size_t i = 0; i < mounts->count; i++)
        if (strcmp(mounts->items[i].target, target) == 0)
            return true;
    return false;
}

/* What the engine has written for it. A file that was never written is not missed. */
static void open_own_files(const ContainerRoot *root, RootMounts *mounts)
{
    for (size_t i = 0; i < CONTAINER_OWN_FILES; i++) {
        const ContainerOwnFile *file = &container_own_files[i];
        int fd = is_mounted(mounts, file->destination)
                     ? -EEXIST
                     : clone_mount(root->claim->directory_fd, file->name, false);

        if (fd >= 0)
            mounts->items[mounts->count++] = (RootMount) { file->destination, fd, false };
    }
}

/* All mounts that its user asked for. A path sorts behind what it is below. */
static int open_mounts(const ContainerRoot *root, RootMounts *mounts, Error *err)
{
    const ContainerSpec *spec = &root->claim->container->spec;
    int r = 0;

    mounts->read_only = spec->read_only_rootfs;
    mounts->items = NEW_ARRAY(RootMount, spec->mount_points.count + CONTAINER_OWN_FILES);
    for (size_t i = 0; r >= 0 && i < spec->mount_points.count; i++) {
        mounts->items[mounts->count++] = (RootMount) { .fd = -EBADF, .is_directory = true };
        r = open_mount(root, &spec->mount_points.items[i], &mounts->items[i], err);
    }
    if (r >= 0)
        open_own_files(root, mounts);
    if (r >= 0)
        qsort(mounts->items, mounts->count, sizeof(*mounts->items), compare_targets);
    return r;
}

/* Where it is mounted; made where the image lacks it, as at a start. */
static int open_place(int root_fd, const RootMount *mount)
{
    _cleanup_close_ int parent_fd = -EBADF, made_fd = -EBADF;
    _cleanup_free_ char *name = NULL;
    int fd = path_open_in_root(root_fd, mount->target, O_PATH, 0), r;

    if (fd != -ENOENT)
        return fd;
    if (mount->is_directory)
        return path_make_directories(root_fd, mount->target, PLACE_MODE, 0, 0);
    r = path_make_parents(root_fd, mount->target, PLACE_MODE, &parent_fd, &name);
    if (r < 0)
        return r;
    made_fd = openat(parent_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
    return made_fd < 0 ? -errno : path_open_in_root(root_fd, mount->target, O_PATH, 0);
}

static int attach(int fd, int place_fd)
{
    return move_mount(fd, "", place_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
               ? -errno
               : 0;
}

/* What it takes to put a stored container together. */
typedef struct Assembly {
    const Engine *engine;
    int root_fd;
    const RootMounts *mounts;
} Assembly;

/* In a child, as our own mount namespace is that of the host's files. Returns a handle of the
 * child's, or -errno. */
static int assemble(const void *data)
{
    const Assembly *assembly = data;
    const RootMounts *mounts = assembly->mounts;
    int root_fd = assembly->root_fd;
    _cleanup_close_ int place_fd = -EBADF;
    int fd, r;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -errno;
    /* any directory will do: nobody else sees what covers it */
    place_fd = open(assembly->engine->runtime_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    r = place_fd < 0 ? -errno : attach(root_fd, place_fd);
    for (size_t i = 0; r == 0 && i < mounts->count; i++) {
        _cleanup_close_ int target_fd = open_place(root_fd, &mounts->items[i]);

        r = target_fd < 0 ? target_fd : attach(mounts->items[i].fd, target_fd);
    }
    if (r == 0 && mounts->read_only)
        r = set_attributes(root_fd, true, false);
    if (r < 0)
        return r;
    fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int open_stored(Engine *engine, const char *name, ContainerRoot *root, Error *err)
{
    _cleanup_(root_mounts_done) RootMounts mounts = {};
    int r = container_claim_stopped(engine, name, &root->claim, err);

    if (r < 0)
        return r;
    root->container = root->claim->container;
    r = container_rootfs_mount_as_stored(root->claim, err);
    if (r >= 0)
        r = open_mounts(root, &mounts, err);
    if (r < 0)
        return r;
    root->fd = root->claim->rootfs_fd;
    root->namespace_fd = child_fd_make(assemble, &(Assembly) { engine, root->fd, &mounts });
    if (root->namespace_fd < 0)
        return error_result(err, root->namespace_fd, "put the files of container '%s' together",
                            root->container->name);
    return 0;
}

/* --- of one that runs --- */

static int open_live(ContainerRoot *root, Error *err)
{
    _cleanup_close_ int pidfd = -EBADF;
    int r = container_process_open(root->live, &pidfd, err);

    if (r >= 0)
        r = container_process_open_root(root->live, pidfd, &root->fd, err);
    if (r >= 0 && container_has_own_ids(root->live))
        id_map_copy(&root->ids, &root->live->spec.ids);
    return r;
}

/*
 * Its first process has ended: wait until its shim has told that. Who has connected before it looks
 * misses no end.
 */
static void await_end(Engine *engine, Container *container)
{
    _cleanup_(shim_client_freep) ShimClient *shim = NULL;
    int64_t pid = container->pid;

    if (container_connect(engine, container, &shim, NULL) < 0)
        return;
    container_refresh(engine, container);
    if (container_is_up(container) && container->pid == pid)
        (void)shim_client_await_exit(shim, &(ShimExit) {}, NULL);
}

static int open_once(Engine *engine, const char *name, ContainerRoot *root, Error *err)
{
    int r = container_find_live(engine, name, &root->live, err);

    if (r < 0)
        return r;
    root->container = root->live;
    if (root->live->state == CONTAINER_RESTARTING)
        return error_set(err, ERROR_CONFLICT,
                         "container '%s' is restarting, wait until the container is running",
                         root->live->name);
    if (container_is_up(root->live)) {
        if (open_live(root, NULL) >= 0)
            return 0;
        await_end(engine, root->live);
    }
    container_free(TAKE_PTR(root->live));
    return open_stored(engine, name, root, err);
}

int container_root_open(Engine *engine, const char *name, ContainerRoot *ret, Error *err)
{
    for (int i = 1;; i++) { /* again when it was started or has ended meanwhile */
        _cleanup_container_root_ ContainerRoot root = CONTAINER_ROOT_INIT;
        _cleanup_error_ Error problem = {};
        int r = open_once(engine, name, &root, &problem);

        if (r < 0 && i < ATTEMPTS && problem.kind == ERROR_CONFLICT &&
            !(root.live && root.live->state == CONTAINER_RESTARTING))
            continue;
        if (r < 0) {
            error_move(err, &problem);
            return r;
        }
        *ret = root;
        root = CONTAINER_ROOT_INIT;
        return 0;
    }
}
