/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How the container's first process tells its parent what went wrong: an Error without memory of
 * its own, for code that runs between clone and exec and may not allocate. It crosses the socket
 * between the two as it is, in one message.
 */

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

typedef struct Report {
    int32_t kind;   /* ErrorKind; ERROR_NONE: ready */
    int32_t errnum; /* positive; 0: the text says it all */
    char text[504]; /* NUL-terminated; what does not fit is cut off */
} Report;

/*
 * Record the failure @r (negative errno) of what the parts, put together, name:
 *     return report_result(report, r, "mount '", destination, "'");
 * Returns @r. The message is "<parts>: <text of errno>", the kind what the errno most often means.
 */
#define report_result(report, r, ...)                                                              \
    report_record(report, error_kind_from_errno(-(r)), r,                                          \
                  (const char *const[]) { __VA_ARGS__, NULL })

/* The same for errno. Returns -errno. */
#define report_errno(report, ...) report_result(report, -errno, __VA_ARGS__)

/* Record an error of @kind whose message is the parts alone. Returns the -errno of @kind. */
#define report_set(report, kind, ...)                                                              \
    report_record(report, kind, 0, (const char *const[]) { __VA_ARGS__, NULL })

int report_record(Report *report, ErrorKind kind, int r, const char *const *parts);

/* Send it, with descriptors. Returns 0 or -errno. */
int report_send(const Report *report, int fd, const int *fds, size_t n_fds);

/*
 * Receive one, with at most @max_fds descriptors (-EBADF for those that did not come). Returns 1,
 * or 0 when the other end was closed without a report, or -errno.
 */
int report_receive_fds(Report *ret, int fd, int *ret_fds, size_t max_fds);

/* The same with at most one. */
int report_receive(Report *ret, int fd, int *ret_fd);

/* What a report brings at most. */
#define REPORT_FDS_MAX 16

/* Record in @err what @report tells. Returns the -errno. */
int report_to_error(const Report *report, Error *err);
