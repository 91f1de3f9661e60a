/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Directories by handle, a few of them kept open, and overlayfs's marks.
 */

#include "image/worker/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "image/worker/failure.h"
#include "image/worker/metadata.h"

#define TREE_CACHE_SIZE 16

/* Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories" */
#define OPAQUE_XATTR "trusted.overlay.opaque"
/* Where overlays are mounted in a user namespace. */
#define USER_OPAQUE_XATTR "user.overlay.opaque"
#define WHITEOUT_DEVICE makedev(0, 0)

struct Tree {
    TreeDirectory root; /* never leaves */
    TreeDirectory cache[TREE_CACHE_SIZE];
    unsigned long clock;
};

static bool directory_is_open(const TreeDirectory *directory)
{
    return directory->fd >= 0;
}

static int directory_close(TreeDirectory *directory)
{
    int r = 0;

    if (directory_is_open(directory) && futimens(directory->fd, directory->times) < 0)
        r = -errno;
    directory->fd = fd_close(directory->fd);
    directory->used = 0;
    free(TAKE_PTR(directory->path));
    return r;
}

/* Takes @fd, also on failure. */
static int directory_adopt(TreeDirectory *directory, const char *path, int fd)
{
    _cleanup_close_ int owned = fd;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    *directory = (TreeDirectory) {
        .path = memory_strdup(path),
        .fd = TAKE_FD(owned),
        .times = { st.st_atim, st.st_mtim },
    };
    tree_directory_refresh(directory);
    return 0;
}

int tree_open(int target_fd, Tree **ret, Error *err)
{
    _cleanup_(tree_freep) Tree *tree = NEW(Tree);
    int fd, r;

    tree->root.fd = -EBADF;
    for (size_t i = 0; i < TREE_CACHE_SIZE; i++)
        tree->cache[i].fd = -EBADF;

    fd = path_open_beneath(target_fd, ".", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return error_result(err, fd, "open the target directory");
    r = directory_adopt(&tree->root, "", fd);
    if (r < 0)
        return error_result(err, r, "examine the target directory");

    *ret = TAKE_PTR(tree);
    return 0;
}

void tree_free(Tree *tree)
{
    if (!tree)
        return;
    (void)tree_flush(tree, NULL); /* whoever needs to know has flushed before */
    free(tree);
}

int tree_flush(Tree *tree, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < TREE_CACHE_SIZE && r >= 0; i++)
        r = directory_close(&tree->cache[i]);
    if (r >= 0 && directory_is_open(&tree->root))
        r = directory_close(&tree->root);
    return r < 0 ? error_result(err, r, "set the times of a directory") : 0;
}

static TreeDirectory *find_cached(Tree *tree, const char *path)
{
    if (*path == '\0')
        return &tree->root;
    for (size_t i = 0; i < TREE_CACHE_SIZE; i++)
        if (directory_is_open(&tree->cache[i]) && strcmp(tree->cache[i].path, path) == 0)
            return &tree->cache[i];
    return NULL;
}

/* Takes @fd. The directory that was not used for the longest time makes room. */
static int remember(Tree *tree, const char *path, int fd, TreeDirectory **ret, Error *err)
{
    _cleanup_close_ int owned = fd;
    TreeDirectory *slot = &tree->cache[0];
    int r;

    for (size_t i = 1; i < TREE_CACHE_SIZE; i++)
        if (tree->cache[i].used < slot->used)
            slot = &tree->cache[i];

    r = directory_close(slot);
    if (r >= 0)
        r = directory_adopt(slot, path, TAKE_FD(owned));
    if (r < 0)
        return error_result(err, r, "open a directory of the target");
    slot->used = ++tree->clock;
    *ret = slot;
    return 0;
}

/* Make @name in @parent as a directory nobody described. Returns its handle or -errno. */
static int make_implied(TreeDirectory *parent, const char *name)
{
    _cleanup_close_ int fd = -EBADF;
    bool was_whiteout = tree_is_whiteout(parent->fd, name);
    int r;

    if (was_whiteout && unlinkat(parent->fd, name, 0) < 0)
        return -errno;
    if (mkdirat(parent->fd, name, 0755) < 0)
        return -errno;
    fd = openat(parent->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (parent->has_default_acl)
        metadata_drop_acl(&(MetadataTarget) { .fd = fd });
    /* A set-group-ID parent hands down its group. */
    if (fchown(fd, 0, 0) < 0 || fchmod(fd, 0755) < 0)
        return -errno;
    if (was_whiteout) {
        r = tree_make_opaque(fd);
        if (r < 0)
            return r;
    }
    return TAKE_FD(fd);
}

static int refuse_parent(Error *err, const char *path, int r)
{
    _cleanup_free_ char *quoted = failure_quote(path);

    if (r == -ELOOP)
        return error_set(err, ERROR_INVALID,
                         "archive has entries below '%s', which is or lies behind a symbolic link",
                         quoted);
    if (r == -ENOTDIR || r == -EEXIST)
        return error_set(err, ERROR_INVALID,
                         "archive has entries below '%s', which is not a directory", quoted);
    return failure_write(err, r, "open directory '%s'", quoted);
}

/* Make @path inside its parent, which is made the same way when it is missing. */
static int make_missing(Tree *tree, const char *path, TreeDirectory **ret, Error *err)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *parent_path = memory_strndup(path, slash ? (size_t)(slash - path) : 0);
    TreeDirectory *parent = NULL;
    int fd, r;

    /* As deep as a name may be, which is limited. */
    r = tree_directory(tree, parent_path, &parent, err);
    if (r < 0)
        return r;
    fd = make_implied(parent, slash ? slash + 1 : path);
    return fd < 0 ? refuse_parent(err, path, fd) : remember(tree, path, fd, ret, err);
}

static int open_directory(Tree *tree, const char *path, TreeDirectory **ret)
{
    TreeDirectory *cached = find_cached(tree, path);

    if (!cached)
        return path_open_beneath(tree->root.fd, path, O_RDONLY | O_DIRECTORY, 0);
    cached->used = ++tree->clock;
    *ret = cached;
    return -EALREADY;
}

int tree_directory(Tree *tree, const char *path, TreeDirectory **ret, Error *err)
{
    int fd = open_directory(tree, path, ret);

    if (fd == -EALREADY)
        return 0;
    /* ENOTDIR may be a whiteout, which gives way. */
    if (fd == -ENOENT || fd == -ENOTDIR)
        return make_missing(tree, path, ret, err);
    return fd < 0 ? refuse_parent(err, path, fd) : remember(tree, path, fd, ret, err);
}

int tree_find_directory(Tree *tree, const char *path, TreeDirectory **ret, Error *err)
{
    int fd = open_directory(tree, path, ret);

    if (fd == -EALREADY)
        return 0;
    if (fd == -ENOENT)
        return error_set(err, ERROR_NOT_FOUND, "no such directory in the archive");
    return fd < 0 ? refuse_parent(err, path, fd) : remember(tree, path, fd, ret, err);
}

/* Close what lies at or below @path: it is about to be deleted. */
static void forget_below(Tree *tree, const char *path)
{
    size_t length = strlen(path);

    for (size_t i = 0; i < TREE_CACHE_SIZE; i++) {
        TreeDirectory *directory = &tree->cache[i];

        if (directory_is_open(directory) && strncmp(directory->path, path, length) == 0 &&
            (directory->path[length] == '/' || directory->path[length] == '\0'))
            (void)directory_close(directory); /* its times go with it */
    }
}

int tree_remove(Tree *tree, TreeDirectory *directory, const char *name, Error *err)
{
    _cleanup_free_ char *path =
        memory_printf("%s%s%s", directory->path, *directory->path ? "/" : "", name);
    _cleanup_free_ char *quoted = failure_quote(path);
    int r;

    forget_below(tree, path);
    r = path_remove_tree(directory->fd, name);
    return r < 0 ? error_result(err, r, "replace '%s'", quoted) : 0;
}

void tree_directory_set_times(TreeDirectory *directory, const struct timespec times[2])
{
    directory->times[0] = times[0];
    directory->times[1] = times[1];
}

void tree_directory_refresh(TreeDirectory *directory)
{
    struct stat st;

    directory->has_default_acl = fgetxattr(directory->fd, "system.posix_acl_default", NULL, 0) > 0;
    directory->is_plain = !directory->has_default_acl && fstat(directory->fd, &st) == 0 &&
                          st.st_gid == 0 && geteuid() == 0 && getegid() == 0;
}

bool tree_is_whiteout(int fd, const char *name)
{
    struct stat st;

    return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) &&
           st.st_rdev == WHITEOUT_DEVICE;
}

int tree_make_whiteout(int fd, const char *name)
{
    return mknodat(fd, name, S_IFCHR, WHITEOUT_DEVICE) < 0 ? -errno : 0;
}

int tree_make_opaque(int fd)
{
    if (fsetxattr(fd, OPAQUE_XATTR, "y", 1, 0) < 0 &&
        (errno != EPERM || fsetxattr(fd, USER_OPAQUE_XATTR, "y", 1, 0) < 0))
        return -errno;
    return 0;
}
