/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The root file system: a detached mount that becomes the container's root. */

#include "base/error.h"
#include "sandbox/report-private.h"
#include "sandbox/runtime-config.h"
#include "sandbox/sandbox.h"

/*
 * The detached mount of the root: a duplicate of options->rootfs_fd, or a clone of root.path with
 * all that is mounted below it. Errors: NOT_FOUND, INVALID (it is not a directory), SYSTEM.
 */
int rootfs_open(const RuntimeConfig *config, const SandboxOptions *options, int *ret_fd,
                Error *err);

/* The places where procfs and sysfs are mounted on the host, for rootfs_change(). */
int rootfs_find_kernel_mounts(StringList *ret, Error *err);
/* The absolute path of root.path, as the runtime's mount namespace has it; NULL without procfs. The
 * caller frees it. */
char *rootfs_path(const RuntimeConfig *config, const SandboxOptions *options);

/* The child's part, without allocation. */

/*
 * The directory @path that the root is attached to, by name, for a handle of before is one of
 * another mount namespace. The one that it @is_clone of is then looked at, whether it still is the
 * same. Returns a descriptor.
 */
int rootfs_open_target(int root_fd, const char *path, bool is_clone, Report *report);

/*
 * A runtime in a chroot sees only a part of its mount namespace. To replace that part would leave
 * the rest: a process could walk there (chroot(2) is all it takes), and one that joins later would
 * begin there. *ret_fd is a handle of the namespace's own root, for rootfs_enter(), or -EBADF where
 * ours is the same. Our root stays what it is.
 */
int rootfs_find_top(int *ret_fd, Report *report);

/*
 * Cut the mount namespace, whose root is @top_fd, off from the host's and attach the root in it, as
 * a slave of the host's mount where linux.rootfsPropagation says so, else private: over the
 * directory @target_fd, where somebody will look for it, or with -EBADF where no name leads.
 */
int rootfs_attach(int root_fd, int target_fd, int top_fd, const RuntimeConfig *config,
                  Report *report);

/* Once all mounts are made: set the root's flags, make it the root and let go of the host's. */
int rootfs_enter(int root_fd, int top_fd, const RuntimeConfig *config, Report *report);

/*
 * The same by chroot(2), for a host whose own root is an initramfs, which cannot be pivoted away.
 * The new root lies on the host's "/", so that ".." beyond it leads back to it.
 *
 * What shows the host's processes and devices (@kernel_mounts) is unmounted first: as long as it is
 * in the namespace, the kernel lets a user namespace mount a procfs without our masks.
 */
int rootfs_change(int root_fd, const RuntimeConfig *config, const StringList *kernel_mounts,
                  Report *report);
