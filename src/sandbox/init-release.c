/* SPDX-License-Identifier: Apache-2.0 */

/* The parent's half of what happens between INIT_START and execve(2). */

#include "sandbox/init-release-private.h"

#include <errno.h>

#include "base/fd.h"
#include "base/socket.h"
#include "sandbox/init-private.h"

static int send_start(int control_fd)
{
    const char byte = INIT_START;
    int r = socket_send(control_fd, &byte, sizeof(byte), NULL, 0);

    return r == -EPIPE || r == -ECONNRESET ? 0 : r; /* it died: its report tells more */
}

int init_release(int control_fd, const SeccompListener *listener, Error *err)
{
    int r = send_start(control_fd);

    while (r >= 0) {
        _cleanup_close_ int no_fd = -EBADF;
        Report report;

        r = report_receive(&report, control_fd, &no_fd);
        if (r < 0)
            break;
        if (r == 0) /* closed by execve(2), or by an end that the exit status explains */
            return 0;
        if (!report_is_listener_offer(&report))
            return report_to_error(&report, err);
        r = seccomp_listener_accept(listener, &report, control_fd, err);
        if (r < 0)
            return r;
    }
    return error_result(err, r, "talk to the container's first process");
}
