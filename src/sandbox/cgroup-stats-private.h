/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading what control files count. Nothing fails: a file that is not there, or says something
 * else, leaves what it would have filled as it is.
 */

#include <stdio.h>

#include "sandbox/cgroup-private.h"
#include "sandbox/cgroup-stats.h"

/* The largest control file that is read: memory.stat of thousands of CPUs and nodes is far below.
 */
#define STATS_FILE_SIZE_MAX (4U << 20)

/* A line cut into words: name and values, at most STATS_WORDS_MAX. */
#define STATS_WORDS_MAX 16

typedef void (*StatsLineHandler)(char *const *words, size_t count, void *data);

/* Call @handler for each line of the file that has words. */
void stats_read_lines(int fd, const char *file, StatsLineHandler handler, void *data);

/* The single number in a file; "max" is CGROUP_UNLIMITED. 0 where there is none. */
uint64_t stats_read_number(int fd, const char *file);
uint64_t stats_parse(const char *text);
int64_t stats_read_signed(int fd, const char *file);

void stats_add_number(CgroupNumbers *numbers, uint64_t value);
void stats_add_io(CgroupIoTable *table, const char *device, const char *op, uint64_t value);

/* memory.stat; each line is kept in @ret->raw. */
void stats_read_memory_raw(int fd, CgroupMemoryStats *ret);
uint64_t stats_memory_raw(const CgroupMemoryStats *memory, const char *name);

/* "0-3,7" -> 0, 1, 2, 3, 7 */
void stats_read_list(int fd, const char *file, CgroupNumbers *ret);

/* For each page size that the cgroup has files of. */
void stats_read_hugetlb(int fd, bool is_v2, CgroupStats *ret);
void stats_read_pids(int fd, CgroupPidsStats *ret);
/* rdma.current and rdma.max, the same in both versions. */
void stats_read_rdma(int fd, CgroupStats *ret);

/* What this hierarchy counts of the cgroup. */
void stats_read_v1(const CgroupHierarchy *hierarchy, CgroupStats *ret);
void stats_read_v2(const CgroupHierarchy *hierarchy, CgroupStats *ret);
