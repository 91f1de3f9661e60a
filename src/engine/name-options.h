/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a container is told of names: the texts of --dns, --dns-search, --dns-option, --add-host and
 * --link. They end in files that are read line by line, so blanks are refused. */

#include "engine/container-spec.h"

/* A stand-in for the host's address, as the container reaches it. */
#define HOST_GATEWAY "host-gateway"

/* Letters, digits, '-', '_' and '.', at most 253. */
bool host_name_is_valid(const char *name);

/* "NAME:ADDRESS" or "NAME=ADDRESS", an IPv6 address with or without brackets, to the first of
 * these, without; the caller frees it. Errors: INVALID. */
int extra_host_parse(const char *text, char **ret, Error *err);

/* "CONTAINER[:ALIAS]". Errors: INVALID. */
int link_option_validate(const char *text, Error *err);

/* All of ContainerSpec that is about names. Errors: INVALID. */
int name_options_validate(const ContainerSpec *spec, Error *err);
