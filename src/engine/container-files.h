/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The files that every container has in its directory and sees below /etc: hostname, hosts and
 * resolv.conf, written as Docker writes them.
 */

#include "base/error.h"
#include "base/ip-address.h"
#include "engine/container.h"

#define CONTAINER_FILE_HOSTNAME "hostname"
#define CONTAINER_FILE_HOSTS "hosts"
#define CONTAINER_FILE_RESOLVERS "resolv.conf"

/* In the place of an address in --add-host: that of the host, as the container reaches it. */
#define CONTAINER_HOST_GATEWAY "host-gateway"

/* All of them, as they are without networks. Errors: EXHAUSTED (no space), SYSTEM. */
int container_files_write(int directory_fd, const Container *container, Error *err);

/* One of them. It stays the same file, so a running container sees the change. */
int container_file_write(int directory_fd, const char *name, const char *text, Error *err);

/* Add the lines of --add-host. @gateways are the host's addresses; none: such lines are left out.
 */
void container_extra_hosts(const Container *container, const StringList *gateways,
                           StringList *lines);

/* Add the line by which it knows itself at @address; none for no address. */
void container_own_host_line(const Container *container, const IpAddress *address,
                             StringList *lines);

/* The container's host name: the one asked for, the host's on its network, else the short id. Free
 * it. */
char *container_hostname(const Container *container);

/* Does it share the host's name? */
bool container_uses_host_uts(const Container *container);

/* Has it a network namespace that is nobody else's? */
bool container_owns_network(const Container *container);

/* Does it share the host's network? */
bool container_uses_host_network(const Container *container);
