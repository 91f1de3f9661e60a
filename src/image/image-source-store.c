/* SPDX-License-Identifier: Apache-2.0 */
/* An image of this machine's store: its documents and blobs as they came. */

#include "base/fd.h"
#include "base/memory.h"
#include "image/image-source-private.h"

typedef struct StoreSource {
    ImageSource source;
    ContentStore *content;
    Digest manifest;
    int lock_fd; /* nothing is collected meanwhile */
} StoreSource;

static int store_read_manifest(ImageSource *source, const Digest *digest, RegistryDocument *ret,
                               Error *err)
{
    StoreSource *store = (StoreSource *)source;
    const Digest *wanted = digest ? digest : &store->manifest;
    RegistryDocument document = { .digest = *wanted };
    int r = content_store_read(store->content, wanted, &document.text, &document.size, err);

    if (r < 0)
        return r;
    registry_document_set_type(&document, NULL);
    *ret = document;
    return 0;
}

static int store_open_blob(ImageSource *source, const Descriptor *blob, int *ret_fd, Error *err)
{
    StoreSource *store = (StoreSource *)source;
    Digest digest = {};

    (void)digest_parse(blob->digest, &digest); /* checked when it was read */
    return content_store_open_blob(store->content, &digest, ret_fd, err);
}

static void store_free(ImageSource *source)
{
    StoreSource *store = (StoreSource *)source;

    fd_close(store->lock_fd);
    free(store);
}

static const ImageSourceOps store_ops = {
    .read_manifest = store_read_manifest,
    .open_blob = store_open_blob,
    .free = store_free,
};

int image_source_open_store(ImageStore *store, const char *name, ImageSource **ret, Error *err)
{
    StoreSource *store_source = NEW(StoreSource);
    _cleanup_(image_source_freep) ImageSource *source = &store_source->source;
    _cleanup_(image_freep) Image *image = NULL;
    int r;

    *store_source = (StoreSource) { .source.ops = &store_ops,
                                    .content = image_store_content(store),
                                    .lock_fd = -EBADF };
    r = content_store_lock(store_source->content, CONTENT_LOCK_ADD, true, &store_source->lock_fd,
                           err);
    if (r < 0)
        return r;
    r = image_store_find(store, name, &image, err);
    if (r < 0)
        return r;
    store_source->manifest = image->manifest;
    *ret = TAKE_PTR(source);
    return 0;
}
