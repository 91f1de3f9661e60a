/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First all documents are read, from the top down, so that it is known what there is; then blobs go
 * to the destination, and at last the documents, from the bottom up: nothing is ever there that
 * leads to something that is not.
 */

#include "image/image-copy.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "image/image-checks.h"
#include "image/image-copy-private.h"
#include "image/image-select.h"
#include "image/image-source-private.h"

#define MAX_DOCUMENTS IMAGE_MAX_INDEX_ENTRIES
#define MAX_DOCUMENT_BYTES (16 * (size_t)IMAGE_JSON_MAX_SIZE)

static void copy_done(Copy *copy)
{
    for (size_t i = 0; i < copy->documents.count; i++)
        registry_document_done(&copy->documents.items[i].document);
    free(copy->documents.items);
    for (size_t i = 0; i < copy->blobs.count; i++)
        copy_blob_done(&copy->blobs.items[i]);
    free(copy->blobs.items);
}

static void add_blob(Copy *copy, const Descriptor *descriptor, bool is_layer)
{
    CopyBlob *blob;

    for (size_t i = 0; i < copy->blobs.count; i++)
        if (strcmp(copy->blobs.items[i].descriptor.digest, descriptor->digest) == 0)
            return;
    blob = JSON_ARRAY_ADD(&copy->blobs);
    *blob = (CopyBlob) { .is_layer = is_layer, .fd = -EBADF };
    blob->descriptor.media_type = memory_strdup(descriptor->media_type);
    blob->descriptor.digest = memory_strdup(descriptor->digest);
    blob->descriptor.size = descriptor->size;
    string_list_copy(&blob->descriptor.urls, &descriptor->urls);
    memcpy(blob->id, descriptor->digest + strlen(DIGEST_PREFIX), COPY_SHORT_ID);
}

static bool has_document(const Copy *copy, const char *digest)
{
    for (size_t i = 0; i < copy->documents.count; i++)
        if (strcmp(copy->documents.items[i].document.digest.text, digest) == 0)
            return true;
    return false;
}

/* @document is empty afterwards. */
static int take_document(Copy *copy, RegistryDocument *document, bool is_top, Error *err)
{
    CopyDocument *taken;
    size_t bytes = document->size;

    for (size_t i = 0; i < copy->documents.count; i++)
        bytes += copy->documents.items[i].document.size;
    if (copy->documents.count >= MAX_DOCUMENTS || bytes > MAX_DOCUMENT_BYTES)
        return error_set(err, ERROR_EXHAUSTED,
                         "image index: it leads to more than %d documents, or to more than %zu "
                         "bytes of them",
                         MAX_DOCUMENTS, MAX_DOCUMENT_BYTES);
    taken = JSON_ARRAY_ADD(&copy->documents);
    *taken = (CopyDocument) { .document = *document, .is_top = is_top };
    *document = (RegistryDocument) {};
    return 0;
}

static void add_blobs(Copy *copy, const Manifest *manifest)
{
    add_blob(copy, &manifest->config, false);
    for (size_t i = 0; i < manifest->layers.count; i++)
        add_blob(copy, &manifest->layers.items[i], true);
}

static int collect(Copy *copy, const Descriptor *descriptor, int depth, Error *err);

static int collect_index(Copy *copy, const RegistryDocument *document, int depth, Error *err)
{
    _cleanup_manifest_index_ ManifestIndex index = {};
    int r;

    if (depth >= IMAGE_MAX_INDEX_DEPTH)
        return error_set(err, ERROR_INVALID, "image index: nested more than %d times",
                         IMAGE_MAX_INDEX_DEPTH);
    r = manifest_index_parse(document->text, document->size, &index, err);
    for (size_t i = 0; r >= 0 && i < index.manifests.count; i++)
        r = collect(copy, &index.manifests.items[i], depth + 1, err);
    return r;
}

static int collect_manifest(Copy *copy, const RegistryDocument *document, Error *err)
{
    _cleanup_manifest_ Manifest manifest = {};
    int r = manifest_parse(document->text, document->size, &manifest, err);

    if (r >= 0)
        add_blobs(copy, &manifest);
    return r;
}

static int read_document(Copy *copy, const Descriptor *descriptor, RegistryDocument *ret,
                         Error *err)
{
    _cleanup_registry_document_ RegistryDocument document = {};
    ImageSource *source = copy->options->source;
    Digest digest = {};
    int r;

    if (descriptor)
        (void)digest_parse(descriptor->digest, &digest); /* checked when it was read */
    r = source->ops->read_manifest(source, descriptor ? &digest : NULL, &document, err);
    if (r < 0)
        return r;
    document.digest = digest_of(document.text, document.size);
    r = descriptor ? descriptor_check_document(descriptor, &document, err) : 0;
    if (r >= 0)
        r = image_document_settle_type(descriptor, &document, err);
    if (r < 0)
        return r;
    *ret = document;
    document = (RegistryDocument) {};
    return 0;
}

/* All that @descriptor leads to; NULL: the top. */
static int collect(Copy *copy, const Descriptor *descriptor, int depth, Error *err)
{
    _cleanup_registry_document_ RegistryDocument document = {};
    int r;

    if (descriptor && has_document(copy, descriptor->digest))
        return 0;
    r = read_document(copy, descriptor, &document, err);
    if (r < 0)
        return r;
    r = media_type_is_index(document.media_type) ? collect_index(copy, &document, depth, err)
                                                 : collect_manifest(copy, &document, err);
    return r < 0 ? r : take_document(copy, &document, !descriptor, err);
}

/* Of an index only the image for one platform. */
static int collect_selected(Copy *copy, Error *err)
{
    _cleanup_image_selection_ ImageSelection selection = {};
    _cleanup_platform_ Platform platform = {};
    ImageSelectOptions select = { .source = copy->options->source,
                                  .content = copy->options->content,
                                  .platform = &platform };
    int r = platform_choose(copy->options->platform, &platform, err);

    if (r >= 0)
        r = image_select(&select, &selection, err);
    if (r < 0)
        return r;
    add_blobs(copy, &selection.manifest);
    return take_document(copy, &selection.document, true, err);
}

static int put_documents(Copy *copy, Error *err)
{
    ImageDestination *destination = copy->options->destination;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < copy->documents.count; i++)
        r = destination->ops->put_manifest(destination, &copy->documents.items[i].document,
                                           copy->documents.items[i].is_top, err);
    return r;
}

int image_copy_put(const ImageCopyOptions *options, Digest *ret_digest, size_t *ret_size,
                   Error *err)
{
    _cleanup_(copy_done) Copy copy = { .options = options };
    const RegistryDocument *top;
    int r = options->platform ? collect_selected(&copy, err) : collect(&copy, NULL, 0, err);

    if (r >= 0)
        r = copy_blobs(&copy, err);
    if (r >= 0)
        r = put_documents(&copy, err);
    if (r < 0)
        return r;
    top = &copy.documents.items[copy.documents.count - 1].document;
    *ret_digest = top->digest;
    if (ret_size)
        *ret_size = top->size;
    return 0;
}

int image_copy(const ImageCopyOptions *options, Digest *ret_digest, size_t *ret_size, Error *err)
{
    Digest digest = {};
    size_t size = 0;
    int r = image_copy_put(options, &digest, &size, err);

    if (r >= 0)
        r = options->destination->ops->commit(options->destination, err);
    if (r < 0)
        return r;
    *ret_digest = digest;
    if (ret_size)
        *ret_size = size;
    return 0;
}
