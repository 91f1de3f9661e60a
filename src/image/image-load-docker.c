/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The docker-archive: manifest.json lists images by the names of their members. Layers are checked
 * against the diff ids of the configuration, the configuration against its own name, which has been
 * its digest since Docker 1.10. Where there is an OCI layout as well, as since Docker 25, an image
 * has the manifest that it has there.
 */

#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/docker-manifest.h"
#include "image/image-load-private.h"

static int read_images(ImageArchive *archive, DockerImages *ret, Error *err)
{
    _cleanup_image_document_ ImageDocument document = {};
    int r = image_archive_read(archive, "manifest.json", &document, err);

    return r < 0 ? r : docker_images_parse(document.text, document.size, ret, err);
}

/* The digest that a configuration's name states: "<hex>.json" or "blobs/sha256/<hex>". */
static bool stated_digest(const char *path, Digest *ret)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    _cleanup_free_ char *text = NULL;

    if (strlen(name) < DIGEST_HEX_LENGTH ||
        (name[DIGEST_HEX_LENGTH] != '\0' && strcmp(name + DIGEST_HEX_LENGTH, ".json") != 0))
        return false;
    text = memory_printf(DIGEST_PREFIX "%.*s", DIGEST_HEX_LENGTH, name);
    return digest_parse(text, ret) == 0;
}

/* The configuration, as it is in @ret_document and read in @ret. */
static int read_config(ImageArchive *archive, const DockerImage *image, ImageDocument *ret_document,
                       ImageConfig *ret, Error *err)
{
    Digest stated, actual;
    int r;

    r = image_archive_read(archive, image->config, ret_document, err);
    if (r < 0)
        return r;
    actual = digest_of(ret_document->text, ret_document->size);
    if (stated_digest(image->config, &stated) && !digest_equal(&stated, &actual))
        return error_set(err, ERROR_CORRUPT,
                         "digest mismatch: the configuration '%s' has the digest '%s'",
                         image->config, actual.text);
    r = image_config_parse(ret_document->text, ret_document->size, ret, err);
    if (r < 0)
        return r;
    if (ret->rootfs.diff_ids.count != image->layers.count)
        return error_set(err, ERROR_INVALID,
                         "manifest.json: %zu layers, but the configuration has %zu",
                         image->layers.count, ret->rootfs.diff_ids.count);
    return image_archive_check_platform(archive, ret, err);
}

/* ImageLayerBegin */
static int begin_layer(ImageArchive *archive, const void *image, size_t index, LayerSource *source,
                       LayerAddition **ret, Error *err)
{
    const char *path = ((const DockerImage *)image)->layers.items[index];
    const IngestEntry *entry = image_archive_find(archive, path);
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (!entry)
        return error_set(err, ERROR_CORRUPT, "the archive lacks the layer '%.200s'", path);
    r = image_archive_open(archive, entry, &fd, err);
    if (r < 0)
        return r;
    source->fd = fd;
    source->name = path;
    return image_layer_begin(archive->store, source, ret, err);
}

static int read_names(const StringList *names, ReferenceArray *ret, Error *err)
{
    int r;

    ret->items = NEW_ARRAY(Reference, names->count + 1);
    for (size_t i = 0; i < names->count; i++) {
        r = reference_parse(names->items[i], &ret->items[ret->count], err);
        if (r < 0)
            return error_wrap(err, r, "manifest.json");
        ret->count++;
        if (!ret->items[i].tag || digest_is_set(&ret->items[i].digest))
            return error_set(err, ERROR_INVALID, "manifest.json: '%s' is not a name with a tag",
                             names->items[i]);
    }
    return 0;
}

static int load_image(ImageArchive *archive, const DockerImage *image, Error *err)
{
    _cleanup_reference_array_ ReferenceArray references = {};
    _cleanup_image_config_ ImageConfig config = {};
    _cleanup_image_layers_ ImageLayers layers = {};
    _cleanup_image_document_ ImageDocument document = {};
    ImageAddition addition = { .layers = &layers };
    Digest id;
    int r;

    r = read_names(&image->names, &references, err);
    if (r < 0)
        return r;
    r = read_config(archive, image, &document, &config, err);
    if (r < 0)
        return r;
    if (image_archive_find(archive, "index.json")) {
        id = digest_of(document.text, document.size);
        r = image_load_original(archive, &id, references.items, references.count, err);
        if (r != 0)
            return r < 0 ? r : 0;
    }
    r = image_archive_load_layers(archive, &config, begin_layer, image, &layers, err);
    if (r < 0)
        return r;
    addition.config = document.text;
    addition.config_size = document.size;
    addition.created = image_config_created(&config);
    addition.references = references.items;
    addition.n_references = references.count;
    r = image_store_add(archive->store, &addition, &id, err);
    if (r < 0)
        return r;
    image_archive_note(archive, &id, references.items, references.count);
    return 0;
}

int image_load_docker(ImageArchive *archive, Error *err)
{
    _cleanup_docker_images_ DockerImages images = {};
    int r;

    r = read_images(archive, &images, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < images.images.count; i++) {
        r = load_image(archive, &images.images.items[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}
