/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A container as a process: from an OCI runtime configuration to a program that runs in its own
 * namespaces, root file system and cgroup, and back to nothing. This is the only way down.
 *
 * sandbox_create() does everything but the last step; the container's first process then waits, in
 * all its namespaces, so that the caller can plug in networks; sandbox_start() lets it execute the
 * program. Either the caller stays with the container, which is its child and ends with it; or it
 * passes a socket for the start, detaches, and another process calls sandbox_start_at().
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sandbox/cgroup.h"
#include "sandbox/runtime-config.h"

typedef struct Sandbox Sandbox;

typedef struct SandboxOptions {
    int bundle_fd;    /* directory that relative paths of the configuration start from */
    int rootfs_fd;    /* detached mount (open_tree(2), fsmount(2)) that becomes the root; hooks
                         find it at root.path, which then has to be a directory;
                         -EBADF: the directory root.path is used */
    int *ret_root_fd; /* with rootfs_fd: gets a detached mount of the root as it was before anything
                         was mounted in it, for another sandbox to take as its rootfs_fd; also when
                         the creation fails after the root was used. NULL: not needed. A mount that
                         was attached once cannot be attached again, and before Linux 6.15 no
                         detached one can be cloned. For the same purpose mounts that the
                         configuration names as /proc/self/fd/N, where they are used up, are put
                         there again */
    int start_fd; /* listening socket (socket_listen_at()) that the start comes through, from any
                     process; -EBADF: from us, and the container is killed when we end */
    int stdio[3]; /* become 0, 1, 2 of the program; ignored with process.terminal */
    int cache_fd; /* directory that keeps compiled seccomp filters; -EBADF: compile each time */
    bool systemd_cgroup; /* linux.cgroupsPath is for systemd: see CgroupOptions */
    bool no_pivot; /* chroot(2) instead of pivot_root(2): for a host that runs from its initramfs */

    const char *id;      /* the container's, for the names of its session keyring and resctrl group
                            and the state that hooks get; NULL: no names, linux.intelRdt needs a
                            closID, and hooks are refused */
    const char *bundle;  /* the absolute path that hooks get; NULL: hooks are refused */
    const char *state;   /* the container's state (runtime.md) for a seccomp agent, a JSON object
                            whose "pid" is filled in; NULL: a profile with one is refused */
    bool no_new_keyring; /* keep the caller's session keyring */
    unsigned preserve_fds; /* so many descriptors from 3 on reach the program, those of them that
                              are not close-on-exec */
    unsigned listen_fds;   /* of them, the first so many are sockets to listen at: the program gets
                              LISTEN_FDS and LISTEN_PID=1 */
} SandboxOptions;

/*
 * Make cgroup, namespaces, mounts and devices as @config (valid, as runtime_config_parse() returns
 * it) says; it has to stay until the start. Descriptors in @options stay the caller's. On failure
 * nothing is left behind.
 * The caller has one thread: a copy of it may do a part of the work.
 * Errors: INVALID (the configuration contradicts itself), UNSUPPORTED (the kernel lacks a feature
 * or this version what was asked for), NOT_FOUND (a mount source is missing), DENIED (what takes a
 * capability that we lack), SYSTEM.
 */
int sandbox_create(const RuntimeConfig *config, const SandboxOptions *options, Sandbox **ret,
                   Error *err);

/* Of the container's first process, as the caller's pid namespace sees it. The pidfd stays the
 * sandbox's. */
pid_t sandbox_pid(const Sandbox *sandbox);
int sandbox_pidfd(const Sandbox *sandbox);

/* The master side of the container's terminal, owned by the caller from here on; -EBADF without
 * one. */
int sandbox_take_terminal(Sandbox *sandbox);

/*
 * Execute the program, after the startContainer hooks. Returns once execve(2) has succeeded;
 * poststart hooks are the caller's next step (sandbox/hooks.h), as poststop hooks are the last one.
 * A failure ends the container.
 * Errors: PROGRAM_MISSING, PROGRAM_UNUSABLE, INVALID (the working directory), SYSTEM.
 */
int sandbox_start(Sandbox *sandbox, Error *err);

/*
 * The same from another process than the creator, for a sandbox that was made with a start_fd: the
 * socket @name in @dir_fd. Errors also: CONFLICT (it was started before, or has ended).
 */
int sandbox_start_at(int dir_fd, const char *name, Error *err);

/* What a seccomp agent is told of the container (linux.seccomp.listenerPath). */
typedef struct SandboxNotified {
    const LinuxSeccomp *seccomp; /* NULL: no profile */
    const char *state;           /* as in SandboxOptions */
    pid_t pid;                   /* of the container's first process */
    int pidfd;                   /* of the same */
} SandboxNotified;

/* The same for a profile that notifies. Errors also: UNAVAILABLE (nobody listens). */
int sandbox_start_notified_at(int dir_fd, const char *name, const SandboxNotified *notified,
                              Error *err);

/* Whether it waits to be started by sandbox_start_at(). In doubt it does not. */
bool sandbox_is_waiting_at(int dir_fd, const char *name);

/* Forget the handle of a sandbox with a start_fd; the container goes on. */
void sandbox_detach(Sandbox *sandbox);

/* The container's cgroup, valid as long as the sandbox. */
Cgroup *sandbox_cgroup(const Sandbox *sandbox);

/* Kill what still runs, reap the first process if nobody has, remove the cgroup. */
void sandbox_free(Sandbox *sandbox);
DEFINE_CLEANUP(Sandbox *, sandbox_free);
