/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a running container uses right now, and which processes it has. */

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "engine/container.h"

/* All zero for a container that does not run. */
typedef struct ContainerStats {
    int64_t time;          /* CLOCK_MONOTONIC, nanoseconds: when this was so */
    uint64_t cpu;          /* nanoseconds, of all processors together, since its start */
    uint64_t memory;       /* bytes, without what the kernel takes back as soon as it wants */
    uint64_t memory_limit; /* bytes; the machine's memory where there is no other limit */
    uint64_t pids;
    uint64_t block_read; /* bytes, since its start */
    uint64_t block_written;
    uint64_t network_received; /* bytes; zero where it has no network of its own */
    uint64_t network_sent;
    uint64_t network_received_packets;
    uint64_t network_sent_packets;
} ContainerStats;

/*
 * @container as container_list_live() has it. One that ends meanwhile is as one that does not run.
 * Errors: SYSTEM.
 */
int container_read_stats(const Container *container, ContainerStats *ret, Error *err);

/*
 * The processes of the container named @name, ascending, as the host numbers them; free the array.
 * Errors: NOT_FOUND, CONFLICT (it does not run).
 */
int container_list_pids(Engine *engine, const char *name, pid_t **ret_pids, size_t *ret_count,
                        Error *err);
