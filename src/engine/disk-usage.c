/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An image is taken apart into pieces, its unpacked layers and its blobs, each of which is measured
 * once and may belong to several images. All of them together are what the stores' directories
 * occupy, with what nobody needs and has not been collected yet.
 */

#include "engine/disk-usage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "engine/engine-private.h"
#include "storage/tree-usage.h"

typedef struct Piece {
    const char *directory; /* which store it is in: equal digests mean different things there */
    Digest digest;
    int64_t size;
    size_t n_images;
    bool is_active; /* a container needs it */
} Piece;

typedef struct Pieces {
    Piece *items;
    size_t count;
    size_t capacity;
} Pieces;

static const char layers_directory[] = "layers";
static const char content_directory[] = "content";

static void pieces_done(Pieces *pieces)
{
    free(pieces->items);
}

void disk_usage_done(DiskUsage *usage)
{
    image_list_done(&usage->images);
    free(usage->image_usages);
    container_list_done(&usage->containers);
    free(usage->container_sizes);
    volume_list_done(&usage->volumes);
    free(usage->volume_sizes);
}

/* What is damaged or has just been removed occupies nothing that could be told. */
static int64_t measure(Engine *engine, const Piece *piece)
{
    _cleanup_close_ int fd = -EBADF;
    uint64_t bytes = 0;
    struct stat status;

    if (piece->directory == layers_directory)
        return layer_store_usage(engine->layers, &piece->digest, &bytes, NULL) < 0 ? 0
                                                                                   : (int64_t)bytes;
    if (content_store_open_blob(image_store_content(engine->images), &piece->digest, &fd, NULL) <
            0 ||
        fstat(fd, &status) < 0)
        return 0;
    return (int64_t)status.st_blocks * 512;
}

static Piece *find_piece(Pieces *pieces, Engine *engine, const char *directory,
                         const Digest *digest)
{
    Piece *piece;

    for (size_t i = 0; i < pieces->count; i++)
        if (pieces->items[i].directory == directory &&
            digest_equal(&pieces->items[i].digest, digest))
            return &pieces->items[i];
    pieces->items = memory_grow(pieces->items, &pieces->capacity, pieces->count + 1, sizeof(Piece));
    piece = &pieces->items[pieces->count++];
    *piece = (Piece) { .directory = directory, .digest = *digest };
    piece->size = measure(engine, piece);
    return piece;
}

/* The pieces of one image, as pointers into all of them would not last. */
typedef struct Parts {
    Engine *engine;
    Pieces *pieces;
    size_t *items;
    size_t count;
    size_t capacity;
} Parts;

static void parts_done(Parts *parts)
{
    free(parts->items);
}

/* An image may have the same layer twice. */
static void add_part(Parts *parts, const char *directory, const Digest *digest)
{
    size_t index = (size_t)(find_piece(parts->pieces, parts->engine, directory, digest) -
                            parts->pieces->items);

    for (size_t i = 0; i < parts->count; i++)
        if (parts->items[i] == index)
            return;
    parts->items =
        memory_grow(parts->items, &parts->capacity, parts->count + 1, sizeof(*parts->items));
    parts->items[parts->count++] = index;
}

static void add_blob(Parts *parts, const char *text)
{
    Digest digest;

    if (text && digest_parse(text, &digest) >= 0)
        add_part(parts, content_directory, &digest);
}

static void add_blobs(Parts *parts, const Digest *manifest_digest)
{
    _cleanup_(manifest_done) Manifest manifest = {};
    _cleanup_free_ char *data = NULL;
    size_t size;

    if (content_store_read(image_store_content(parts->engine->images), manifest_digest, &data,
                           &size, NULL) < 0 ||
        manifest_parse(data, size, &manifest, NULL) < 0)
        return; /* damaged: listed without them, too */
    add_blob(parts, manifest_digest->text);
    add_blob(parts, manifest.config.digest);
    for (size_t i = 0; i < manifest.layers.count; i++)
        add_blob(parts, manifest.layers.items[i].digest);
}

static size_t count_containers(const ContainerList *containers, const Image *image)
{
    size_t count = 0;

    for (size_t i = 0; i < containers->count; i++)
        count += digest_equal(&containers->items[i]->image, &image->id);
    return count;
}

static void take_apart(Parts *parts, const Image *image)
{
    parts->count = 0;
    for (size_t i = 0; i < image->n_layers; i++)
        add_part(parts, layers_directory, &image->chain_ids[i]);
    add_blobs(parts, &image->manifest);
}

/* First how many images have each piece, then what that means for each image. */
static void measure_images(Engine *engine, Pieces *pieces, DiskUsage *usage)
{
    _cleanup_(parts_done) Parts parts = { .engine = engine, .pieces = pieces };

    usage->image_usages = NEW_ARRAY(ImageUsage, usage->images.count + 1);
    for (size_t i = 0; i < usage->images.count; i++) {
        size_t n_containers = count_containers(&usage->containers, usage->images.items[i]);

        usage->image_usages[i].n_containers = n_containers;
        take_apart(&parts, usage->images.items[i]);
        for (size_t j = 0; j < parts.count; j++) {
            Piece *piece = &pieces->items[parts.items[j]];

            piece->n_images++;
            piece->is_active = piece->is_active || n_containers > 0;
        }
    }
    for (size_t i = 0; i < usage->images.count; i++) {
        take_apart(&parts, usage->images.items[i]);
        for (size_t j = 0; j < parts.count; j++) {
            const Piece *piece = &pieces->items[parts.items[j]];

            usage->image_usages[i].size += piece->size;
            usage->image_usages[i].shared += piece->n_images > 1 ? piece->size : 0;
        }
    }
}

static void keep_layers(Engine *engine, Pieces *pieces, const Digest *image)
{
    _cleanup_free_ Digest *chain_ids = NULL;
    size_t count;

    if (image_store_read_layers(engine->images, image, &chain_ids, &count, NULL) < 0)
        return;
    for (size_t i = 0; i < count; i++)
        find_piece(pieces, engine, layers_directory, &chain_ids[i])->is_active = true;
}

/* The image of a container may have been removed by force: its layers are needed all the same. One
 * that is mounted cannot be removed. */
static void keep_used_layers(Engine *engine, Pieces *pieces, const DiskUsage *usage)
{
    _cleanup_image_users_ ImageUsers mounts = {};

    for (size_t i = 0; i < usage->containers.count; i++)
        keep_layers(engine, pieces, &usage->containers.items[i]->image);
    (void)image_mount_list_users(engine, &mounts, NULL); /* a sum that is a bit too large then */
    for (size_t i = 0; i < mounts.count; i++)
        keep_layers(engine, pieces, &mounts.items[i].image);
}

static int add_directory(Engine *engine, const char *name, int64_t *sum, Error *err)
{
    _cleanup_close_ int fd =
        openat(engine->state_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    uint64_t bytes;
    int r;

    if (fd < 0)
        return errno == ENOENT ? 0 : error_errno(err, "open directory '%s'", name);
    r = tree_usage(fd, &bytes);
    if (r < 0)
        return error_result(err, r, "measure directory '%s'", name);
    *sum += (int64_t)bytes;
    return 0;
}

int disk_usage_of_images(Engine *engine, int64_t *ret, Error *err)
{
    int64_t sum = 0;
    int r = add_directory(engine, layers_directory, &sum, err);

    if (r >= 0)
        r = add_directory(engine, content_directory, &sum, err);
    if (r >= 0)
        *ret = sum;
    return r;
}

static void measure_containers(Engine *engine, DiskUsage *usage)
{
    usage->container_sizes = NEW_ARRAY(int64_t, usage->containers.count + 1);
    for (size_t i = 0; i < usage->containers.count; i++) {
        int64_t own, all;

        /* One that has just been removed occupies nothing any more. */
        if (container_measure(engine, usage->containers.items[i], &own, &all, NULL) >= 0)
            usage->container_sizes[i] = own;
    }
}

static void measure_volumes(Engine *engine, DiskUsage *usage)
{
    usage->volume_sizes = NEW_ARRAY(int64_t, usage->volumes.count + 1);
    for (size_t i = 0; i < usage->volumes.count; i++)
        usage->volume_sizes[i] = volume_measure(engine, usage->volumes.items[i]);
}

/* What is being fetched, or was and can go on from there: pruning drops it. */
static int64_t measure_partials(Engine *engine)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    struct stat status;
    int64_t sum = 0;
    int fd = openat(engine->state_fd, "content/partial", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (directory_open(fd < 0 ? -errno : fd, &directory) < 0)
        return 0; /* nothing was ever fetched */
    while (directory_read(directory, &entry) > 0)
        if (fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
            sum += (int64_t)status.st_blocks * 512;
    return sum;
}

int disk_usage_read(Engine *engine, DiskUsage *ret, Error *err)
{
    _cleanup_disk_usage_ DiskUsage usage = {};
    _cleanup_(pieces_done) Pieces pieces = {};
    ImageStore *images;
    int r = engine_images(engine, &images, err);

    if (r >= 0)
        r = container_list_live(engine, 0, &usage.containers, err);
    if (r >= 0)
        r = image_store_list(images, &usage.images, err);
    if (r >= 0)
        r = volume_list(engine, &usage.volumes, err);
    if (r >= 0)
        r = disk_usage_of_images(engine, &usage.images_size, err);
    if (r < 0)
        return r;
    measure_containers(engine, &usage);
    measure_volumes(engine, &usage);
    measure_images(engine, &pieces, &usage);
    keep_used_layers(engine, &pieces, &usage);
    for (size_t i = 0; i < pieces.count; i++)
        usage.images_reclaimable += pieces.items[i].is_active ? 0 : pieces.items[i].size;
    usage.images_reclaimable += measure_partials(engine);
    *ret = usage;
    usage = (DiskUsage) {};
    return 0;
}
