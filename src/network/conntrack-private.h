/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Flows of datagrams that the kernel remembers. NAT decides about a flow when it begins, and a flow
 * does not end while its client goes on sending: it would lead to a container that is gone, or past
 * one that has just come. Connections of TCP and SCTP end by themselves.
 *
 * @netlink speaks NETLINK_NETFILTER, the firewall's: closing another one that was opened behind a
 * transaction would wait for what that has deleted.
 */

#include "base/netlink.h"
#include "network/firewall.h"

/* After @ports were published: forget flows to them that lead elsewhere. */
void conntrack_forget_strays(Netlink *netlink, const FirewallPort *ports, size_t count);

/* After they were removed: forget flows that lead to their targets. */
void conntrack_forget_targets(Netlink *netlink, const FirewallPort *ports, size_t count);
