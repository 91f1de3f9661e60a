/* SPDX-License-Identifier: Apache-2.0 */

/*
 * cgroup-run [--systemd] COMMAND PATH [ARGUMENT]: work on the existing cgroup PATH as a process
 * that has not made it. Commands: freeze | thaw | kill | remove show            "frozen" or
 * "thawed", and the processes, one line each stats           some of the numbers, "name value"
 *     update BUNDLE   the resources of BUNDLE/config.json
 *     join PID        start a process where process PID is, and say its /proc/self/cgroup
 */

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/syscalls.h"
#include "sandbox/cgroup.h"

static int show(Cgroup *cgroup, Error *err)
{
    _cleanup_free_ pid_t *pids = NULL;
    size_t count = 0;
    int r = cgroup_list_pids(cgroup, &pids, &count, err);

    if (r < 0)
        return r;
    printf("%s\n", cgroup_is_frozen(cgroup) ? "frozen" : "thawed");
    for (size_t i = 0; i < count; i++)
        printf("%d\n", pids[i]);
    return 0;
}

static int stats(const Cgroup *cgroup, Error *err)
{
    _cleanup_cgroup_stats_ CgroupStats stats = {};
    int r = cgroup_read_stats(cgroup, &stats, err);

    if (r < 0)
        return r;
    printf("cpu %llu\npids %llu\nmemory-limit %llu\nmemory %llu\n",
           (unsigned long long)stats.cpu.total, (unsigned long long)stats.pids.current,
           (unsigned long long)stats.memory.usage.limit,
           (unsigned long long)stats.memory.usage.usage);
    return 0;
}

static int update(Cgroup *cgroup, const char *bundle, Error *err)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
    _cleanup_close_ int fd = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = runtime_config_read_at(fd, "config.json", &config, err);

    return r < 0 ? r : cgroup_update(cgroup, &config->linux_config.resources, err);
}

static int join(const char *pid, Error *err)
{
    struct clone_args arguments = { .exit_signal = SIGCHLD, .flags = CLONE_INTO_CGROUP };
    _cleanup_(cgroup_freep) Cgroup *place = NULL;
    int r = cgroup_open_of_process((pid_t)strtol(pid, NULL, 10), &place, err), status;
    pid_t child;

    if (r < 0)
        return r;
    arguments.cgroup = (uint64_t)cgroup_unified_fd(place);
    child = sys_clone3(&arguments);
    if (child == 0) {
        if (cgroup_enter(place) == 0)
            (void)execlp("cat", "cat", "/proc/self/cgroup", NULL);
        _exit(1);
    }
    return child < 0 || waitpid(child, &status, 0) < 0 || status != 0
               ? error_set(err, ERROR_SYSTEM, "the process did not start")
               : 0;
}

static int work(Cgroup *cgroup, const char *command, const char *argument, Error *err)
{
    if (strcmp(command, "freeze") == 0)
        return cgroup_freeze(cgroup, err);
    if (strcmp(command, "thaw") == 0)
        return cgroup_thaw(cgroup, err);
    if (strcmp(command, "kill") == 0)
        return cgroup_kill(cgroup, err);
    if (strcmp(command, "remove") == 0)
        return cgroup_remove(cgroup, err);
    if (strcmp(command, "stats") == 0)
        return stats(cgroup, err);
    if (strcmp(command, "update") == 0)
        return update(cgroup, argument, err);
    if (strcmp(command, "join") == 0)
        return join(argument, err);
    return show(cgroup, err);
}

int main(int count, char **arguments)
{
    bool systemd = count > 1 && strcmp(arguments[1], "--systemd") == 0;
    _cleanup_(cgroup_freep) Cgroup *cgroup = NULL;
    _cleanup_error_ Error err = {};
    int r;

    arguments += systemd;
    count -= systemd;
    if (count < 3)
        return 2;
    r = systemd ? cgroup_open_unit(arguments[2], &cgroup, &err)
                : cgroup_open(arguments[2], &cgroup, &err);
    if (r >= 0)
        r = work(cgroup, arguments[1], arguments[3], &err);
    if (r < 0)
        (void)fprintf(stderr, "%s: %s\n", error_kind_to_string(err.kind), error_message(&err));
    return r < 0;
}
