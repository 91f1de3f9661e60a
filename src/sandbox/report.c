/* SPDX-License-Identifier: Apache-2.0 */

/* Failures of the container's first process, put together without allocation or stdio. */

#include "sandbox/report-private.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/socket.h"

int report_record(Report *report, ErrorKind kind, int r, const char *const *parts)
{
    size_t used = 0;

    for (; *parts; parts++) {
        size_t length = strnlen(*parts, sizeof(report->text) - 1 - used);

        memcpy(report->text + used, *parts, length);
        used += length;
    }
    report->text[used] = '\0';
    report->kind = (int32_t)kind;
    report->errnum = -r;

    return r < 0 ? r : error_kind_to_result(kind);
}

int report_send(const Report *report, int fd, const int *fds, size_t n_fds)
{
    return socket_send(fd, report, sizeof(*report), fds, n_fds);
}

int report_receive(Report *ret, int fd, int *ret_fd)
{
    _cleanup_close_ int received = -EBADF;
    ssize_t n = socket_receive(fd, ret, sizeof(*ret), &received, 1);

    /* A peer that died with bytes of ours unread resets the connection: it is gone all the same. */
    if (n == 0 || n == -ECONNRESET)
        return 0;
    if (n < 0)
        return (int)n;
    if (n != sizeof(*ret) || ret->kind < ERROR_NONE || ret->kind >= _ERROR_KIND_MAX)
        return -EBADMSG;

    ret->text[sizeof(ret->text) - 1] = '\0';
    *ret_fd = TAKE_FD(received);
    return 1;
}

int report_to_error(const Report *report, Error *err)
{
    ErrorKind kind = (ErrorKind)report->kind;

    if (report->errnum == 0)
        return error_set(err, kind, "%s", report->text);

    (void)error_result(err, -report->errnum, "%s", report->text); /* returns what we return */
    if (err)
        err->kind = kind;
    return -report->errnum;
}
