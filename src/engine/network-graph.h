/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What there is of networks right now, to be drawn: what the kernel has, with the names that rows
 * know it by. Boxes stand in three columns: interfaces of the host, networks, containers; lines
 * between networks and containers are the containers' links.
 */

#include <stddef.h>

#include "base/error.h"
#include "base/string-list.h"
#include "engine/engine.h"

#define GRAPH_NONE ((size_t)-1)

typedef enum GraphColumn {
    GRAPH_HOST,
    GRAPH_NETWORK,
    GRAPH_CONTAINER,
    _GRAPH_COLUMN_MAX,
} GraphColumn;

typedef struct GraphBox {
    GraphColumn column;
    char *title;      /* a network's or container's name, an interface's of the host */
    char *kind;       /* "bridge cay0", "vlan 10"; "": nothing to say */
    StringList facts; /* addresses, ports, ... */
    size_t parent;    /* of interfaces and networks: what they hang on; GRAPH_NONE: nothing */
} GraphBox;

typedef struct GraphEdge {
    size_t network;       /* a box that is no container */
    size_t container;     /* one that is */
    char *outside;        /* name of the end on the host; NULL: there is none */
    char *inside;         /* in the container */
    StringList addresses; /* of that */
} GraphEdge;

typedef struct NetworkGraph {
    GraphBox *boxes; /* interfaces, then networks, then containers, each by name */
    size_t n_boxes;
    size_t boxes_capacity;
    GraphEdge *edges; /* by container */
    size_t n_edges;
    size_t edges_capacity;
} NetworkGraph;

void network_graph_done(NetworkGraph *graph);
#define _cleanup_network_graph_ _cleanup_(network_graph_done)

/* With @names only these networks, what they hang on, and who is in them. Errors: those of
 * network_find(), SYSTEM. */
int network_graph_read(Engine *engine, const StringList *names, NetworkGraph *ret, Error *err);
