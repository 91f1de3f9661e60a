/* SPDX-License-Identifier: Apache-2.0 */

/* A container's root file system: its image's layers, the mount points below them, its own
 * changes. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "engine/container-private.h"
#include "engine/mount-points.h"
#include "sandbox/id-mapping.h"
#include "storage/snapshot.h"
#include "storage/tree-usage.h"

/* Handles of directories, the topmost layer first; ending with -EBADF. */
typedef struct LayerHandles {
    int *fds;
    size_t count;
} LayerHandles;

static void layer_handles_done(LayerHandles *layers)
{
    for (size_t i = 0; i < layers->count; i++)
        fd_close(layers->fds[i]);
    free(layers->fds);
}

/* The image's layers. There is room for one more. */
static int open_layers(Engine *engine, const Digest *image, LayerHandles *ret, Error *err)
{
    _cleanup_(layer_handles_done) LayerHandles layers = {};
    _cleanup_free_ Digest *chain_ids = NULL;
    ImageStore *images;
    size_t n_chain_ids;
    int r = engine_images(engine, &images, err);

    if (r >= 0)
        r = image_store_read_layers(images, image, &chain_ids, &n_chain_ids, err);
    if (r < 0)
        return r;
    layers.fds = NEW_ARRAY(int, n_chain_ids + 1);
    for (; layers.count < n_chain_ids; layers.count++) {
        r = layer_store_open_layer(engine->layers, &chain_ids[n_chain_ids - 1 - layers.count],
                                   &layers.fds[layers.count], err);
        if (r < 0)
            return r;
    }

    *ret = layers;
    layers = (LayerHandles) {};
    return 0;
}

/* Those of the container's image, and below them all the mount points. */
static int open_root_layers(Engine *engine, const Container *container, LayerHandles *layers,
                            Error *err)
{
    int r = open_layers(engine, &container->image, layers, err);

    if (r >= 0)
        r = mount_points_open(engine, &layers->fds[layers->count], err);
    if (r >= 0)
        layers->count++;
    return r;
}

/* Whoever has ids of its own finds its files as they are stored all the same. */
static void map_ids(const Container *container, int id_map_fd, SnapshotOptions *options)
{
    const IdMap *ids = &container->spec.ids;

    options->id_map_fd = id_map_fd;
    (void)id_ranges_to_host(&ids->uids, 0, &options->root_uid); /* it has an id 0: its root */
    (void)id_ranges_to_host(&ids->gids, 0, &options->root_gid);
}

static int mount_layers(ContainerClaim *claim, const LayerHandles *layers, Error *err)
{
    SnapshotOptions options = {
        .layer_fds = layers->fds,
        .n_layers = layers->count,
        .container_fd = claim->directory_fd,
        .volatile_ = claim->container->spec.auto_remove,
    };
    const IdMap *ids = &claim->container->spec.ids;
    int r = 0;

    if (container_has_own_ids(claim->container))
        r = id_mapping_open(&ids->uids, &ids->gids, &claim->id_map_fd, err);
    map_ids(claim->container, claim->id_map_fd, &options);
    if (r >= 0)
        r = container_quota_prepare(claim, err);
    if (r >= 0)
        r = snapshot_mount(&options, &claim->rootfs_fd, err);
    return r < 0 ? r : container_quota_apply(claim, err);
}

int container_rootfs_create(ContainerClaim *claim, Error *err)
{
    _cleanup_(layer_handles_done) LayerHandles layers = {};
    int r = open_root_layers(claim->engine, claim->container, &layers, err);

    if (r >= 0) /* the lowest layer is that of the mount points */
        r = snapshot_create(claim->directory_fd, layers.count > 1 ? layers.fds[0] : -EBADF, err);
    return r < 0 ? r : mount_layers(claim, &layers, err);
}

int container_rootfs_mount(ContainerClaim *claim, Error *err)
{
    _cleanup_(layer_handles_done) LayerHandles layers = {};
    int r = open_root_layers(claim->engine, claim->container, &layers, err);

    return r < 0 ? r : mount_layers(claim, &layers, err);
}

int container_rootfs_mount_as_stored(ContainerClaim *claim, Error *err)
{
    _cleanup_(layer_handles_done) LayerHandles layers = {};
    int r = open_root_layers(claim->engine, claim->container, &layers, err);

    if (r < 0)
        return r;
    return snapshot_mount(&(SnapshotOptions) { .layer_fds = layers.fds,
                                               .n_layers = layers.count,
                                               .container_fd = claim->directory_fd,
                                               .volatile_ = claim->container->spec.auto_remove },
                          &claim->rootfs_fd, err);
}

int engine_mount_image(Engine *engine, const Digest *image, SnapshotOptions *options, int *ret_fd,
                       Error *err)
{
    _cleanup_(layer_handles_done) LayerHandles layers = {};
    int r = open_layers(engine, image, &layers, err);

    if (r < 0)
        return r;
    options->read_only = true;
    options->layer_fds = layers.fds;
    options->n_layers = layers.count;
    return snapshot_mount(options, ret_fd, err);
}

int container_image_mount(const ConfigSource *source, const Digest *image, int *ret_fd, Error *err)
{
    SnapshotOptions options = { .container_fd = source->directory_fd };

    map_ids(source->container, source->id_map_fd, &options);
    return engine_mount_image(source->engine, image, &options, ret_fd, err);
}

static int open_directory(Engine *engine, const Container *container, const char *name, int *ret_fd,
                          Error *err)
{
    _cleanup_free_ char *path =
        memory_printf("%s%s%s", container->id, name ? "/" : "", name ? name : "");
    int fd = openat(engine->containers_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return error_set(err, ERROR_CONFLICT, "container '%s' is being removed", container->name);
    if (fd < 0)
        return error_errno(err, "open the directory of container '%s'", container->name);
    *ret_fd = fd;
    return 0;
}

int container_rootfs_open_changes(Engine *engine, const Container *container, int *ret_fd,
                                  Error *err)
{
    return open_directory(engine, container, "upper", ret_fd, err);
}

int container_rootfs_list_changes(Engine *engine, const Container *container, OverlayChanges *ret,
                                  Error *err)
{
    _cleanup_(layer_handles_done) LayerHandles layers = {};
    _cleanup_close_ int changes_fd = -EBADF;
    int r = container_rootfs_open_changes(engine, container, &changes_fd, err);

    if (r >= 0)
        r = open_root_layers(engine, container, &layers, err);
    return r < 0 ? r : overlay_changes_list(changes_fd, layers.fds, layers.count, ret, err);
}

int container_rootfs_view(Engine *engine, const Container *container, int *ret_fd, Error *err)
{
    _cleanup_(layer_handles_done) LayerHandles layers = {};
    _cleanup_close_ int directory_fd = -EBADF;
    SnapshotOptions options = { .read_only = true, .with_changes = true };
    int r = open_directory(engine, container, NULL, &directory_fd, err);

    if (r >= 0)
        r = open_root_layers(engine, container, &layers, err);
    if (r < 0)
        return r;
    options.layer_fds = layers.fds;
    options.n_layers = layers.count;
    options.container_fd = directory_fd;
    return snapshot_mount(&options, ret_fd, err);
}

int container_measure(Engine *engine, const Container *container, int64_t *ret_own,
                      int64_t *ret_all, Error *err)
{
    _cleanup_free_ char *path = memory_printf("%s/upper", container->id);
    _cleanup_close_ int upper_fd =
        openat(engine->containers_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    _cleanup_free_ Digest *chain_ids = NULL;
    size_t n_chain_ids;
    ImageStore *images;
    uint64_t bytes;
    int64_t own;
    int r;

    if (upper_fd < 0)
        return error_errno(err, "measure container '%s'", container->name);
    r = tree_usage(upper_fd, &bytes);
    if (r < 0)
        return error_result(err, r, "measure container '%s'", container->name);
    own = (int64_t)bytes;
    *ret_all = own;
    r = engine_images(engine, &images, err);
    if (r >= 0)
        r = image_store_read_layers(images, &container->image, &chain_ids, &n_chain_ids, err);
    for (size_t i = 0; r >= 0 && i < n_chain_ids; i++) {
        r = layer_store_usage(engine->layers, &chain_ids[i], &bytes, err);
        *ret_all += (int64_t)bytes;
    }
    if (r >= 0)
        *ret_own = own;
    return r;
}
