/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where an image can be copied or pulled from: a registry, an OCI layout, an archive, a directory
 * or this machine's store. What a source gives is unverified, whoever takes it checks every digest
 * and size against the descriptor that led there.
 */

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "image/manifest.h"
#include "registry/registry-client.h"

typedef struct ImageSource ImageSource;

typedef struct ImageSourceOps {
    /*
     * The manifest or index @digest; NULL: what the source's own name leads to. Errors: NOT_FOUND,
     * and the source's own.
     */
    int (*read_manifest)(ImageSource *source, const Digest *digest, RegistryDocument *ret,
                         Error *err);

    /* A blob on this machine: open for reading, at its beginning. NULL where there is a fetch. */
    int (*open_blob)(ImageSource *source, const Descriptor *blob, int *ret_fd, Error *err);

    /* A blob elsewhere: begin to bring it into @file_fd (RegistryFetch). */
    int (*fetch)(ImageSource *source, const Descriptor *blob, int file_fd, RegistryTransfer **ret,
                 Error *err);

    /* With fetch: whose transfers they are. */
    RegistryClient *(*client)(ImageSource *source);

    void (*free)(ImageSource *source);
} ImageSourceOps;

/* Implementations embed it as their first member. */
struct ImageSource {
    const ImageSourceOps *ops;
};

static inline void image_source_free(ImageSource *source)
{
    if (source)
        source->ops->free(source);
}
DEFINE_CLEANUP(ImageSource *, image_source_free);

/* The image @reference (a tag or a digest) of a repository; @client is taken. */
ImageSource *image_source_registry(RegistryClient *client, const char *reference);
/* From here on another image of the same repository. */
void image_source_registry_change(ImageSource *source, const char *reference);
