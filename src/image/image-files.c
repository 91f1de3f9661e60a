/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives lie in a staging directory of the content store, as the numbered files that the worker
 * has made; directories are resolved by the kernel, which refuses every link.
 */

#include "image/image-files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "image/image-load-private.h"

/* What a few documents refer to again and again is work, too. */
#define MAX_DOCUMENT_BYTES (16 * (size_t)IMAGE_JSON_MAX_SIZE)

struct ImageFiles {
    ImageArchive archive; /* with members, unless it is a directory */
    int directory_fd;
    size_t document_bytes; /* read so far */
};

static ImageFiles *files_new(void)
{
    ImageFiles *files = NEW(ImageFiles);

    files->directory_fd = -EBADF;
    return files;
}

void image_files_free(ImageFiles *files)
{
    if (!files)
        return;
    image_archive_done(&files->archive);
    fd_close(files->directory_fd);
    free(files);
}

int image_files_open_archive(ImageStore *store, const char *path, const ImageLimits *limits,
                             ImageFiles **ret, Error *err)
{
    _cleanup_(image_files_freep) ImageFiles *files = files_new();
    _cleanup_close_ int lock_fd = -EBADF;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int r;

    if (fd < 0)
        return error_errno(err, "open '%s'", path);
    files->archive.store = store;
    files->archive.limits = limits;
    r = content_store_lock(image_store_content(store), CONTENT_LOCK_ADD, true, &lock_fd, err);
    if (r < 0)
        return r;
    r = image_archive_take_apart(&files->archive, fd, err);
    if (r < 0)
        return error_wrap(err, r, "read '%s'", path);
    files->archive.limits = NULL; /* the caller's */
    *ret = TAKE_PTR(files);
    return 0;
}

int image_files_open_directory(const char *path, ImageFiles **ret, Error *err)
{
    _cleanup_(image_files_freep) ImageFiles *files = files_new();

    files->directory_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files->directory_fd < 0)
        return error_errno(err, "open directory '%s'", path);
    *ret = TAKE_PTR(files);
    return 0;
}

const char *image_files_kind(const ImageFiles *files)
{
    return files->directory_fd >= 0 ? "directory" : "archive";
}

bool image_files_have(const ImageFiles *files, const char *path)
{
    _cleanup_close_ int fd = -EBADF;

    if (files->directory_fd < 0)
        return image_archive_find(&files->archive, path) != NULL;
    fd = path_open_beneath(files->directory_fd, path, O_PATH, 0);
    return fd >= 0;
}

static int missing(const ImageFiles *files, const char *path, Error *err)
{
    return error_set(err, ERROR_CORRUPT, "the %s lacks '%.200s'", image_files_kind(files), path);
}

/* O_NONBLOCK: what somebody has put in a FIFO's place must not make this wait. */
static int open_in_directory(const ImageFiles *files, const char *path, int *ret_fd, Error *err)
{
    _cleanup_close_ int fd =
        path_open_beneath(files->directory_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    struct stat status;

    if (fd == -ENOENT || fd == -ENOTDIR)
        return missing(files, path, err);
    if (fd < 0)
        return error_result(err, fd, "open '%.200s' in the directory", path);
    if (fstat(fd, &status) < 0)
        return error_errno(err, "look at '%.200s' in the directory", path);
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_INVALID, "'%.200s' in the directory is no regular file", path);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int open_in_archive(const ImageFiles *files, const char *path, int *ret_fd, Error *err)
{
    const IngestEntry *entry = image_archive_find(&files->archive, path);

    return entry ? image_archive_open(&files->archive, entry, ret_fd, err)
                 : missing(files, path, err);
}

int image_files_open(const ImageFiles *files, const char *path, int *ret_fd, int64_t *ret_size,
                     Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    struct stat status;
    int r = files->directory_fd >= 0 ? open_in_directory(files, path, &fd, err)
                                     : open_in_archive(files, path, &fd, err);

    if (r < 0)
        return r;
    if (fstat(fd, &status) < 0)
        return error_errno(err, "look at '%.200s'", path);
    if (ret_size)
        *ret_size = status.st_size;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int image_files_read(ImageFiles *files, const char *path, RegistryDocument *ret, Error *err)
{
    _cleanup_registry_document_ RegistryDocument document = {};
    _cleanup_close_ int fd = -EBADF;
    int r = image_files_open(files, path, &fd, NULL, err);

    if (r < 0)
        return r;
    r = fd_read_all(fd, IMAGE_JSON_MAX_SIZE, &document.text, &document.size);
    if (r == -EFBIG)
        return error_set(err, ERROR_INVALID, "'%.200s' in the %s is longer than %d bytes", path,
                         image_files_kind(files), IMAGE_JSON_MAX_SIZE);
    if (r < 0)
        return error_result(err, r, "read '%.200s' of the %s", path, image_files_kind(files));
    files->document_bytes += document.size;
    if (files->document_bytes > MAX_DOCUMENT_BYTES)
        return error_set(err, ERROR_EXHAUSTED, "the %s's documents add up to more than %zu bytes",
                         image_files_kind(files), MAX_DOCUMENT_BYTES);
    document.digest = digest_of(document.text, document.size);
    *ret = document;
    document = (RegistryDocument) {};
    return 0;
}

int image_files_digest(const ImageFiles *files, const char *path, Digest *ret, int64_t *ret_size,
                       Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    int r = image_files_open(files, path, &fd, NULL, err);

    if (r < 0)
        return r;
    r = digest_of_fd(fd, ret, ret_size);
    return r < 0 ? error_result(err, r, "read '%.200s'", path) : 0;
}
