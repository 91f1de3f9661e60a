/* SPDX-License-Identifier: Apache-2.0 */

/*
 * tmpcopyup: a new tmpfs starts with what its mount point held. Runs between clone and exec, so
 * each directory is read into a buffer on the stack and the depth is bounded. Whoever shares the
 * source may change it meanwhile: nothing is followed, and what was opened is what is copied.
 *
 * A file with several names becomes one file for each, and a symlink loses attributes that only the
 * kernel's own modules give to one: to keep either would take memory in proportion to the tree.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/syscalls.h"
#include "sandbox/mounts-private.h"

#define DEPTH_MAX 64
#define ATTRIBUTE_SIZE_MAX 4096

typedef struct Copy {
    const MountEntry *entry;
    unsigned depth;
    Report *report;
} Copy;

/* One directory being read: what getdents64(2) fills. */
typedef struct Listing {
    int fd;
    ssize_t size;
    ssize_t offset;
    char buffer[2048] __attribute__((aligned(8)));
} Listing;

static int copy_directory(Copy *copy, int source_fd, int target_fd);

static int fail(const Copy *copy, int r, const char *name)
{
    return report_result(copy->report, r, "mount '", copy->entry->destination, "': copy '", name,
                         "'");
}

/* Returns 1, 0 at the end, or -errno. */
static int next_name(Listing *listing, const char **ret_name)
{
    const struct dirent64 *entry;

    do {
        if (listing->offset == listing->size) {
            listing->size =
                syscall(SYS_getdents64, listing->fd, listing->buffer, sizeof(listing->buffer));
            listing->offset = 0;
            if (listing->size <= 0)
                return listing->size < 0 ? -errno : 0;
        }
        entry = (const struct dirent64 *)(listing->buffer + listing->offset);
        listing->offset += entry->d_reclen;
    } while (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);

    *ret_name = entry->d_name;
    return 1;
}

/* Below @dir_fd, but not what is mounted on it, and no symlink. */
static int open_below(int dir_fd, const char *name, int flags)
{
    const struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };
    int fd = sys_openat2(dir_fd, name, &how);

    return fd < 0 ? -errno : fd;
}

/* What this kernel's tmpfs cannot hold (user.* before 6.6) or a user namespace may not set stays
 * behind, as with every tool that copies files. */
static int copy_attribute(int source_fd, int target_fd, const char *name)
{
    char value[ATTRIBUTE_SIZE_MAX];
    ssize_t size = fgetxattr(source_fd, name, value, sizeof(value));

    if (size < 0)
        return errno == ENODATA ? 0 : -errno;
    if (fsetxattr(target_fd, name, value, (size_t)size, 0) < 0 && errno != EOPNOTSUPP &&
        errno != EPERM)
        return -errno;
    return 0;
}

static int copy_attributes(int source_fd, int target_fd)
{
    char names[ATTRIBUTE_SIZE_MAX];
    ssize_t size = flistxattr(source_fd, names, sizeof(names));

    if (size < 0)
        return errno == EOPNOTSUPP ? 0 : -errno;
    for (const char *name = names; name < names + size; name += strlen(name) + 1) {
        int r = copy_attribute(source_fd, target_fd, name);

        if (r < 0)
            return r;
    }
    return 0;
}

/* The owner first: to change it takes set-user-ID bits and capabilities away. */
static int copy_properties(int source_fd, int target_fd, const struct stat *st)
{
    const struct timespec times[] = { st->st_atim, st->st_mtim };
    int r;

    if (fchown(target_fd, st->st_uid, st->st_gid) < 0 || fchmod(target_fd, st->st_mode & 07777) < 0)
        return -errno;
    r = copy_attributes(source_fd, target_fd);
    if (r < 0)
        return r;
    return futimens(target_fd, times) < 0 ? -errno : 0;
}

/* Holes stay holes: what a sparse file says of its size is no measure of what fits. */
static int copy_content(int source_fd, int target_fd, off_t size)
{
    off_t data = 0, hole;

    while ((data = lseek(source_fd, data, SEEK_DATA)) >= 0) {
        hole = lseek(source_fd, data, SEEK_HOLE);
        if (hole < 0 || lseek(target_fd, data, SEEK_SET) < 0)
            return -errno;
        while (data < hole) {
            ssize_t n = sendfile(target_fd, source_fd, &data, (size_t)(hole - data));

            if (n < 0 && errno != EINTR)
                return -errno;
            if (n == 0)
                break; /* it became shorter meanwhile */
        }
        if (data < hole)
            break;
    }
    if (data < 0 && errno != ENXIO)
        return -errno;
    return ftruncate(target_fd, size) < 0 ? -errno : 0;
}

static int copy_file(int dir_fd, int target_dir_fd, const char *name)
{
    /* Swapped for a pipe or a terminal meanwhile, it neither blocks us nor becomes ours. */
    _cleanup_close_ int source_fd = open_below(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    _cleanup_close_ int target_fd = -EBADF;
    struct stat st;
    int r;

    if (source_fd == -EXDEV) /* something is mounted on it: only its place is needed */
        return mknodat(target_dir_fd, name, S_IFREG | 0644, 0) < 0 ? -errno : 0;
    if (source_fd < 0)
        return source_fd;
    if (fstat(source_fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    target_fd = openat(target_dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (target_fd < 0)
        return -errno;
    r = copy_content(source_fd, target_fd, st.st_size);
    return r < 0 ? r : copy_properties(source_fd, target_fd, &st);
}

/* A symlink, pipe, socket or device. */
static int copy_node(int dir_fd, int target_dir_fd, const char *name, const struct stat *st)
{
    const struct timespec times[] = { st->st_atim, st->st_mtim };

    if (S_ISLNK(st->st_mode)) {
        char link_target[PATH_MAX];
        ssize_t length = readlinkat(dir_fd, name, link_target, sizeof(link_target) - 1);

        if (length < 0)
            return -errno;
        link_target[length] = '\0';
        if (symlinkat(link_target, target_dir_fd, name) < 0)
            return -errno;
    } else if (mknodat(target_dir_fd, name, st->st_mode, st->st_rdev) < 0) {
        return -errno;
    }
    if (fchownat(target_dir_fd, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISLNK(st->st_mode) && fchmodat(target_dir_fd, name, st->st_mode & 07777, 0) < 0)
        return -errno;
    return utimensat(target_dir_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int copy_below(Copy *copy, int dir_fd, int target_dir_fd, const char *name)
{
    _cleanup_close_ int source_fd = -EBADF, target_fd = -EBADF;
    struct stat st;
    int r;

    if (copy->depth == DEPTH_MAX)
        return report_set(copy->report, ERROR_EXHAUSTED, "mount '", copy->entry->destination,
                          "': directories are nested too deep for 'tmpcopyup'");
    source_fd = open_below(dir_fd, name, O_RDONLY | O_DIRECTORY);
    if (source_fd < 0 && source_fd != -EXDEV)
        return fail(copy, source_fd, name);
    if (mkdirat(target_dir_fd, name, 0755) < 0)
        return fail(copy, -errno, name);
    if (source_fd == -EXDEV)
        return 0;

    target_fd = openat(target_dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (target_fd < 0 || fstat(source_fd, &st) < 0)
        return fail(copy, -errno, name);
    copy->depth++;
    r = copy_directory(copy, source_fd, target_fd);
    copy->depth--;
    if (r < 0)
        return r;
    r = copy_properties(source_fd, target_fd, &st);
    return r < 0 ? fail(copy, r, name) : 0;
}

static int copy_entry(Copy *copy, int dir_fd, int target_dir_fd, const char *name)
{
    struct stat st;
    int r;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : fail(copy, -errno, name); /* deleted meanwhile */
    if (S_ISDIR(st.st_mode))
        return copy_below(copy, dir_fd, target_dir_fd, name);

    r = S_ISREG(st.st_mode) ? copy_file(dir_fd, target_dir_fd, name)
                            : copy_node(dir_fd, target_dir_fd, name, &st);
    return r < 0 ? fail(copy, r, name) : 0;
}

static int copy_directory(Copy *copy, int source_fd, int target_fd)
{
    Listing listing = { .fd = source_fd };
    const char *name;
    int r;

    while ((r = next_name(&listing, &name)) > 0) {
        r = copy_entry(copy, source_fd, target_fd, name);
        if (r < 0)
            return r;
    }
    return r < 0 ? fail(copy, r, ".") : 0;
}

/* The options of the file system win over what the directory was. */
static void prefer_options(const StringMap *data, struct stat *st, const struct stat *made)
{
    if (string_map_contains(data, "uid"))
        st->st_uid = made->st_uid;
    if (string_map_contains(data, "gid"))
        st->st_gid = made->st_gid;
    if (string_map_contains(data, "mode"))
        st->st_mode = made->st_mode;
}

int mount_copy_up(const MountEntry *entry, int source_fd, Report *report)
{
    Copy copy = { .entry = entry, .report = report };
    _cleanup_close_ int from_fd = openat(source_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int to_fd = openat(entry->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st, made;
    int r;

    if (from_fd < 0 || to_fd < 0 || fstat(from_fd, &st) < 0 || fstat(to_fd, &made) < 0)
        return fail(&copy, -errno, ".");
    r = copy_directory(&copy, from_fd, to_fd);
    if (r < 0)
        return r;
    prefer_options(&entry->options.data, &st, &made);
    r = copy_properties(from_fd, to_fd, &st);
    return r < 0 ? fail(&copy, r, ".") : 0;
}
