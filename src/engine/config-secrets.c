/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The secrets of a container as its mounts: files of a tmpfs that is written here, before anything
 * of the container runs, and is sealed. It is a detached mount, so that no mount namespace of the
 * host shows it; only the container does. What has a place of its own outside of /run/secrets lies
 * on another tmpfs, of which single files are mounted.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/socket.h"
#include "engine/container-private.h"
#include "engine/secret.h"

#define DIRECTORY_MODE 0755
#define MOUNT_OPTIONS "bind,ro,nosuid,nodev,noexec,rprivate"

/* More than the directories and the root that a file brings along. */
#define INODES_OF_FILE 16
#define BYTES_OF_FILE (SECRET_SIZE_MAX + 65536)

/* The files that are written at a time. */
typedef struct SecretFiles {
    const ConfigSource *source;
    int mount_fd; /* the tmpfs */
    int fs_fd;    /* its configuration */
    bool has_noswap;
    uint32_t root_uid; /* the container's root, on the host: the directories are its */
    uint32_t root_gid;
    size_t count;
} SecretFiles;

/* What the ids inside are on the host, for one or the other. */
static int find_owner(const ConfigSource *source, uint32_t uid, uint32_t gid, uint32_t *ret_uid,
                      uint32_t *ret_gid, Error *err)
{
    const IdMap *ids = &source->container->spec.ids;

    if (!id_ranges_to_host(&ids->uids, uid, ret_uid))
        return error_set(err, ERROR_INVALID, "the container has no user %u", uid);
    if (!id_ranges_to_host(&ids->gids, gid, ret_gid))
        return error_set(err, ERROR_INVALID, "the container has no group %u", gid);
    return 0;
}

static void secret_files_done(SecretFiles *files)
{
    fd_close(files->mount_fd);
    fd_close(files->fs_fd);
}

/* @value NULL: a flag. */
static int set_option(int fs_fd, const char *key, const char *value)
{
    return fsconfig(fs_fd, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0) < 0
               ? -errno
               : 0;
}

static int set_number(int fs_fd, const char *key, size_t number)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%zu", number);
    return set_option(fs_fd, key, text);
}

static int configure_files(SecretFiles *files, size_t n_secrets)
{
    int fs_fd = files->fs_fd, r = set_option(fs_fd, "source", "tmpfs");

    if (r >= 0)
        r = set_number(fs_fd, "size", n_secrets * BYTES_OF_FILE);
    if (r >= 0)
        r = set_number(fs_fd, "nr_inodes", n_secrets * INODES_OF_FILE);
    if (r >= 0)
        r = set_number(fs_fd, "uid", files->root_uid);
    if (r >= 0)
        r = set_number(fs_fd, "gid", files->root_gid);
    if (r >= 0)
        r = set_option(fs_fd, "mode", "0755");
    if (r >= 0 && fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        r = -errno;
    return r;
}

/* Files for @n_secrets; never swapped out where the kernel knows how to do without (since 6.4). */
static int open_files(SecretFiles *files, size_t n_secrets, Error *err)
{
    int r = find_owner(files->source, 0, 0, &files->root_uid, &files->root_gid, err);

    if (r < 0)
        return r;
    files->fs_fd = fsopen("tmpfs", FSOPEN_CLOEXEC);
    if (files->fs_fd < 0)
        return error_errno(err, "make a tmpfs for secrets");
    files->has_noswap = set_option(files->fs_fd, "noswap", NULL) == 0;
    r = configure_files(files, n_secrets);
    if (r < 0)
        return error_result(err, r, "make a tmpfs for secrets");
    files->mount_fd = fsmount(files->fs_fd, FSMOUNT_CLOEXEC,
                              MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    return files->mount_fd < 0 ? error_errno(err, "make a tmpfs for secrets") : 0;
}

/* The whole file system becomes read-only, which no right over the mount changes, and the mount. */
static int seal_files(SecretFiles *files, Error *err)
{
    struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
    _cleanup_close_ int fs_fd = fspick(files->mount_fd, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);
    int r = fs_fd < 0 ? -errno : set_option(fs_fd, "ro", NULL);

    if (r >= 0 && files->has_noswap)
        r = set_option(fs_fd, "noswap", NULL); /* or it would be refused as a change */
    if (r >= 0 && fsconfig(fs_fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
        r = -errno;
    if (r >= 0 &&
        mount_setattr(files->mount_fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0)
        r = -errno;
    return r < 0 ? error_result(err, r, "make the tmpfs of secrets read-only") : 0;
}

/* @fd becomes a file of the owner, among the container's, and of the mode that are asked for. */
static int set_owner(const SecretFiles *files, int fd, const ContainerSecret *secret, Error *err)
{
    mode_t mode = secret->mode ? secret->mode : SECRET_DEFAULT_MODE;
    uint32_t uid, gid;
    int r = find_owner(files->source, secret->uid, secret->gid, &uid, &gid, err);

    if (r < 0)
        return error_wrap(err, r, "secret '%s'", secret->source);
    if (fchown(fd, uid, gid) < 0 || fchmod(fd, mode) < 0)
        return error_errno(err, "set owner and mode of secret '%s'", secret->source);
    return 0;
}

/* Make the file @path ("/a/b"), and its directories, below the root of the tmpfs. Returns a
 * descriptor or -errno. */
static int make_file(const SecretFiles *files, const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    _cleanup_free_ char *directory = memory_strndup(path, (size_t)(name - path));
    _cleanup_close_ int parent_fd = path_make_directories(
        files->mount_fd, directory, DIRECTORY_MODE, files->root_uid, files->root_gid);
    int fd;

    if (parent_fd < 0)
        return parent_fd;
    fd = openat(parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

static int write_file(SecretFiles *files, const char *path, const ContainerSecret *secret,
                      Error *err)
{
    _cleanup_locked_memory_ LockedMemory content = {};
    _cleanup_close_ int fd = -EBADF;
    int r = secret_read(files->source->engine, secret->source, &content, err);

    if (r < 0)
        return r;
    fd = make_file(files, path);
    r = fd < 0 ? fd : fd_write_all(fd, content.data, content.size);
    if (r < 0)
        return error_result(err, r, "write secret '%s'", secret->source);
    files->count++;
    return set_owner(files, fd, secret, err);
}

static int add_mount(RuntimeConfig *config, const ConfigSource *source, const char *destination,
                     int fd, Error *err)
{
    _cleanup_free_ char *path = NULL;
    int r = config_inherit_fd(source, fd, &path, err);

    if (r >= 0)
        (void)config_add_mount(config, destination, "bind", path, MOUNT_OPTIONS);
    return r;
}

/* In /run/secrets: the path below it, else NULL. */
static const char *path_below(const char *path)
{
    size_t length = strlen(SECRET_DIRECTORY);

    return strncmp(path, SECRET_DIRECTORY "/", length + 1) == 0 ? path + length : NULL;
}

static int add_directory(RuntimeConfig *config, const ConfigSource *source, Error *err)
{
    const ContainerSpec *spec = &source->container->spec;
    _cleanup_(secret_files_done)
        SecretFiles files = { .source = source, .mount_fd = -EBADF, .fs_fd = -EBADF };
    int r = open_files(&files, spec->secrets.count, err);

    for (size_t i = 0; i < spec->secrets.count && r >= 0; i++) {
        _cleanup_free_ char *path = secret_spec_path(&spec->secrets.items[i]);

        if (path_below(path))
            r = write_file(&files, path_below(path), &spec->secrets.items[i], err);
    }
    if (r >= 0 && files.count > 0)
        r = seal_files(&files, err);
    if (r < 0 || files.count == 0)
        return r;
    return add_mount(config, source, SECRET_DIRECTORY, TAKE_FD(files.mount_fd), err);
}

/*
 * In a child: before Linux 6.15 only what is mounted in one's own namespace can be cloned, and
 * nobody else is to see it. Sends @count detached mounts, of the files "0", "1" and so on.
 */
static _Noreturn void clone_files_inside(int socket_fd, int mount_fd, size_t count)
{
    int r = 0;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        move_mount(mount_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        r = -errno;
    for (size_t i = 0; i < count && r >= 0; i++) {
        char name[24];
        int fd;

        (void)snprintf(name, sizeof(name), "%zu", i);
        fd = open_tree(mount_fd, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        r = fd < 0 ? -errno : socket_send(socket_fd, &r, sizeof(r), &fd, 1);
        fd_close(fd);
    }
    if (r < 0)
        (void)socket_send(socket_fd, &r, sizeof(r), NULL, 0); /* else its end is seen */
    _exit(EXIT_SUCCESS);
}

static int clone_files_in_child(const SecretFiles *files, int *ret_fds, Error *err)
{
    _cleanup_close_ int ours = -EBADF, theirs = -EBADF;
    int ends[2], status, result = 0, r = socket_pair(ends);
    pid_t pid;

    if (r < 0)
        return error_result(err, r, "make a socket");
    ours = ends[0];
    theirs = ends[1];
    pid = fork();
    if (pid < 0)
        return error_errno(err, "fork");
    if (pid == 0)
        clone_files_inside(theirs, files->mount_fd, files->count);
    fd_closep(&theirs); /* else its death would not be seen */
    for (size_t i = 0; i < files->count && result >= 0; i++)
        if (socket_receive(ours, &result, sizeof(result), &ret_fds[i], 1) != sizeof(result))
            result = -EIO;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return result < 0 ? error_result(err, result, "mount secrets one by one") : 0;
}

/* Each file of @files as a mount of its own. */
static int clone_files(const SecretFiles *files, int *ret_fds, Error *err)
{
    for (size_t i = 0; i < files->count; i++) {
        char name[24];

        (void)snprintf(name, sizeof(name), "%zu", i);
        ret_fds[i] = open_tree(files->mount_fd, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (ret_fds[i] < 0 && errno == EINVAL && i == 0)
            return clone_files_in_child(files, ret_fds, err);
        if (ret_fds[i] < 0)
            return error_errno(err, "mount secrets one by one");
    }
    return 0;
}

/* The files in the order of their secrets, each at its own place. */
static int add_clones(RuntimeConfig *config, const SecretFiles *files, const char *const *paths,
                      Error *err)
{
    _cleanup_free_ int *fds = NEW_ARRAY(int, files->count);
    int r;

    for (size_t i = 0; i < files->count; i++)
        fds[i] = -EBADF;
    r = clone_files(files, fds, err);
    for (size_t i = 0; i < files->count && r >= 0; i++)
        r = add_mount(config, files->source, paths[i], TAKE_FD(fds[i]), err);
    for (size_t i = 0; i < files->count; i++)
        fd_close(fds[i]);
    return r;
}

static int add_single_files(RuntimeConfig *config, const ConfigSource *source, Error *err)
{
    const ContainerSpec *spec = &source->container->spec;
    _cleanup_string_list_ StringList paths = {};
    _cleanup_(secret_files_done)
        SecretFiles files = { .source = source, .mount_fd = -EBADF, .fs_fd = -EBADF };
    int r = 0;

    for (size_t i = 0; i < spec->secrets.count && r >= 0; i++) {
        _cleanup_free_ char *path = secret_spec_path(&spec->secrets.items[i]);
        char name[24];

        if (path_below(path))
            continue;
        if (files.mount_fd < 0)
            r = open_files(&files, spec->secrets.count, err);
        (void)snprintf(name, sizeof(name), "/%zu", files.count);
        if (r >= 0)
            r = write_file(&files, name, &spec->secrets.items[i], err);
        string_list_add(&paths, path);
    }
    if (r < 0 || files.count == 0)
        return r;
    r = seal_files(&files, err);
    return r < 0 ? r : add_clones(config, &files, (const char *const *)paths.items, err);
}

int config_add_secrets(RuntimeConfig *config, const ConfigSource *source, Error *err)
{
    int r;

    if (source->container->spec.secrets.count == 0)
        return 0;
    r = add_directory(config, source, err);
    return r < 0 ? r : add_single_files(config, source, err);
}
