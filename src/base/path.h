/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Paths under a directory handle. Whoever owns the tree may swap any component at any time, so
 * nothing here returns a path that was checked: it returns a handle, resolved by openat2(2) with
 * magic links refused, and the handle is what is used afterwards.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Open @path as a process whose root is @root_fd would: symlinks and ".." are resolved inside the
 * root and never leave it. @flags as for open(2); O_CLOEXEC is added. A racing rename is retried.
 * Returns the descriptor or -errno (-ELOOP for a magic link).
 */
int path_open_in_root(int root_fd, const char *path, int flags, mode_t mode);

/* Open @path below @dir_fd; any component that is a symlink is refused (-ELOOP), leaving is -EXDEV.
 */
int path_open_beneath(int dir_fd, const char *path, int flags, mode_t mode);

/*
 * Open @path below @dir_fd, whose symlinks are followed as long as they stay below it; whatever
 * leads out is refused (-EXDEV), absolute ones among it.
 */
int path_open_within(int dir_fd, const char *path, int flags);

/*
 * Make the directory @path inside @root_fd with all missing parents, each opened by handle before
 * the next is made, so that a swapped symlink cannot make one outside. Symlinks that exist are
 * followed inside the root. New directories get @mode, owner @uid:@gid. Does not allocate: it may
 * be called between clone(2) and exec.
 * Returns an O_PATH descriptor of the directory, or -errno (-ENOTDIR where a file is in the way).
 */
int path_make_directories(int root_fd, const char *path, mode_t mode, uid_t uid, gid_t gid);

/*
 * Open the parent of @path as path_make_directories() would make it, and yield the last component
 * (never empty, ".", ".." or with a slash; else -EINVAL). Free *ret_name.
 */
int path_make_parents(int root_fd, const char *path, mode_t mode, int *ret_parent_fd,
                      char **ret_name);

/* mkdirat() that accepts an existing directory (not a symlink to one); returns an
 * O_RDONLY|O_DIRECTORY fd. */
int path_open_directory(int dir_fd, const char *name, mode_t mode);

/*
 * Delete @name in @dir_fd and all below it, by handle, following no symlink and crossing no mount.
 * A missing @name is success. Returns 0 or the first -errno, having deleted what it could.
 */
int path_remove_tree(int dir_fd, const char *name);

/* Lexically: "//a/./b/../c/" -> "/a/c"; ".." never climbs above "/". A relative path is taken from
 * "/". */
char *path_clean(const char *path);

/* @directory (absolute) and @path joined and cleaned; @path alone when it is absolute. */
char *path_join(const char *directory, const char *path);

bool path_is_absolute(const char *path);

/* One plain file name: not empty, ".", "..", no slash, at most NAME_MAX bytes. */
bool path_is_name(const char *name);

/* The absolute path of the directory @dir_fd as it is now; NULL without procfs. The caller frees
 * it.
 */
char *path_of_directory(int dir_fd);

/* "/proc/self/fd/N": for system calls that only take a path. @buffer holds at least 32 bytes. */
char *path_of_fd(char buffer[static 32], int fd);
