/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content store on disk:
 *
 *     content/oci-layout, index.json       as the OCI image layout wants them
 *     content/blobs/sha256/<hex>           whole, verified blobs
 *     content/staging/<random>/            unfinished things, flock(2)ed by their owner
 *     content/partial/<hex>                blobs that are being fetched (content-partial.c)
 *     content/lock                         flock(2)ed, shared by adders, exclusive by the collector
 *
 * Opening is on the path of every container start, so it only opens the directory; the skeleton is
 * made by the first who takes the lock, since whoever changes anything has to.
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
#include "base/random-id.h"
#include "base/time-format.h"
#include "image/content-store-private.h"
#include "image/image-layout.h"

#define BLOBS CONTENT_BLOBS
#define STAGING "staging"
#define INDEX_FILE "index.json"
#define EMPTY_INDEX "{\"schemaVersion\":2,\"manifests\":[]}"
#define LOCK_FILE "lock"

#define DIRECTORY_FLAGS CONTENT_DIRECTORY_FLAGS
#define STAGING_NAME_DIGITS 16
#define PARTIAL_MAX_AGE (7 * 24 * 60 * 60) /* seconds */

struct ContentStaging {
    ContentStore *store;
    int parent_fd; /* content/staging/ */
    int fd;        /* its own directory, locked */
    char name[STAGING_NAME_DIGITS + 1];
};

int content_store_open(int state_fd, ContentStore **ret, Error *err)
{
    _cleanup_close_ int fd = openat(state_fd, "content", DIRECTORY_FLAGS);

    if (fd < 0 && errno == ENOENT)
        fd = path_open_directory(state_fd, "content", 0700);
    else if (fd < 0)
        fd = -errno;
    if (fd < 0)
        return error_result(err, fd, "open content store");

    *ret = NEW(ContentStore);
    (*ret)->fd = TAKE_FD(fd);
    return 0;
}

void content_store_close(ContentStore *store)
{
    fd_close(store->fd);
    free(store);
}

/* Write a small file that is part of the skeleton, unless it is there. */
static int make_file(ContentStore *store, const char *name, const char *text, Error *err)
{
    int r;

    if (faccessat(store->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    r = file_write_at(store->fd, name, text, strlen(text), 0600, FILE_WRITE_SYNC);
    if (r < 0)
        return error_result(err, r, "create content store: write '%s'", name);
    return 0;
}

/* Crash-only: every part is made if it is missing, whoever was interrupted before. */
static int make_skeleton(ContentStore *store, Error *err)
{
    static const char *const directories[] = { "blobs", BLOBS, STAGING };
    _cleanup_free_ char *layout = NULL;
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
        if (mkdirat(store->fd, directories[i], 0700) < 0 && errno != EEXIST)
            return error_errno(err, "create content store: make directory '%s'", directories[i]);
    r = make_file(store, INDEX_FILE, EMPTY_INDEX, err);
    if (r < 0)
        return r;
    r = make_file(store, LAYOUT_FILE, LAYOUT_TEXT, err);
    if (r < 0)
        return r;

    r = file_read_at(store->fd, LAYOUT_FILE, 4096, &layout, NULL);
    if (r < 0)
        return error_result(err, r, "read content store: '%s'", LAYOUT_FILE);
    if (!strstr(layout, "\"1.0.0\""))
        return error_set(err, ERROR_UNSUPPORTED,
                         "the content store has a layout that is not version 1.0.0");
    return 0;
}

int content_store_lock(ContentStore *store, ContentLock mode, bool wait, int *ret_fd, Error *err)
{
    _cleanup_close_ int fd = openat(store->fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int operation = mode == CONTENT_LOCK_ADD ? LOCK_SH : LOCK_EX;
    int r;

    if (fd < 0)
        return error_errno(err, "open the content store's lock");
    do
        r = flock(fd, wait ? operation : operation | LOCK_NB);
    while (r < 0 && errno == EINTR);
    if (r < 0 && errno == EWOULDBLOCK)
        return -EAGAIN;
    if (r < 0)
        return error_errno(err, "lock the content store");

    r = make_skeleton(store, err);
    if (r < 0)
        return r;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/*
 * Remove staging directories that nobody holds. A directory that was just made and is not locked
 * yet may be taken for one: its owner notices and makes another.
 */
static int sweep_staging(int staging_fd)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    int r = directory_open_at(staging_fd, ".", &directory);

    if (r < 0)
        return r;
    while (directory_read(directory, &entry) > 0) {
        _cleanup_close_ int fd = -EBADF;
        int removed;

        fd = openat(staging_fd, entry->d_name, DIRECTORY_FLAGS);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
            continue; /* alive */
        removed = path_remove_tree(staging_fd, entry->d_name);
        if (removed < 0 && r == 0)
            r = removed;
    }
    return r;
}

/* Make and lock a directory; -EAGAIN when a sweep was faster than the lock. */
static int staging_try(ContentStaging *staging)
{
    struct stat st;

    random_hex(staging->name, STAGING_NAME_DIGITS);
    if (mkdirat(staging->parent_fd, staging->name, 0700) < 0)
        return -errno;
    staging->fd = openat(staging->parent_fd, staging->name, DIRECTORY_FLAGS);
    if (staging->fd < 0)
        return errno == ENOENT ? -EAGAIN : -errno;
    if (flock(staging->fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    if (fstat(staging->fd, &st) < 0)
        return -errno;
    return st.st_nlink == 0 ? -EAGAIN : 0;
}

int content_staging_begin(ContentStore *store, ContentStaging **ret, Error *err)
{
    _cleanup_(content_staging_freep) ContentStaging *staging = NEW(ContentStaging);
    int r;

    staging->store = store;
    staging->fd = -EBADF;
    staging->parent_fd = openat(store->fd, STAGING, DIRECTORY_FLAGS);
    if (staging->parent_fd < 0)
        return error_errno(err, "open the content store's staging directory");

    (void)sweep_staging(staging->parent_fd); /* what cannot be removed now is tried again later */
    do {
        staging->fd = fd_close(staging->fd);
        r = staging_try(staging);
    } while (r == -EAGAIN);
    if (r < 0)
        return error_result(err, r, "make a staging directory");

    *ret = TAKE_PTR(staging);
    return 0;
}

void content_staging_free(ContentStaging *staging)
{
    /* what is left is swept by the next who begins one */
    if (staging->fd >= 0)
        (void)path_remove_tree(staging->parent_fd, staging->name);
    fd_close(staging->fd);
    fd_close(staging->parent_fd);
    free(staging);
}

int content_staging_fd(const ContentStaging *staging)
{
    return staging->fd;
}

int content_staging_create(ContentStaging *staging, const char *name, int *ret_fd, Error *err)
{
    int fd = openat(staging->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return error_errno(err, "make the staging file '%s'", name);
    *ret_fd = fd;
    return 0;
}

static int open_blobs(ContentStore *store, int *ret_fd, Error *err)
{
    int fd = openat(store->fd, BLOBS, DIRECTORY_FLAGS);

    if (fd < 0)
        return error_errno(err, "open the content store's blobs");
    *ret_fd = fd;
    return 0;
}

static int publish(ContentStaging *staging, int fd, const char *name, const Digest *digest,
                   Error *err)
{
    _cleanup_close_ int blobs_fd = -EBADF;
    int r = open_blobs(staging->store, &blobs_fd, err);

    if (r < 0)
        return r;
    if (fdatasync(fd) < 0 || renameat(staging->fd, name, blobs_fd, digest_hex(digest)) < 0 ||
        fsync(blobs_fd) < 0)
        return error_errno(err, "store blob '%s'", digest->text);
    return 0;
}

static int open_staged(ContentStaging *staging, const char *name, int *ret_fd, Error *err)
{
    *ret_fd = openat(staging->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return *ret_fd < 0 ? error_errno(err, "open the staging file '%s'", name) : 0;
}

int content_staging_commit(ContentStaging *staging, const char *name, const Digest *expected,
                           int64_t *ret_size, Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    Digest digest;
    int r = open_staged(staging, name, &fd, err);

    if (r < 0)
        return r;
    r = digest_of_fd(fd, &digest, ret_size);
    if (r < 0)
        return error_result(err, r, "read the staging file '%s'", name);
    if (!digest_equal(&digest, expected))
        return error_set(err, ERROR_CORRUPT, "digest mismatch: expected '%s', the bytes are '%s'",
                         expected->text, digest.text);
    return publish(staging, fd, name, expected, err);
}

int content_staging_commit_hashed(ContentStaging *staging, const char *name, const Digest *digest,
                                  Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    int r = open_staged(staging, name, &fd, err);

    return r < 0 ? r : publish(staging, fd, name, digest, err);
}

int content_store_put(ContentStore *store, const void *data, size_t size, Digest *ret, Error *err)
{
    _cleanup_close_ int blobs_fd = -EBADF;
    Digest digest = digest_of(data, size);
    int r;

    if (!content_store_verify(store, &digest, NULL)) {
        r = open_blobs(store, &blobs_fd, err);
        if (r < 0)
            return r;
        r = file_write_at(blobs_fd, digest_hex(&digest), data, size, 0600, FILE_WRITE_SYNC);
        if (r < 0)
            return error_result(err, r, "store blob '%s'", digest.text);
    }
    *ret = digest;
    return 0;
}

static void blob_path(char path[static sizeof(BLOBS) + DIGEST_HEX_LENGTH + 1], const Digest *digest)
{
    memcpy(path, BLOBS "/", sizeof(BLOBS));
    memcpy(path + sizeof(BLOBS), digest_hex(digest), DIGEST_HEX_LENGTH + 1);
}

int content_store_read(ContentStore *store, const Digest *digest, char **ret_data, size_t *ret_size,
                       Error *err)
{
    char path[sizeof(BLOBS) + DIGEST_HEX_LENGTH + 1];
    _cleanup_free_ char *data = NULL;
    Digest actual;
    size_t size;
    int r;

    blob_path(path, digest);
    r = file_read_at(store->fd, path, CONTENT_READ_MAX_SIZE, &data, &size);
    if (r == -ENOENT)
        return error_set(err, ERROR_NOT_FOUND, "blob '%s' is missing", digest->text);
    if (r == -EFBIG)
        return error_set(err, ERROR_CORRUPT, "blob '%s' is longer than %d bytes", digest->text,
                         CONTENT_READ_MAX_SIZE);
    if (r < 0)
        return error_result(err, r, "read blob '%s'", digest->text);
    actual = digest_of(data, size);
    if (!digest_equal(&actual, digest))
        return error_set(err, ERROR_CORRUPT, "blob '%s' is damaged", digest->text);

    *ret_data = TAKE_PTR(data);
    if (ret_size)
        *ret_size = size;
    return 0;
}

bool content_store_has(ContentStore *store, const Digest *digest, int64_t size)
{
    char path[sizeof(BLOBS) + DIGEST_HEX_LENGTH + 1];
    struct stat st;

    blob_path(path, digest);
    return fstatat(store->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           st.st_size == size;
}

int content_store_open_blob(ContentStore *store, const Digest *digest, int *ret_fd, Error *err)
{
    char path[sizeof(BLOBS) + DIGEST_HEX_LENGTH + 1];
    int fd;

    blob_path(path, digest);
    fd = openat(store->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return error_set(err, ERROR_NOT_FOUND, "blob '%s' is missing", digest->text);
    if (fd < 0)
        return error_errno(err, "open blob '%s'", digest->text);
    *ret_fd = fd;
    return 0;
}

bool content_store_verify(ContentStore *store, const Digest *digest, int64_t *ret_size)
{
    _cleanup_close_ int fd = -EBADF;
    Digest actual;

    return content_store_open_blob(store, digest, &fd, NULL) == 0 &&
           digest_of_fd(fd, &actual, ret_size) == 0 && digest_equal(&actual, digest);
}

int content_store_write_index(ContentStore *store, const char *text, Error *err)
{
    /* not synced: it repeats what the database says, and the next change writes it again */
    int r = file_write_at(store->fd, INDEX_FILE, text, strlen(text), 0600, 0);

    if (r < 0)
        return error_result(err, r, "write the content store's index");
    return 0;
}

/* Remove the files below the directory @fd (taken) for which @is_kept says no. */
static int sweep_files(int fd, bool (*is_kept)(const char *name, void *data), void *data)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    int r = directory_open(fd, &directory);

    if (r < 0)
        return r;
    while (directory_read(directory, &entry) > 0)
        if (!is_kept(entry->d_name, data) && unlinkat(dirfd(directory), entry->d_name, 0) < 0 &&
            r == 0)
            r = -errno;
    return r;
}

static bool blob_is_kept(const char *name, void *data)
{
    _cleanup_free_ char *text = memory_printf(DIGEST_PREFIX "%s", name);
    Digest digest;

    return digest_parse(text, &digest) == 0 && digest_set_contains(data, &digest);
}

/* Temporary names of file_write_at() that a killed writer left begin with a dot. */
static bool is_permanent(const char *name, void *data)
{
    (void)data;
    return name[0] != '.';
}

int content_store_sweep(ContentStore *store, DigestSet *kept, Error *err)
{
    _cleanup_close_ int staging_fd = openat(store->fd, STAGING, DIRECTORY_FLAGS);
    int r;

    r = sweep_files(openat(store->fd, BLOBS, DIRECTORY_FLAGS), blob_is_kept, kept);
    if (r < 0)
        return error_result(err, r, "remove blobs");
    r = sweep_files(openat(store->fd, ".", DIRECTORY_FLAGS), is_permanent, NULL);
    if (r < 0)
        return error_result(err, r, "remove temporary files");
    r = staging_fd < 0 ? -errno : sweep_staging(staging_fd);
    if (r < 0)
        return error_result(err, r, "remove what an interrupted load left");
    r = content_partial_sweep(store, time_now() / NANOSECONDS_PER_SECOND - PARTIAL_MAX_AGE);
    if (r < 0)
        return error_result(err, r, "remove what an interrupted pull left");
    return 0;
}
