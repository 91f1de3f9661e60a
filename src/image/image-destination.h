/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where images can be copied to without being unpacked: a registry, an OCI layout, an archive, a
 * directory. (The store of this machine is filled by image-pull.h.) Nothing is visible under the
 * destination's own name before it is whole.
 */

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "image/manifest.h"
#include "registry/registry-client.h"

typedef struct ImageDestination ImageDestination;

typedef struct ImageDestinationOps {
    /* Is the blob there? Returns 1 or 0. */
    int (*has_blob)(ImageDestination *destination, const Descriptor *blob, Error *err);

    /* Take the blob in the regular file @file_fd, and verify what was taken. */
    int (*put_blob)(ImageDestination *destination, const Descriptor *blob, int file_fd, Error *err);

    /* The same over the network, begun: the other side verifies. NULL where there is put_blob. */
    int (*upload)(ImageDestination *destination, const Descriptor *blob, int file_fd,
                  RegistryTransfer **ret, Error *err);
    RegistryClient *(*client)(ImageDestination *destination); /* with upload: whose they are */

    /* The same without the blob, where the other side may have it elsewhere: begun, and NOT_FOUND
     * if it has not. Returns 0 without a transfer where there is no elsewhere, else 1. NULL: never.
     */
    int (*mount)(ImageDestination *destination, const Descriptor *blob, RegistryTransfer **ret,
                 Error *err);

    /* Take a manifest or index all of whose parts are there. @is_top: what the destination's own
     * name is to lead to; else it is part of an index. */
    int (*put_manifest)(ImageDestination *destination, const RegistryDocument *manifest,
                        bool is_top, Error *err);

    /* All is there: make it visible. Without it, whatever was put is undone. */
    int (*commit)(ImageDestination *destination, Error *err);

    void (*free)(ImageDestination *destination);
} ImageDestinationOps;

/* Implementations embed it as their first member. */
struct ImageDestination {
    const ImageDestinationOps *ops;
};

static inline void image_destination_free(ImageDestination *destination)
{
    if (destination)
        destination->ops->free(destination);
}
DEFINE_CLEANUP(ImageDestination *, image_destination_free);
