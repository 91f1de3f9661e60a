/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A cgroup given to root of a user namespace, to make cgroups of its own in it. The limits of the
 * cgroup itself stay ours: only what places processes changes its owner.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "sandbox/cgroup-private.h"

/* Those of v1 and v2 together; none has all of them. */
static const char *const files[] = {
    "cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "tasks", "cgroup.clone_children",
};

static int delegate(const CgroupHierarchy *hierarchy, uid_t uid, gid_t gid)
{
    if (fchown(hierarchy->fd, uid, gid) < 0)
        return -errno;
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        if (fchownat(hierarchy->fd, files[i], uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
            return -errno;
    return 0;
}

int cgroup_delegate(Cgroup *cgroup, uid_t uid, gid_t gid, Error *err)
{
    for (size_t i = 0; i < cgroup->layout.count; i++) {
        const CgroupHierarchy *hierarchy = &cgroup->layout.items[i];
        int r = hierarchy->fd >= 0 ? delegate(hierarchy, uid, gid) : 0;

        if (r < 0)
            return error_result(err, r, "delegate the cgroup '%s'", cgroup->path);
    }
    return 0;
}

static bool has_writable_cgroups(const RuntimeConfig *config)
{
    for (size_t i = 0; i < config->mounts.count; i++) {
        const RuntimeMount *mount = &config->mounts.items[i];

        if (mount->type &&
            (strcmp(mount->type, "cgroup") == 0 || strcmp(mount->type, "cgroup2") == 0))
            return !string_list_contains(&mount->options, "ro");
    }
    return false;
}

bool cgroup_wants_delegation(const RuntimeConfig *config, uid_t *ret_uid, gid_t *ret_gid)
{
    const LinuxConfig *settings = &config->linux_config;
    const LinuxNamespace *user = linux_namespace_find(settings, "user");
    const LinuxNamespace *own = linux_namespace_find(settings, "cgroup");

    return user && !user->path && own && !own->path && has_writable_cgroups(config) &&
           id_ranges_to_host(&settings->uid_mappings, 0, ret_uid) &&
           id_ranges_to_host(&settings->gid_mappings, 0, ret_gid);
}
