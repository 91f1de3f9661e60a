/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The networks of a container while it lives: links into its network namespace, ports, names and
 * files. Order of a start: rows are leased in one transaction, links are made, the firewall gets
 * its elements, cay-dns its names; at the end the firewall's elements and names go first, then the
 * rows, so that an address is never somebody else's while the firewall still leads to it. Links end
 * with the namespace.
 */

#include "engine/container.h"
#include "engine/network.h"
#include "engine/published-port.h"

/* Does it have links of its own, so that there is something to do at all? Not with the modes
 * "none", "host", "container:", "ns:". */
bool container_has_links(const Container *container);

/* Decide what a network mode that names another container stands for: before its row is inserted.
 * Errors: NOT_FOUND. */
int container_network_resolve(Engine *engine, ContainerSpec *spec, Error *err);

/* Record its networks: in the transaction that inserts its row. Errors: those of network_find(),
 * endpoint_insert(). */
int container_network_insert(Engine *engine, const Container *container, Error *err);

/*
 * Plug @container, whose first process @pid waits in its namespaces: at a start by the engine, and
 * at one by its restart policy (`cay container plug ID`, which its shim calls). Nothing stays when
 * it fails.
 */
int container_network_plug(Engine *engine, const Container *container, pid_t pid, Error *err);

/* It has ended, or failed to start: what is on the host for it goes. May be repeated; what cannot
 * be undone is warned of. Before its row says so. */
void container_network_release(Engine *engine, const Container *container);

/* A start that came to nothing: release it, and give its addresses and ports up, as no end of it
 * will. */
void container_network_unplug(Engine *engine, const Container *container);

/* It has another name now: others in its networks find it by that. What fails is warned of. */
void container_network_rename(Engine *engine, const Container *container);

/* `cay network connect` and `disconnect`, of a container in any state. Errors: NOT_FOUND, CONFLICT
 * (it is in there already, it shares another one's network), INVALID. */
int container_network_connect(Engine *engine, const char *network, const char *container,
                              const ContainerNetwork *request, Error *err);
int container_network_disconnect(Engine *engine, const char *network, const char *container,
                                 bool force, Error *err);

/* Publish more ports in @spec, and no more those that @remove matches, whose open parts match
 * anything. Errors: NOT_FOUND (nothing matches). */
int container_port_bindings_change(ContainerSpec *spec, const ContainerPortBindings *add,
                                   const ContainerPortBindings *remove, Error *err);

/*
 * Have a container that may run publish what @next says instead of its own specification. May be
 * repeated by whoever finishes it for one that was killed. Errors: those of
 * published_ports_reserve(), CONFLICT (it has no network), firewall_add_ports().
 */
int container_network_publish(Engine *engine, const Container *container, const ContainerSpec *next,
                              Error *err);

/* Have @spec say the rates of all networks that @container is in now, by their names. */
int container_network_list_rates(Engine *engine, const Container *container, ContainerSpec *spec,
                                 Error *err);

/* The same as container_network_publish() with the rates of its links. Errors: UNSUPPORTED (the
 * network or the kernel has no limits). */
int container_network_set_rates(Engine *engine, const Container *container,
                                const ContainerSpec *next, Error *err);

/*
 * Bring links, firewall and cay-dns to what the rows say: after a boot, a `nft flush ruleset`, or
 * the death of cay-dns. With @force everything is made anew (`cay network reload`), else only what
 * is found missing; that costs nothing where no container has links.
 */
int container_network_repair(Engine *engine, bool force, Error *err);
