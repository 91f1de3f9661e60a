/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The container's /dev: device nodes and symlinks. Nodes are made in the container's own /dev, or,
 * where a user namespace forbids that, bound from the host after their type and number were
 * checked.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
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
    bool must_exist; /* /dev is somebody else's: nothing is made there */
} DeviceEntry;

typedef struct DeviceTable {
    DeviceEntry *items;
    size_t count;
    size_t capacity;
} DeviceTable;

/*
 * The devices of @config and, in a /dev of the container's own, the default ones. With @bind all of
 * them are cloned from the host: mode and owner are the host's, too.
 * Errors: INVALID (the host's node of that name is something else), NOT_FOUND, SYSTEM.
 */
int device_table_plan(DeviceTable *table, const RuntimeConfig *config, bool bind, bool has_own_dev,
                      Error *err);
void device_table_done(DeviceTable *table);

/* The child's part: none of these allocates. */

int device_table_make(const DeviceTable *table, int root_fd, Report *report);
/* /dev/fd, /dev/stdin and so on. */
int device_links_make(int root_fd, Report *report);

/* A handle of the container's /dev/null, after a check that it is what its name says. */
int device_open_null(int root_fd, Report *report);
