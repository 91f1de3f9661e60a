/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * linux.netDevices: network devices of the host that move into the container's network namespace.
 * They keep what the kernel keeps (hardware address, MTU) and their permanent addresses of global
 * scope, get their new name, and are up. What becomes of them later is the kernel's: with the
 * namespace virtual ones end, and physical ones go back to the host.
 */

#include "base/cleanup.h"
#include "base/error.h"
#include "sandbox/runtime-config.h"

typedef struct NetDeviceMove NetDeviceMove;

/*
 * Move the devices of @config from our network namespace into another: @target_fd is a socket of
 * netlink_open() in it, @namespace_fd a handle of it. Both stay the caller's. What was moved before
 * a failure is back. Errors: NOT_FOUND (no such device), CONFLICT (the name is taken inside),
 * DENIED (it takes CAP_NET_ADMIN on both sides), SYSTEM.
 */
int net_devices_move(const LinuxConfig *config, int target_fd, int namespace_fd,
                     NetDeviceMove **ret, Error *err);

/* Leave them where they are now. */
void net_devices_commit(NetDeviceMove *move);

/* Unless committed, move them back as they were: name, addresses and whether they are up. What was
 * routed through them is not known and does not come back. */
void net_devices_free(NetDeviceMove *move);
DEFINE_CLEANUP(NetDeviceMove *, net_devices_free);
