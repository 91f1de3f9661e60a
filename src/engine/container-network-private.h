/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files about a container's networks share: all that rows say of one container, and each
 * of the places that has to know it. */

#include "engine/container-network.h"
#include "engine/container-private.h"
#include "network/dns-client.h"
#include "network/firewall.h"
#include "network/network-link.h"

#define NO_ENDPOINT SIZE_MAX

/* A container's endpoints by position, each with its network, and its ports. */
typedef struct NetworkView {
    Engine *engine;
    const Container *container;
    EndpointList endpoints;
    NetworkList networks; /* of the endpoint with the same index */
    PublishedPortList ports;
} NetworkView;

int network_view_load(Engine *engine, const Container *container, NetworkView *ret, Error *err);

/* Have its networks ready for use. Not inside a transaction. */
int network_view_prepare(NetworkView *view, Error *err);

void network_view_done(NetworkView *view);
#define _cleanup_network_view_ _cleanup_(network_view_done)

/* The endpoint that has the default route of a family, and so the published ports; NO_ENDPOINT:
 * none has. */
size_t network_view_gateway(const NetworkView *view, IpFamily family);

/* The endpoint in the network with this id, or NO_ENDPOINT. */
size_t network_view_find(const NetworkView *view, const char *network);

/* As it will be without this endpoint. */
void network_view_drop(NetworkView *view, size_t index);

/* Has any of its networks an address for it? */
bool network_view_is_leased(const NetworkView *view);

/* What network_attach() is to make of one endpoint. Valid as long as the view is. */
int network_view_attachment(const NetworkView *view, size_t index, NetworkAttachment *ret,
                            Error *err);

/* Is it one of those whose containers know each other by name? Not the default bridge. */
bool network_has_names(const Network *network);

/* Addresses and ports for what has none yet, in one transaction. (container-network-lease.c) */
int network_view_lease(NetworkView *view, Error *err);
/* What is asked of published_ports_reserve() for @bindings of the container. */
void network_view_publish_request(const NetworkView *view, const ContainerPortBindings *bindings,
                                  PublishRequest *ret);
/* Give up all of them. What cannot be is given up with the container's row. */
void network_view_unlease(Engine *engine, const Container *container);

/*
 * Until *ret_fd is closed nobody else changes the networks of container @id: they are changed by
 * its start, by its shim's restart, and by whoever connects it to another. It has no claim.
 */
int container_network_lock(Engine *engine, const char *id, int *ret_fd, Error *err);

/* Add the ids of all containers that have an address or a port now. */
int container_network_list_leased(Engine *engine, StringList *ids, Error *err);

/* --- in the kernel (container-network-links.c) --- */

/* A container's network namespace, as a handle. */
typedef struct NetworkNamespace {
    int fd;
    int pidfd; /* of the process that it was opened of, a living one */
} NetworkNamespace;

#define NETWORK_NAMESPACE_INIT                                                                     \
    (NetworkNamespace)                                                                             \
    {                                                                                              \
        .fd = -EBADF, .pidfd = -EBADF                                                              \
    }

/* That of @pid, which has to be one of the container's. CONFLICT: it has ended. */
int network_namespace_open(const Container *container, pid_t pid, NetworkNamespace *ret,
                           Error *err);
void network_namespace_done(NetworkNamespace *namespace);
#define _cleanup_network_namespace_ _cleanup_(network_namespace_done)

/* Make links for @count endpoints from @first, and write down what they got. */
int network_view_attach(NetworkView *view, size_t first, size_t count, int netns_fd, Error *err);

/* Take a link away, as far as it is there. */
void network_view_detach(const NetworkView *view, size_t index, int netns_fd);

/*
 * Its namespace ends with its last process, and its links with that; but not where other containers
 * have joined it: then they are taken away, so that its addresses can be somebody else's.
 */
void network_view_leave_joined(const NetworkView *view);

/* Links have gone with the namespace, or will: remove what of them would stay on the host. */
int network_view_release_links(const NetworkView *view, Error *err);

/* --- the firewall (container-network-firewall.c) --- */

/* Have the firewall know the networks of @view and lead its ports to it. */
int container_firewall_add(const NetworkView *view, Error *err);
/* Lead its ports to where @after has them, none of them being closed in between. */
int container_firewall_move(const NetworkView *before, const NetworkView *after, Error *err);
/* Take its ports out. */
int container_firewall_remove(const NetworkView *view, Error *err);
/* Make it anew from all that rows say, where it is not whole or with @force. */
int container_firewall_repair(Engine *engine, bool force, Error *err);

/* --- names (container-network-names.c) --- */

/* Does cay-dns answer it? */
bool network_view_needs_dns(const NetworkView *view);
/* Do those on the default bridge that ask for no servers of their own? */
bool container_bridge_needs_dns(void);
int container_names_register(const NetworkView *view, const NetworkNamespace *namespace,
                             Error *err);
/* Names or networks have changed. */
int container_names_update(const NetworkView *view, Error *err);
int container_names_forget(Engine *engine, const char *id, Error *err);
/* Add the ids of those that cay-dns serves. */
int container_names_list(Engine *engine, StringList *ids, Error *err);

/* --- files (container-network-files.c) --- */

/* Write hosts and resolv.conf as its networks have them. */
int container_network_files_write(const NetworkView *view, Error *err);
/* Edit them for one that runs: what it has written itself stays. */
int container_network_files_update(const NetworkView *before, const NetworkView *after, Error *err);
