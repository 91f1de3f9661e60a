/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The key that secrets are encrypted under: 32 bytes in a file that only root can read. It appears
 * whole or not at all, and never replaces another one: all secrets would be lost with that.
 */

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/random-id.h"
#include "engine/engine-settings.h"
#include "engine/secret-private.h"

#define DIRECTORY_NAME "secrets"
#define KEY_NAME "key"
#define DIRECTORY_MODE 0700
#define KEY_MODE 0600

void secret_key_done(SecretKey *key)
{
    locked_memory_done(&key->memory);
    free(key->path);
    *key = (SecretKey) {};
}

/* A digest of the key says which one it is; what it is cannot be found by trying 2^256 of them. */
static void name_key(SecretKey *key)
{
    static const char context[] = "cay secret key";
    uint8_t digest[SECRET_KEY_ID_LENGTH / 2];
    struct sha256_ctx hash;

    sha256_init(&hash);
    sha256_update(&hash, sizeof(context), (const uint8_t *)context);
    sha256_update(&hash, SECRET_KEY_SIZE, key->memory.data);
    sha256_digest(&hash, sizeof(digest), digest);
    explicit_bzero(&hash, sizeof(hash));
    for (size_t i = 0; i < sizeof(digest); i++)
        (void)snprintf(key->id + 2 * i, 3, "%02x", digest[i]);
}

static int read_key(int fd, SecretKey *key, Error *err)
{
    struct stat st;
    int r;

    if (fstat(fd, &st) < 0)
        return error_errno(err, "examine the key of secrets '%s'", key->path);
    if (!S_ISREG(st.st_mode) || st.st_size != SECRET_KEY_SIZE)
        return error_set(err, ERROR_CORRUPT,
                         "the key of secrets '%s' is not a file of %d bytes: make one with 'head "
                         "-c %d /dev/urandom'",
                         key->path, SECRET_KEY_SIZE, SECRET_KEY_SIZE);
    if (st.st_uid != 0 || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return error_set(err, ERROR_DENIED,
                         "the key of secrets '%s' can be read by others than root: 'chmod 600' and "
                         "'chown root' it",
                         key->path);
    r = locked_memory_read(fd, SECRET_KEY_SIZE, &key->memory);
    if (r < 0)
        return error_result(err, r, "read the key of secrets '%s'", key->path);
    if (key->memory.size != SECRET_KEY_SIZE)
        return error_set(err, ERROR_CORRUPT, "the key of secrets '%s' is cut short", key->path);
    name_key(key);
    return 0;
}

/* Without a name until it is complete and on the disk. Who comes second takes the first one's. */
static int make_key(int directory_fd, const char *path, Error *err)
{
    _cleanup_close_ int fd = openat(directory_fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, KEY_MODE);
    _cleanup_locked_memory_ LockedMemory memory = {};
    int r = fd < 0 ? -errno : locked_memory_new(SECRET_KEY_SIZE, &memory);

    if (r >= 0) {
        random_bytes(memory.data, SECRET_KEY_SIZE);
        r = fd_write_all(fd, memory.data, SECRET_KEY_SIZE);
    }
    if (r >= 0 && (fchmod(fd, KEY_MODE) < 0 || fsync(fd) < 0))
        r = -errno;
    if (r >= 0 && linkat(fd, "", directory_fd, KEY_NAME, AT_EMPTY_PATH) < 0)
        r = errno == EEXIST ? 0 : -errno;
    if (r >= 0 && fsync(directory_fd) < 0)
        r = -errno;
    return r < 0 ? error_result(err, r, "make the key of secrets '%s'", path) : 0;
}

static int key_is_missing(const char *path, Error *err)
{
    return error_set(err, ERROR_UNAVAILABLE,
                     "the key of secrets '%s' is missing: without it the secrets that there are "
                     "cannot be read; put it back, or remove them",
                     path);
}

/* That of the state directory. */
static int open_own(Engine *engine, bool may_make, SecretKey *key, Error *err)
{
    _cleanup_close_ int directory_fd = -EBADF, fd = -EBADF;
    int r;

    key->path = memory_printf("%s/" DIRECTORY_NAME "/" KEY_NAME, engine->state_path);
    directory_fd = path_open_directory(engine->state_fd, DIRECTORY_NAME, DIRECTORY_MODE);
    if (directory_fd < 0)
        return error_result(err, directory_fd, "open directory '%s/" DIRECTORY_NAME "'",
                            engine->state_path);
    fd = openat(directory_fd, KEY_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        if (!may_make)
            return key_is_missing(key->path, err);
        r = make_key(directory_fd, key->path, err);
        if (r < 0)
            return r;
        fd = openat(directory_fd, KEY_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    }
    return fd < 0 ? error_errno(err, "open the key of secrets '%s'", key->path)
                  : read_key(fd, key, err);
}

/* The administrator's: what the environment says counts more than the configuration. */
static int open_elsewhere(const char *path, SecretKey *key, Error *err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    key->path = memory_strdup(path);
    return fd < 0 ? error_errno(err, "open the key of secrets '%s'", path) : read_key(fd, key, err);
}

int secret_key_open(Engine *engine, bool may_make, SecretKey *ret, Error *err)
{
    const EngineSettings *settings;
    _cleanup_secret_key_ SecretKey key = {};
    const char *path = engine->secret_key_path;
    int r = 0;

    process_hide_memory();
    if (!path) {
        r = engine_settings(engine, &settings, err);
        path = r < 0 ? NULL : settings->secret_key;
    }
    if (r >= 0)
        r = path ? open_elsewhere(path, &key, err) : open_own(engine, may_make, &key, err);
    if (r < 0)
        return r;

    *ret = key;
    key = (SecretKey) {};
    return 0;
}
