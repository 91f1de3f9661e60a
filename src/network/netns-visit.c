/* SPDX-License-Identifier: Apache-2.0 */

/* setns(2) there and back again. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

#include "base/fd.h"
#include "base/log.h"
#include "network/network-link-private.h"

int netns_visit_begin(int netns_fd, NetnsVisit *ret, Error *err)
{
    _cleanup_netns_visit_ NetnsVisit visit = NETNS_VISIT_NONE;
    _cleanup_close_ int home_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

    if (home_fd < 0)
        return error_errno(err, "open the network namespace of the host");
    if (setns(netns_fd, CLONE_NEWNET) < 0)
        return error_errno(err, "enter the container's network namespace");
    visit.home_fd = TAKE_FD(home_fd);
    visit.inside = (Netlink) { .fd = netlink_open() };
    if (visit.inside.fd < 0)
        return error_result(err, visit.inside.fd, "open a netlink socket in the container");
    *ret = visit;
    visit = (NetnsVisit)NETNS_VISIT_NONE;
    return 0;
}

void netns_visit_go_home(NetnsVisit *visit)
{
    int saved_errno = errno;

    if (visit->home_fd < 0)
        return;
    if (setns(visit->home_fd, CLONE_NEWNET) < 0) {
        /* What the host is meant to get must not go to a container. */
        log_error("leave the container's network namespace: errno %d", errno);
        abort();
    }
    visit->home_fd = fd_close(visit->home_fd);
    errno = saved_errno;
}

void netns_visit_done(NetnsVisit *visit)
{
    netns_visit_go_home(visit);
    visit->inside.fd = fd_close(visit->inside.fd);
}
