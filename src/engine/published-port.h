/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ports of the host at which containers are reached. A row holds one while its container runs, and
 * is given up as an endpoint's addresses are.
 */

#include "base/error.h"
#include "base/ip-address.h"
#include "engine/container-spec.h"
#include "engine/engine.h"

typedef struct PublishedPort {
    IpAddress address; /* of the host; the wildcard: all that are its own */
    uint8_t protocol;  /* IPPROTO_TCP, UDP, SCTP */
    uint16_t host_port;
    uint16_t container_port;
    StringList allow; /* prefixes that may connect; empty: everybody */
} PublishedPort;

typedef struct PublishedPortList {
    PublishedPort *items;
    size_t count;
    size_t capacity;
} PublishedPortList;

void published_port_list_done(PublishedPortList *list);
#define _cleanup_published_port_list_ _cleanup_(published_port_list_done)

/*
 * Reserve what container @id asks for (@bindings, and with @all each of @exposed at a free port),
 * for the families that it has, inside the caller's transaction. A port without a number gets a
 * free one of the host's ephemeral ones, of a range the first free one. Errors: CONFLICT, naming
 * who has the port: another container, or a program of the host with its pid.
 */
typedef struct PublishRequest {
    const ContainerPortBindings *bindings;
    const StringList *exposed;
    bool all;
    const char *default_address; /* for bindings without one; NULL: all of the host's */
    bool families[_IP_FAMILY_MAX];
} PublishRequest;
int published_ports_reserve(Engine *engine, const char *id, const PublishRequest *request,
                            PublishedPortList *ret, Error *err);

/* Those that container @id has now, by port; of all containers for NULL. */
int published_ports_list(Engine *engine, const char *id, PublishedPortList *ret, Error *err);

/* Give up all, or those in @ports. */
int published_ports_release(Engine *engine, const char *id, const PublishedPortList *ports,
                            Error *err);

/*
 * Parse one --publish into bindings, one for each container port:
 * "[[ADDRESS:]PORT[-PORT]:]PORT[-PORT][/PROTOCOL]", IPv6 addresses in brackets. Errors: INVALID.
 */
int published_port_parse(const char *text, ContainerPortBindings *bindings, Error *err);

/* "80/tcp", "80-90/udp", "80": as --expose takes it, added as single ports. Errors: INVALID. */
int exposed_port_parse(const char *text, StringList *ports, Error *err);

/* "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp", as `ps` shows it, ranges put together. Free it. */
char *published_ports_format(const PublishedPortList *ports, const StringList *exposed);
