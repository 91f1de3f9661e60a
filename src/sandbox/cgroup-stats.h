/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a cgroup has used, as `runc events --stats` tells it: each member here is one of "data"
 * there, in v1's units whatever the host has (nanoseconds, bytes). Nothing is an error: what the
 * host's hierarchies do not count is zero, an empty list, or has is_set false.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/* No limit, as members named "limit" have it. */
#define CGROUP_UNLIMITED UINT64_MAX

typedef struct CgroupNumbers {
    uint64_t *items;
    size_t count;
    size_t capacity;
} CgroupNumbers;

/* The share of time (percent) in which tasks waited, and all of it in microseconds. */
typedef struct CgroupPressure {
    double avg10;
    double avg60;
    double avg300;
    uint64_t total;
} CgroupPressure;

typedef struct CgroupPressures {
    bool is_set;         /* v2 only */
    CgroupPressure some; /* at least one task waited */
    CgroupPressure full; /* all did */
} CgroupPressures;

typedef struct CgroupCpuStats {
    uint64_t total; /* "usage": nanoseconds, as all here */
    uint64_t kernel;
    uint64_t user;
    CgroupNumbers percpu; /* v1 only, as the two below */
    CgroupNumbers percpu_kernel;
    CgroupNumbers percpu_user;
    uint64_t periods; /* "throttling" */
    uint64_t throttled_periods;
    uint64_t throttled_time;
    CgroupPressures pressure; /* "psi" */
} CgroupCpuStats;

/* v1 only, but for the lists. */
typedef struct CgroupCpusetStats {
    CgroupNumbers cpus;
    CgroupNumbers mems;
    uint64_t cpu_exclusive;
    uint64_t mem_hardwall;
    uint64_t mem_exclusive;
    uint64_t memory_migrate;
    uint64_t memory_spread_page;
    uint64_t memory_spread_slab;
    uint64_t memory_pressure;
    uint64_t sched_load_balance;
    int64_t sched_relax_domain_level;
} CgroupCpusetStats;

typedef struct CgroupMemoryEntry {
    uint64_t limit;
    uint64_t usage;
    uint64_t max; /* the most that was ever used */
    uint64_t fail_count;
} CgroupMemoryEntry;

/* A line of memory.stat. */
typedef struct CgroupMemoryValue {
    char *name;
    uint64_t value;
} CgroupMemoryValue;

typedef struct CgroupMemoryStats {
    uint64_t cache;
    CgroupMemoryEntry usage;
    CgroupMemoryEntry swap; /* memory and swap together */
    CgroupMemoryEntry kernel;
    CgroupMemoryEntry kernel_tcp;
    struct {
        CgroupMemoryValue *items;
        size_t count;
        size_t capacity;
    } raw;
    CgroupPressures pressure;
    struct {
        bool is_set; /* v2 only */
        uint64_t low;
        uint64_t high;
        uint64_t max;
        uint64_t oom;
        uint64_t oom_kill;
    } events; /* "event_count" */
} CgroupMemoryStats;

typedef struct CgroupPidsStats {
    uint64_t current;
    uint64_t limit; /* 0: none, as runc has it */
} CgroupPidsStats;

typedef struct CgroupIoEntry {
    uint64_t major;
    uint64_t minor;
    char op[16]; /* "Read", "Write", "Discard", ...; "" in tables without */
    uint64_t value;
} CgroupIoEntry;

typedef struct CgroupIoTable {
    CgroupIoEntry *items;
    size_t count;
    size_t capacity;
} CgroupIoTable;

/* Each with all below the cgroup ("ioServiceBytesRecursive" and so on). */
typedef struct CgroupIoStats {
    CgroupIoTable service_bytes;
    CgroupIoTable serviced;
    CgroupIoTable queued; /* from here on: of v1 with a scheduler that counts them */
    CgroupIoTable service_time;
    CgroupIoTable wait_time;
    CgroupIoTable merged;
    CgroupIoTable time;
    CgroupIoTable sectors;
    CgroupPressures pressure;
} CgroupIoStats;

typedef struct CgroupHugetlbEntry {
    char *page_size; /* "2MB" */
    uint64_t usage;
    uint64_t max;
    uint64_t fail_count;
} CgroupHugetlbEntry;

typedef struct CgroupRdmaEntry {
    char *device;
    uint64_t hca_handles; /* in use */
    uint64_t hca_objects;
    uint64_t hca_handles_limit;
    uint64_t hca_objects_limit;
} CgroupRdmaEntry;

typedef struct CgroupStats {
    CgroupCpuStats cpu;
    CgroupCpusetStats cpuset;
    CgroupMemoryStats memory;
    CgroupPidsStats pids;
    CgroupIoStats block_io;
    struct {
        CgroupHugetlbEntry *items;
        size_t count;
        size_t capacity;
    } hugetlb;
    struct {
        CgroupRdmaEntry *items;
        size_t count;
        size_t capacity;
    } rdma;
} CgroupStats;

/* `CgroupStats stats = {}` has nothing to free. */
void cgroup_stats_done(CgroupStats *stats);

#define _cleanup_cgroup_stats_ _cleanup_(cgroup_stats_done)
