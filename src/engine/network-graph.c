/* SPDX-License-Identifier: Apache-2.0 */

/* Boxes and lines as values. */

#include "engine/network-graph-private.h"

#include <stdlib.h>

#include "base/memory.h"

void network_graph_done(NetworkGraph *graph)
{
    for (size_t i = 0; i < graph->n_boxes; i++) {
        free(graph->boxes[i].title);
        free(graph->boxes[i].kind);
        string_list_done(&graph->boxes[i].facts);
    }
    for (size_t i = 0; i < graph->n_edges; i++) {
        free(graph->edges[i].outside);
        free(graph->edges[i].inside);
        string_list_done(&graph->edges[i].addresses);
    }
    free(graph->boxes);
    free(graph->edges);
    *graph = (NetworkGraph) {};
}

size_t graph_add_box(NetworkGraph *graph, GraphColumn column, const char *title)
{
    graph->boxes = memory_grow(graph->boxes, &graph->boxes_capacity, graph->n_boxes + 1,
                               sizeof(*graph->boxes));
    graph->boxes[graph->n_boxes] = (GraphBox) { .column = column,
                                                .title = memory_strdup(title),
                                                .kind = memory_strdup(""),
                                                .parent = GRAPH_NONE };
    return graph->n_boxes++;
}

void graph_keep(NetworkGraph *graph, const bool *keep)
{
    _cleanup_free_ size_t *numbers = NEW_ARRAY(size_t, graph->n_boxes + 1);
    NetworkGraph all = *graph, kept = {};

    for (size_t i = 0; i < all.n_boxes; i++) {
        if (!keep[i])
            continue;
        numbers[i] = graph_add_box(&kept, all.boxes[i].column, "");
        free(kept.boxes[numbers[i]].title);
        free(kept.boxes[numbers[i]].kind);
        kept.boxes[numbers[i]] = all.boxes[i];
        all.boxes[i] = (GraphBox) { .parent = GRAPH_NONE };
    }
    for (size_t i = 0; i < kept.n_boxes; i++)
        if (kept.boxes[i].parent != GRAPH_NONE)
            kept.boxes[i].parent = numbers[kept.boxes[i].parent];
    for (size_t i = 0; i < all.n_edges; i++) {
        if (!keep[all.edges[i].network] || !keep[all.edges[i].container])
            continue;
        kept.edges =
            memory_grow(kept.edges, &kept.edges_capacity, kept.n_edges + 1, sizeof(*kept.edges));
        kept.edges[kept.n_edges] = all.edges[i];
        kept.edges[kept.n_edges].network = numbers[all.edges[i].network];
        kept.edges[kept.n_edges++].container = numbers[all.edges[i].container];
        all.edges[i] = (GraphEdge) {};
    }
    network_graph_done(&all);
    *graph = kept;
}
