/* SPDX-License-Identifier: Apache-2.0 */

/* Scratch directories for the tests of storage; see scratch.h. */

#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"

#define TEXT_LIMIT 4096

int scratch_enter_namespace(void **state)
{
    (void)state;
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        perror("a private mount namespace (root only)");
        return -1;
    }
    return 0;
}

Scratch *scratch_new(const char *tmpfs_options)
{
    const char *parent = getenv("TMPDIR");
    Scratch *scratch = NEW(Scratch);

    scratch->path = memory_printf("%s/cay-storage-XXXXXX", parent ? parent : "/var/tmp");
    assert_non_null(mkdtemp(scratch->path));
    if (tmpfs_options)
        assert_int_equal(mount("tmpfs", scratch->path, "tmpfs", 0, tmpfs_options), 0);
    scratch->fd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(scratch->fd >= 0);
    return scratch;
}

void scratch_free(Scratch *scratch)
{
    fd_close(scratch->fd);
    (void)umount2(scratch->path, MNT_DETACH); /* only some are mounts */
    assert_int_equal(path_remove_tree(AT_FDCWD, scratch->path), 0);
    free(scratch->path);
    free(scratch);
}

int scratch_setup_disk(void **state)
{
    const void *parameter = *state;
    Scratch *scratch = scratch_new(NULL);

    scratch->parameter = parameter;
    *state = scratch;
    return 0;
}

int scratch_setup_memory(void **state)
{
    const void *parameter = *state;
    Scratch *scratch = scratch_new("size=64m");

    scratch->parameter = parameter;
    *state = scratch;
    return 0;
}

int scratch_teardown(void **state)
{
    scratch_free(*state);
    return 0;
}

void scratch_write(int dir_fd, const char *path, const char *text)
{
    _cleanup_close_ int fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

char *scratch_read(int dir_fd, const char *path)
{
    char *text = NULL;

    return file_read_at(dir_fd, path, TEXT_LIMIT, &text, NULL) < 0 ? NULL : text;
}

void scratch_mkdir(int dir_fd, const char *path, unsigned mode)
{
    assert_int_equal(mkdirat(dir_fd, path, mode), 0);
    assert_int_equal(fchmodat(dir_fd, path, mode, 0), 0);
}

int scratch_open(int dir_fd, const char *path)
{
    int fd = openat(dir_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

size_t scratch_count(int dir_fd, const char *path)
{
    int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t count = 0;

    assert_true(fd >= 0);
    DIR *directory = fdopendir(fd);
    assert_non_null(directory);
    while (readdir(directory))
        count++;
    assert_int_equal(closedir(directory), 0);
    return count - 2;
}

size_t scratch_fill(int dir_fd)
{
    for (size_t i = 0;; i++) {
        _cleanup_free_ char *name = memory_printf("fill-%zu", i);
        _cleanup_close_ int fd =
            openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

        if (fd < 0) {
            assert_int_equal(errno, ENOSPC);
            return i;
        }
    }
}
