/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The options of the local driver, Docker's: "type", "device" and "o" say what is mounted, as to
 * mount(8). Without any of them a volume is a directory of the state, and "size" limits it.
 */

#include "base/error.h"
#include "base/string-list.h"
#include "sandbox/mount-options.h"

#define VOLUME_TYPE_TMPFS "tmpfs"

typedef struct VolumeOptions {
    char *type;   /* of a file system; NULL: a bind, or nothing is mounted */
    char *device; /* what it is on; of a bind an absolute path */
    MountOptions mount;
    int64_t size; /* bytes that its files may take; 0: there is no limit */
} VolumeOptions;

void volume_options_done(VolumeOptions *options);
#define _cleanup_volume_options_ _cleanup_(volume_options_done)

/* Do they have something mounted? */
bool volume_options_mount(const StringMap *options);

/* Errors: INVALID, UNSUPPORTED; the message names the option. */
int volume_options_parse(const StringMap *options, VolumeOptions *ret, Error *err);
