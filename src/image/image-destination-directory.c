/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skopeo's directory, made beside its place and put there whole. What a killed copy leaves has a
 * name of its own, ".NAME.partial", and is made anew by the next one.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "image/blob-copy.h"
#include "image/image-destination-private.h"

#define VERSION_FILE "version"
#define VERSION_TEXT "Directory Transport Version: 1.1\n"
#define VERSION_BEGIN "Directory Transport Version:"
#define FILE_MODE 0644

typedef struct DirectoryDestination {
    ImageDestination destination;
    char *path;
    char *name;    /* last component of path */
    char *partial; /* ".NAME.partial" */
    int parent_fd;
    int fd; /* of partial, locked */
    bool is_whole;
} DirectoryDestination;

static int directory_has_blob(ImageDestination *destination, const Descriptor *blob, Error *err)
{
    const DirectoryDestination *directory = (const DirectoryDestination *)destination;

    (void)err;
    return faccessat(directory->fd, blob->digest + strlen(DIGEST_PREFIX), F_OK,
                     AT_SYMLINK_NOFOLLOW) == 0;
}

static int directory_put_blob(ImageDestination *destination, const Descriptor *blob, int file_fd,
                              Error *err)
{
    const DirectoryDestination *directory = (const DirectoryDestination *)destination;

    return blob_copy(blob, file_fd, directory->fd, blob->digest + strlen(DIGEST_PREFIX), err);
}

static int write_file(const DirectoryDestination *directory, const char *name, const char *text,
                      size_t size, Error *err)
{
    int r = file_write_at(directory->fd, name, text, size, FILE_MODE, 0);

    return r < 0 ? error_result(err, r, "write '%s'", name) : 0;
}

static int directory_put_manifest(ImageDestination *destination, const RegistryDocument *manifest,
                                  bool is_top, Error *err)
{
    const DirectoryDestination *directory = (const DirectoryDestination *)destination;
    _cleanup_free_ char *name =
        is_top ? memory_strdup("manifest.json")
               : memory_printf("%s.manifest.json", digest_hex(&manifest->digest));

    return write_file(directory, name, manifest->text, manifest->size, err);
}

/* Empty, or made by this transport: nothing else is replaced. */
static bool may_be_replaced(int fd)
{
    _cleanup_free_ char *version = NULL;
    _cleanup_directory_ DIR *entries = NULL;
    const struct dirent *entry;

    if (file_read_at(fd, VERSION_FILE, 4096, &version, NULL) == 0)
        return strncmp(version, VERSION_BEGIN, strlen(VERSION_BEGIN)) == 0;
    return directory_open_at(fd, ".", &entries) == 0 && directory_read(entries, &entry) == 0;
}

static int check_replaced(const DirectoryDestination *directory, Error *err)
{
    _cleanup_close_ int fd = openat(directory->parent_fd, directory->name,
                                    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return error_errno(err, "open directory '%s'", directory->path);
    return may_be_replaced(fd) ? 0
                               : error_set(err, ERROR_CONFLICT,
                                           "directory '%s' is neither empty nor one of the "
                                           "transport 'dir'",
                                           directory->path);
}

/* Into its place; what was there takes the partial's name, and is removed with it. */
static int put_in_place(DirectoryDestination *directory)
{
    if (renameat2(directory->parent_fd, directory->partial, directory->parent_fd, directory->name,
                  RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EEXIST || renameat2(directory->parent_fd, directory->partial, directory->parent_fd,
                                     directory->name, RENAME_EXCHANGE) < 0)
        return -errno;
    (void)path_remove_tree(directory->parent_fd, directory->partial); /* the next one would */
    return 0;
}

static int directory_commit(ImageDestination *destination, Error *err)
{
    DirectoryDestination *directory = (DirectoryDestination *)destination;
    int r = write_file(directory, VERSION_FILE, VERSION_TEXT, strlen(VERSION_TEXT), err);

    if (r >= 0)
        r = check_replaced(directory, err);
    if (r < 0)
        return r;
    if (syncfs(directory->fd) < 0)
        return error_errno(err, "sync '%s'", directory->path);
    r = put_in_place(directory);
    if (r < 0)
        return error_result(err, r, "make directory '%s'", directory->path);
    directory->is_whole = true;
    if (fsync(directory->parent_fd) < 0)
        return error_errno(err, "sync the directory of '%s'", directory->path);
    return 0;
}

static void directory_free(ImageDestination *destination)
{
    DirectoryDestination *directory = (DirectoryDestination *)destination;

    if (directory->fd >= 0 && !directory->is_whole)
        (void)path_remove_tree(directory->parent_fd, directory->partial); /* the next one would */
    fd_close(directory->fd);
    fd_close(directory->parent_fd);
    free(directory->path);
    free(directory->name);
    free(directory->partial);
    free(directory);
}

static const ImageDestinationOps directory_ops = {
    .has_blob = directory_has_blob,
    .put_blob = directory_put_blob,
    .put_manifest = directory_put_manifest,
    .commit = directory_commit,
    .free = directory_free,
};

/* Make and lock the partial directory, empty. -ESTALE: somebody has put or removed it meanwhile. */
static int take_partial(DirectoryDestination *directory)
{
    _cleanup_directory_ DIR *entries = NULL;
    const struct dirent *entry;
    struct stat by_name, by_fd;
    int fd = path_open_directory(directory->parent_fd, directory->partial, 0755);
    int r = 0;

    directory->fd = fd_close(directory->fd);
    if (fd < 0)
        return fd;
    directory->fd = fd;
    do
        r = flock(fd, LOCK_EX);
    while (r < 0 && errno == EINTR);
    if (r < 0 || fstat(fd, &by_fd) < 0)
        return -errno;
    if (fstatat(directory->parent_fd, directory->partial, &by_name, AT_SYMLINK_NOFOLLOW) < 0 ||
        by_name.st_ino != by_fd.st_ino || by_name.st_dev != by_fd.st_dev)
        return -ESTALE;
    r = directory_open_at(fd, ".", &entries);
    while (r >= 0 && (r = directory_read(entries, &entry)) > 0)
        r = path_remove_tree(fd, entry->d_name);
    return r;
}

static int split_path(DirectoryDestination *directory, Error *err)
{
    _cleanup_free_ char *parent = memory_strdup(directory->path);
    size_t length = strlen(parent);
    char *slash;

    while (length > 1 && parent[length - 1] == '/')
        parent[--length] = '\0';
    slash = strrchr(parent, '/');
    directory->name = memory_strdup(slash ? slash + 1 : parent);
    if (slash)
        slash[slash == parent] = '\0';
    if (!path_is_name(directory->name) || strlen(directory->name) > 200)
        return error_set(err, ERROR_INVALID, "'%s' is no name of a directory", directory->path);
    directory->partial = memory_printf(".%s.partial", directory->name);
    directory->parent_fd = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return directory->parent_fd < 0
               ? error_errno(err, "open the directory of '%s'", directory->path)
               : 0;
}

int image_destination_open_directory(const char *path, ImageDestination **ret, Error *err)
{
    DirectoryDestination *directory = NEW(DirectoryDestination);
    _cleanup_(image_destination_freep) ImageDestination *destination = &directory->destination;
    int r;

    *directory = (DirectoryDestination) { .destination.ops = &directory_ops,
                                          .path = memory_strdup(path),
                                          .parent_fd = -EBADF,
                                          .fd = -EBADF };
    r = split_path(directory, err);
    if (r >= 0)
        r = check_replaced(directory, err);
    if (r < 0)
        return r;
    do
        r = take_partial(directory);
    while (r == -ESTALE);
    if (r < 0)
        return error_result(err, r, "make directory '%s'", path);
    *ret = TAKE_PTR(destination);
    return 0;
}
