/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where processes are in the hierarchies, and where a container's cgroup goes: what cgroupsPath
 * means, with privileges and without. Paths that the kernel tells are taken below the mounts that
 * we see, and what is not below them is out of reach.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "sandbox/cgroup-private.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY)
#define MEMBERSHIPS_SIZE_MAX (1U << 20)

/* The kernel's fixed number of the first user namespace (PROC_USER_INIT_INO). */
#define FIRST_USER_NAMESPACE 0xEFFFFFFDU

static bool has_admin_capability(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

    return syscall(SYS_capget, &header, data) == 0 && data[0].effective & (1U << CAP_SYS_ADMIN);
}

bool cgroup_is_unprivileged(void)
{
    struct stat status;

    return !has_admin_capability() || stat("/proc/self/ns/user", &status) < 0 ||
           status.st_ino != FIRST_USER_NAMESPACE;
}

char *cgroup_default_path(const char *id, bool systemd)
{
    return systemd ? memory_printf(":cay-oci:%s", id) : memory_printf("cay-oci-%s", id);
}

/* True where @item is one of a list with commas between them. */
static bool list_contains(const char *list, const char *item, size_t length)
{
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, item, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* "4:memory:/a/b", of v2 "0::/a/b" (cgroups(7)). Any controller of the list tells the hierarchy. */
static const char *match_line(const CgroupHierarchy *hierarchy, const char *line)
{
    const char *list = strchr(line, ':');
    const char *path = list ? strchr(list + 1, ':') : NULL;

    if (!path)
        return NULL;
    list++;
    if (hierarchy->is_v2)
        return strncmp(line, "0::", 3) == 0 ? path + 1 : NULL;
    if (*list == ':' || !list_contains(hierarchy->options, list, strcspn(list, ",:")))
        return NULL;
    return path + 1;
}

/* @path in the hierarchy as one below what is mounted of it. */
static char *below_mount(const CgroupHierarchy *hierarchy, const char *path)
{
    size_t length = strcmp(hierarchy->mount_root, "/") == 0 ? 0 : strlen(hierarchy->mount_root);

    if (strncmp(path, hierarchy->mount_root, length) != 0 || strncmp(path, "/..", 3) == 0)
        return NULL;
    path += length;
    if (*path != '/' && *path != '\0')
        return NULL;
    path += *path == '/';
    return memory_strdup(*path ? path : ".");
}

char *cgroup_place_find(const CgroupHierarchy *hierarchy, const char *text)
{
    _cleanup_free_ char *copy = memory_strdup(text);
    char *rest = copy, *line;

    while ((line = strsep(&rest, "\n"))) {
        const char *path = match_line(hierarchy, line);

        if (path)
            return below_mount(hierarchy, path);
    }
    return NULL;
}

static int read_memberships(const char *process, char **ret)
{
    _cleanup_free_ char *path = memory_printf("/proc/%s/cgroup", process);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd < 0 ? -errno : fd_read_all(fd, MEMBERSHIPS_SIZE_MAX, ret, NULL);
}

/* Open where the process is, in each hierarchy that has it in reach. */
static int open_places(CgroupLayout *layout, const char *text, char **ret_path)
{
    for (size_t i = 0; i < layout->count; i++) {
        CgroupHierarchy *hierarchy = &layout->items[i];
        _cleanup_free_ char *path = cgroup_place_find(hierarchy, text);

        if (!path)
            continue;
        hierarchy->fd = path_open_beneath(hierarchy->root_fd, path, DIRECTORY_FLAGS, 0);
        if (hierarchy->fd < 0 && hierarchy->fd != -ENOENT)
            return hierarchy->fd;
        if (hierarchy->fd >= 0 && hierarchy->is_v2) {
            int r = cgroup_v2_prepare(hierarchy, path, 0);

            if (r < 0)
                return r;
        }
        if (hierarchy->fd >= 0 && !*ret_path)
            *ret_path = memory_printf("/%s", path);
    }
    return *ret_path ? 0 : -ENOENT;
}

int cgroup_open_of_process(pid_t pid, Cgroup **ret, Error *err)
{
    _cleanup_(cgroup_freep) Cgroup *cgroup = NEW(Cgroup);
    _cleanup_free_ char *text = NULL;
    char process[16];
    int r = cgroup_layout_find(&cgroup->layout, err);

    if (r < 0)
        return r;
    (void)snprintf(process, sizeof(process), "%d", pid);
    cgroup->is_borrowed = true;
    r = read_memberships(process, &text);
    if (r == 0)
        r = open_places(&cgroup->layout, text, &cgroup->path);
    if (r == -ENOENT || r == -ESRCH)
        return error_set(err, ERROR_NOT_FOUND, "process %d is in no cgroup that can be reached",
                         pid);
    if (r < 0)
        return error_result(err, r, "open the cgroups of process %d", pid);

    *ret = TAKE_PTR(cgroup);
    return 0;
}

/* Whether we may make cgroups in @fd, and whether those would have @wanted. */
static bool is_delegated(int fd)
{
    return fd >= 0 && faccessat(fd, ".", W_OK, AT_EACCESS) == 0 &&
           faccessat(fd, "cgroup.procs", W_OK, AT_EACCESS) == 0;
}

static bool passes_on(int fd, unsigned wanted)
{
    _cleanup_free_ char *text = NULL;

    if (file_read_at(fd, "cgroup.subtree_control", MEMBERSHIPS_SIZE_MAX, &text, NULL) < 0)
        return false;
    return (wanted & ~cgroup_controllers_parse(text, true)) == 0;
}

/*
 * Our own cgroup, where it is ours to divide. As it has processes, us, it passes on no more
 * controllers than it does already; if that is not enough, the one above it, if that is ours too.
 * NULL where neither is.
 */
static char *find_delegated(const CgroupHierarchy *hierarchy, unsigned wanted)
{
    _cleanup_free_ char *text = NULL, *own = NULL, *above = NULL;
    _cleanup_close_ int own_fd = -EBADF, above_fd = -EBADF;
    char *slash;

    if (read_memberships("self", &text) < 0)
        return NULL;
    own = cgroup_place_find(hierarchy, text);
    if (!own)
        return NULL;
    own_fd = path_open_beneath(hierarchy->root_fd, own, DIRECTORY_FLAGS, 0);
    if (!is_delegated(own_fd))
        return NULL;
    if (passes_on(own_fd, wanted))
        return TAKE_PTR(own);
    above = memory_strdup(own);
    slash = strrchr(above, '/');
    if (!slash)
        return TAKE_PTR(own);
    *slash = '\0';
    above_fd = path_open_beneath(hierarchy->root_fd, above, DIRECTORY_FLAGS, 0);
    return is_delegated(above_fd) ? TAKE_PTR(above) : TAKE_PTR(own);
}

char *cgroup_place_resolve(const CgroupLayout *layout, const char *path, unsigned wanted)
{
    if (path_is_absolute(path))
        return memory_strdup(path);
    if (layout->count > 0 && layout->items[0].is_v2 && cgroup_is_unprivileged()) {
        _cleanup_free_ char *parent = find_delegated(&layout->items[0], wanted);

        if (parent && strcmp(parent, ".") != 0)
            return memory_printf("/%s/%s", parent, path);
    }
    return memory_printf("/%s", path);
}
