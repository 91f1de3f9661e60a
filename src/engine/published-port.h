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

void published_port_done(PublishedPort *port);
void published_port_list_done(PublishedPortList *list);
/* A zeroed one, valid until the next is added. */
PublishedPort *published_port_list_add(PublishedPortList *list);
#define _cleanup_published_port_list_ _cleanup_(published_port_list_done)

/*
 * Reserve what container @id asks for (@bindings, and with @all each of @exposed that no binding
 * is of at a free port), for the families that it has, inside the caller's transaction. A port
 * without a number gets a free one of the host's ephemeral ones, of a range the first free one, the
 * same for all families. What it has already it keeps. *ret is all that this request came to.
 * Errors: CONFLICT, naming who has the port: another container, or a program of the host with its
 * pid; INVALID (an address that is none of the host's, or of a family that it has not), EXHAUSTED.
 */
typedef struct PublishRequest {
    const ContainerPortBindings *bindings;
    const StringList *exposed; /* always: lists show them */
    bool all;
    const char *default_address; /* for bindings without one; NULL: all of the host's */
    const StringList *allow;     /* of bindings that do not say it themselves; may be NULL */
    bool families[_IP_FAMILY_MAX];
} PublishRequest;
int published_ports_reserve(Engine *engine, const char *id, const PublishRequest *request,
                            PublishedPortList *ret, Error *err);

/* Those that container @id has now, by port; of all containers for NULL. */
int published_ports_list(Engine *engine, const char *id, PublishedPortList *ret, Error *err);

/* Give up all, or those in @ports. */
int published_ports_release(Engine *engine, const char *id, const PublishedPortList *ports,
                            Error *err);

/* Their ports as `ps` shows them, by id of the containers that have any, exposed ones, too. */
int published_ports_describe(Engine *engine, StringMap *ret, Error *err);

/*
 * Parse one --publish into bindings, one for each container port:
 * "[[ADDRESS:]PORT[-PORT]:]PORT[-PORT][/PROTOCOL]", IPv6 addresses in brackets, or
 * "published=PORT,target=PORT,protocol=PROTOCOL,mode=host". Errors: INVALID.
 */
int published_port_parse(const char *text, ContainerPortBindings *bindings, Error *err);

/* "80/tcp", "80-90/udp", "80": as --expose takes it, added as single ports. Errors: INVALID. */
int exposed_port_parse(const char *text, StringList *ports, Error *err);

/* What is published is exposed: add what of it is not. */
void exposed_ports_add_published(ContainerSpec *spec);

/* Add those of @exposed that no binding is of. */
void exposed_ports_without_bindings(const StringList *exposed,
                                    const ContainerPortBindings *bindings, StringList *ret);

/* "80/tcp" as its parts. Errors: INVALID. */
int container_port_parse(const char *text, uint16_t *ret_port, uint8_t *ret_protocol, Error *err);

/* "80/tcp", the container's. Free it. */
char *published_port_name(const PublishedPort *port);

/* "tcp"; NULL: no protocol that has ports. */
const char *port_protocol_to_string(uint8_t protocol);

/* Check the bindings of @spec, and who may connect. Errors: INVALID. */
int published_ports_validate(const ContainerSpec *spec, Error *err);

/* "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp", as `ps` shows it, ranges put together, with
 * what of @exposed is not published. Free it. */
char *published_ports_format(const PublishedPortList *ports, const StringList *exposed);

/*
 * Who of the host's programs has a port: tried with bind(2), which holds nothing afterwards.
 * Returns 0 where it is free. Errors: CONFLICT, naming the program; INVALID (no address of the
 * host's). -EAFNOSUPPORT, without a message: the host has no such family. (port-holder.c)
 */
int port_holder_check(const IpAddress *address, uint8_t protocol, uint16_t port, Error *err);
