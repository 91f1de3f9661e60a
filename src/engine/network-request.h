/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is asked of the networks of a container: the texts of --network and its like, what may be
 * combined, and what the configuration decides where nothing was said. Whether a network exists,
 * and has the address that is wanted, is not known here.
 */

#include "engine/container-spec.h"
#include "engine/engine.h"

/* Docker's options of drivers for what has a field of its own here. */
#define NETWORK_OPTION_INTERFACE "com.docker.network.endpoint.ifname"
#define NETWORK_OPTION_SYSCTLS "com.docker.network.endpoint.sysctls"

/* Networks by name, of ContainerSpec.network_mode (NULL: the default one, taken for a network); no
 * "none", "host", "container:NAME", "ns:PATH", "cni:NAME". */
bool network_mode_is_network(const char *mode);

/*
 * Take one --network into @spec: a mode, or networks as "NAME[,NAME...]", as
 * "NAME:alias=web,ip=10.0.0.2", or as "name=NAME,alias=web,ip=10.0.0.2", fields quoted as in CSV.
 * Errors: INVALID, UNSUPPORTED (a driver's option).
 */
int network_request_parse(const char *text, ContainerSpec *spec, Error *err);

/* Set one field of network_request_parse() but the name ("alias", "ip", "mac-address", ...); lists
 * grow. Errors: as above. */
int network_request_set(ContainerNetwork *network, const char *field, const char *value,
                        Error *err);

/*
 * Give the first network, or the default one, what @own has, options without a network of their
 * own (--ip, --network-alias); its contents move. Errors: INVALID (said for that network, too).
 */
int network_request_merge(ContainerSpec *spec, ContainerNetwork *own, Error *err);

/*
 * Take one --net-rate, "[NETWORK:]ingress=RATE,egress=RATE", into the networks of @spec, all of
 * them where none is named. RATE as of parse_bit_rate(). Errors: INVALID, NOT_FOUND (network).
 */
int network_request_parse_rates(const char *text, ContainerSpec *spec, Error *err);

void network_request_done(ContainerNetwork *network);
#define _cleanup_network_request_ _cleanup_(network_request_done)

/* "02:42:ac:11:00:02", or with "-"; false: it is none. */
bool network_mac_parse(const char *text, uint8_t ret[static 6]);

/* Check one for a network of its user's. Errors: INVALID. */
int network_request_validate(const ContainerNetwork *network, Error *err);

/* The part of container_spec_validate() that is about networks and published ports. */
int network_requests_validate(const ContainerSpec *spec, Error *err);

/* What may not be said of a container in another one's network, before it is made. Errors:
 * INVALID. */
int network_requests_check_joined(const ContainerSpec *spec, Error *err);

/*
 * Decide what is left open: the default network of the configuration. Warns of ports that are not
 * published. Errors: INVALID (combinations that only whoever makes it can tell).
 */
int network_requests_complete(Engine *engine, ContainerSpec *spec, Error *err);
