/* SPDX-License-Identifier: Apache-2.0 */

/* From links and rows to boxes and lines. The kernel is right about what there is, rows about what
 * it is called and what it is for. */

#include "engine/network-graph-private.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/memory.h"
#include "engine/container-private.h"
#include "engine/network.h"
#include "engine/published-port.h"
#include "network/network-survey.h"

#define LOOPBACK "lo"

/* What the boxes are made of, and which of them stands for what. */
typedef struct Drawing {
    Engine *engine;
    NetworkGraph *graph;
    NetworkSurvey host;
    struct stat host_namespace;
    NetworkList networks;
    size_t *of_link;    /* box of the host's link with the same position, or GRAPH_NONE */
    size_t *of_network; /* the same of a network */
    ContainerList containers;
} Drawing;

static void drawing_done(Drawing *drawing)
{
    network_survey_done(&drawing->host);
    network_list_done(&drawing->networks);
    container_list_done(&drawing->containers);
    free(drawing->of_link);
    free(drawing->of_network);
}

static void set_kind(GraphBox *box, char *kind)
{
    free(box->kind);
    box->kind = kind;
}

static void add_addresses(StringList *list, const SurveyLink *link)
{
    for (size_t i = 0; i < link->addresses.count; i++) {
        const IpPrefix *prefix = &link->addresses.items[i];
        char text[IP_PREFIX_TEXT_MAX];
        bool is_link_local = prefix->address.family == AF_INET6 &&
                             prefix->address.bytes[0] == 0xfe &&
                             (prefix->address.bytes[1] & 0xc0) == 0x80;

        if (!is_link_local) /* each has one, and nobody is reached by it */
            string_list_add(list, ip_prefix_format(prefix, text));
    }
}

static bool is_kind(const SurveyLink *link, const char *kind)
{
    return strcmp(link->kind, kind) == 0;
}

/* "vxlan 42, port 4789", "to 192.0.2.18" */
static void add_tunnel(StringList *facts, const SurveyLink *link)
{
    char text[IP_ADDRESS_TEXT_MAX];

    string_list_printf(facts, "vxlan %u, port %u", link->vni, link->port);
    if (ip_address_is_set(&link->group))
        string_list_printf(facts, "to group %s", ip_address_format(&link->group, text));
    for (size_t i = 0; i < link->remotes.count; i++)
        string_list_printf(facts, "to %s",
                           ip_address_format(&link->remotes.items[i].address, text));
}

/* --- the host's links --- */

/* Ends of containers' links, what limits their rates, and the loopback are no boxes. */
static bool has_box(const SurveyLink *link)
{
    bool is_port = link->master != 0 && (is_kind(link, "veth") || is_kind(link, "vxlan"));

    return strcmp(link->name, LOOPBACK) != 0 && !is_kind(link, "ifb") && !is_port;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const SurveyLink *const *)a)->name, (*(const SurveyLink *const *)b)->name);
}

static void describe_link(GraphBox *box, const SurveyLink *link)
{
    if (is_kind(link, "vlan"))
        set_kind(box, memory_printf("vlan %u", link->vlan));
    else
        set_kind(box, memory_printf("%s%s%s", link->kind, *link->mode ? " " : "", link->mode));
    if (!(link->flags & IFF_UP))
        string_list_add(&box->facts, "down");
    add_addresses(&box->facts, link);
    if (is_kind(link, "vxlan"))
        add_tunnel(&box->facts, link);
}

/* Boxes of one column, by name: bridges are networks, all else is the host's. */
static void add_links(Drawing *drawing, GraphColumn column)
{
    const NetworkSurvey *host = &drawing->host;
    _cleanup_free_ const SurveyLink **sorted = NEW_ARRAY(const SurveyLink *, host->count + 1);
    size_t count = 0;

    for (size_t i = 0; i < host->count; i++) {
        const SurveyLink *link = &host->links[i];

        if (has_box(link) && is_kind(link, "bridge") == (column == GRAPH_NETWORK) &&
            drawing->of_link[i] == GRAPH_NONE)
            sorted[count++] = link;
    }
    if (count > 1)
        qsort(sorted, count, sizeof(*sorted), compare_names);
    for (size_t i = 0; i < count; i++) {
        size_t box = graph_add_box(drawing->graph, column, sorted[i]->name);

        describe_link(&drawing->graph->boxes[box], sorted[i]);
        drawing->of_link[sorted[i] - host->links] = box;
    }
}

static size_t box_of_link(const Drawing *drawing, const SurveyLink *link)
{
    return link ? drawing->of_link[link - drawing->host.links] : GRAPH_NONE;
}

/* What hangs on what: a vlan on its parent, a bridge on the hardware that is one of its ports. */
static void connect_links(Drawing *drawing)
{
    const NetworkSurvey *host = &drawing->host;

    for (size_t i = 0; i < host->count; i++) {
        const SurveyLink *link = &host->links[i];
        size_t box = drawing->of_link[i];
        size_t master = box_of_link(drawing, network_survey_find(host, link->master));
        const SurveyLink *below =
            link->is_peer_elsewhere ? NULL : network_survey_find(host, link->peer);

        if (box != GRAPH_NONE && below && !is_kind(link, "veth"))
            drawing->graph->boxes[box].parent = box_of_link(drawing, below);
        if (box != GRAPH_NONE && master != GRAPH_NONE)
            drawing->graph->boxes[master].parent = box;
        if (master != GRAPH_NONE && is_kind(link, "vxlan"))
            add_tunnel(&drawing->graph->boxes[master].facts, link);
    }
}

/* --- networks --- */

static bool is_drawn(const Network *network)
{
    return strcmp(network->spec.name, NETWORK_HOST) != 0 &&
           strcmp(network->spec.name, NETWORK_NONE) != 0;
}

static const SurveyLink *link_named(const Drawing *drawing, const char *name)
{
    return name ? network_survey_find_name(&drawing->host, name) : NULL;
}

static void add_subnets(GraphBox *box, const NetworkSpec *spec)
{
    for (size_t i = 0; i < spec->subnets.count; i++)
        if (spec->subnets.items[i].subnet)
            string_list_add(&box->facts, spec->subnets.items[i].subnet);
}

/* One with a bridge is that bridge, by its own name; others hang on their parent. */
static void add_network(Drawing *drawing, size_t index)
{
    const NetworkSpec *spec = &drawing->networks.items[index]->spec;
    const SurveyLink *link = link_named(drawing, spec->interface);
    size_t position = graph_add_box(drawing->graph, GRAPH_NETWORK, spec->name);
    GraphBox *box = &drawing->graph->boxes[position];
    const NetworkDriver *driver = network_driver_find(spec->driver);
    bool is_bridge = link && is_kind(link, "bridge");

    drawing->of_network[index] = position;
    if (is_bridge && drawing->of_link[link - drawing->host.links] == GRAPH_NONE)
        drawing->of_link[link - drawing->host.links] = position;
    set_kind(box, memory_printf("%s%s%s", spec->driver, is_bridge || spec->mode ? " " : "",
                                is_bridge    ? spec->interface
                                : spec->mode ? spec->mode
                                             : ""));
    if (spec->is_internal)
        string_list_add(&box->facts, "internal");
    if (is_bridge && spec->vlan > 0)
        string_list_printf(&box->facts, "vlan %u", spec->vlan);
    if (is_bridge && !(link->flags & IFF_UP))
        string_list_add(&box->facts, "down");
    if (!is_bridge && driver && network_driver_is_routed(driver))
        string_list_add(&box->facts, "not there");
    if (is_bridge && link->addresses.count > 0)
        add_addresses(&box->facts, link);
    else
        add_subnets(box, spec);
}

static void connect_networks(Drawing *drawing)
{
    for (size_t i = 0; i < drawing->networks.count; i++) {
        const NetworkSpec *spec = &drawing->networks.items[i]->spec;
        const SurveyLink *link = link_named(drawing, spec->interface);
        size_t box = drawing->of_network[i];

        if (box == GRAPH_NONE || drawing->graph->boxes[box].parent != GRAPH_NONE)
            continue;
        if (!link || box_of_link(drawing, link) == box)
            link = link_named(drawing, spec->parent);
        if (link && box_of_link(drawing, link) != box)
            drawing->graph->boxes[box].parent = box_of_link(drawing, link);
    }
}

/* --- containers --- */

static GraphEdge *add_edge(NetworkGraph *graph, size_t network, size_t container,
                           const SurveyLink *inside)
{
    GraphEdge *edge;

    graph->edges = memory_grow(graph->edges, &graph->edges_capacity, graph->n_edges + 1,
                               sizeof(*graph->edges));
    edge = &graph->edges[graph->n_edges++];
    *edge = (GraphEdge) { .network = network,
                          .container = container,
                          .inside = memory_strdup(inside->name) };
    add_addresses(&edge->addresses, inside);
    return edge;
}

/* The host's end of a pair whose other end is @inside. Its own index is what the other one knows:
 * that tells it from a pair between two containers. */
static const SurveyLink *other_end(const Drawing *drawing, const SurveyLink *inside)
{
    const SurveyLink *link = network_survey_find(&drawing->host, inside->peer);

    return inside->is_peer_elsewhere && link && is_kind(link, "veth") && link->is_peer_elsewhere &&
                   link->peer == inside->index
               ? link
               : NULL;
}

static size_t box_of_endpoint(const Drawing *drawing, const EndpointList *endpoints,
                              const char *interface)
{
    for (size_t i = 0; i < endpoints->count; i++) {
        const Endpoint *endpoint = &endpoints->items[i];

        if (!endpoint->interface || strcmp(endpoint->interface, interface) != 0)
            continue;
        for (size_t j = 0; j < drawing->networks.count; j++)
            if (strcmp(drawing->networks.items[j]->spec.id, endpoint->network) == 0)
                return drawing->of_network[j];
    }
    return GRAPH_NONE;
}

static void add_inside(Drawing *drawing, size_t box, const SurveyLink *inside,
                       const EndpointList *endpoints)
{
    const SurveyLink *outside = is_kind(inside, "veth") ? other_end(drawing, inside) : NULL;
    size_t network = GRAPH_NONE;
    GraphEdge *edge;

    if (outside && outside->master != 0)
        network = box_of_link(drawing, network_survey_find(&drawing->host, outside->master));
    else if (outside)
        network = box_of_link(drawing, outside);
    if (network == GRAPH_NONE)
        network = box_of_endpoint(drawing, endpoints, inside->name);
    if (network == GRAPH_NONE && inside->is_peer_elsewhere && !is_kind(inside, "veth"))
        network = box_of_link(drawing, network_survey_find(&drawing->host, inside->peer));
    if (network == GRAPH_NONE) {
        StringList *facts = &drawing->graph->boxes[box].facts;

        string_list_printf(facts, "%s%s%s", inside->name, *inside->kind ? " " : "", inside->kind);
        add_addresses(facts, inside);
        return;
    }
    edge = add_edge(drawing->graph, network, box, inside);
    edge->outside = outside ? memory_strdup(outside->name) : NULL;
}

static int add_ports(Drawing *drawing, size_t box, const Container *container, Error *err)
{
    _cleanup_published_port_list_ PublishedPortList ports = {};
    StringList *facts = &drawing->graph->boxes[box].facts;
    int r = published_ports_list(drawing->engine, container->id, &ports, err);

    for (size_t i = 0; i < ports.count; i++) {
        const PublishedPort *port = &ports.items[i];
        bool is_v6 = port->address.family == AF_INET6;
        char address[IP_ADDRESS_TEXT_MAX];

        string_list_printf(facts, "%s%s%s:%u->%u/%s", is_v6 ? "[" : "",
                           ip_address_format(&port->address, address), is_v6 ? "]" : "",
                           port->host_port, port->container_port,
                           port_protocol_to_string(port->protocol));
    }
    return r;
}

/* What a container is in that has no links to be drawn. 1: it has some. */
static int describe_sharing(Drawing *drawing, size_t box, const Container *container,
                            const struct stat *namespace)
{
    GraphBox *drawn = &drawing->graph->boxes[box];
    const char *mode = container->spec.network_mode;

    if (namespace->st_ino == drawing->host_namespace.st_ino &&
        namespace->st_dev == drawing->host_namespace.st_dev) {
        set_kind(drawn, memory_strdup("network of the host"));
        return 0;
    }
    if (container_mode_joined(mode)) {
        _cleanup_(container_freep) Container *other = NULL;

        (void)container_find(drawing->engine, container_mode_joined(mode), &other, NULL);
        set_kind(drawn, memory_printf("network of '%s'",
                                      other ? other->name : container_mode_joined(mode)));
        return 0;
    }
    if (mode && (strncmp(mode, "ns:", 3) == 0 || strncmp(mode, "cni:", 4) == 0))
        set_kind(drawn, memory_strdup(mode));
    return 1;
}

static int read_inside(Drawing *drawing, size_t box, const Container *container, int netns_fd,
                       Error *err)
{
    _cleanup_network_survey_ NetworkSurvey inside = {};
    _cleanup_endpoint_list_ EndpointList endpoints = {};
    int r = network_survey(netns_fd, &inside, err);

    if (r >= 0)
        r = endpoint_list_of_container(drawing->engine, container->id, &endpoints, err);
    for (size_t i = 0; i < inside.count && r >= 0; i++)
        if (strcmp(inside.links[i].name, LOOPBACK) != 0)
            add_inside(drawing, box, &inside.links[i], &endpoints);
    return r < 0 ? r : add_ports(drawing, box, container, err);
}

/* One that has ended meanwhile is left out. */
static int add_container(Drawing *drawing, const Container *container, Error *err)
{
    _cleanup_close_ int netns_fd = -EBADF;
    struct stat namespace;
    size_t box;

    if (container_open_process_file(container, "ns/net", &netns_fd, NULL) < 0)
        return 0;
    if (fstat(netns_fd, &namespace) < 0)
        return error_errno(err, "look at the network namespace of container '%s'", container->name);
    box = graph_add_box(drawing->graph, GRAPH_CONTAINER, container->name);
    if (describe_sharing(drawing, box, container, &namespace) == 0)
        return 0;
    return read_inside(drawing, box, container, netns_fd, err);
}

static int compare_containers(const void *a, const void *b)
{
    return strcmp((*(Container *const *)a)->name, (*(Container *const *)b)->name);
}

static int add_containers(Drawing *drawing, Error *err)
{
    ContainerList *list = &drawing->containers;
    int r = container_list_live(drawing->engine, CONTAINER_LIST_UP, list, err);

    if (r >= 0 && list->count > 1)
        qsort(list->items, list->count, sizeof(*list->items), compare_containers);
    for (size_t i = 0; i < list->count && r >= 0; i++)
        if (list->items[i]->pid > 0)
            r = add_container(drawing, list->items[i], err);
    return r;
}

/* --- all of it --- */

static int read_sources(Drawing *drawing, Error *err)
{
    int r = network_survey(-EBADF, &drawing->host, err);

    if (r >= 0)
        r = network_list(drawing->engine, &drawing->networks, err);
    if (r < 0)
        return r;
    if (stat("/proc/self/ns/net", &drawing->host_namespace) < 0)
        return error_errno(err, "look at the network namespace of the host");
    drawing->of_link = NEW_ARRAY(size_t, drawing->host.count + 1);
    drawing->of_network = NEW_ARRAY(size_t, drawing->networks.count + 1);
    memset(drawing->of_link, 0xff, sizeof(size_t) * drawing->host.count); /* GRAPH_NONE */
    memset(drawing->of_network, 0xff, sizeof(size_t) * drawing->networks.count);
    return 0;
}

static int draw(Drawing *drawing, Error *err)
{
    add_links(drawing, GRAPH_HOST);
    for (size_t i = 0; i < drawing->networks.count; i++)
        if (is_drawn(drawing->networks.items[i]))
            add_network(drawing, i);
    add_links(drawing, GRAPH_NETWORK); /* bridges that are no network's */
    connect_links(drawing);
    connect_networks(drawing);
    return add_containers(drawing, err);
}

/* Mark the named networks, what they hang on and who is in them. */
static int mark(Drawing *drawing, const StringList *names, bool *keep, Error *err)
{
    const NetworkGraph *graph = drawing->graph;

    for (size_t i = 0; i < names->count; i++) {
        _cleanup_(network_freep) Network *network = NULL;
        int r = network_find(drawing->engine, names->items[i], &network, err);

        if (r < 0)
            return r;
        for (size_t j = 0; j < drawing->networks.count; j++)
            if (strcmp(drawing->networks.items[j]->spec.id, network->spec.id) == 0 &&
                drawing->of_network[j] != GRAPH_NONE)
                keep[drawing->of_network[j]] = true;
    }
    for (size_t i = 0; i < graph->n_edges; i++)
        if (keep[graph->edges[i].network])
            keep[graph->edges[i].container] = true;
    for (size_t i = 0; i < graph->n_boxes; i++)
        for (size_t j = graph->boxes[i].parent; keep[i] && j != GRAPH_NONE && !keep[j];
             j = graph->boxes[j].parent)
            keep[j] = true;
    return 0;
}

int network_graph_read(Engine *engine, const StringList *names, NetworkGraph *ret, Error *err)
{
    _cleanup_network_graph_ NetworkGraph graph = {};
    _cleanup_(drawing_done) Drawing drawing = { .engine = engine, .graph = &graph };
    _cleanup_free_ bool *keep = NULL;
    int r = read_sources(&drawing, err);

    if (r >= 0)
        r = draw(&drawing, err);
    if (r < 0)
        return r;
    if (names->count > 0) {
        keep = NEW_ARRAY(bool, graph.n_boxes + 1);
        r = mark(&drawing, names, keep, err);
        if (r < 0)
            return r;
        graph_keep(&graph, keep);
    }
    *ret = graph;
    graph = (NetworkGraph) {};
    return 0;
}
