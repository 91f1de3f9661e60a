/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OCI layout, in a directory or an archive: index.json leads by descriptors to manifests and
 * indexes, and those to blobs. URLs in descriptors are never followed.
 */

#include <string.h>

#include "base/memory.h"
#include "image/image-layout.h"
#include "image/image-source-private.h"
#include "image/reference.h"

typedef struct LayoutSource {
    ImageSource source;
    ImageFiles *files;
    ManifestIndex index;
    const Descriptor *top; /* in index */
} LayoutSource;

static int check_layout(ImageFiles *files, Error *err)
{
    _cleanup_registry_document_ RegistryDocument document = {};
    int r = image_files_read(files, LAYOUT_FILE, &document, err);

    return r < 0 ? r : layout_check(document.text, document.size, image_files_kind(files), err);
}

static bool leads_to_image(const Descriptor *descriptor)
{
    return descriptor->media_type && (media_type_is_manifest(descriptor->media_type) ||
                                      media_type_is_index(descriptor->media_type));
}

static const char *name_of(const Descriptor *descriptor)
{
    const char *name = string_map_get(&descriptor->annotations, ANNOTATION_IMAGE_NAME);

    return name ? name : string_map_get(&descriptor->annotations, ANNOTATION_REF_NAME);
}

static bool is_same_reference(const char *a, const char *b)
{
    _cleanup_reference_ Reference one = {}, other = {};
    _cleanup_free_ char *one_text = NULL, *other_text = NULL;

    if (reference_parse(a, &one, NULL) < 0 || reference_parse(b, &other, NULL) < 0)
        return false;
    reference_set_default_tag(&one);
    reference_set_default_tag(&other);
    one_text = reference_to_string(&one);
    other_text = reference_to_string(&other);
    return strcmp(one_text, other_text) == 0;
}

/* By the layout's own name, by an image's complete name, or "@" and a digest. */
static bool is_named(const Descriptor *descriptor, const char *name)
{
    const char *ref_name = string_map_get(&descriptor->annotations, ANNOTATION_REF_NAME);
    const char *image_name = string_map_get(&descriptor->annotations, ANNOTATION_IMAGE_NAME);

    if (name[0] == '@')
        return strcmp(descriptor->digest, name + 1) == 0;
    if (ref_name && strcmp(ref_name, name) == 0)
        return true;
    return image_name && (strcmp(image_name, name) == 0 || is_same_reference(image_name, name));
}

/* What there is to choose from, for messages. */
static char *list_names(const ManifestIndex *index)
{
    _cleanup_string_list_ StringList names = {};

    for (size_t i = 0; i < index->manifests.count; i++) {
        const Descriptor *descriptor = &index->manifests.items[i];
        const char *name = name_of(descriptor);

        if (leads_to_image(descriptor) && name)
            string_list_printf(&names, "'%.200s'", name);
        else if (leads_to_image(descriptor))
            string_list_printf(&names, "'@%s'", descriptor->digest);
    }
    return names.count > 0 ? string_list_join(&names, ", ") : memory_strdup("none");
}

static int choose(LayoutSource *layout, const char *name, Error *err)
{
    const char *kind = image_files_kind(layout->files);
    _cleanup_free_ char *names = list_names(&layout->index);

    for (size_t i = 0; i < layout->index.manifests.count; i++) {
        const Descriptor *descriptor = &layout->index.manifests.items[i];

        if (!leads_to_image(descriptor) || (name && !is_named(descriptor, name)))
            continue;
        if (layout->top && strcmp(layout->top->digest, descriptor->digest) != 0)
            return name ? error_set(err, ERROR_INVALID,
                                    "the %s has several images named '%.200s': choose one by "
                                    "'@sha256:...'",
                                    kind, name)
                        : error_set(err, ERROR_INVALID, "the %s has several images: name one of %s",
                                    kind, names);
        layout->top = descriptor;
    }
    if (layout->top)
        return 0;
    if (!name)
        return error_set(err, ERROR_NOT_FOUND, "the %s has no image", kind);
    return error_set(err, ERROR_NOT_FOUND, "the %s has no image '%.200s': there is %s", kind, name,
                     names);
}

static int layout_read_manifest(ImageSource *source, const Digest *digest, RegistryDocument *ret,
                                Error *err)
{
    LayoutSource *layout = (LayoutSource *)source;
    _cleanup_registry_document_ RegistryDocument document = {};
    _cleanup_free_ char *path = layout_blob_path(digest ? digest->text : layout->top->digest);
    int r = image_files_read(layout->files, path, &document, err);

    if (r >= 0 && !digest)
        r = descriptor_check_document(layout->top, &document, err);
    if (r < 0)
        return r;
    registry_document_set_type(&document, digest ? NULL : layout->top->media_type);
    *ret = document;
    document = (RegistryDocument) {};
    return 0;
}

static int layout_open_blob(ImageSource *source, const Descriptor *blob, int *ret_fd, Error *err)
{
    const LayoutSource *layout = (const LayoutSource *)source;
    _cleanup_free_ char *path = layout_blob_path(blob->digest);

    return image_files_open(layout->files, path, ret_fd, NULL, err);
}

static void layout_free(ImageSource *source)
{
    LayoutSource *layout = (LayoutSource *)source;

    image_files_free(layout->files);
    manifest_index_done(&layout->index);
    free(layout);
}

static const ImageSourceOps layout_ops = {
    .read_manifest = layout_read_manifest,
    .open_blob = layout_open_blob,
    .free = layout_free,
};

int image_source_open_layout(ImageFiles *files, const char *name, ImageSource **ret, Error *err)
{
    LayoutSource *layout = NEW(LayoutSource);
    _cleanup_(image_source_freep) ImageSource *source = &layout->source;
    _cleanup_registry_document_ RegistryDocument document = {};
    int r;

    source->ops = &layout_ops;
    layout->files = files;
    r = check_layout(files, err);
    if (r < 0)
        return r;
    r = image_files_read(files, "index.json", &document, err);
    if (r < 0)
        return r;
    r = manifest_index_parse(document.text, document.size, &layout->index, err);
    if (r < 0)
        return error_wrap(err, r, "index.json");
    r = choose(layout, name, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(source);
    return 0;
}
