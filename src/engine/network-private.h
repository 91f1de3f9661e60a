/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files about networks share: rows, the choice of subnets, leases. */

#include "engine/engine-private.h"
#include "engine/network.h"
#include "network/address-pool.h"

/* --- rows (network-store.c) --- */

/* NOT_FOUND when there is no such row. */
int network_row_load(Engine *engine, const char *id, Network **ret, Error *err);

/* Errors: CONFLICT (it is taken), as of the next one. */
int network_check_name_is_free(Engine *engine, const char *name, Error *err);

int network_row_insert(Engine *engine, const Network *network, Error *err);

/* What is decided after it was made: of the default network. */
int network_row_update(Engine *engine, const Network *network, Error *err);

/* The row goes, and what is left of it on the host is remembered until it is gone too. */
int network_row_retire(Engine *engine, const Network *network, Error *err);
int network_row_forget(Engine *engine, const char *id, Error *err);

/* Those that were retired and not forgotten. */
int network_list_retired(Engine *engine, NetworkList *ret, Error *err);

/* --- subnets (network-subnet.c) --- */

/*
 * Who decides about subnets, or makes or removes what networks have on the host, holds this lock:
 * until *ret_fd is closed nobody else on this host does, whatever state directory they have.
 */
int network_lock(int *ret_fd, Error *err);

/*
 * Fill in the subnets and gateways that @spec leaves open, and check those that it has against the
 * other networks and the host's routes. The caller holds the lock. Errors: EXHAUSTED, INVALID,
 * CONFLICT (with what it overlaps).
 */
int network_choose_subnets(Engine *engine, NetworkSpec *spec, Error *err);

/* --- the firewall (container-network-firewall.c) --- */

/* Have it forget a network that is removed. That it knows nothing of it is no error. */
int network_firewall_remove(Engine *engine, const NetworkSpec *spec, Error *err);

/* --- leases (network-lease.c) --- */

/* All that containers may have of a network is free. Inside the transaction that completes it. */
int network_lease_init(Engine *engine, const NetworkSpec *spec, Error *err);
