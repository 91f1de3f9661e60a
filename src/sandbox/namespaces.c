/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From the list of namespaces to clone3(2) flags and setns(2) handles. Joined ones are opened
 * before the clone, so that their paths mean what they meant to the caller.
 */

#include "sandbox/namespaces-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/string-buffer.h"
#include "base/syscalls.h"
#include "sandbox/process-files-private.h"

static int open_namespace(const LinuxNamespace *namespace, int flag, int *ret_fd, Error *err)
{
    _cleanup_close_ int fd = open(namespace->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return error_errno(err, "join the %s namespace '%s'", namespace->type, namespace->path);
    if (!fd_is_on_fs(fd, NSFS_MAGIC) || ioctl(fd, NS_GET_NSTYPE) != flag)
        return error_set(err, ERROR_INVALID, "'%s' is not a %s namespace", namespace->path,
                         namespace->type);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int plan_join(NamespacePlan *plan, const LinuxNamespace *namespace, int flag, Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (flag == CLONE_NEWNS || flag == CLONE_NEWUSER || flag == CLONE_NEWTIME)
        return error_set(err, ERROR_UNSUPPORTED, "joining a %s namespace is not supported",
                         namespace->type);
    if (plan->n_join == NAMESPACES_MAX)
        return error_set(err, ERROR_INVALID, "linux.namespaces: too many");
    r = open_namespace(namespace, flag, &fd, err);
    if (r < 0)
        return r;

    if (flag == CLONE_NEWPID)
        plan->join_pid_fd = TAKE_FD(fd);
    else
        plan->join[plan->n_join++] = TAKE_FD(fd);
    return 0;
}

int namespace_plan_make(NamespacePlan *plan, const RuntimeConfig *config, Error *err)
{
    const LinuxConfig *settings = &config->linux_config;

    for (size_t i = 0; i < settings->namespaces.count; i++) {
        const LinuxNamespace *namespace = &settings->namespaces.items[i];
        int flag = linux_namespace_flag(namespace->type);

        if (namespace->path) {
            int r = plan_join(plan, namespace, flag, err);

            if (r < 0)
                return r;
        } else if (flag == CLONE_NEWCGROUP) {
            plan->new_cgroup = true;
        } else {
            plan->create |= (uint64_t)flag;
        }
    }
    if (!(plan->create & CLONE_NEWNS))
        return error_set(err, ERROR_UNSUPPORTED,
                         "linux.namespaces: a container needs a mount namespace of its own");
    return 0;
}

void namespace_plan_done(NamespacePlan *plan)
{
    for (size_t i = 0; i < plan->n_join; i++)
        plan->join[i] = fd_close(plan->join[i]);
    plan->join_pid_fd = fd_close(plan->join_pid_fd);
}

/* The pid namespace of our children, put back to our own on the way out. */
static int borrow_pid_namespace(int fd)
{
    return fd >= 0 && setns(fd, CLONE_NEWPID) < 0 ? -errno : 0;
}

pid_t namespace_plan_clone(const NamespacePlan *plan, int cgroup_fd, int *ret_pidfd)
{
    _cleanup_close_ int own_pid_fd = -EBADF;
    struct clone_args arguments = {
        .flags = plan->create | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)ret_pidfd,
        .exit_signal = SIGCHLD,
    };
    pid_t pid;
    int r;

    if (cgroup_fd >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)cgroup_fd;
    }
    if (plan->join_pid_fd >= 0) {
        own_pid_fd = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
        if (own_pid_fd < 0)
            return -errno;
    }
    r = borrow_pid_namespace(plan->join_pid_fd);
    if (r < 0)
        return r;

    pid = sys_clone3(&arguments);
    if (pid == 0)
        return 0;
    r = pid < 0 ? -errno : pid;
    (void)borrow_pid_namespace(own_pid_fd); /* one's own is always allowed */
    return r;
}

static int write_id_map(int process_fd, const char *name, const LinuxIdMappings *mappings,
                        Error *err)
{
    _cleanup_string_buffer_ StringBuffer text = {};
    int r;

    for (size_t i = 0; i < mappings->count; i++) {
        const LinuxIdMapping *mapping = &mappings->items[i];

        string_buffer_printf(&text, "%u %u %u\n", mapping->container_id, mapping->host_id,
                             mapping->size);
    }
    r = file_poke_at(process_fd, name, string_buffer_get(&text));
    return r < 0 ? error_result(err, r, "write the user namespace's %s", name) : 0;
}

int namespace_write_id_maps(pid_t pid, const LinuxConfig *config, Error *err)
{
    _cleanup_close_ int process_fd = process_files_open(pid);
    int r;

    if (process_fd < 0)
        return error_result(err, process_fd, "open the files of process %d in /proc", pid);

    /* The kernel demands this of whoever may not set groups outside either. */
    if (geteuid() != 0) {
        r = file_poke_at(process_fd, "setgroups", "deny");
        if (r < 0)
            return error_result(err, r, "deny setgroups in the user namespace");
    }
    r = write_id_map(process_fd, "uid_map", &config->uid_mappings, err);
    if (r < 0)
        return r;
    return write_id_map(process_fd, "gid_map", &config->gid_mappings, err);
}

int namespace_plan_enter(const NamespacePlan *plan, Report *report)
{
    for (size_t i = 0; i < plan->n_join; i++)
        if (setns(plan->join[i], 0) < 0)
            return report_errno(report, "join a namespace");

    return namespace_plan_has_user(plan) ? namespace_become_root(report) : 0;
}

int namespace_become_root(Report *report)
{
    /* Until now we are whoever the caller was, which the container knows as nobody. */
    if (syscall(SYS_setgroups, 0, NULL) < 0 && errno != EPERM)
        return report_errno(report, "drop the supplementary groups");
    if (syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
        return report_errno(report, "become root of the user namespace: is 0 mapped");
    return 0;
}

int namespace_raise_loopback(Report *report)
{
    _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };

    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        return report_errno(report, "bring the loopback interface up");
    return 0;
}
