/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skopeo's directory: manifest.json, <hex>.manifest.json for those of an index, and blobs named by
 * the digits of their digests.
 */

#include <string.h>

#include "base/memory.h"
#include "image/image-source-private.h"

typedef struct DirectorySource {
    ImageSource source;
    ImageFiles *files;
} DirectorySource;

static int directory_read_manifest(ImageSource *source, const Digest *digest, RegistryDocument *ret,
                                   Error *err)
{
    DirectorySource *directory = (DirectorySource *)source;
    _cleanup_free_ char *path = digest ? memory_printf("%s.manifest.json", digest_hex(digest))
                                       : memory_strdup("manifest.json");
    int r = image_files_read(directory->files, path, ret, err);

    if (r < 0)
        return r;
    registry_document_set_type(ret, NULL);
    return 0;
}

static int directory_open_blob(ImageSource *source, const Descriptor *blob, int *ret_fd, Error *err)
{
    const DirectorySource *directory = (const DirectorySource *)source;

    return image_files_open(directory->files, blob->digest + strlen(DIGEST_PREFIX), ret_fd, NULL,
                            err);
}

static void directory_free(ImageSource *source)
{
    DirectorySource *directory = (DirectorySource *)source;

    image_files_free(directory->files);
    free(directory);
}

static const ImageSourceOps directory_ops = {
    .read_manifest = directory_read_manifest,
    .open_blob = directory_open_blob,
    .free = directory_free,
};

int image_source_open_directory(ImageFiles *files, ImageSource **ret, Error *err)
{
    DirectorySource *directory = NEW(DirectorySource);
    _cleanup_(image_source_freep) ImageSource *source = &directory->source;

    source->ops = &directory_ops;
    directory->files = files;
    if (!image_files_have(files, "manifest.json"))
        return error_set(err, ERROR_NOT_FOUND,
                         "the directory has no 'manifest.json': it is none of the transport 'dir'");
    *ret = TAKE_PTR(source);
    return 0;
}
