/* SPDX-License-Identifier: Apache-2.0 */

/* A graph of networks as text and as a picture. */

#include "check.h"

#include <string.h>

#include "base/memory.h"
#include "cli/graph-draw.h"

static GraphBox box(GraphColumn column, const char *title, const char *kind, size_t parent,
                    const char *facts)
{
    GraphBox made = { .column = column,
                      .title = memory_strdup(title),
                      .kind = memory_strdup(kind),
                      .parent = parent };

    if (*facts)
        string_list_split(&made.facts, facts, ' ');
    return made;
}

static GraphEdge edge(size_t network, size_t container, const char *outside, const char *inside,
                      const char *address)
{
    GraphEdge made = { .network = network,
                       .container = container,
                       .outside = memory_strdup(outside),
                       .inside = memory_strdup(inside) };

    string_list_add(&made.addresses, address);
    return made;
}

static void fill(NetworkGraph *graph, const GraphBox *boxes, size_t n_boxes, const GraphEdge *edges,
                 size_t n_edges)
{
    *graph = (NetworkGraph) { .n_boxes = n_boxes, .n_edges = n_edges };
    graph->boxes = memory_new(n_boxes, sizeof(GraphBox));
    for (size_t i = 0; i < n_boxes; i++)
        graph->boxes[i] = boxes[i];
    graph->edges = memory_new(n_edges + 1, sizeof(GraphEdge));
    for (size_t i = 0; i < n_edges; i++)
        graph->edges[i] = edges[i];
}

static void make_graph(NetworkGraph *graph)
{
    const GraphBox boxes[] = {
        box(GRAPH_HOST, "eth0", "", GRAPH_NONE, "192.0.2.2/28 2001:db8:1::2/64"),
        box(GRAPH_HOST, "eth0.10", "vlan 10", 0, ""),
        box(GRAPH_NETWORK, "bridge", "bridge cay0", GRAPH_NONE, "172.17.0.1/16"),
        box(GRAPH_NETWORK, "lan", "macvlan bridge", 1, "10.9.0.0/24"),
        box(GRAPH_CONTAINER, "cam", "", GRAPH_NONE, ""),
        box(GRAPH_CONTAINER, "dark", "", GRAPH_NONE, ""),
        box(GRAPH_CONTAINER, "web", "", GRAPH_NONE, "0.0.0.0:8080->80/tcp [::]:8080->80/tcp"),
        box(GRAPH_CONTAINER, "watch", "network of the host", GRAPH_NONE, ""),
    };
    const GraphEdge edges[] = {
        edge(3, 4, NULL, "eth0", "10.9.0.2/24"),
        edge(2, 6, "vethabcdef0", "eth0", "172.17.0.2/16"),
        edge(3, 6, NULL, "eth1", "10.9.0.3/24"),
    };

    fill(graph, boxes, ARRAY_SIZE(boxes), edges, ARRAY_SIZE(edges));
}

static void text_is_a_tree_that_says_a_container_s_ports_once(void **state)
{
    _cleanup_network_graph_ NetworkGraph graph = {};
    _cleanup_string_buffer_ StringBuffer text = {};

    (void)state;
    make_graph(&graph);
    graph_draw_text(&graph, 100, &text);
    assert_string_equal(string_buffer_get(&text),
                        "host\n"
                        "├─ eth0  192.0.2.2/28  2001:db8:1::2/64\n"
                        "│  └─ eth0.10  (vlan 10)\n"
                        "│     └─ lan  (macvlan bridge)  10.9.0.0/24\n"
                        "│        ├─ cam  eth0  10.9.0.2/24\n"
                        "│        └─ web  eth1  10.9.0.3/24\n"
                        "└─ bridge  (bridge cay0)  172.17.0.1/16\n"
                        "   └─ web  eth0  172.17.0.2/16  (vethabcdef0)  0.0.0.0:8080->80/tcp  "
                        "[::]:8080->80/tcp\n"
                        "containers without links of their own\n"
                        "├─ dark\n"
                        "└─ watch  (network of the host)\n");
}

static void a_line_that_is_full_goes_on_below(void **state)
{
    _cleanup_network_graph_ NetworkGraph graph = {};
    _cleanup_string_buffer_ StringBuffer text = {};

    (void)state;
    make_graph(&graph);
    graph_draw_text(&graph, 49, &text);
    assert_non_null(strstr(string_buffer_get(&text),
                           "   └─ web  eth0  172.17.0.2/16  (vethabcdef0)\n"
                           "           0.0.0.0:8080->80/tcp\n"
                           "           [::]:8080->80/tcp\n"));
}

static void nothing_in_a_name_is_taken_for_markup_or_a_command(void **state)
{
    const GraphBox boxes[] = { box(GRAPH_CONTAINER, "<b>&\"\033[2J", "", GRAPH_NONE, "") };
    _cleanup_network_graph_ NetworkGraph graph = {};
    _cleanup_string_buffer_ StringBuffer text = {}, picture = {};

    (void)state;
    fill(&graph, boxes, 1, NULL, 0);
    graph_draw_text(&graph, 80, &text);
    graph_draw_svg(&graph, &picture);
    assert_null(strchr(string_buffer_get(&text), '\033'));
    assert_null(strchr(string_buffer_get(&picture), '\033'));
    assert_null(strstr(string_buffer_get(&picture), "<b>"));
    assert_non_null(strstr(string_buffer_get(&picture), "&lt;b&gt;&amp;&quot;\\x1b[2J"));
}

static void a_picture_has_a_box_for_each_thing_and_a_line_for_each_link(void **state)
{
    _cleanup_network_graph_ NetworkGraph graph = {};
    _cleanup_string_buffer_ StringBuffer picture = {};
    size_t boxes = 0, lines = 0;

    (void)state;
    make_graph(&graph);
    graph_draw_svg(&graph, &picture);
    for (const char *at = string_buffer_get(&picture); (at = strstr(at, "class=\"box\"")); at++)
        boxes++;
    for (const char *at = string_buffer_get(&picture); (at = strstr(at, "<path ")); at++)
        lines++;
    assert_int_equal(boxes, 8);
    assert_int_equal(lines, 2 + 3); /* what hangs on what, and links of containers */
    assert_non_null(strstr(string_buffer_get(&picture), "</svg>\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_a_tree_that_says_a_container_s_ports_once),
        cmocka_unit_test(a_line_that_is_full_goes_on_below),
        cmocka_unit_test(nothing_in_a_name_is_taken_for_markup_or_a_command),
        cmocka_unit_test(a_picture_has_a_box_for_each_thing_and_a_line_for_each_link),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
