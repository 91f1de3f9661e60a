/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Everything here works on handles that were opened before: what the container does to its names
 * meanwhile changes nothing.
 */

#include "sandbox/launch-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/syscalls.h"
#include "sandbox/mounts-private.h"
#include "sandbox/program-private.h"

int launch_protect(Launch *launch)
{
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return report_errno(&launch->report, "protect the process from being traced");
    (void)umask(0); /* modes of nodes and mount points are meant as they are written */
    return 0;
}

static bool is_null_device(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/*
 * The host's /dev/null never becomes the container's descriptor: root in there could change its
 * mode for all of the host. The container's own is opened, and looked at once it is open: by then
 * nobody can swap it any more.
 */
static int open_stdio(const Launch *launch, int source_fd)
{
    _cleanup_close_ int fd = -EBADF;

    if (source_fd >= 0 && !is_null_device(source_fd)) {
        fd = fcntl(source_fd, F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? -errno : TAKE_FD(fd);
    }
    fd = mount_point_resolve(launch->root_fd, "/dev/null", O_RDWR | O_NOCTTY | O_NOFOLLOW);
    if (fd < 0)
        return fd;
    return is_null_device(fd) ? TAKE_FD(fd) : -ENODEV;
}

/* A pipe that was made by root cannot be opened again by the user as /dev/stdout otherwise. Files
 * and devices belong to whoever passed them. */
static void give_to_user(int fd, uid_t uid)
{
    struct stat st;

    if (uid != 0 && fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
        (void)!fchown(fd, uid,
                      (gid_t)-1); /* not ours in a user namespace: then it stays as it is */
}

int launch_open_stdio(Launch *launch, const int stdio[3])
{
    bool terminal = launch->plan->process->terminal;

    for (int i = 0; i < 3; i++) {
        launch->stdio[i] = open_stdio(launch, terminal ? launch->terminal.slave_fd : stdio[i]);
        if (launch->stdio[i] < 0)
            return report_result(&launch->report, launch->stdio[i],
                                 "open standard input and output");
        give_to_user(launch->stdio[i], launch->plan->process->user.uid);
    }
    return 0;
}

/* A magic link (/proc/self/fd/7) as working directory would lead out of the root. */
int launch_open_directory(Launch *launch, bool makes_missing)
{
    const char *path = launch->plan->process->cwd;
    int fd = path_open_in_root(launch->root_fd, path, O_PATH | O_DIRECTORY, 0);

    if (fd == -ENOENT && makes_missing)
        fd = path_make_directories(launch->root_fd, path, 0755, 0, 0);
    if (fd == -ENOTDIR)
        return report_set(&launch->report, ERROR_INVALID, "working directory '", path,
                          "' is not a directory");
    if (fd == -ELOOP)
        return report_set(&launch->report, ERROR_INVALID, "working directory '", path,
                          "' goes through a link that leads nowhere or out of the container");
    if (fd < 0)
        return report_result(&launch->report, fd, "open working directory '", path, "'");
    launch->directory_fd = fd;
    return 0;
}

int launch_enter_directory(Launch *launch)
{
    /* As root, like other runtimes: the user needs no right to reach it. A file system that keeps
     * root out (NFS) gets a second chance when we are the user. */
    launch->has_directory = fchdir(launch->directory_fd) == 0;
    if (!launch->has_directory && errno != EACCES)
        return report_errno(&launch->report, "enter working directory '",
                            launch->plan->process->cwd, "'");
    return 0;
}

int launch_find_program(Launch *launch)
{
    return program_find(launch->plan->process, &launch->plan->candidates, &launch->report);
}

int launch_place_stdio(Launch *launch)
{
    for (int i = 0; i < 3; i++)
        if (dup2(launch->stdio[i], i) < 0)
            return report_errno(&launch->report, "arrange standard input and output");
    return 0;
}

int launch_arrange_descriptors(Launch *launch)
{
    int r =
        launch->plan->process->terminal ? terminal_control(&launch->terminal, &launch->report) : 0;

    if (r == 0)
        r = launch_place_stdio(launch);
    if (r < 0)
        return r;
    /* Whatever our parent was started with and forgot to mark. */
    if (close_range(launch->plan->first_closed_fd, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        return report_errno(&launch->report, "mark descriptors close-on-exec");
    return 0;
}

int launch_complete_environment(Launch *launch)
{
    environment_find_home(&launch->plan->environment, launch->root_fd,
                          launch->plan->process->user.uid);
    return 0;
}

/* What is ignored or blocked would be inherited. Before a filter that need not allow for it. */
static void reset_signals(void)
{
    sigset_t none;

    for (int signal = 1; signal < NSIG; signal++)
        (void)sys_reset_signal(signal); /* fails for KILL and STOP */
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

int launch_take_credentials(Launch *launch)
{
    const Credentials *credentials = &launch->plan->credentials;
    struct pollfd parent = { .fd = launch->control_fd, .events = POLLIN };
    int r;

    reset_signals();
    r = process_attributes_apply(&launch->plan->attributes, &launch->report);
    if (r == 0)
        r = credentials_apply(credentials, launch->control_fd, &launch->report);

    /* A parent that died before we asked for its death signal has left us an end of stream. */
    if (r == 0 && credentials->dies_with_parent && poll(&parent, 1, 0) > 0)
        _exit(EXIT_FAILURE);
    return r;
}

int launch_check_directory(Launch *launch)
{
    const char *path = launch->plan->process->cwd;
    char current[PATH_MAX];

    if (!launch->has_directory) {
        _cleanup_close_ int fd = path_open_in_root(launch->root_fd, path, O_PATH | O_DIRECTORY, 0);

        if (fd < 0 || fchdir(fd) < 0)
            return report_result(&launch->report, fd < 0 ? fd : -errno, "enter working directory '",
                                 path, "'");
    }
    /* The system call, not getcwd(3): that one would search for a name and allocate. */
    if (syscall(SYS_getcwd, current, sizeof(current)) < 0)
        return report_errno(&launch->report, "find working directory '", path, "'");
    if (current[0] != '/')
        return report_set(&launch->report, ERROR_INVALID, "working directory '", path,
                          "' is outside the container");
    return 0;
}

int launch_execute(Launch *launch)
{
    const LaunchPlan *plan = launch->plan;
    int r = credentials_apply_filter(&plan->credentials, launch->control_fd, &launch->report);

    return r < 0 ? r
                 : program_execute(plan->process, &plan->environment, &plan->candidates,
                                   &launch->report);
}
