/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a cgroup has used, from the files of whichever version has the controller. Here is what both
 * have in common, cgroup-stats-v1.c and cgroup-stats-v2.c know the files.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "sandbox/cgroup-stats-private.h"

#define LIST_ITEMS_MAX 8192 /* as of parse_cpu_list() */

void stats_read_lines(int fd, const char *file, StatsLineHandler handler, void *data)
{
    _cleanup_free_ char *text = NULL;
    char *rest, *line;

    if (file_read_at(fd, file, STATS_FILE_SIZE_MAX, &text, NULL) < 0)
        return;
    rest = text;
    while ((line = strsep(&rest, "\n"))) {
        char *words[STATS_WORDS_MAX], *word;
        size_t count = 0;

        while (count < STATS_WORDS_MAX && (word = strsep(&line, " \t")))
            if (*word)
                words[count++] = word;
        if (count > 0)
            handler(words, count, data);
    }
}

uint64_t stats_parse(const char *text)
{
    uint64_t value;

    if (strcmp(text, "max") == 0)
        return CGROUP_UNLIMITED;
    return parse_u64(text, &value) < 0 ? 0 : value;
}

uint64_t stats_read_number(int fd, const char *file)
{
    _cleanup_free_ char *text = NULL;

    if (file_read_at(fd, file, STATS_FILE_SIZE_MAX, &text, NULL) < 0)
        return 0;
    text[strcspn(text, "\n")] = '\0';
    return stats_parse(text);
}

int64_t stats_read_signed(int fd, const char *file)
{
    _cleanup_free_ char *text = NULL;

    return file_read_at(fd, file, STATS_FILE_SIZE_MAX, &text, NULL) < 0 ? 0
                                                                        : strtoll(text, NULL, 10);
}

void stats_add_number(CgroupNumbers *numbers, uint64_t value)
{
    numbers->items =
        memory_grow(numbers->items, &numbers->capacity, numbers->count + 1, sizeof(uint64_t));
    numbers->items[numbers->count++] = value;
}

/* @device is "8:0"; one that is not is no entry, as the "Total" of v1's tables. */
void stats_add_io(CgroupIoTable *table, const char *device, const char *op, uint64_t value)
{
    CgroupIoEntry entry = { .value = value };
    char *end;

    entry.major = strtoull(device, &end, 10);
    if (end == device || *end != ':')
        return;
    entry.minor = strtoull(end + 1, NULL, 10);
    (void)snprintf(entry.op, sizeof(entry.op), "%s", op);
    table->items =
        memory_grow(table->items, &table->capacity, table->count + 1, sizeof(CgroupIoEntry));
    table->items[table->count++] = entry;
}

static void add_memory_value(char *const *words, size_t count, void *data)
{
    CgroupMemoryStats *memory = data;

    if (count != 2)
        return;
    memory->raw.items = memory_grow(memory->raw.items, &memory->raw.capacity, memory->raw.count + 1,
                                    sizeof(CgroupMemoryValue));
    memory->raw.items[memory->raw.count++] =
        (CgroupMemoryValue) { memory_strdup(words[0]), stats_parse(words[1]) };
}

void stats_read_memory_raw(int fd, CgroupMemoryStats *ret)
{
    stats_read_lines(fd, "memory.stat", add_memory_value, ret);
}

uint64_t stats_memory_raw(const CgroupMemoryStats *memory, const char *name)
{
    for (size_t i = 0; i < memory->raw.count; i++) {
        if (strcmp(memory->raw.items[i].name, name) == 0)
            return memory->raw.items[i].value;
    }
    return 0;
}

void stats_read_list(int fd, const char *file, CgroupNumbers *ret)
{
    _cleanup_free_ char *text = NULL;
    char *rest, *part;

    if (file_read_at(fd, file, STATS_FILE_SIZE_MAX, &text, NULL) < 0)
        return;
    text[strcspn(text, "\n")] = '\0';
    if (parse_cpu_list(text) < 0)
        return;
    rest = text;
    while ((part = strsep(&rest, ","))) {
        unsigned long first = strtoul(part, &part, 10);
        unsigned long last = *part == '-' ? strtoul(part + 1, NULL, 10) : first;

        for (unsigned long i = first; i <= last && ret->count < LIST_ITEMS_MAX; i++)
            stats_add_number(ret, i);
    }
}

void stats_read_pids(int fd, CgroupPidsStats *ret)
{
    uint64_t limit = stats_read_number(fd, "pids.max");

    ret->current = stats_read_number(fd, "pids.current");
    ret->limit = limit == CGROUP_UNLIMITED ? 0 : limit;
}

/* By reservation where the kernel counts that, as limits are set (config-linux.md). */
static void add_page_size(int fd, bool is_v2, const char *size, CgroupStats *ret)
{
    const char *usage = is_v2 ? "current" : "usage_in_bytes", *kind = "rsvd.";
    CgroupHugetlbEntry entry = { .page_size = memory_strdup(size) };
    char file[96];

    (void)snprintf(file, sizeof(file), "hugetlb.%s.rsvd.%s", size, usage);
    if (faccessat(fd, file, R_OK, 0) < 0)
        kind = "";
    (void)snprintf(file, sizeof(file), "hugetlb.%s.%s%s", size, kind, usage);
    entry.usage = stats_read_number(fd, file);
    if (is_v2) {
        (void)snprintf(file, sizeof(file), "hugetlb.%s.events", size);
        entry.fail_count = cgroup_read_key(fd, file, "max");
    } else {
        (void)snprintf(file, sizeof(file), "hugetlb.%s.%smax_usage_in_bytes", size, kind);
        entry.max = stats_read_number(fd, file);
        (void)snprintf(file, sizeof(file), "hugetlb.%s.%sfailcnt", size, kind);
        entry.fail_count = stats_read_number(fd, file);
    }
    ret->hugetlb.items = memory_grow(ret->hugetlb.items, &ret->hugetlb.capacity,
                                     ret->hugetlb.count + 1, sizeof(CgroupHugetlbEntry));
    ret->hugetlb.items[ret->hugetlb.count++] = entry;
}

void stats_read_hugetlb(int fd, bool is_v2, CgroupStats *ret)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;

    if (directory_open_at(fd, ".", &directory) < 0)
        return;
    while (directory_read(directory, &entry) > 0) {
        _cleanup_free_ char *size = NULL;
        const char *dot;

        /* One file of each size: "hugetlb.2MB.current" */
        if (strncmp(entry->d_name, "hugetlb.", 8) != 0)
            continue;
        dot = strchr(entry->d_name + 8, '.');
        if (!dot || strcmp(dot, is_v2 ? ".current" : ".usage_in_bytes") != 0)
            continue;
        size = memory_strndup(entry->d_name + 8, (size_t)(dot - entry->d_name - 8));
        add_page_size(fd, is_v2, size, ret);
    }
}

static CgroupRdmaEntry *find_rdma(CgroupStats *stats, const char *device)
{
    for (size_t i = 0; i < stats->rdma.count; i++) {
        if (strcmp(stats->rdma.items[i].device, device) == 0)
            return &stats->rdma.items[i];
    }
    stats->rdma.items = memory_grow(stats->rdma.items, &stats->rdma.capacity, stats->rdma.count + 1,
                                    sizeof(CgroupRdmaEntry));
    stats->rdma.items[stats->rdma.count].device = memory_strdup(device);
    return &stats->rdma.items[stats->rdma.count++];
}

/* "mlx5_1 hca_handle=3 hca_object=max" */
static void read_rdma_line(char *const *words, size_t count, uint64_t *ret_handles,
                           uint64_t *ret_objects)
{
    for (size_t i = 1; i < count; i++) {
        if (strncmp(words[i], "hca_handle=", 11) == 0)
            *ret_handles = stats_parse(words[i] + 11);
        else if (strncmp(words[i], "hca_object=", 11) == 0)
            *ret_objects = stats_parse(words[i] + 11);
    }
}

static void add_rdma_use(char *const *words, size_t count, void *data)
{
    CgroupRdmaEntry *entry = find_rdma(data, words[0]);

    read_rdma_line(words, count, &entry->hca_handles, &entry->hca_objects);
}

static void add_rdma_limit(char *const *words, size_t count, void *data)
{
    CgroupRdmaEntry *entry = find_rdma(data, words[0]);

    read_rdma_line(words, count, &entry->hca_handles_limit, &entry->hca_objects_limit);
}

void stats_read_rdma(int fd, CgroupStats *ret)
{
    stats_read_lines(fd, "rdma.current", add_rdma_use, ret);
    stats_read_lines(fd, "rdma.max", add_rdma_limit, ret);
}

int cgroup_read_stats(const Cgroup *cgroup, CgroupStats *ret, Error *err)
{
    CgroupStats stats = {};

    if (cgroup_is_empty(cgroup))
        return error_set(err, ERROR_UNSUPPORTED, "the container has no cgroup that counts");
    for (size_t i = 0; i < cgroup->layout.count; i++) {
        const CgroupHierarchy *hierarchy = &cgroup->layout.items[i];

        if (hierarchy->fd < 0)
            continue;
        if (hierarchy->is_v2)
            stats_read_v2(hierarchy, &stats);
        else
            stats_read_v1(hierarchy, &stats);
    }

    *ret = stats;
    return 0;
}

static void free_io_tables(CgroupIoStats *io)
{
    CgroupIoTable *const tables[] = { &io->service_bytes, &io->serviced,  &io->queued,
                                      &io->service_time,  &io->wait_time, &io->merged,
                                      &io->time,          &io->sectors };

    for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
        free(tables[i]->items);
}

void cgroup_stats_done(CgroupStats *stats)
{
    free(stats->cpu.percpu.items);
    free(stats->cpu.percpu_kernel.items);
    free(stats->cpu.percpu_user.items);
    free(stats->cpuset.cpus.items);
    free(stats->cpuset.mems.items);
    for (size_t i = 0; i < stats->memory.raw.count; i++)
        free(stats->memory.raw.items[i].name);
    free(stats->memory.raw.items);
    free_io_tables(&stats->block_io);
    for (size_t i = 0; i < stats->hugetlb.count; i++)
        free(stats->hugetlb.items[i].page_size);
    free(stats->hugetlb.items);
    for (size_t i = 0; i < stats->rdma.count; i++)
        free(stats->rdma.items[i].device);
    free(stats->rdma.items);
    *stats = (CgroupStats) {};
}
