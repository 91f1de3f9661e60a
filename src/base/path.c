/* SPDX-License-Identifier: Apache-2.0 */

/*
 * openat2(2) resolution under a directory handle, creation of missing directories one handle at a
 * time, and removal of whole trees. Nothing here trusts that a path means the same thing twice.
 */

#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/random-id.h"
#include "base/syscalls.h"

/* openat2(2) answers EAGAIN when a rename anywhere raced with "..": each try is independent. */
#define RESOLVE_ATTEMPTS 128

static int open_resolved(int dir_fd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .mode = flags & (O_CREAT | O_TMPFILE) & ~O_DIRECTORY ? mode : 0,
        .resolve = resolve | RESOLVE_NO_MAGICLINKS,
    };

    for (int i = 0; i < RESOLVE_ATTEMPTS; i++) {
        int fd = sys_openat2(dir_fd, path, &how);

        if (fd >= 0)
            return fd;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }

    return -EAGAIN;
}

int path_open_in_root(int root_fd, const char *path, int flags, mode_t mode)
{
    return open_resolved(root_fd, *path ? path : ".", flags, mode, RESOLVE_IN_ROOT);
}

int path_open_beneath(int dir_fd, const char *path, int flags, mode_t mode)
{
    return open_resolved(dir_fd, *path ? path : ".", flags, mode,
                         RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

int path_open_within(int dir_fd, const char *path, int flags)
{
    return open_resolved(dir_fd, *path ? path : ".", flags, 0, RESOLVE_BENEATH);
}

/* path_clean() into @clean, which holds strlen(@path) + 2 bytes. */
static void clean_into(char *clean, const char *path)
{
    char *end = clean;

    while (*path) {
        size_t length = strcspn(path, "/");

        if (length == 2 && memcmp(path, "..", 2) == 0) {
            while (end > clean && *--end != '/')
                ;
        } else if (length > 0 && !(length == 1 && *path == '.')) {
            *end++ = '/';
            memcpy(end, path, length);
            end += length;
        }
        path += length;
        path += *path == '/';
    }
    if (end == clean)
        *end++ = '/';
    *end = '\0';
}

/* Give a directory that we made its owner; its mode is set too because mkdir(2) applied the umask.
 */
static int adopt_directory(int fd, mode_t mode, uid_t uid, gid_t gid)
{
    char path[32];

    if ((uid != 0 || gid != 0) &&
        fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return chmod(path_of_fd(path, fd), mode) < 0 ? -errno : 0;
}

/*
 * Open the directory @path inside the root, or make it inside the handle of its parent. The name
 * is made and opened without following symlinks: one that appears in between is an error.
 */
static int make_directory(int root_fd, int parent_fd, const char *name, const char *path,
                          mode_t mode, uid_t uid, gid_t gid)
{
    _cleanup_close_ int fd = path_open_in_root(root_fd, path, O_PATH | O_DIRECTORY, 0);
    int r;

    if (fd >= 0 || fd != -ENOENT)
        return TAKE_FD(fd);

    if (mkdirat(parent_fd, name, mode) < 0) {
        if (errno != EEXIST)
            return -errno;
        /* Made by somebody else meanwhile, or a symlink that leads nowhere: resolve once more. */
        fd = path_open_in_root(root_fd, path, O_PATH | O_DIRECTORY, 0);
        return fd == -ENOENT ? -ELOOP : TAKE_FD(fd);
    }

    fd = path_open_beneath(parent_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd;
    r = adopt_directory(fd, mode, uid, gid);
    return r < 0 ? r : TAKE_FD(fd);
}

int path_make_directories(int root_fd, const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    _cleanup_close_ int fd = -EBADF;
    char clean[PATH_MAX];

    if (strlen(path) >= sizeof(clean) - 1)
        return -ENAMETOOLONG;
    clean_into(clean, path);

    fd = path_open_in_root(root_fd, clean, O_PATH | O_DIRECTORY, 0);
    if (fd != -ENOENT)
        return TAKE_FD(fd);

    fd = path_open_in_root(root_fd, "/", O_PATH | O_DIRECTORY, 0);
    for (char *name = clean + 1, *end; fd >= 0 && *name; name = end) {
        bool is_last;
        int next;

        end = strchrnul(name, '/');
        is_last = *end == '\0';
        *end = '\0'; /* @clean now ends behind this component */
        next = make_directory(root_fd, fd, name, clean, mode, uid, gid);
        if (next < 0)
            return next;
        fd_close(fd);
        fd = next;
        if (!is_last)
            *end++ = '/';
    }

    return TAKE_FD(fd);
}

int path_make_parents(int root_fd, const char *path, mode_t mode, int *ret_parent_fd,
                      char **ret_name)
{
    _cleanup_free_ char *clean = path_clean(path);
    char *slash = strrchr(clean, '/');
    int fd;

    if (!path_is_name(slash + 1))
        return -EINVAL;

    *slash = '\0';
    fd = path_make_directories(root_fd, *clean ? clean : "/", mode, 0, 0);
    if (fd < 0)
        return fd;

    *ret_name = memory_strdup(slash + 1);
    *ret_parent_fd = fd;
    return 0;
}

int path_open_directory(int dir_fd, const char *name, mode_t mode)
{
    int fd;

    if (mkdirat(dir_fd, name, mode) < 0 && errno != EEXIST)
        return -errno;
    fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Descriptors and stack are bounded, the depth of a tree is not: whoever filled it chose that. */
#define REMOVE_MAX_DEPTH 32

typedef struct Removal {
    int top_fd;   /* the tree's own root */
    dev_t device; /* where the tree lies: what is mounted on it is left alone */
    unsigned depth;
    bool moved; /* something was put into the root since it was last read */
} Removal;

static int remove_children(Removal *removal, int fd);

/* What lies too deep is moved up into the tree's root and has its turn there. */
static int remove_later(Removal *removal, int dir_fd, const char *name)
{
    char new_name[32 + 1];

    random_hex(new_name, sizeof(new_name) - 1);
    if (renameat2(dir_fd, name, removal->top_fd, new_name, RENAME_NOREPLACE) < 0)
        return errno == ENOENT ? 0 : -errno;
    removal->moved = true;
    return 0;
}

static int remove_entry(Removal *removal, int dir_fd, const char *name)
{
    _cleanup_close_ int fd = -EBADF;
    struct stat st;
    int r;

    if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR)
        return -errno;

    if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0)
        return 0;
    if (errno == ENOENT)
        return 0;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return -errno;
    if (removal->depth == REMOVE_MAX_DEPTH)
        return remove_later(removal, dir_fd, name);

    fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (removal->depth == 0) {
        removal->top_fd = fd;
        removal->device = st.st_dev;
    } else if (st.st_dev != removal->device) {
        return -EXDEV;
    }

    removal->depth++;
    r = remove_children(removal, TAKE_FD(fd));
    removal->depth--;
    if (r < 0)
        return r;
    return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

/* Takes @fd. Goes on after a failure and returns the first one. */
static int remove_children(Removal *removal, int fd)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    int result, r;

    result = directory_open(fd, &directory);
    if (result < 0)
        return result;

    for (;;) {
        r = directory_read(directory, &entry);
        if (r == 0 && fd == removal->top_fd && removal->moved) {
            removal->moved = false;
            rewinddir(directory);
            continue;
        }
        if (r > 0)
            r = remove_entry(removal, dirfd(directory), entry->d_name);
        else
            return result < 0 ? result : r;
        if (r < 0 && result == 0)
            result = r;
    }
}

int path_remove_tree(int dir_fd, const char *name)
{
    Removal removal = { .top_fd = -EBADF };

    return remove_entry(&removal, dir_fd, name);
}

char *path_clean(const char *path)
{
    char *clean = memory_new(strlen(path) + 2, 1);

    clean_into(clean, path);
    return clean;
}

char *path_join(const char *directory, const char *path)
{
    _cleanup_free_ char *joined = NULL;

    if (path_is_absolute(path))
        return path_clean(path);
    joined = memory_printf("%s/%s", directory, path);
    return path_clean(joined);
}

bool path_is_absolute(const char *path)
{
    return path && path[0] == '/';
}

bool path_is_name(const char *name)
{
    return name && *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           !strchr(name, '/') && strlen(name) <= NAME_MAX;
}

char *path_of_directory(int dir_fd)
{
    char link[32], path[PATH_MAX];
    ssize_t length = readlink(path_of_fd(link, dir_fd), path, sizeof(path));

    return length > 0 && path[0] == '/' ? memory_strndup(path, (size_t)length) : NULL;
}

char *path_of_fd(char buffer[static 32], int fd)
{
    (void)snprintf(buffer, 32, "/proc/self/fd/%d", fd); /* 14 and at most 11 characters fit */
    return buffer;
}
