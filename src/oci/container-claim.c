/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who owns a container's directory. The lock is a record lock of fcntl(2), which ends with its
 * process: a lock of flock(2) would live on in the container's first process, which is a copy of
 * its maker. Every file but the lock is removed before the lock, and the lock before the directory,
 * so that whoever finds a directory can lock it.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "oci/container-id.h"
#include "oci/container-private.h"

#define LOCK_NAME "lock"
#define RECORD_SIZE_MAX (1U << 20)

int container_report_missing(const char *id, Error *err)
{
    return error_set(err, ERROR_NOT_FOUND, "container does not exist: '%s'", id);
}

static Container *container_new(void)
{
    Container *container = NEW(Container);

    container->dir_fd = container->lock_fd = -EBADF;
    return container;
}

static int open_directory(int root_fd, const char *id, int *ret_fd, Error *err)
{
    int fd = openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return container_report_missing(id, err);
    if (fd < 0)
        return error_errno(err, "open the directory of container '%s'", id);
    *ret_fd = fd;
    return 0;
}

/* Returns 1, or 0 where there is no record. */
static int read_record(int dir_fd, const char *id, ContainerRecord *ret, Error *err)
{
    _cleanup_free_ char *text = NULL;
    size_t size;
    int r = file_read_at(dir_fd, CONTAINER_RECORD_NAME, RECORD_SIZE_MAX, &text, &size);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return error_result(err, r, "read the state of container '%s'", id);
    r = container_record_from_text(text, size, ret, err);
    return r < 0 ? error_wrap(err, r, "read container '%s'", id) : 1;
}

int container_open(int root_fd, const char *id, Container **ret, Error *err)
{
    _cleanup_(container_freep) Container *container = container_new();
    int r = container_id_validate(id, err);

    if (r >= 0)
        r = open_directory(root_fd, id, &container->dir_fd, err);
    if (r >= 0)
        r = read_record(container->dir_fd, id, &container->record, err);
    if (r < 0)
        return r;
    if (r == 0)
        return container_report_missing(id, err);
    *ret = TAKE_PTR(container);
    return 0;
}

bool container_is_locked(const Container *container)
{
    _cleanup_close_ int fd =
        openat(container->dir_fd, LOCK_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    return fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* Returns 1 with the lock held, 0 when the directory was removed meanwhile, or -errno (-EAGAIN when
 * it is held by another one, without @waits). */
static int take_lock(Container *container, bool waits)
{
    _cleanup_close_ int fd =
        openat(container->dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    struct stat st;
    int r;

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    do
        r = fcntl(fd, waits ? F_SETLKW : F_SETLK, &lock);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return errno == EACCES ? -EAGAIN : -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_nlink == 0)
        return 0;
    container->lock_fd = TAKE_FD(fd);
    return 1;
}

int container_open_locked(int root_fd, const char *id, Container **ret, Error *err)
{
    _cleanup_(container_freep) Container *container = container_new();
    int r = container_id_validate(id, err);

    if (r >= 0)
        r = open_directory(root_fd, id, &container->dir_fd, err);
    if (r < 0)
        return r;
    r = take_lock(container, true);
    if (r < 0)
        return error_result(err, r, "lock container '%s'", id);
    if (r == 0)
        return container_report_missing(id, err);
    r = read_record(container->dir_fd, id, &container->record, err);
    if (r < 0)
        return r;
    if (r == 0)
        container->record.id = memory_strdup(id);
    *ret = TAKE_PTR(container);
    return 0;
}

void container_unlock(Container *container)
{
    fd_closep(&container->lock_fd);
}

int container_lock_again(Container *container, Error *err)
{
    _cleanup_container_record_ ContainerRecord found = {};
    const char *id = container->record.id;
    int r = take_lock(container, true);

    if (r < 0)
        return error_result(err, r, "lock container '%s'", id);
    if (r > 0)
        r = read_record(container->dir_fd, id, &found, err);
    /* A new container may have moved into a directory that was about to be removed. */
    return r > 0 ? found.created == container->record.created : r;
}

/* Files that a maker has left, and the maker of which died, all but the lock. */
static int remove_files(int dir_fd)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    int r = directory_open_at(dir_fd, ".", &directory);

    while (r >= 0 && (r = directory_read(directory, &entry)) > 0)
        if (strcmp(entry->d_name, LOCK_NAME) != 0)
            r = path_remove_tree(dir_fd, entry->d_name);
    return r;
}

/* Undo what a maker has begun that died. CONFLICT when it had finished. */
static int take_over(Container *container, const char *id, Error *err)
{
    int r = read_record(container->dir_fd, id, &container->record, err);

    if (r > 0 && container->record.pid > 0)
        return error_set(err, ERROR_CONFLICT, "container with given ID already exists: '%s'", id);
    if (r > 0)
        r = container_end(container, err);
    if (r < 0)
        return r;
    r = remove_files(container->dir_fd);
    if (r < 0)
        return error_result(err, r, "remove what is left of container '%s'", id);
    container_record_done(&container->record);
    cgroup_free(TAKE_PTR(container->cgroup));
    return 0;
}

/* Returns 1 with the directory locked, 0 when it was removed meanwhile. */
static int try_claim(int root_fd, const char *id, Container *container, Error *err)
{
    bool exists = mkdirat(root_fd, id, 0700) < 0;
    int r;

    if (exists && errno != EEXIST)
        return error_errno(err, "make the directory of container '%s'", id);
    container->dir_fd = openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (container->dir_fd < 0)
        return errno == ENOENT ? 0 : error_errno(err, "open the directory of container '%s'", id);
    r = take_lock(container, false);
    if (r == -EAGAIN)
        return error_set(err, ERROR_CONFLICT, "container with given ID already exists: '%s'", id);
    if (r < 0)
        return error_result(err, r, "lock container '%s'", id);
    if (r == 0 || !exists)
        return r;
    r = take_over(container, id, err);
    return r < 0 ? r : 1;
}

int container_claim(int root_fd, const char *id, Container **ret, Error *err)
{
    int r = container_id_validate(id, err);

    while (r == 0) {
        _cleanup_(container_freep) Container *container = container_new();

        r = try_claim(root_fd, id, container, err);
        if (r <= 0)
            continue; /* a deletion was faster: the id is free now */
        container->record.id = memory_strdup(id);
        *ret = TAKE_PTR(container);
    }
    return r < 0 ? r : 0;
}

int container_remove(int root_fd, const Container *container, Error *err)
{
    const char *id = container->record.id;
    int r = remove_files(container->dir_fd);

    if (r >= 0 && unlinkat(container->dir_fd, LOCK_NAME, 0) < 0)
        r = -errno;
    /* Without the lock's name the directory is anyone's: a new container may have moved in. */
    if (r >= 0 && unlinkat(root_fd, id, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY &&
        errno != EEXIST && errno != ENOENT)
        r = -errno;
    return r < 0 ? error_result(err, r, "remove the directory of container '%s'", id) : 0;
}
