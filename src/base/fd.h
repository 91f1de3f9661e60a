/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * File descriptors as owned values, and whole-file reads and writes under a directory handle.
 * An empty slot is -EBADF. All descriptors made here are close-on-exec.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

/* Close if open, keep errno; returns -EBADF, for `fd = fd_close(fd)`. */
int fd_close(int fd);

static inline void fd_closep(int *fd)
{
    *fd = fd_close(*fd);
}

#define _cleanup_close_ _cleanup_(fd_closep)

#define TAKE_FD(fd)                                                                                \
    ({                                                                                             \
        int *_slot = &(fd);                                                                        \
        int _taken = *_slot;                                                                       \
        *_slot = -EBADF;                                                                           \
        _taken;                                                                                    \
    })

/* Write all of it, through short writes and EINTR. Returns 0 or -errno. */
int fd_write_all(int fd, const void *data, size_t size);

/* A file in memory that holds @data and is read from its beginning: input for a program that nobody
 * has to feed. Returns a descriptor with FD_CLOEXEC, or -errno. */
int fd_from_data(const char *name, const void *data, size_t size);

/* Read up to @size bytes, through short reads and EINTR. Returns the count (short at end of file)
 * or -errno. */
ssize_t fd_read_full(int fd, void *data, size_t size);

/*
 * Read the rest of @fd, at most @limit bytes (-EFBIG beyond). The result is NUL-terminated beyond
 * its length, so that text can be used as a string. ret_size may be NULL.
 */
int fd_read_all(int fd, size_t limit, char **ret_data, size_t *ret_size);

/* The same for the regular file @name below @dir_fd; a symlink as last component is refused
 * (-ELOOP). */
int file_read_at(int dir_fd, const char *name, size_t limit, char **ret_data, size_t *ret_size);

typedef enum FileWriteFlags {
    FILE_WRITE_SYNC = 1 << 0, /* fdatasync the file and fsync its directory: survives power loss */
} FileWriteFlags;

/*
 * Replace @name in @dir_fd as a whole: written under a temporary name, then renamed, so that a
 * reader sees the old or the new content and nothing else. Returns 0 or -errno.
 */
int file_write_at(int dir_fd, const char *name, const void *data, size_t size, mode_t mode,
                  FileWriteFlags flags);

/* Write @text to the existing file @name in one write(2), as control files (cgroup, sysctl) want
 * it. */
int file_poke_at(int dir_fd, const char *name, const char *text);

int fd_set_cloexec(int fd, bool on);
int fd_set_nonblock(int fd, bool on);

/*
 * The file @fd was written from @from to @to: have the disk begin with what is complete of it in
 * large steps, while more comes. It syncs nothing, and waits for nothing.
 */
void fd_write_behind(int fd, int64_t from, int64_t to);

/* True when the descriptor's file system has this magic number (statfs(2)). */
bool fd_is_on_fs(int fd, unsigned long magic);

/* True on procfs, sysfs, cgroup file systems and their like, where no files are but the kernel's
 * state shows: nothing to be copied. */
bool fd_is_of_kernel(int fd);
