/* SPDX-License-Identifier: Apache-2.0 */

/* From the cgroup, and for the network from the first process's view of its interfaces. */

#include "engine/container-stats.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/string-list.h"
#include "base/time-format.h"
#include "engine/container-private.h"
#include "sandbox/cgroup-stats.h"
#include "sandbox/cgroup.h"

#define NETWORK_TABLE_MAX (1024 * 1024)

static uint64_t machine_memory(void)
{
    struct sysinfo info;

    return sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit : 0;
}

static uint64_t raw_value(const CgroupMemoryStats *memory, const char *name)
{
    for (size_t i = 0; i < memory->raw.count; i++)
        if (strcmp(memory->raw.items[i].name, name) == 0)
            return memory->raw.items[i].value;
    return 0;
}

/* As Docker counts: pages of files that nobody has used lately are no use of memory. */
static uint64_t memory_in_use(const CgroupMemoryStats *memory)
{
    uint64_t inactive = raw_value(memory, "total_inactive_file"); /* v1, where it is recursive */

    if (inactive == 0)
        inactive = raw_value(memory, "inactive_file");
    return memory->usage.usage > inactive ? memory->usage.usage - inactive : 0;
}

static uint64_t sum_of(const CgroupIoTable *table, const char *op)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < table->count; i++)
        if (strcasecmp(table->items[i].op, op) == 0)
            sum += table->items[i].value;
    return sum;
}

static void add_cgroup(const CgroupStats *cgroup, ContainerStats *stats)
{
    uint64_t machine = machine_memory();

    stats->cpu = cgroup->cpu.total;
    stats->memory = memory_in_use(&cgroup->memory);
    stats->memory_limit =
        cgroup->memory.usage.limit < machine ? cgroup->memory.usage.limit : machine;
    stats->pids = cgroup->pids.current;
    stats->block_read = sum_of(&cgroup->block_io.service_bytes, "Read");
    stats->block_written = sum_of(&cgroup->block_io.service_bytes, "Write");
}

/* proc_pid_net(5): "  eth0: bytes packets errs drop fifo frame compressed multicast bytes ..." */
static void add_interface(const char *line, ContainerStats *stats)
{
    const char *colon = strchr(line, ':');
    unsigned long long received, sent;

    line += strspn(line, " ");
    if (!colon || strncmp(line, "lo:", 3) == 0 ||
        sscanf(colon + 1, "%llu %*u %*u %*u %*u %*u %*u %*u %llu", &received, &sent) != 2)
        return;
    stats->network_received += received;
    stats->network_sent += sent;
}

/* Of the host's network and another container's nothing is its own. */
static bool has_own_network(const Container *container)
{
    const char *mode = container->spec.network_mode;

    return !container_mode_is(mode, "host") && !container_mode_joined(mode);
}

static void add_network(const Container *container, ContainerStats *stats)
{
    _cleanup_free_ char *path = memory_printf("/proc/%lld/net/dev", (long long)container->pid);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    _cleanup_free_ char *text = NULL;
    _cleanup_string_list_ StringList lines = {};

    if (fd < 0 || fd_read_all(fd, NETWORK_TABLE_MAX, &text, NULL) < 0)
        return;
    string_list_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++)
        add_interface(lines.items[i], stats);
}

/* Returns 1, 0 (it has none, so it does not run) or -errno. */
static int open_cgroup(const Container *container, Cgroup **ret, Error *err)
{
    _cleanup_free_ char *path = container_cgroup_path(container);
    _cleanup_error_ Error problem = {};
    int r;

    if (!container_is_up(container))
        return 0;
    r = cgroup_open(path, ret, &problem);
    if (r < 0 && problem.kind == ERROR_NOT_FOUND)
        return 0;
    if (r < 0)
        error_move(err, &problem);
    return r < 0 ? r : 1;
}

int container_read_stats(const Container *container, ContainerStats *ret, Error *err)
{
    _cleanup_(cgroup_freep) Cgroup *cgroup = NULL;
    _cleanup_cgroup_stats_ CgroupStats read = {};
    ContainerStats stats = { .time = time_monotonic() };
    int r = open_cgroup(container, &cgroup, err);

    if (r < 0)
        return r;
    if (r > 0 && cgroup_read_stats(cgroup, &read, NULL) >= 0) { /* else it is being removed */
        add_cgroup(&read, &stats);
        if (has_own_network(container))
            add_network(container, &stats);
    }
    *ret = stats;
    return 0;
}

int container_list_pids(Engine *engine, const char *name, pid_t **ret_pids, size_t *ret_count,
                        Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_(cgroup_freep) Cgroup *cgroup = NULL;
    int r = container_find_live(engine, name, &container, err);

    if (r < 0)
        return r;
    if (container->state == CONTAINER_RESTARTING)
        return error_set(err, ERROR_CONFLICT, "container '%s' is restarting: wait until it runs",
                         container->name);
    r = open_cgroup(container, &cgroup, err);
    if (r < 0)
        return r;
    if (r == 0)
        return error_set(err, ERROR_CONFLICT, "container '%s' is not running", container->name);
    return cgroup_list_pids(cgroup, ret_pids, ret_count, err);
}
