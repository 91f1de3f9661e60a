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

typedef struct PidList {
    pid_t *items;
    size_t count;
    size_t capacity;
} PidList;

static void pid_list_done(PidList *list)
{
    free(list->items);
}

static int add_pids(int fd, const char *cgroup, PidList *ret)
{
    _cleanup_free_ char *file = memory_printf("%s/cgroup.procs", cgroup);
    _cleanup_free_ char *text = NULL;
    char *rest, *line;
    int r = file_read_at(fd, file, PROCS_SIZE_MAX, &text, NULL);

    if (r == -ENOENT || r == -ENODEV)
        return 0; /* removed meanwhile */
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

static int list_pids(int fd, PidList *ret)
{
    _cleanup_string_list_ StringList cgroups = {};
    int r = cgroup_list_tree(fd, &cgroups);

    for (size_t i = 0; r == 0 && i < cgroups.count; i++)
        r = add_pids(fd, cgroups.items[i], ret);
    return r;
}

static bool pid_list_contains(const PidList *list, pid_t pid)
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
    _cleanup_(pid_list_done) PidList before = {};
    _cleanup_(pid_list_done) PidList after = {};
    int r = list_pids(fd, &before);

    if (r < 0)
        return r;
    processes.items = NEW_ARRAY(struct pollfd, before.count);
    for (size_t i = 0; i < before.count; i++) {
        int pidfd = pidfd_open(before.items[i], 0);

        if (pidfd < 0 && errno != ESRCH && errno != EINVAL)
            return -errno;
        processes.items[processes.count++] = (struct pollfd) { .fd = pidfd, .events = POLLIN };
    }
    r = list_pids(fd, &after);
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
    _cleanup_(pid_list_done) PidList pids = {};

    /* What cannot be read may well be there. */
    return list_pids(fd, &pids) < 0 || pids.count > 0;
}
