/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs that are being fetched: content/partial/<hex>, flock(2)ed by who fetches. The file becomes
 * the blob by a rename, or stays for the next one. Since it can be renamed or swept while somebody
 * waits for its lock, whoever gets the lock looks whether the name still leads to what was locked.
 */

#include <errno.h>
#include <stdio.h> /* renameat */
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "image/content-store-private.h"

struct ContentPartial {
    ContentStore *store;
    int directory_fd;
    int fd; /* the locked file */
    Digest digest;
    bool has_lost_name; /* committed or removed */
};

static bool still_has_its_name(int directory_fd, const char *name, int fd)
{
    struct stat by_name, by_fd;

    return fstatat(directory_fd, name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(fd, &by_fd) == 0 && by_name.st_ino == by_fd.st_ino &&
           by_name.st_dev == by_fd.st_dev;
}

/* Open and lock @name. -EAGAIN: somebody has it; -ESTALE: it is another file by now. */
static int open_locked(int directory_fd, const char *name, bool wait, int *ret_fd)
{
    _cleanup_close_ int fd =
        openat(directory_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r;

    if (fd < 0)
        return -errno;
    do
        r = flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    if (!still_has_its_name(directory_fd, name, fd))
        return -ESTALE;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int content_partial_open(ContentStore *store, const Digest *digest, bool wait, ContentPartial **ret,
                         Error *err)
{
    _cleanup_(content_partial_freep) ContentPartial *partial = NEW(ContentPartial);
    int r;

    *partial = (ContentPartial) { .store = store, .fd = -EBADF, .digest = *digest };
    partial->directory_fd = path_open_directory(store->fd, CONTENT_PARTIAL, 0700);
    if (partial->directory_fd < 0)
        return error_result(err, partial->directory_fd, "open the directory of partial blobs");
    do
        r = open_locked(partial->directory_fd, digest_hex(digest), wait, &partial->fd);
    while (r == -ESTALE);
    if (r == -EAGAIN)
        return r;
    if (r < 0)
        return error_result(err, r, "open the partial blob '%s'", digest->text);
    *ret = TAKE_PTR(partial);
    return 0;
}

int content_partial_fd(const ContentPartial *partial)
{
    return partial->fd;
}

int content_partial_commit(ContentPartial *partial, bool is_synced, Error *err)
{
    const char *name = digest_hex(&partial->digest);
    _cleanup_close_ int blobs_fd =
        openat(partial->store->fd, CONTENT_BLOBS, CONTENT_DIRECTORY_FLAGS);

    if (blobs_fd < 0)
        return error_errno(err, "open the content store's blobs");
    if ((!is_synced && fdatasync(partial->fd) < 0) ||
        renameat(partial->directory_fd, name, blobs_fd, name) < 0)
        return error_errno(err, "store blob '%s'", partial->digest.text);
    partial->has_lost_name = true;
    if (fsync(blobs_fd) < 0)
        return error_errno(err, "store blob '%s'", partial->digest.text);
    return 0;
}

int content_partial_discard(ContentPartial *partial, Error *err)
{
    if (ftruncate(partial->fd, 0) < 0 || lseek(partial->fd, 0, SEEK_SET) < 0)
        return error_errno(err, "discard the partial blob '%s'", partial->digest.text);
    return 0;
}

void content_partial_remove(ContentPartial *partial)
{
    /* a name that stays goes within a week */
    (void)unlinkat(partial->directory_fd, digest_hex(&partial->digest), 0);
    partial->has_lost_name = true;
}

void content_partial_free(ContentPartial *partial)
{
    struct stat st;

    if (!partial)
        return;
    /* what has nothing in it is of no use to the next one */
    if (partial->fd >= 0 && !partial->has_lost_name && fstat(partial->fd, &st) == 0 &&
        st.st_size == 0)
        (void)unlinkat(partial->directory_fd, digest_hex(&partial->digest), 0);
    fd_close(partial->fd);
    fd_close(partial->directory_fd);
    free(partial);
}

/* Remove one, unless somebody has it or has written to it since @before. 0 or -errno. */
static int sweep_one(int directory_fd, const char *name, int64_t before)
{
    _cleanup_close_ int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? 0 : -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_mtime >= before || !still_has_its_name(directory_fd, name, fd))
        return 0;
    return unlinkat(directory_fd, name, 0) < 0 ? -errno : 0;
}

int content_partial_sweep(ContentStore *store, int64_t before)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    int r = directory_open_at(store->fd, CONTENT_PARTIAL, &directory), result = 0;

    if (r == -ENOENT)
        return 0;
    while (r >= 0 && (r = directory_read(directory, &entry)) > 0) {
        int removed = sweep_one(dirfd(directory), entry->d_name, before);

        if (removed < 0 && result == 0)
            result = removed; /* the others can go all the same */
    }
    return r < 0 ? r : result;
}

int content_store_drop_partials(ContentStore *store, Error *err)
{
    int r = content_partial_sweep(store, INT64_MAX);

    return r < 0 ? error_result(err, r, "remove partial blobs") : 0;
}
