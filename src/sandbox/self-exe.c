/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A detached, read-only clone of the mount that a program lies on, reduced to the one file. It is
 * in nobody's mount namespace, so that nobody inside a container can make it writable again; and
 * unlike a copy it costs three system calls and no memory.
 */

#include "sandbox/self-exe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define MEMORY_FILE_NAME "cay"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

/* Returns a descriptor, or -errno where mounts cannot be cloned. */
static int open_read_only_clone(const char *program)
{
    struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE };
    _cleanup_close_ int fd = open_tree(AT_FDCWD, program, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (mount_setattr(fd, "", AT_EMPTY_PATH, &read_only, sizeof(read_only)) < 0)
        return -errno;
    return TAKE_FD(fd);
}

static int make_memory_file(void)
{
    int fd = memfd_create(MEMORY_FILE_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

    if (fd < 0 && errno == EINVAL) /* before Linux 6.3 all of them were executable */
        fd = memfd_create(MEMORY_FILE_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd < 0 ? -errno : fd;
}

static int copy_sealed(const char *program, int *ret_fd, Error *err)
{
    _cleanup_close_ int source_fd = open(program, O_RDONLY | O_CLOEXEC);
    _cleanup_close_ int fd = make_memory_file();
    ssize_t n;

    if (source_fd < 0)
        return error_errno(err, "open '%s'", program);
    if (fd < 0)
        return error_result(err, fd, "make a file in memory");
    do
        n = sendfile(fd, source_fd, NULL, 1 << 30);
    while (n > 0 || (n < 0 && errno == EINTR));
    if (n < 0)
        return error_errno(err, "copy '%s'", program);
    if (fchmod(fd, 0555) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return error_errno(err, "seal a copy of '%s'", program);

    *ret_fd = TAKE_FD(fd);
    return 0;
}

int self_exe_open_sealed(const char *program, int *ret_fd, Error *err)
{
    int fd = open_read_only_clone(program);

    if (fd == -ENOENT || fd == -ENOTDIR)
        return error_result(err, fd, "open '%s'", program);
    if (fd < 0)
        return copy_sealed(program, ret_fd, err);

    *ret_fd = fd;
    return 0;
}

/* A file in memory has a name that others can choose too: its seals decide. */
static bool is_sealed_memory_file(void)
{
    _cleanup_close_ int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & F_SEAL_WRITE);
}

bool self_exe_is_sealed(void)
{
    static const char memory_file[] = "/memfd:" MEMORY_FILE_NAME;
    char target[sizeof(memory_file) - 1];
    ssize_t length = readlink("/proc/self/exe", target, sizeof(target));

    /* Only a mount that is nowhere attached has a file for its root, whose path then is "/". */
    if (length == 1 && target[0] == '/')
        return true;
    return length == sizeof(target) && memcmp(target, memory_file, sizeof(target)) == 0 &&
           is_sealed_memory_file();
}
