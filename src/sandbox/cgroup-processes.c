/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The processes of a cgroup and of all below it, in either version. A pid may be reused at any
 * moment, so what is signalled or waited for is a pidfd of which the cgroup has confirmed, after
 * it was opened, that it is a member.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/string-list.h"
#include "sandbox/cgroup-private.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
#define PROCS_SIZE_MAX (64U << 20)

int cgroup_list_tree(int fd, StringList *ret)
{
    string_list_add(ret, ".");
    for (size_t i = 0; i < ret->count; i++) {
        _cleanup_directory_ DIR *directory = NULL;
        const struct dirent *entry;
        int r = directory_open_at(fd, ret->items[i], &directory);

        if (r == -ENOENT)
            continue;
        if (r < 0)
            return r;
        while (directory_read(directory, &entry) > 0)
            if (entry->d_type == DT_DIR)
                string_list_printf(ret, "%s/%s", ret->items[i], entry->d_name);
    }
    return 0;
}

void cgroup_pids_done(CgroupPids *pids)
{
    free(pids->items);
}

static int add_pids(int fd, const char *cgroup, CgroupPids *ret)
{
    _cleanup_free_ char *file = memory_printf("%s/cgroup.procs", cgroup);
    _cleanup_free_ char *text = NULL;
    char *rest, *line;
    int r = file_read_at(fd, file, PROCS_SIZE_MAX, &text, NULL);

    if (r == -ENOENT || r == -ENODEV)
        return 0; /* removed meanwhile */
    if (r == -EOPNOTSUPP)
        return 0; /* of threads: their processes are those of a cgroup above */
    if (r < 0)
        return r;
    rest = text;
    while ((line = strsep(&rest, "\n"))) {
        int32_t pid;

        if (*line == '\0')
            continue;
        if (parse_i32(line, &pid) < 0)
            return -EBADMSG;
        if (pid == 0)
            return -EPERM; /* of a pid namespace that is not below ours */
        ret->items = memory_grow(ret->items, &ret->capacity, ret->count + 1, sizeof(pid_t));
        ret->items[ret->count++] = pid;
    }
    return 0;
}

int cgroup_pids_read(int fd, CgroupPids *ret)
{
    _cleanup_string_list_ StringList cgroups = {};
    int r = cgroup_list_tree(fd, &cgroups);

    for (size_t i = 0; r == 0 && i < cgroups.count; i++)
        r = add_pids(fd, cgroups.items[i], ret);
    return r;
}

static bool pid_list_contains(const CgroupPids *list, pid_t pid)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] == pid)
            return true;
    }
    return false;
}

void cgroup_processes_done(CgroupProcesses *processes)
{
    for (size_t i = 0; i < processes->count; i++)
        (void)fd_close(processes->items[i].fd);
    free(processes->items);
    *processes = (CgroupProcesses) {};
}

/*
 * A pid may have been reused between reading it and opening its pidfd. One that is listed still,
 * after that, is the process that the pidfd means, or that one is dead and no signal reaches it.
 */
int cgroup_processes_open(int fd, CgroupProcesses *ret)
{
    _cleanup_(cgroup_processes_done) CgroupProcesses processes = {};
    _cleanup_(cgroup_pids_done) CgroupPids before = {};
    _cleanup_(cgroup_pids_done) CgroupPids after = {};
    int r = cgroup_pids_read(fd, &before);

    if (r < 0)
        return r;
    processes.items = NEW_ARRAY(struct pollfd, before.count);
    for (size_t i = 0; i < before.count; i++) {
        int pidfd = pidfd_open(before.items[i], 0);

        if (pidfd < 0 && errno != ESRCH && errno != EINVAL)
            return -errno;
        processes.items[processes.count++] = (struct pollfd) { .fd = pidfd, .events = POLLIN };
    }
    r = cgroup_pids_read(fd, &after);
    if (r < 0)
        return r;
    for (size_t i = 0; i < processes.count; i++) {
        if (!pid_list_contains(&after, before.items[i]))
            processes.items[i].fd = fd_close(processes.items[i].fd);
    }

    *ret = processes;
    processes = (CgroupProcesses) {};
    return 0;
}

void cgroup_processes_kill(const CgroupProcesses *processes)
{
    for (size_t i = 0; i < processes->count; i++) {
        /* It fails where the process has ended by itself. */
        if (processes->items[i].fd >= 0)
            (void)pidfd_send_signal(processes->items[i].fd, SIGKILL, NULL, 0);
    }
}

int cgroup_processes_wait(CgroupProcesses *processes)
{
    for (size_t i = 0; i < processes->count; i++) {
        while (processes->items[i].fd >= 0 && poll(&processes->items[i], 1, -1) < 0) {
            if (errno != EINTR)
                return -errno;
        }
    }
    return 0;
}

bool cgroup_has_processes(int fd)
{
    _cleanup_(cgroup_pids_done) CgroupPids pids = {};

    /* What cannot be read may well be there. */
    return cgroup_pids_read(fd, &pids) < 0 || pids.count > 0;
}

static int compare_pids(const void *a, const void *b)
{
    pid_t first = *(const pid_t *)a, second = *(const pid_t *)b;

    return (first > second) - (first < second);
}

int cgroup_list_pids(const Cgroup *cgroup, pid_t **ret_pids, size_t *ret_count, Error *err)
{
    _cleanup_(cgroup_pids_done) CgroupPids pids = {};
    size_t count = 0;

    for (size_t i = 0; i < cgroup->layout.count; i++) {
        int r;

        if (cgroup->layout.items[i].fd < 0)
            continue;
        r = cgroup_pids_read(cgroup->layout.items[i].fd, &pids);
        if (r < 0)
            return error_result(err, r, "list the processes of cgroup '%s'", cgroup->path);
        break; /* they are the same in the others, where that took longer */
    }
    if (pids.count > 0)
        qsort(pids.items, pids.count, sizeof(pid_t), compare_pids);
    /* While it is read, the kernel lists a process twice that moves from one to another. */
    for (size_t i = 0; i < pids.count; i++) {
        if (count == 0 || pids.items[i] != pids.items[count - 1])
            pids.items[count++] = pids.items[i];
    }

    *ret_pids = TAKE_PTR(pids.items);
    *ret_count = count;
    return 0;
}
