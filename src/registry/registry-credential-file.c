/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Docker's config.json as a file that others change, too: read strictly, and replaced whole with
 * everything in it that we know nothing of. A symlink stays, what it leads to is replaced.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "base/path.h"
#include "registry/registry-credentials-private.h"

#define FILE_SIZE_MAX (1U << 20)
#define SYMLINKS_MAX 40

static void wipe_strings(json_t *json)
{
    json_t *member;
    const char *key;

    if (json_is_string(json))
        explicit_bzero((char *)json_string_value(json), json_string_length(json));
    json_object_foreach(json, key, member) wipe_strings(member);
}

void registry_credential_config_free(json_t *config)
{
    wipe_strings(json_object_get(config, "auths"));
    json_decref(config);
}

static int parse(char *text, size_t size, json_t **ret, Error *err)
{
    _cleanup_credential_config_ json_t *config = NULL;
    int r = 0;

    /* What a parser has to say about the text may have a password in it. */
    if (text[strspn(text, " \t\r\n")] == '\0')
        config = json_object();
    else
        r = json_parse(text, size, &config, NULL);
    explicit_bzero(text, size);
    if (r < 0 || !json_is_object(config))
        return error_set(err, ERROR_INVALID, "it is not one object in JSON, without duplicates");
    *ret = TAKE_PTR(config);
    return 0;
}

int registry_credential_file_read(const char *path, json_t **ret, Error *err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    _cleanup_free_ char *text = NULL;
    struct stat status;
    size_t size;
    int r;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        *ret = json_object();
        return 0;
    }
    r = fd < 0 || fstat(fd, &status) < 0 ? -errno : S_ISREG(status.st_mode) ? 0 : -EINVAL;
    if (r >= 0)
        r = fd_read_all(fd, FILE_SIZE_MAX, &text, &size);
    if (r < 0)
        return error_result(err, r, "read credentials from '%s'", path);
    r = parse(text, size, ret, err);
    return r < 0 ? error_wrap(err, r, "credentials in '%s'", path) : 0;
}

/* Where @path leads to in the end. */
static int follow(const char *path, char **ret)
{
    _cleanup_free_ char *at = memory_strdup(path);

    for (int i = 0; i < SYMLINKS_MAX; i++) {
        const char *slash = strrchr(at, '/');
        int length = slash ? (int)(slash - at) : 0;
        char target[PATH_MAX];
        ssize_t n = readlink(at, target, sizeof(target));
        char *next;

        if (n < 0) {
            *ret = TAKE_PTR(at);
            return 0;
        }
        if ((size_t)n == sizeof(target))
            return -ENAMETOOLONG;
        if (target[0] == '/' || !slash)
            next = memory_strndup(target, (size_t)n);
        else
            next = memory_printf("%.*s/%.*s", length, at, (int)n, target);
        free(at);
        at = next;
    }
    return -ELOOP;
}

/* Make the directory of @path where it is missing, and lock it. */
static int lock_directory(const char *path, int *ret)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *name =
        slash ? memory_strndup(path, slash == path ? 1 : (size_t)(slash - path))
              : memory_strdup(".");
    _cleanup_close_ int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT) {
        _cleanup_close_ int from_fd =
            open(path_is_absolute(name) ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        _cleanup_close_ int made_fd =
            from_fd < 0 ? -errno : path_make_directories(from_fd, name, 0700, geteuid(), getegid());

        if (made_fd < 0)
            return made_fd;
        fd = openat(made_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0 || flock(fd, LOCK_EX) < 0)
        return -errno;
    *ret = TAKE_FD(fd);
    return 0;
}

/*
 * The name that it is written under is always the same: what a killed process has left is deleted
 * by the next one, not kept with its secrets for ever.
 */
static int replace(int dir_fd, const char *name, const char *text)
{
    _cleanup_free_ char *new_name = memory_printf(".%s.cay-new", name);
    _cleanup_close_ int fd = -EBADF;
    struct stat status;
    int r;

    if (unlinkat(dir_fd, new_name, 0) < 0 && errno != ENOENT)
        return -errno;
    fd = openat(dir_fd, new_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    r = fd_write_all(fd, text, strlen(text));
    /* With sudo it may be the file of somebody else, who has to be able to read it. */
    if (r >= 0 && fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        fchown(fd, status.st_uid, status.st_gid) < 0)
        r = -errno;
    if (r >= 0 && (fsync(fd) < 0 || renameat(dir_fd, new_name, dir_fd, name) < 0))
        r = -errno;
    if (r < 0) {
        (void)unlinkat(dir_fd, new_name, 0); /* the failure before is what is told */
        return r;
    }
    return fsync(dir_fd) < 0 ? -errno : 0;
}

static int write_config(int dir_fd, const char *name, const json_t *config)
{
    _cleanup_free_ char *text = json_to_indented_text(config);
    int r = replace(dir_fd, name, text);

    explicit_bzero(text, strlen(text));
    return r;
}

int registry_credential_file_change(const char *path, CredentialFileChange change, void *data,
                                    Error *err)
{
    _cleanup_credential_config_ json_t *config = NULL;
    _cleanup_free_ char *real_path = NULL;
    _cleanup_close_ int dir_fd = -EBADF;
    const char *slash;
    int r = follow(path, &real_path), changed;

    if (r >= 0)
        r = lock_directory(real_path, &dir_fd);
    if (r < 0)
        return error_result(err, r, "change credentials in '%s'", path);
    r = registry_credential_file_read(real_path, &config, err);
    changed = r < 0 ? r : change(config, data, err);
    if (changed <= 0)
        return changed;
    slash = strrchr(real_path, '/');
    r = write_config(dir_fd, slash ? slash + 1 : real_path, config);
    return r < 0 ? error_result(err, r, "write credentials to '%s'", path) : changed;
}
