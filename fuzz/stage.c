/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The stage of fuzzers that unpack.
 */

#include "stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/path.h"

static char stage_path[] = "/dev/shm/cay-fuzz-XXXXXX";
static int stage_fd = -EBADF;

static void stage_remove(void)
{
    (void)path_remove_tree(AT_FDCWD, stage_path); /* the process ends either way */
}

int stage_begin(void)
{
    int fd;

    if (stage_fd < 0) {
        if (!mkdtemp(stage_path) || atexit(stage_remove) != 0)
            abort();
        stage_fd = open(stage_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    fd = path_open_directory(stage_fd, "target", 0700);
    if (stage_fd < 0 || fd < 0)
        abort();
    return fd;
}

void stage_end(void)
{
    DIR *dir = fdopendir(openat(stage_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    int count = 0;

    if (!dir)
        abort();
    while (readdir(dir))
        count++;
    (void)closedir(dir);
    if (count != 3) /* ".", ".." and the target */
        abort();
    if (path_remove_tree(stage_fd, "target") < 0)
        abort();
}
