/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The process that carries out one health check: it joins the container, executes the check and
 * waits for its end, all of which a container can drag out for as long as it likes, and none of
 * which its shim may wait for.
 */

#include <stdint.h>
#include <sys/types.h>

#include "base/process.h"
#include "base/string-list.h"

/* What a checker says over its socket; at its end it hangs up. */
typedef enum HealthReportType {
    HEALTH_REPORT_STARTED, /* the check is executed */
    HEALTH_REPORT_ENDED,   /* with @code, as a shell would have it */
} HealthReportType;

typedef struct HealthReport {
    int32_t type; /* HealthReportType */
    int32_t code;
} HealthReport;

typedef struct HealthCheckerOptions {
    int bundle_fd; /* config.json */
    int cache_fd;  /* of compiled seccomp filters; -EBADF: none */
    pid_t container_pid;
    int container_pidfd;
    const char *oom_score;       /* for the check, as text; NULL: the caller's */
    const StringList *arguments; /* the check */
} HealthCheckerOptions;

/*
 * Fork one. *ret_control_fd does not block: HealthReports are received from it, and closing it ends
 * the check and its checker. *ret_output_fd does not block either: what the check writes, or why it
 * could not be executed. The caller has one thread. Returns 0 or -errno.
 */
int health_checker_fork(const HealthCheckerOptions *options, Process *ret, int *ret_control_fd,
                        int *ret_output_fd);
