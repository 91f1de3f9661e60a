/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Images on the host: their layers as one read-only file system, for whoever looks. Nothing is
 * written down about a mount: the kernel's own list of mounts says which there are, as each is
 * called after its image and this installation. So it does not matter who unmounts it, or whether a
 * restart does. As long as it is there its image cannot be deleted.
 */

#include "base/digest.h"
#include "base/error.h"
#include "base/json-fields.h"
#include "engine/engine.h"

typedef struct ImageMount {
    Digest image;
    char *target; /* absolute */
} ImageMount;

typedef JSON_ARRAY_OF(ImageMount) ImageMounts;
void image_mounts_done(ImageMounts *mounts);
#define _cleanup_image_mounts_ _cleanup_(image_mounts_done)

/*
 * Mount the image @name at the directory @target, with what is in it as it is stored, without
 * devices and set-user-id programs. *ret_target is its absolute path, for the caller to free.
 * Errors: those of image_store_find(), NOT_FOUND (the directory), CONFLICT (an image is mounted
 * there), UNSUPPORTED, SYSTEM.
 */
int image_mount(Engine *engine, const char *name, const char *target, char **ret_target,
                Error *err);

/* Unmount what image_mount() has mounted at @target. Errors: NOT_FOUND, CONFLICT (in use), SYSTEM.
 */
int image_unmount(Engine *engine, const char *target, Error *err);

/* Those that this process sees, in the order in which they were mounted. */
int image_mount_list(Engine *engine, ImageMounts *ret, Error *err);
