/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A container's root file system: an overlay of an image's layers with the container's own
 * directory for what it writes.
 *
 *     containers/<id>/upper    what the container changed; its root carries the root's mode, owner
 *     containers/<id>/work     the overlay's scratch space
 *     containers/<id>/empty    an empty layer, only where the kernel wants more layers than there
 *                              are
 *
 * The overlay is a detached mount: no mount namespace of the host ever shows it, and it ends with
 * the last descriptor or namespace that holds it. Nothing of it survives the process but files.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Prepare the directory @container_fd for a container whose topmost layer is @top_layer_fd
 * (-EBADF: the image has none). Neither upper nor work may exist. On failure nothing is left.
 * Errors: CONFLICT (exists), EXHAUSTED (no space), SYSTEM.
 */
int snapshot_create(int container_fd, int top_layer_fd, Error *err);

/*
 * Make what will be written to the snapshot, which is not mounted, files of @project
 * (storage/project-quota.h). May be repeated. Errors: UNSUPPORTED, SYSTEM.
 */
int snapshot_set_project(int container_fd, uint32_t project, Error *err);

typedef struct SnapshotOptions {
    const int *layer_fds; /* directories, the topmost layer first; of the calling process's own
                             mount namespace */
    size_t n_layers;      /* 0: the root starts empty. Linux stacks at most 500 */
    int container_fd;     /* the directory that snapshot_create() prepared */
    int id_map_fd;        /* user namespace: files appear with the ids outside of it that theirs, as
                             stored, are inside; 0 or less: as they are */
    uid_t root_uid;       /* what root of that namespace is outside */
    gid_t root_gid;
    bool read_only;     /* show the layers alone; upper and work are neither used nor needed */
    bool with_changes;  /* with read_only: what the container has changed too, while it may go on
                           changing it: who is told of a file looks it up anew */
    const char *source; /* what the mount is called in lists of mounts; NULL: "overlay" */
    bool volatile_;     /* upper will not outlive the container: never sync it to disk */
} SnapshotOptions;

/*
 * Mount the root file system. The caller owns *ret_mount_fd (O_PATH-like, close-on-exec), to be
 * looked into with path_open_in_root() and placed with move_mount(2).
 * Errors: UNSUPPORTED (no overlay in this kernel, too many layers, or @container_fd lies on a file
 * system that cannot hold an upper directory, or map ids), EXHAUSTED, DENIED, SYSTEM; with the
 * kernel's own explanation where it gives one.
 */
int snapshot_mount(const SnapshotOptions *options, int *ret_mount_fd, Error *err);

/* True when the container has changed something in its root; in doubt too. */
bool snapshot_has_changes(int container_fd);

/* Delete what snapshot_create() made and all that was written. Missing is success. */
int snapshot_remove(int container_fd, Error *err);
