/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A layer while it is being unpacked: a locked directory with a random name that becomes a layer by
 * one rename, or is deleted with its handle. A process that dies releases the lock and thereby
 * leaves the directory to layer_store_collect_staging().
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* renameat2 */
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "storage/layer-store-private.h"

#define LAYER_MODE 0755

/* How often somebody else may undo a step under our hands before we call it a failure. */
#define MAX_ATTEMPTS 100

struct LayerStaging {
    LayerStore *store;
    int fd;
    char name[LAYER_WORK_NAME_SIZE]; /* empty once there is nothing to delete */
};

static bool names_directory(int parent_fd, const char *name, int fd)
{
    struct stat by_name, by_fd;

    return fstatat(parent_fd, name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &by_fd) == 0 &&
           by_name.st_ino == by_fd.st_ino && by_name.st_dev == by_fd.st_dev;
}

/*
 * Make a directory and lock it. Until it is locked it looks abandoned, so a collector may take it
 * from us at any step: -EAGAIN, and the collector deletes it.
 */
static int staging_claim(LayerStaging *staging)
{
    int store_fd = staging->store->fd;
    char name[LAYER_WORK_NAME_SIZE];

    layer_work_name(name);
    if (mkdirat(store_fd, name, LAYER_MODE) < 0)
        return errno == EEXIST ? -EAGAIN : -errno;

    _cleanup_close_ int fd =
        openat(store_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -EAGAIN : -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    if (!names_directory(store_fd, name, fd))
        return -EAGAIN;

    memcpy(staging->name, name, sizeof(name)); /* ours: deleted with the handle from here on */
    if (fchmod(fd, LAYER_MODE) < 0)            /* whatever the umask is */
        return -errno;

    staging->fd = TAKE_FD(fd);
    return 0;
}

int layer_staging_begin(LayerStore *store, LayerStaging **ret, Error *err)
{
    _cleanup_(layer_staging_freep) LayerStaging *staging = NEW(LayerStaging);
    int r = -EAGAIN;

    staging->store = store;
    staging->fd = -EBADF;
    for (unsigned i = 0; r == -EAGAIN && i < MAX_ATTEMPTS; i++)
        r = staging_claim(staging);
    if (r < 0)
        return error_result(err, r, "begin a layer in the layer store");

    *ret = TAKE_PTR(staging);
    return 0;
}

int layer_staging_fd(const LayerStaging *staging)
{
    return staging->fd;
}

/* -EAGAIN when a removal of the same layer took its parent directory away. */
static int staging_rename(LayerStaging *staging, const Digest *chain_id)
{
    int store_fd = staging->store->fd;
    char path[LAYER_PATH_SIZE];

    layer_path(path, chain_id);
    if (mkdirat(store_fd, digest_hex(chain_id), LAYER_MODE) < 0 && errno != EEXIST)
        return -errno;
    if (renameat2(store_fd, staging->name, store_fd, path, RENAME_NOREPLACE) < 0) {
        if (errno == EEXIST)
            return 0; /* somebody was faster; ours goes with the handle */
        return errno == ENOENT ? -EAGAIN : -errno;
    }

    staging->name[0] = '\0';
    return 0;
}

int layer_staging_publish(LayerStaging *staging, const Digest *chain_id, Error *err)
{
    int r = -EAGAIN;

    for (unsigned i = 0; r == -EAGAIN && i < MAX_ATTEMPTS; i++)
        r = staging_rename(staging, chain_id);
    if (r < 0)
        return error_result(err, r, "commit layer '%s'", chain_id->text);
    return 0;
}

int layer_staging_commit(LayerStaging *staging, const Digest *chain_id, Error *err)
{
    /*
     * A rename may reach the disk before the data of the files does. After a power loss such a
     * layer would look whole and have empty files, so everything is written out first.
     */
    if (syncfs(staging->fd) < 0)
        return error_errno(err, "sync layer '%s'", chain_id->text);
    return layer_staging_publish(staging, chain_id, err);
}

void layer_staging_free(LayerStaging *staging)
{
    if (!staging)
        return;
    /* deleted under the lock; what cannot be deleted now is left to the collector */
    if (staging->name[0] != '\0')
        (void)path_remove_tree(staging->store->fd, staging->name);
    (void)fd_close(staging->fd);
    free(staging);
}
