/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Limits: what the container's cgroup is given. */

#include "engine/container-spec.h"
#include "sandbox/runtime-config.h"

/* A container that does not say otherwise gets at most this many processes and threads. */
#define CONTAINER_DEFAULT_PIDS_LIMIT 2048

/* Period of the CPU quota in microseconds. */
#define CONTAINER_CPU_PERIOD 100000

/* Fill in all limits but the device rules; block devices are looked up on the host. Errors:
 * NOT_FOUND, INVALID (no block device). */
int config_make_resources(LinuxResources *resources, const ContainerSpec *spec, Error *err);
