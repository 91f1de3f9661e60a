/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The directories of cgroups, in one hierarchy at a time. Parents that are made on the way carry a
 * mark, by which whoever removes their last child knows to remove them too. Other processes do the
 * same at the same time: whoever finds a parent gone makes it again.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/string-list.h"
#include "sandbox/cgroup-private.h"

#define DIRECTORY_MODE 0755
#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
#define PARENT_MARK "user.cay.parent"

/* Each further try means that another process removed the same parent in between. */
#define RACES_MAX 1000

/* What the kernel says of a directory that is gone, or going at this moment. */
static bool is_gone(int r)
{
    return r == -ENOENT || r == -ENODEV;
}

/* Cut off the last component; false when there is none but one. */
static bool to_parent(char *path)
{
    char *slash = strrchr(path, '/');

    if (!slash)
        return false;
    *slash = '\0';
    return true;
}

/* One that is removed again before it is complete is no error: the caller's next mkdir tells. */
static int make_parent(const CgroupHierarchy *hierarchy, const char *path)
{
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (mkdirat(hierarchy->root_fd, path, DIRECTORY_MODE) < 0)
        return errno == EEXIST ? 0 : -errno;
    fd = openat(hierarchy->root_fd, path, DIRECTORY_FLAGS);
    if (fd < 0)
        return is_gone(-errno) ? 0 : -errno;
    /* A parent that cannot be marked is only one that stays. */
    (void)fsetxattr(fd, PARENT_MARK, "1", 1, 0);
    r = hierarchy->is_v2 ? 0 : cgroup_v1_prepare(hierarchy, fd, true);
    return is_gone(r) ? 0 : r;
}

static int make_parents(const CgroupHierarchy *hierarchy, const char *path)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        _cleanup_free_ char *parent = memory_strndup(path, (size_t)(slash - path));
        int r = make_parent(hierarchy, parent);

        if (r < 0 && !is_gone(r))
            return r;
    }
    return 0;
}

/* The name of any directory in @fd; NULL when there is none. */
static char *find_child(int fd)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;

    if (directory_open_at(fd, ".", &directory) < 0)
        return NULL;
    while (directory_read(directory, &entry) > 0)
        if (entry->d_type == DT_DIR)
            return memory_strdup(entry->d_name);
    return NULL;
}

/*
 * Remove all that is below @fd, however deep: what a container made there is not ours to bound.
 * One descriptor at a time goes down to a leaf and up again; names of the way are kept.
 */
static int remove_children(int fd)
{
    _cleanup_close_ int here = openat(fd, ".", DIRECTORY_FLAGS);
    _cleanup_string_list_ StringList way = {};

    while (here >= 0) {
        _cleanup_free_ char *child = find_child(here);
        _cleanup_free_ char *name = NULL;
        int next;

        if (child && unlinkat(here, child, AT_REMOVEDIR) == 0)
            continue;
        if (!child && way.count == 0)
            return 0;
        next = openat(here, child ? child : "..", DIRECTORY_FLAGS);
        (void)fd_close(here);
        here = next;
        if (here < 0)
            break;
        if (child) {
            string_list_take(&way, TAKE_PTR(child));
            continue;
        }
        name = TAKE_PTR(way.items[--way.count]);
        if (unlinkat(here, name, AT_REMOVEDIR) < 0 && !is_gone(-errno))
            return -errno;
    }
    return -errno;
}

static bool is_populated(const CgroupHierarchy *hierarchy, int fd)
{
    const CgroupHierarchy here = { .fd = fd };

    return hierarchy->is_v2 ? cgroup_v2_is_populated(&here) : cgroup_has_processes(fd);
}

static int remove_directory(const CgroupHierarchy *hierarchy, const char *path)
{
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (unlinkat(hierarchy->root_fd, path, AT_REMOVEDIR) == 0 || is_gone(-errno))
        return 0;
    if (errno != EBUSY && errno != ENOTEMPTY)
        return -errno;
    fd = openat(hierarchy->root_fd, path, DIRECTORY_FLAGS);
    if (fd < 0)
        return is_gone(-errno) ? 0 : -errno;
    /* Its empty children go only if it goes itself. */
    if (is_populated(hierarchy, fd))
        return -EBUSY;
    r = remove_children(fd);
    if (r < 0)
        return r;
    return unlinkat(hierarchy->root_fd, path, AT_REMOVEDIR) < 0 && !is_gone(-errno) ? -errno : 0;
}

int cgroup_tree_make(CgroupHierarchy *hierarchy, const char *path, bool keeps)
{
    int r = -ENOENT;

    for (unsigned i = 0; is_gone(r) && i < RACES_MAX; i++) {
        r = mkdirat(hierarchy->root_fd, path, DIRECTORY_MODE) < 0 ? -errno : 0;
        if (is_gone(r)) {
            int parents = make_parents(hierarchy, path);

            if (parents < 0)
                return parents;
        } else if (r == -EEXIST && keeps) {
            r = 0;
        } else if (r == -EEXIST) {
            /* Left by somebody; its limits are not ours. With processes in it, this is refused. */
            r = remove_directory(hierarchy, path);
            r = r < 0 ? r : -ENOENT;
        }
    }
    if (r < 0)
        return r;
    hierarchy->fd = openat(hierarchy->root_fd, path, DIRECTORY_FLAGS);
    if (hierarchy->fd >= 0)
        return 0;
    r = -errno;
    (void)unlinkat(hierarchy->root_fd, path, AT_REMOVEDIR); /* as far as it was made, undo it */
    return r;
}

static bool is_marked(const CgroupHierarchy *hierarchy, const char *path)
{
    _cleanup_close_ int fd = openat(hierarchy->root_fd, path, DIRECTORY_FLAGS);

    return fd >= 0 && fgetxattr(fd, PARENT_MARK, NULL, 0) >= 0;
}

int cgroup_tree_remove(const CgroupHierarchy *hierarchy, const char *path)
{
    _cleanup_free_ char *parent = memory_strdup(path);
    int r = remove_directory(hierarchy, path);

    if (r < 0)
        return r;
    while (to_parent(parent) && is_marked(hierarchy, parent)) {
        if (unlinkat(hierarchy->root_fd, parent, AT_REMOVEDIR) < 0)
            break; /* it has other children */
    }
    return 0;
}
