/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The overlay below a snapshot, and its two ways to a detached mount. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

#define UPPER_DIRECTORY "upper"
#define WORK_DIRECTORY "work"

typedef struct Overlay {
    const int *lower_fds; /* the topmost first; at least two where there is no upper */
    size_t n_lower;
    int upper_fd; /* -EBADF: read-only */
    int work_fd;
    int parent_fd;  /* with id_map_fd and upper_fd: the directory in which both have their names */
    int id_map_fd;  /* user namespace whose ids the files show; 0 or less: ids as they are */
    uid_t root_uid; /* what root of that namespace is outside */
    gid_t root_gid;
    const char *source; /* NULL: "overlay" */
    bool volatile_;
} Overlay;

/* Whichever of the two ways this kernel knows. The caller owns *ret_mount_fd. */
int overlay_mount(const Overlay *overlay, int *ret_mount_fd, Error *err);

/* fsopen(2) and one fsconfig(2) per layer. UNSUPPORTED before Linux 6.5. */
int overlay_mount_by_handle(const Overlay *overlay, int *ret_mount_fd, Error *err);

/*
 * mount(2) by a child in a mount namespace of its own, which clones the mount and sends it over.
 * For Linux 5.15 to 6.4; works on any, for as many layers as one page of options can name (about
 * 200).
 */
int overlay_mount_in_child(const Overlay *overlay, int *ret_mount_fd, Error *err);
