/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI layout: index.json leads by descriptors, through further indexes where an image is for
 * several platforms, to manifests, configurations and layers. Each descriptor's size and digest is
 * checked against what it leads to. URLs in descriptors are never followed.
 */

#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/image-checks.h"
#include "image/image-layout.h"
#include "image/image-load-private.h"

static int check_layout(ImageArchive *archive, Error *err)
{
    _cleanup_image_document_ ImageDocument document = {};
    int r = image_archive_read(archive, LAYOUT_FILE, &document, err);

    return r < 0 ? r : layout_check(document.text, document.size, "archive", err);
}

static int check_size(const Descriptor *descriptor, int64_t size, Error *err)
{
    if (size != descriptor->size)
        return error_set(err, ERROR_CORRUPT, "blob '%s' has %lld bytes, its descriptor says %lld",
                         descriptor->digest, (long long)size, (long long)descriptor->size);
    return 0;
}

/* Read the document that @descriptor leads to, verified. */
static int read_blob(ImageArchive *archive, const Descriptor *descriptor, ImageDocument *ret,
                     Error *err)
{
    _cleanup_image_document_ ImageDocument document = {};
    _cleanup_free_ char *path = layout_blob_path(descriptor->digest);
    Digest digest;
    int r;

    r = image_archive_read(archive, path, &document, err);
    if (r < 0)
        return r;
    r = check_size(descriptor, (int64_t)document.size, err);
    if (r < 0)
        return r;
    digest = digest_of(document.text, document.size);
    if (strcmp(digest.text, descriptor->digest) != 0)
        return error_set(err, ERROR_CORRUPT, "digest mismatch: blob '%s' has the digest '%s'",
                         descriptor->digest, digest.text);
    *ret = document;
    document = (ImageDocument) {};
    return 0;
}

/* The blob of a layer, in the content store; the archive's own file becomes it. */
static int adopt_blob(ImageArchive *archive, const Descriptor *descriptor, const Digest *digest,
                      Error *err)
{
    _cleanup_free_ char *path = layout_blob_path(descriptor->digest);
    const IngestEntry *entry = image_archive_find(archive, path);
    int64_t size = 0;
    int r;

    /* also when another image of this archive has brought it a moment ago */
    if (content_store_verify(image_store_content(archive->store), digest, &size))
        return check_size(descriptor, size, err);
    if (!entry)
        return error_set(err, ERROR_CORRUPT, "the archive lacks the layer '%s'", digest->text);
    r = check_size(descriptor, entry->size, err);
    if (r < 0)
        return r;
    return content_staging_commit(archive->members, entry->file, digest, &size, err);
}

/* ImageLayerBegin */
static int begin_layer(ImageArchive *archive, const void *image, size_t index, LayerSource *source,
                       LayerAddition **ret, Error *err)
{
    const Descriptor *descriptor = &((const Manifest *)image)->layers.items[index];
    _cleanup_close_ int fd = -EBADF;
    int r;

    (void)digest_parse(descriptor->digest, &source->blob); /* checked when it was read */
    r = adopt_blob(archive, descriptor, &source->blob, err);
    if (r < 0)
        return r;
    r = content_store_open_blob(image_store_content(archive->store), &source->blob, &fd, err);
    if (r < 0)
        return r;
    source->blob_size = descriptor->size;
    source->media_type = descriptor->media_type;
    source->fd = fd;
    source->name = descriptor->digest;
    return image_layer_begin(archive->store, source, ret, err);
}

/* The configuration, as it is in @ret_document and read in @ret. */
static int read_config(ImageArchive *archive, const Manifest *manifest, ImageDocument *ret_document,
                       ImageConfig *ret, Error *err)
{
    int r;

    r = read_blob(archive, &manifest->config, ret_document, err);
    if (r < 0)
        return r;
    r = image_config_parse(ret_document->text, ret_document->size, ret, err);
    if (r < 0)
        return r;
    r = image_check_config(manifest, ret, err);
    if (r < 0)
        return r;
    return image_archive_check_platform(archive, ret, err);
}

/* The name that the archive gives the image; one that is a mere tag names nothing. */
static int read_name(const Descriptor *descriptor, Reference *ret, size_t *ret_count, Error *err)
{
    const char *name = string_map_get(&descriptor->annotations, ANNOTATION_IMAGE_NAME);
    int r;

    *ret_count = 0;
    if (!name) {
        name = string_map_get(&descriptor->annotations, ANNOTATION_REF_NAME);
        if (!name || !strpbrk(name, ":/"))
            return 0;
    }
    r = reference_parse(name, ret, err);
    if (r < 0)
        return error_wrap(err, r, "index.json");
    ret->digest = (Digest) {}; /* the manifest has its own */
    reference_set_default_tag(ret);
    *ret_count = 1;
    return 0;
}

/* @descriptor leads to the manifest. */
static int load_manifest(ImageArchive *archive, const Descriptor *descriptor,
                         const Reference *references, size_t n_references, Error *err)
{
    _cleanup_image_config_ ImageConfig config = {};
    _cleanup_image_layers_ ImageLayers layers = {};
    _cleanup_manifest_ Manifest manifest = {};
    _cleanup_image_document_ ImageDocument manifest_document = {};
    _cleanup_image_document_ ImageDocument config_document = {};
    ImageAddition addition = { .layers = &layers,
                               .references = references,
                               .n_references = n_references };
    Digest id;
    int r;

    r = read_blob(archive, descriptor, &manifest_document, err);
    if (r < 0)
        return r;
    r = manifest_parse(manifest_document.text, manifest_document.size, &manifest, err);
    if (r < 0)
        return r;
    r = image_check_type(descriptor->digest, descriptor->media_type, manifest.media_type, err);
    if (r >= 0)
        r = image_check_manifest(&manifest, err);
    if (r < 0)
        return r;
    r = read_config(archive, &manifest, &config_document, &config, err);
    if (r < 0)
        return r;
    r = image_archive_load_layers(archive, &config, begin_layer, &manifest, &layers, err);
    if (r < 0)
        return r;
    addition.config = config_document.text;
    addition.config_size = config_document.size;
    addition.manifest = manifest_document.text;
    addition.manifest_size = manifest_document.size;
    addition.manifest_media_type = descriptor->media_type;
    addition.created = image_config_created(&config);
    r = image_store_add(archive->store, &addition, &id, err);
    if (r < 0)
        return r;
    image_archive_note(archive, &id, references, n_references);
    return 0;
}

/* @top has the name. */
static int load_named(ImageArchive *archive, const Descriptor *top, const Descriptor *descriptor,
                      Error *err)
{
    _cleanup_reference_ Reference reference = {};
    size_t n_references;
    int r = read_name(top, &reference, &n_references, err);

    return r < 0 ? r : load_manifest(archive, descriptor, &reference, n_references, err);
}

static bool is_wanted(const ImageArchive *archive, const Descriptor *descriptor)
{
    if (!descriptor->media_type || (!media_type_is_manifest(descriptor->media_type) &&
                                    !media_type_is_index(descriptor->media_type)))
        return false;
    return !descriptor->platform || platform_matches(&archive->platform, descriptor->platform);
}

/*
 * Load what @descriptor leads to: a manifest, or the one of an index that fits the platform best.
 * Returns 1 when an image was loaded, 0 when there is none for the platform.
 */
static int load_descriptor(ImageArchive *archive, const Descriptor *top,
                           const Descriptor *descriptor, int depth, Error *err)
{
    _cleanup_manifest_index_ ManifestIndex index = {};
    _cleanup_image_document_ ImageDocument document = {};
    const Descriptor *chosen;
    int r;

    if (media_type_is_manifest(descriptor->media_type)) {
        r = load_named(archive, top, descriptor, err);
        return r < 0 ? r : 1;
    }
    if (depth >= IMAGE_MAX_INDEX_DEPTH)
        return error_set(err, ERROR_INVALID, "image index: nested more than %d times",
                         IMAGE_MAX_INDEX_DEPTH);
    r = read_blob(archive, descriptor, &document, err);
    if (r < 0)
        return r;
    r = manifest_index_parse(document.text, document.size, &index, err);
    if (r < 0)
        return r;
    chosen = image_index_choose(&index, &archive->platform);
    if (!chosen)
        chosen = image_index_next_unsaid(&index, NULL);
    return chosen ? load_descriptor(archive, top, chosen, depth + 1, err) : 0;
}

static int read_index(ImageArchive *archive, ManifestIndex *ret, Error *err)
{
    _cleanup_image_document_ ImageDocument document = {};
    int r = check_layout(archive, err);

    if (r >= 0)
        r = image_archive_read(archive, "index.json", &document, err);
    if (r < 0)
        return r;
    r = manifest_index_parse(document.text, document.size, ret, err);
    return r < 0 ? error_wrap(err, r, "index.json") : 0;
}

/* Does @descriptor lead to the manifest of the image @id? Returns 1 or 0. */
static int is_manifest_of(ImageArchive *archive, const Descriptor *descriptor, const Digest *id,
                          Error *err)
{
    _cleanup_image_document_ ImageDocument document = {};
    _cleanup_manifest_ Manifest manifest = {};
    int r;

    if (!descriptor->media_type || !media_type_is_manifest(descriptor->media_type))
        return 0;
    r = read_blob(archive, descriptor, &document, err);
    if (r >= 0)
        r = manifest_parse(document.text, document.size, &manifest, err);
    return r < 0 ? r : strcmp(manifest.config.digest, id->text) == 0;
}

int image_load_original(ImageArchive *archive, const Digest *id, const Reference *references,
                        size_t n_references, Error *err)
{
    _cleanup_manifest_index_ ManifestIndex index = {};
    int r = read_index(archive, &index, err);

    for (size_t i = 0; r >= 0 && i < index.manifests.count; i++) {
        const Descriptor *descriptor = &index.manifests.items[i];

        r = is_manifest_of(archive, descriptor, id, err);
        if (r <= 0)
            continue;
        r = load_manifest(archive, descriptor, references, n_references, err);
        return r < 0 ? r : 1;
    }
    return r < 0 ? r : 0;
}

int image_load_oci(ImageArchive *archive, Error *err)
{
    _cleanup_free_ char *platform = platform_to_string(&archive->platform);
    _cleanup_manifest_index_ ManifestIndex index = {};
    bool has_loaded = false;
    int r = read_index(archive, &index, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < index.manifests.count; i++) {
        const Descriptor *descriptor = &index.manifests.items[i];

        if (!is_wanted(archive, descriptor))
            continue;
        r = load_descriptor(archive, descriptor, descriptor, 0, err);
        if (r < 0)
            return r;
        has_loaded |= r > 0;
    }
    if (!has_loaded)
        return error_set(err, ERROR_NOT_FOUND, "the archive has no image for platform '%s'",
                         platform);
    return 0;
}
