/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What only v1 hierarchies need: cpusets that start empty, and killing without cgroup.kill. There,
 * the freezer holds the processes while they are counted and signalled.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/string-list.h"
#include "sandbox/cgroup-private.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
#define CONTROL_SIZE_MAX 65536

/* Passes over a cgroup that has no freezer to stop its forks. */
#define KILL_PASSES_MAX 1000

/* Give @fd what its parents allow, from the top down to it. The root always allows something. */
static int fill_cpuset(int fd, const char *file)
{
    _cleanup_close_ int parent_fd = -EBADF;
    _cleanup_free_ char *value = NULL;
    int r;

    r = file_read_at(fd, file, CONTROL_SIZE_MAX, &value, NULL);
    if (r < 0)
        return r;
    if (value[0] != '\0' && value[0] != '\n')
        return 0;

    parent_fd = openat(fd, "..", DIRECTORY_FLAGS);
    if (parent_fd < 0)
        return -errno;
    r = fill_cpuset(parent_fd, file);
    if (r < 0)
        return r;
    free(TAKE_PTR(value));
    r = file_read_at(parent_fd, file, CONTROL_SIZE_MAX, &value, NULL);
    return r < 0 ? r : file_poke_at(fd, file, value);
}

int cgroup_v1_prepare(const CgroupHierarchy *hierarchy, int fd, bool is_parent)
{
    int r;

    if (!(hierarchy->controllers & CGROUP_BIT(CGROUP_CPUSET)))
        return 0;
    r = fill_cpuset(fd, "cpuset.cpus");
    if (r < 0)
        return r;
    r = fill_cpuset(fd, "cpuset.mems");
    if (r < 0 || !is_parent)
        return r;
    return file_poke_at(fd, "cgroup.clone_children", "1");
}

/* Stop forks while a pass lasts. Where neither works, passes are repeated. */
static void hold(Cgroup *cgroup)
{
    const CgroupHierarchy *freezer = cgroup_find_controller(cgroup, CGROUP_FREEZER);
    const CgroupHierarchy *pids = cgroup_find_controller(cgroup, CGROUP_PIDS);

    if (pids)
        (void)file_poke_at(pids->fd, "pids.max", "0");
    if (freezer)
        (void)file_poke_at(freezer->fd, "freezer.state", "FROZEN");
}

int cgroup_v1_thaw(const Cgroup *cgroup)
{
    const CgroupHierarchy *freezer = cgroup_find_controller((Cgroup *)cgroup, CGROUP_FREEZER);
    _cleanup_string_list_ StringList cgroups = {};
    int r;

    if (!freezer)
        return 0;
    r = cgroup_list_tree(freezer->fd, &cgroups);
    for (size_t i = 0; i < cgroups.count; i++) {
        _cleanup_free_ char *file = memory_printf("%s/freezer.state", cgroups.items[i]);
        int result = file_poke_at(freezer->fd, file, "THAWED");

        if (result < 0 && result != -ENOENT && result != -ENODEV && r == 0)
            r = result;
    }
    return r;
}

int cgroup_v1_kill(Cgroup *cgroup, Error *err)
{
    for (unsigned pass = 0; pass < KILL_PASSES_MAX; pass++) {
        bool is_empty = true;

        for (size_t i = 0; i < cgroup->layout.count; i++) {
            const CgroupHierarchy *hierarchy = &cgroup->layout.items[i];
            _cleanup_(cgroup_processes_done) CgroupProcesses processes = {};
            int r;

            if (hierarchy->fd < 0 || !cgroup_has_processes(hierarchy->fd))
                continue;
            is_empty = false;
            hold(cgroup);
            r = cgroup_processes_open(hierarchy->fd, &processes);
            cgroup_processes_kill(&processes);
            /* A frozen process does not die, whoever froze it. */
            (void)cgroup_v1_thaw(cgroup);
            if (r == 0)
                r = cgroup_processes_wait(&processes);
            if (r < 0)
                return error_result(err, r, "kill the processes of cgroup '%s'", cgroup->path);
        }
        if (is_empty)
            return 0;
    }
    return error_set(err, ERROR_CONFLICT, "the processes of cgroup '%s' fork faster than they die",
                     cgroup->path);
}
