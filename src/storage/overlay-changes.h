/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a container has changed in its root file system, told from the directory that its overlay
 * writes to and the layers below it. Takes time in proportion to what that directory holds.
 */

#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

typedef enum OverlayChangeKind {
    OVERLAY_CHANGED, /* content or metadata; a directory also when something in it has changed */
    OVERLAY_ADDED,
    OVERLAY_DELETED, /* with all below it, which is not listed */
} OverlayChangeKind;

typedef struct OverlayChange {
    OverlayChangeKind kind;
    char *path; /* absolute, as in the container */
} OverlayChange;

typedef struct OverlayChanges {
    OverlayChange *items; /* sorted by path */
    size_t count;
    size_t capacity;
} OverlayChanges;

void overlay_changes_done(OverlayChanges *changes);
#define _cleanup_overlay_changes_ _cleanup_(overlay_changes_done)

/*
 * List the changes that the directory @upper_fd makes to the layers @layer_fds, the topmost first.
 * The container may change more meanwhile: no symlink is followed, nothing else is read.
 *
 * As Docker has it, metadata is the mode, the owner and the device number and, of what is no
 * directory, the size, the time of the last modification and the capabilities.
 *
 * Errors: SYSTEM.
 */
int overlay_changes_list(int upper_fd, const int *layer_fds, size_t n_layers, OverlayChanges *ret,
                         Error *err);
