/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The kernel detaches a device with LO_FLAGS_AUTOCLEAR when the last descriptor or mount of it
 * goes. So it is looked at through a descriptor that keeps it, and a lock of the file itself keeps
 * two who want its first device apart.
 */

#include "storage/loop-device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"

/* How often somebody else may take the free device before us. */
#define MAX_ATTEMPTS 64

static int open_device(const char *path, bool read_only)
{
    int fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW);

    return fd < 0 ? -errno : fd;
}

/* Whether the device @fd shows exactly the file, all of it. */
static bool shows_file(int fd, const struct stat *file, bool read_only)
{
    struct loop_info64 info;

    return ioctl(fd, LOOP_GET_STATUS64, &info) == 0 && info.lo_device == file->st_dev &&
           info.lo_inode == file->st_ino && info.lo_offset == 0 && info.lo_sizelimit == 0 &&
           (read_only || !(info.lo_flags & LO_FLAGS_READ_ONLY)) &&
           (info.lo_flags & LO_FLAGS_AUTOCLEAR);
}

/* Devices that show something have a directory "loop" in sysfs. Returns 1, 0 or -errno. */
static int find_device(const struct stat *file, bool read_only, int *ret_fd, char **ret_path)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    int r = directory_open(open("/sys/block", O_RDONLY | O_DIRECTORY | O_CLOEXEC), &directory);

    while (r >= 0 && (r = directory_read(directory, &entry)) > 0) {
        _cleanup_free_ char *marker = memory_printf("%s/loop", entry->d_name);
        _cleanup_free_ char *path = memory_printf("/dev/%s", entry->d_name);
        _cleanup_close_ int fd = -EBADF;

        if (strncmp(entry->d_name, "loop", 4) != 0 ||
            faccessat(dirfd(directory), marker, F_OK, 0) < 0)
            continue;
        fd = open_device(path, read_only);
        if (fd < 0 || !shows_file(fd, file, read_only))
            continue;
        *ret_fd = TAKE_FD(fd);
        *ret_path = TAKE_PTR(path);
        return 1;
    }
    return r == -ENOENT ? 0 : r;
}

/* Returns 0, -EBUSY when somebody else was faster, or -errno. */
static int make_device(int control_fd, int file_fd, bool read_only, int *ret_fd, char **ret_path)
{
    struct loop_config config = {
        .fd = (uint32_t)file_fd,
        .info.lo_flags = LO_FLAGS_AUTOCLEAR | (read_only ? LO_FLAGS_READ_ONLY : 0),
    };
    int number = ioctl(control_fd, LOOP_CTL_GET_FREE);
    _cleanup_free_ char *path = NULL;
    _cleanup_close_ int fd = -EBADF;

    if (number < 0)
        return -errno;
    path = memory_printf("/dev/loop%d", number);
    fd = open_device(path, read_only);
    if (fd < 0)
        return fd;
    if (ioctl(fd, LOOP_CONFIGURE, &config) < 0)
        return -errno;

    *ret_fd = TAKE_FD(fd);
    *ret_path = TAKE_PTR(path);
    return 0;
}

int loop_device_open(int file_fd, bool read_only, int *ret_fd, char **ret_path, Error *err)
{
    _cleanup_close_ int control_fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    char path[32];
    /* A description of its own: nobody else's lock of the file ends with ours. */
    _cleanup_close_ int lock_fd = open(path_of_fd(path, file_fd), O_RDONLY | O_CLOEXEC);
    struct stat file;
    int r;

    if (control_fd < 0)
        return error_set(err, ERROR_UNSUPPORTED, "there are no loop devices here: %s",
                         strerror(errno));
    if (lock_fd < 0 || flock(lock_fd, LOCK_EX) < 0 || fstat(file_fd, &file) < 0)
        return error_errno(err, "lock the image");
    r = find_device(&file, read_only, ret_fd, ret_path);
    if (r > 0)
        return 0;
    if (r == 0)
        r = -EBUSY;
    for (int i = 0; i < MAX_ATTEMPTS && r == -EBUSY; i++)
        r = make_device(control_fd, file_fd, read_only, ret_fd, ret_path);
    return r < 0 ? error_result(err, r, "make a loop device") : 0;
}
