/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The files that every container has in its directory and sees below /etc: hostname, hosts and
 * resolv.conf, written as Docker writes them.
 */

#include "base/error.h"
#include "engine/container.h"

/* Errors: EXHAUSTED (no space), SYSTEM. */
int container_files_write(int directory_fd, const Container *container, Error *err);

/* The container's host name: the one asked for, the host's on its network, else the short id. Free
 * it. */
char *container_hostname(const Container *container);

/* Does it share the host's name? */
bool container_uses_host_uts(const Container *container);

/* Does it share the host's network? */
bool container_uses_host_network(const Container *container);
