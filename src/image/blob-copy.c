/* SPDX-License-Identifier: Apache-2.0 */
/* Copying hashes on the way, so that a blob is read once. */

#include "image/blob-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"

#define BUFFER_SIZE (256 * 1024)
#define FILE_MODE 0644

static int check(const Descriptor *blob, const Digest *digest, int64_t size, Error *err)
{
    if (size != blob->size)
        return error_set(err, ERROR_CORRUPT, "blob '%s' has %lld bytes, its descriptor says %lld",
                         blob->digest, (long long)size, (long long)blob->size);
    if (strcmp(digest->text, blob->digest) != 0)
        return error_set(err, ERROR_CORRUPT, "digest mismatch: blob '%s' has the digest '%s'",
                         blob->digest, digest->text);
    return 0;
}

static int rewind_fd(int fd, Error *err)
{
    return lseek(fd, 0, SEEK_SET) < 0 ? error_errno(err, "read from the beginning") : 0;
}

int blob_check(const Descriptor *blob, int fd, Error *err)
{
    Digest digest;
    int64_t size = 0;
    int r = rewind_fd(fd, err);

    if (r < 0)
        return r;
    r = digest_of_fd(fd, &digest, &size);
    if (r < 0)
        return error_result(err, r, "read blob '%s'", blob->digest);
    return check(blob, &digest, size, err);
}

static int copy_bytes(const Descriptor *blob, int fd, int target_fd, Error *err)
{
    _cleanup_free_ char *buffer = memory_new(1, BUFFER_SIZE);
    DigestState state;
    Digest digest;
    int64_t size = 0;
    ssize_t n;
    int r;

    digest_begin(&state);
    while ((n = fd_read_full(fd, buffer, BUFFER_SIZE)) > 0) {
        digest_add(&state, buffer, (size_t)n);
        size += n;
        if (size > blob->size)
            break;
        r = fd_write_all(target_fd, buffer, (size_t)n);
        if (r < 0)
            return error_result(err, r, "write blob '%s'", blob->digest);
        fd_write_behind(target_fd, size - n, size);
    }
    if (n < 0)
        return error_result(err, (int)n, "read blob '%s'", blob->digest);
    digest = digest_end(&state);
    return check(blob, &digest, size, err);
}

int blob_copy(const Descriptor *blob, int fd, int directory_fd, const char *name, Error *err)
{
    _cleanup_close_ int target_fd = -EBADF;
    int r = rewind_fd(fd, err);

    if (r < 0)
        return r;
    if (unlinkat(directory_fd, name, 0) < 0 && errno != ENOENT)
        return error_errno(err, "replace '%s'", name);
    target_fd =
        openat(directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (target_fd < 0)
        return error_errno(err, "make a file for blob '%s'", blob->digest);
    r = copy_bytes(blob, fd, target_fd, err);
    if (r < 0)
        (void)unlinkat(directory_fd, name, 0); /* the copy's failure counts */
    return r;
}

int blob_link(const Descriptor *blob, int fd, int directory_fd, const char *name, Error *err)
{
    char path[32];
    int r;

    if (unlinkat(directory_fd, name, 0) < 0 && errno != ENOENT)
        return error_errno(err, "replace '%s'", name);
    if (linkat(AT_FDCWD, path_of_fd(path, fd), directory_fd, name, AT_SYMLINK_FOLLOW) < 0)
        return blob_copy(blob, fd, directory_fd, name, err); /* another file system, or no name */
    r = blob_check(blob, fd, err);
    if (r < 0)
        (void)unlinkat(directory_fd, name, 0); /* the check's failure counts */
    return r;
}
