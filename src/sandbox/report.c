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

static bool report_is_valid(const Report *report, ssize_t size)
{
    return size == sizeof(*report) && report->kind >= ERROR_NONE && report->kind < _ERROR_KIND_MAX;
}

int report_receive_fds(Report *ret, int fd, int *ret_fds, size_t max_fds)
{
    int received[REPORT_FDS_MAX];
    ssize_t n = socket_receive(fd, ret, sizeof(*ret), received, max_fds);

    /* A peer that died with bytes of ours unread resets the connection: it is gone all the same. */
    if (n == 0 || n == -ECONNRESET)
        return 0;
    if (n < 0)
        return (int)n;
    if (!report_is_valid(ret, n)) {
        for (size_t i = 0; i < max_fds; i++)
            fd_close(received[i]);
        return -EBADMSG;
    }

    ret->text[sizeof(ret->text) - 1] = '\0';
    memcpy(ret_fds, received, max_fds * sizeof(int));
    return 1;
}

int report_receive(Report *ret, int fd, int *ret_fd)
{
    return report_receive_fds(ret, fd, ret_fd, 1);
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
