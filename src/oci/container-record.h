/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is written down of a container, state.json in its directory: what a later command needs to
 * find it and to undo it. What the kernel knows better (whether it runs, is paused) is not in it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/string-list.h"

typedef struct ContainerRecord {
    char *id;
    char *bundle;        /* absolute */
    char *rootfs;        /* absolute */
    char *cgroup_path;   /* NULL: it has none */
    bool systemd_cgroup; /* its cgroup is a unit of systemd */
    bool shares_pids;    /* its end is not that of all its processes */
    bool has_agent;      /* its seccomp profile notifies one when it is started */
    bool has_rdt;        /* it has a resctrl group */
    bool has_poststart;  /* hooks for who starts it */
    bool has_poststop;   /* and for who deletes it */
    int32_t pid;         /* 0: it is being made */
    uint64_t start_time; /* of that process: a pid is used again, but not at the same time */
    int64_t created;     /* nanoseconds since 1970 */
    uint32_t owner;      /* the user who made it */
    StringMap annotations;
} ContainerRecord;

void container_record_done(ContainerRecord *record);

#define _cleanup_container_record_ _cleanup_(container_record_done)

/* The text of the file; free it. */
char *container_record_to_text(const ContainerRecord *record);

/* Errors: CORRUPT. */
int container_record_from_text(const char *text, size_t size, ContainerRecord *ret, Error *err);
