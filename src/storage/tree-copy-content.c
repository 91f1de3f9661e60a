/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Content: shared where the file system can, else copied by the kernel; holes stay holes. What a
 * file says of its size when it was opened is all that is read, so one that grows for ever ends.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "base/fd.h"
#include "storage/tree-copy-private.h"

/* Up to here two copies through our memory cost less than the kernel's machinery. */
#define SMALL_SIZE (64 * 1024)
#define STAT_BLOCK_SIZE 512 /* the unit of st_blocks (stat(3type)) */

static bool is_no_way(int errnum)
{
    return errnum == EXDEV || errnum == EINVAL || errnum == EOPNOTSUPP || errnum == ENOSYS ||
           errnum == ENOTTY || errnum == EBADF;
}

/* Returns how much of it was copied, 0 at the end of the file, or -errno. */
static ssize_t copy_through_memory(int source_fd, int target_fd, off_t offset, size_t size)
{
    char buffer[SMALL_SIZE];
    ssize_t n;
    int r;

    do
        n = pread(source_fd, buffer, size < sizeof(buffer) ? size : sizeof(buffer), offset);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 ? -errno : 0;
    r = fd_write_all(target_fd, buffer, (size_t)n);
    return r < 0 ? r : n;
}

static ssize_t copy_some(CopyMethods *methods, int source_fd, int target_fd, off_t offset,
                         size_t size)
{
    off_t position = offset;
    ssize_t n;

    if (size <= SMALL_SIZE)
        return copy_through_memory(source_fd, target_fd, offset, size);
    if (!methods->no_range) {
        n = copy_file_range(source_fd, &position, target_fd, NULL, size, 0);
        if (n > 0 || (n < 0 && !is_no_way(errno)))
            return n < 0 ? -errno : n;
        methods->no_range = true; /* 0 as well: some file systems answer so to what they cannot */
    }
    if (!methods->no_sendfile) {
        n = sendfile(target_fd, source_fd, &position, size);
        if (n >= 0 || !is_no_way(errno))
            return n < 0 ? -errno : n;
        methods->no_sendfile = true;
    }
    return copy_through_memory(source_fd, target_fd, offset, size);
}

static int copy_extent(CopyMethods *methods, int source_fd, int target_fd, off_t from, off_t to)
{
    while (from < to) {
        ssize_t n = copy_some(methods, source_fd, target_fd, from, (size_t)(to - from));

        if (n == -EINTR)
            continue;
        if (n < 0)
            return (int)n;
        if (n == 0)
            return 0; /* it became shorter meanwhile */
        from += n;
    }
    return 0;
}

static int copy_sparse(CopyMethods *methods, int source_fd, int target_fd, off_t size)
{
    off_t data = 0, hole = 0;
    int r = 0;

    while (r == 0 && hole < size && (data = lseek(source_fd, hole, SEEK_DATA)) >= 0) {
        hole = lseek(source_fd, data, SEEK_HOLE);
        if (hole < 0 || lseek(target_fd, data, SEEK_SET) < 0)
            return -errno;
        if (hole > size)
            hole = size;
        r = copy_extent(methods, source_fd, target_fd, data, hole);
    }
    if (data < 0 && errno != ENXIO) /* else all that is left is a hole */
        return -errno;
    return r < 0 ? r : ftruncate(target_fd, size) < 0 ? -errno : 0;
}

int copy_content(CopyMethods *methods, int source_fd, int target_fd, const struct stat *status)
{
    if (status->st_size == 0)
        return 0;
    if (!methods->no_clone) {
        if (ioctl(target_fd, FICLONE, source_fd) == 0)
            return 0;
        if (!is_no_way(errno))
            return -errno;
        methods->no_clone = true;
    }
    if (status->st_blocks * STAT_BLOCK_SIZE < status->st_size)
        return copy_sparse(methods, source_fd, target_fd, status->st_size);
    return copy_extent(methods, source_fd, target_fd, 0, status->st_size);
}
