/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How registries are called: "host" or "host:port", and Docker Hub by one of its names. */

#include <stdbool.h>

#include "base/error.h"

/*
 * What people and files call a registry, "https://Host:5000/v1/" or "index.docker.io", as the
 * domain of a reference: without scheme and path, Docker Hub as "docker.io". The caller frees it.
 */
char *registry_host_from_address(const char *address);

/* The same, if it is one. Errors: INVALID. */
int registry_host_parse(const char *address, char **ret, Error *err);

/* "name", "name:port", "127.0.0.1:5000" or "[::1]:5000", and nothing else. */
bool registry_host_is_valid(const char *host);

/* localhost, 127.0.0.0/8 or ::1, with or without a port: what needs no TLS. Nothing is resolved. */
bool registry_host_is_loopback(const char *host);
