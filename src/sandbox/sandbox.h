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
    int bundle_fd; /* directory that relative paths of the configuration start from */
    int rootfs_fd; /* detached mount (open_tree(2), fsmount(2)) that becomes the root;
                      -EBADF: the directory root.path is used */
    int start_fd;  /* listening socket (socket_listen_at()) that the start comes through, from any
                      process; -EBADF: from us, and the container is killed when we end */
    int stdio[3];  /* become 0, 1, 2 of the program; ignored with process.terminal */
    int cache_fd;  /* directory that keeps compiled seccomp filters; -EBADF: compile each time */
    bool no_pivot; /* chroot(2) instead of pivot_root(2): for a host that runs from its initramfs */
} SandboxOptions;

/*
 * Make cgroup, namespaces, mounts and devices as @config (valid, as runtime_config_parse() returns
 * it) says. Descriptors in @options stay the caller's. On failure nothing is left behind.
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
 * Execute the program. Returns once execve(2) has succeeded.
 * Errors: PROGRAM_MISSING, PROGRAM_UNUSABLE, INVALID (the working directory), SYSTEM.
 */
int sandbox_start(Sandbox *sandbox, Error *err);

/*
 * The same from another process than the creator, for a sandbox that was made with a start_fd: the
 * socket @name in @dir_fd. Errors also: CONFLICT (it was started before, or has ended).
 */
int sandbox_start_at(int dir_fd, const char *name, Error *err);

/* Whether it waits to be started by sandbox_start_at(). In doubt it does not. */
bool sandbox_is_waiting_at(int dir_fd, const char *name);

/* Forget the handle of a sandbox with a start_fd; the container goes on. */
void sandbox_detach(Sandbox *sandbox);

/* The container's cgroup, valid as long as the sandbox. */
Cgroup *sandbox_cgroup(const Sandbox *sandbox);

/* Kill what still runs, reap the first process if nobody has, remove the cgroup. */
void sandbox_free(Sandbox *sandbox);
DEFINE_CLEANUP(Sandbox *, sandbox_free);
