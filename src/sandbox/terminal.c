/* SPDX-License-Identifier: Apache-2.0 */

/*
 * TIOCGPTPEER gives the slave of a master that we hold, so that no /dev/pts/N is opened by name,
 * and /dev/console is a bind of that handle.
 */

#include "sandbox/terminal-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/mounts-private.h"

static int open_pair(int devpts_fd, Terminal *ret)
{
    _cleanup_close_ int master_fd = openat(devpts_fd, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    int unlocked = 0, slave_fd;

    if (master_fd < 0 || ioctl(master_fd, TIOCSPTLCK, &unlocked) < 0)
        return -errno;
    slave_fd = ioctl(master_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave_fd < 0)
        return -errno;

    *ret = (Terminal) { .master_fd = TAKE_FD(master_fd), .slave_fd = slave_fd };
    return 0;
}

int terminal_open(const RuntimeProcess *process, int devpts_fd, Terminal *ret, Report *report)
{
    int r;

    if (devpts_fd < 0)
        return report_set(report, ERROR_INVALID,
                          "process.terminal: no mount of type 'devpts' is configured");
    r = open_pair(devpts_fd, ret);
    if (r < 0)
        return report_result(report, r, "open a terminal");

    if (process->console_size) {
        const struct winsize size = {
            .ws_row = (unsigned short)process->console_size->height,
            .ws_col = (unsigned short)process->console_size->width,
        };

        if (ioctl(ret->slave_fd, TIOCSWINSZ, &size) < 0)
            return report_errno(report, "set the terminal's size");
    }
    if (fchown(ret->slave_fd, process->user.uid, (gid_t)-1) < 0)
        return report_errno(report, "give the terminal to the user");
    return 0;
}

int terminal_bind_console(const Terminal *terminal, int root_fd, Report *report)
{
    _cleanup_close_ int target_fd = mount_point_open(root_fd, "/dev/console", false, report);
    _cleanup_close_ int clone_fd = -EBADF;
    int r;

    if (target_fd < 0)
        return target_fd;
    clone_fd = mount_clone(terminal->slave_fd, false);
    r = clone_fd < 0 ? clone_fd : mount_attach(clone_fd, target_fd);
    return r < 0 ? report_result(report, r, "bind the terminal to '/dev/console'") : 0;
}

int terminal_control(const Terminal *terminal, Report *report)
{
    return ioctl(terminal->slave_fd, TIOCSCTTY, 0) < 0
               ? report_errno(report, "make the terminal the controlling one")
               : 0;
}
