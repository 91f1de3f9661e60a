/* SPDX-License-Identifier: Apache-2.0 */

/* From the cgroup, and for the network from the interfaces of its namespace. */

#include "engine/container-stats.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "engine/container-files.h"
#include "engine/container-private.h"
#include "network/network-link.h"
#include "sandbox/cgroup-stats.h"
#include "sandbox/cgroup.h"

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

static void add_network(const Container *container, ContainerStats *stats)
{
    _cleanup_(network_counters_done) NetworkCountersList counters = {};
    _cleanup_close_ int fd = -EBADF;

    /* Else it has just ended. */
    if (container_open_process_file(container, "ns/net", &fd, NULL) < 0 ||
        network_read_counters(fd, &counters, NULL) < 0)
        return;
    for (size_t i = 0; i < counters.count; i++) {
        stats->network_received += counters.items[i].rx_bytes;
        stats->network_sent += counters.items[i].tx_bytes;
        stats->network_received_packets += counters.items[i].rx_packets;
        stats->network_sent_packets += counters.items[i].tx_packets;
    }
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
        if (container_owns_network(container))
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
