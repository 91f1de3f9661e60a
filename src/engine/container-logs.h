/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a container has written, from its log. */

#include "engine/container.h"
#include "engine/log-record.h"

typedef struct ContainerLogsOptions {
    int64_t since; /* nanoseconds since 1970: entries before are left out; INT64_MIN: none is */
    int64_t until; /* entries after are left out, and following ends then; INT64_MAX: never */
    int64_t tail;  /* only so many of the last entries; -1: all */
    bool follow;   /* until the container has ended for good */
} ContainerLogsOptions;

typedef struct ContainerLogs ContainerLogs;

/* Errors: UNSUPPORTED (its log driver keeps nothing to read), NOT_FOUND (it is gone), SYSTEM. */
int container_logs_open(Engine *engine, const Container *container,
                        const ContainerLogsOptions *options, ContainerLogs **ret, Error *err);
void container_logs_free(ContainerLogs *logs);
DEFINE_CLEANUP(ContainerLogs *, container_logs_free);

typedef enum ContainerLogsResult {
    CONTAINER_LOGS_END = 0,
    CONTAINER_LOGS_ENTRY = 1, /* valid until the next call */
    CONTAINER_LOGS_WAIT = 2,  /* there is none right now: container_logs_wait(), then try again */
} ContainerLogsResult;

/* Returns a ContainerLogsResult or -errno. */
int container_logs_next(ContainerLogs *logs, LogEntry *ret, Error *err);

/*
 * Wait until there may be more. Where @output_fd is not -EBADF, wait until that can be written to
 * instead, and see to it that no part of the log is rotated away meanwhile.
 */
int container_logs_wait(ContainerLogs *logs, int output_fd, Error *err);
