/* SPDX-License-Identifier: Apache-2.0 */

/* Whole reads and writes; a file is replaced by rename so that nobody sees half of one. */

#include "base/fd.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random-id.h"

int fd_close(int fd)
{
    if (fd >= 0) {
        int saved_errno = errno;

        (void)close(fd); /* Linux has released the descriptor whatever close() says */
        errno = saved_errno;
    }

    return -EBADF;
}

int fd_write_all(int fd, const void *data, size_t size)
{
    const char *position = data;

    while (size > 0) {
        ssize_t n = write(fd, position, size);

        if (n < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        position += n;
        size -= (size_t)n;
    }

    return 0;
}

ssize_t fd_read_full(int fd, void *data, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = read(fd, (char *)data + done, size - done);

        if (n < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        if (n == 0)
            break;
        done += (size_t)n;
    }

    return (ssize_t)done;
}

#define READ_SIZE 4096

int fd_read_all(int fd, size_t limit, char **ret_data, size_t *ret_size)
{
    _cleanup_free_ char *data = NULL;
    size_t capacity = 0, size = 0;
    struct stat st;

    /*
     * One read(2) takes a regular file whole; the spare byte lets the next one see its end. Files
     * of procfs and cgroups do not tell their size, and most fit a page.
     */
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size <= limit)
        data = memory_grow(data, &capacity, st.st_size > 0 ? (size_t)st.st_size + 2 : READ_SIZE, 1);

    for (;;) {
        ssize_t n;

        data = memory_grow(data, &capacity, size + 2, 1);
        n = fd_read_full(fd, data + size, capacity - size - 1);
        if (n < 0)
            return (int)n;
        if (n == 0)
            break;
        size += (size_t)n;
        if (size > limit)
            return -EFBIG;
        if (size < capacity - 1)
            break; /* fd_read_full() came back short: end of file */
    }

    data[size] = '\0';
    *ret_data = TAKE_PTR(data);
    if (ret_size)
        *ret_size = size;
    return 0;
}

int file_read_at(int dir_fd, const char *name, size_t limit, char **ret_data, size_t *ret_size)
{
    _cleanup_close_ int fd =
        openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;

    return fd_read_all(fd, limit, ret_data, ret_size);
}

/* The temporary file of file_write_at(): removed unless it was renamed. */
typedef struct TemporaryName {
    int dir_fd;
    char name[32]; /* empty: nothing to remove */
} TemporaryName;

static void temporary_name_done(TemporaryName *temporary)
{
    int saved_errno = errno;

    if (temporary->name[0])
        (void)unlinkat(temporary->dir_fd, temporary->name, 0); /* best effort on the way out */
    errno = saved_errno;
}

int file_write_at(int dir_fd, const char *name, const void *data, size_t size, mode_t mode,
                  FileWriteFlags flags)
{
    _cleanup_(temporary_name_done) TemporaryName temporary = { .dir_fd = dir_fd };
    char candidate[sizeof(temporary.name)] = ".tmp-";
    _cleanup_close_ int fd = -EBADF;
    int r;

    random_hex(candidate + strlen(candidate), 16);
    fd = openat(dir_fd, candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return -errno;
    memcpy(temporary.name, candidate, sizeof(candidate));

    r = fd_write_all(fd, data, size);
    if (r < 0)
        return r;
    if ((flags & FILE_WRITE_SYNC) && fdatasync(fd) < 0)
        return -errno;
    if (renameat(dir_fd, temporary.name, dir_fd, name) < 0)
        return -errno;
    temporary.name[0] = '\0';
    if ((flags & FILE_WRITE_SYNC) && fsync(dir_fd) < 0)
        return -errno;

    return 0;
}

int file_poke_at(int dir_fd, const char *name, const char *text)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    size_t length = strlen(text);
    ssize_t n;

    if (fd < 0)
        return -errno;

    do
        n = write(fd, text, length);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;

    return (size_t)n == length ? 0 : -EIO;
}

int fd_set_cloexec(int fd, bool on)
{
    return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0 ? -errno : 0;
}

int fd_set_nonblock(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0)
        return -errno;
    flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

#define WRITE_BEHIND_SIZE (INT64_C(16) << 20)

void fd_write_behind(int fd, int64_t from, int64_t to)
{
    int64_t begin = from / WRITE_BEHIND_SIZE * WRITE_BEHIND_SIZE;
    int64_t end = to / WRITE_BEHIND_SIZE * WRITE_BEHIND_SIZE;

    if (begin < end) /* else, and where it fails, the sync at the end takes longer */
        (void)sync_file_range(fd, begin, end - begin, SYNC_FILE_RANGE_WRITE);
}

int fd_from_data(const char *name, const void *data, size_t size)
{
    _cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC);
    int r;

    if (fd < 0)
        return -errno;
    r = fd_write_all(fd, data, size);
    if (r < 0)
        return r;
    return lseek(fd, 0, SEEK_SET) < 0 ? -errno : TAKE_FD(fd);
}

bool fd_is_on_fs(int fd, unsigned long magic)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 && (unsigned long)fs.f_type == magic;
}

static const uint32_t kernel_file_systems[] = {
    PROC_SUPER_MAGIC,   SYSFS_MAGIC,    CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
    DEVPTS_SUPER_MAGIC, DEBUGFS_MAGIC,  TRACEFS_MAGIC,      SECURITYFS_MAGIC,
    BPF_FS_MAGIC,       NSFS_MAGIC,     SELINUX_MAGIC,      PSTOREFS_MAGIC,
    EFIVARFS_MAGIC,     BINFMTFS_MAGIC, 0x19800202, /* mqueue, which has no name in linux/magic.h;
                                                       as the next two */
    0x62656570,                                     /* configfs */
    0x65735543,                                     /* fusectl */
};

bool fd_is_of_kernel(int fd)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(kernel_file_systems); i++)
        if ((uint32_t)fs.f_type == kernel_file_systems[i])
            return true;
    return false;
}
