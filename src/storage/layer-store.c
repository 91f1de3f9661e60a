/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The directory of unpacked layers: looking them up, listing and removing them.
 *
 * Names in it come from digests, which are checked when they are parsed, so no name here can lead
 * out of the directory. Nothing in a layer is ever followed or opened but the layer's root.
 */

#include "storage/layer-store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* renameat */
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/random-id.h"
#include "storage/layer-store-private.h"
#include "storage/tree-usage.h"

#define LAYERS_DIRECTORY "layers"
#define LAYERS_MODE 0700

int layer_store_open(int state_fd, LayerStore **ret, Error *err)
{
    _cleanup_(layer_store_closep) LayerStore *store = NEW(LayerStore);

    store->fd = path_open_directory(state_fd, LAYERS_DIRECTORY, LAYERS_MODE);
    if (store->fd < 0)
        return error_result(err, store->fd, "open the layer store '" LAYERS_DIRECTORY "'");

    *ret = TAKE_PTR(store);
    return 0;
}

void layer_store_close(LayerStore *store)
{
    if (!store)
        return;
    (void)fd_close(store->fd);
    free(store);
}

void layer_path(char buffer[static LAYER_PATH_SIZE], const Digest *chain_id)
{
    memcpy(buffer, digest_hex(chain_id), DIGEST_HEX_LENGTH);
    memcpy(buffer + DIGEST_HEX_LENGTH, "/" LAYER_ROOT, sizeof("/" LAYER_ROOT));
}

void layer_work_name(char buffer[static LAYER_WORK_NAME_SIZE])
{
    buffer[0] = '.';
    random_hex(buffer + 1, LAYER_WORK_DIGITS);
}

bool layer_store_has(const LayerStore *store, const Digest *chain_id)
{
    char path[LAYER_PATH_SIZE];

    layer_path(path, chain_id);
    return faccessat(store->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int layer_store_open_layer(const LayerStore *store, const Digest *chain_id, int *ret_fd, Error *err)
{
    char path[LAYER_PATH_SIZE];

    layer_path(path, chain_id);
    _cleanup_close_ int fd = openat(store->fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return error_set(err, ERROR_NOT_FOUND, "layer '%s' is not unpacked", chain_id->text);
    if (fd < 0)
        return error_errno(err, "open layer '%s'", chain_id->text);

    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Is @name that of a layer, whole or not? */
static bool name_to_chain_id(const char *name, Digest *ret)
{
    char text[DIGEST_LENGTH + 1];

    if (strlen(name) != DIGEST_HEX_LENGTH)
        return false;
    memcpy(text, DIGEST_PREFIX, sizeof(DIGEST_PREFIX) - 1);
    memcpy(text + sizeof(DIGEST_PREFIX) - 1, name, DIGEST_HEX_LENGTH + 1);
    return digest_parse(text, ret) == 0;
}

int layer_store_list(const LayerStore *store, Digest **ret_chain_ids, size_t *ret_count, Error *err)
{
    _cleanup_directory_ DIR *directory = NULL;
    _cleanup_free_ Digest *chain_ids = NULL;
    size_t count = 0, capacity = 0;
    const struct dirent *entry;
    Digest chain_id;

    int r = directory_open_at(store->fd, ".", &directory);
    while (r >= 0 && (r = directory_read(directory, &entry)) > 0) {
        if (!name_to_chain_id(entry->d_name, &chain_id) || !layer_store_has(store, &chain_id))
            continue;
        chain_ids = memory_grow(chain_ids, &capacity, count + 1, sizeof(*chain_ids));
        chain_ids[count++] = chain_id;
    }
    if (r < 0)
        return error_result(err, r, "read the layer store");

    *ret_chain_ids = TAKE_PTR(chain_ids);
    *ret_count = count;
    return 0;
}

int layer_work_delete(const LayerStore *store, const char *name)
{
    _cleanup_close_ int fd =
        openat(store->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;

    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? 0 : -errno; /* its owner lives, or deletes it right now */
    return path_remove_tree(store->fd, name);
}

int layer_store_remove(LayerStore *store, const Digest *chain_id, Error *err)
{
    char work_name[LAYER_WORK_NAME_SIZE];

    layer_work_name(work_name);
    if (renameat(store->fd, digest_hex(chain_id), store->fd, work_name) < 0) {
        if (errno == ENOENT)
            return 0;
        return error_errno(err, "remove layer '%s'", chain_id->text);
    }

    int r = layer_work_delete(store, work_name);
    if (r < 0)
        return error_result(err, r, "delete the files of layer '%s'", chain_id->text);
    return 0;
}

int layer_store_collect_staging(LayerStore *store, Error *err)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    Digest chain_id;
    int result = 0, deleted;

    int r = directory_open_at(store->fd, ".", &directory);
    while (r >= 0 && (r = directory_read(directory, &entry)) > 0) {
        if (entry->d_name[0] == '.') {
            deleted = layer_work_delete(store, entry->d_name);
            if (deleted < 0) /* go on: the rest can be deleted all the same */
                result = error_result(err, deleted, "delete abandoned '%s' in the layer store",
                                      entry->d_name);
        } else if (name_to_chain_id(entry->d_name, &chain_id)) {
            /* a committer that died before its rename; a whole layer is not empty and stays */
            (void)unlinkat(store->fd, entry->d_name, AT_REMOVEDIR);
        }
    }
    if (r < 0)
        return error_result(err, r, "read the layer store");
    return result;
}

int layer_store_usage(const LayerStore *store, const Digest *chain_id, uint64_t *ret_bytes,
                      Error *err)
{
    _cleanup_close_ int root_fd = -EBADF;
    int r = layer_store_open_layer(store, chain_id, &root_fd, err);

    if (r < 0)
        return r;
    r = tree_usage(root_fd, ret_bytes);
    return r < 0 ? error_result(err, r, "measure layer '%s'", chain_id->text) : 0;
}
