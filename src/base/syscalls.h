/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * System calls and constants that glibc 2.36 has no wrapper or definition for. Each wrapper has
 * the kernel's own signature and returns -1 with errno set.
 */

#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static inline int sys_openat2(int dir_fd, const char *path, const struct open_how *how)
{
    return (int)syscall(SYS_openat2, dir_fd, path, how, sizeof(*how));
}

static inline pid_t sys_clone3(const struct clone_args *arguments)
{
    return (pid_t)syscall(SYS_clone3, arguments, sizeof(*arguments));
}

/*
 * Set @signal to its default action. glibc's sigaction(3) refuses the two that it keeps for itself
 * (32 and 33), but an ignored one of them is inherited like any other. Safe after vfork(2).
 */
static inline int sys_reset_signal(int signal)
{
    const unsigned long default_action[4] = { 0 }; /* the kernel's struct: SIG_DFL, no flags */

    return (int)syscall(SYS_rt_sigaction, signal, default_action, NULL, (_NSIG - 1) / 8);
}

static inline int sys_pivot_root(const char *new_root, const char *put_old)
{
    return (int)syscall(SYS_pivot_root, new_root, put_old);
}

/* From Linux 6.15 on; ENOSYS before. */
static inline int sys_open_tree_attr(int dir_fd, const char *path, unsigned flags,
                                     struct mount_attr *attributes, size_t size)
{
    return (int)syscall(467, dir_fd, path, flags, attributes, size);
}

static inline int sys_quotactl_fd(int fd, unsigned command, unsigned id, void *data)
{
    return (int)syscall(SYS_quotactl_fd, fd, command, id, data);
}
