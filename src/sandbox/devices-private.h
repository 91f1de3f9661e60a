/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The container's /dev: device nodes and symlinks. Nodes are made in the container's own /dev. A
 * user namespace forbids that, so there they are made by us before, or bound from the host after
 * their type and number were checked.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "sandbox/mounts-private.h"
#include "sandbox/report-private.h"
#include "sandbox/runtime-config.h"

typedef struct DeviceEntry {
    char *directory; /* absolute, clean */
    char *name;
    mode_t mode; /* with its type */
    dev_t number;
    uid_t uid;
    gid_t gid;
    int fd;          /* detached clone of the host's node; -EBADF: made by mknod(2) */
    bool must_exist; /* /dev is somebody else's, or has it already: nothing is made there */
} DeviceEntry;

typedef struct DeviceTable {
    DeviceEntry *items;
    size_t count;
    size_t capacity;
} DeviceTable;

/*
 * The devices of @config and, in a /dev of the container's own, the default ones. Errors: INVALID.
 */
int device_table_plan(DeviceTable *table, const RuntimeConfig *config, bool has_own_dev,
                      Error *err);

/*
 * For a container with a user namespace: make its /dev, which @mounts have, with all devices in it,
 * where we may and the kernel can. (device-tree.c) Errors: SYSTEM.
 */
int device_tree_make(MountTable *mounts, DeviceTable *devices, const RuntimeConfig *config,
                     Error *err);

/*
 * For the same container: clone all others from the host, with the mode and owner that they have
 * there. Errors: INVALID (the host's node of that name is something else), NOT_FOUND, SYSTEM.
 */
int device_table_clone(DeviceTable *table, Error *err);

/* Is it somewhere below /dev? */
bool device_is_in_dev(const DeviceEntry *entry);

void device_table_done(DeviceTable *table);

/* The child's part: none of these allocates. */

int device_table_make(const DeviceTable *table, int root_fd, Report *report);
/* /dev/fd, /dev/stdin and so on. */
int device_links_make(int root_fd, Report *report);

/* A handle of the container's /dev/null, after a check that it is what its name says. */
int device_open_null(int root_fd, Report *report);
