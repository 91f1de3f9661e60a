/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A graph as a tree: the host's interfaces with what hangs on them, networks with the containers in
 * them, a container in several at each of them, and at the end those that are in none.
 */

#include <string.h>

#include "base/memory.h"
#include "cli/graph-draw.h"
#include "cli/terminal-text.h"

#define MARGIN_MIN 20 /* columns that a line's text gets, however deep it is */

/* What of the graph is drawn at one place. */
typedef struct Item {
    size_t box;
    size_t edge; /* by which it is there, GRAPH_NONE: it is no container, or in no network */
} Item;

typedef struct Tree {
    const NetworkGraph *graph;
    StringBuffer *buffer;
    size_t width;
} Tree;

typedef struct Items {
    Item *items;
    size_t count;
    size_t capacity;
} Items;

static void items_done(Items *items)
{
    free(items->items);
}

static void add_item(Items *items, size_t box, size_t edge)
{
    items->items = memory_grow(items->items, &items->capacity, items->count + 1, sizeof(Item));
    items->items[items->count++] = (Item) { box, edge };
}

static size_t width_of(const char *text)
{
    return terminal_text_width(text, strlen(text));
}

static char *safe_text(const char *text)
{
    StringBuffer buffer = {};

    terminal_text_add(&buffer, text);
    return string_buffer_take(&buffer);
}

/* --- one item --- */

/* A container's own facts are told where it is drawn first. */
static bool is_first(const Tree *tree, const Item *item)
{
    return item->edge == GRAPH_NONE || item->edge == 0 ||
           tree->graph->edges[item->edge - 1].container != item->box;
}

static void collect_words(const Tree *tree, const Item *item, StringList *words)
{
    const GraphBox *box = &tree->graph->boxes[item->box];

    if (item->edge != GRAPH_NONE) {
        const GraphEdge *edge = &tree->graph->edges[item->edge];

        string_list_add(words, edge->inside);
        for (size_t i = 0; i < edge->addresses.count; i++)
            string_list_add(words, edge->addresses.items[i]);
        if (edge->outside)
            string_list_printf(words, "(%s)", edge->outside);
    }
    if (*box->kind)
        string_list_printf(words, item->edge == GRAPH_NONE ? "(%s)" : "%s", box->kind);
    for (size_t i = 0; i < box->facts.count && is_first(tree, item); i++)
        string_list_add(words, box->facts.items[i]);
}

/* The title, and words behind it; a line that is full goes on below its first word. */
static void add_lines(const Tree *tree, const char *prefix, const char *rest, const Item *item)
{
    _cleanup_free_ char *title = safe_text(tree->graph->boxes[item->box].title);
    _cleanup_string_list_ StringList words = {};
    size_t column = width_of(prefix) + width_of(title);

    string_buffer_printf(tree->buffer, "%s%s", prefix, title);
    collect_words(tree, item, &words);
    for (size_t i = 0; i < words.count; i++) {
        _cleanup_free_ char *word = safe_text(words.items[i]);

        if (i > 0 && column + 2 + width_of(word) > tree->width) {
            string_buffer_printf(tree->buffer, "\n%s%s", rest, word);
            column = width_of(rest) + width_of(word);
        } else {
            string_buffer_printf(tree->buffer, "  %s", word);
            column += 2 + width_of(word);
        }
    }
    string_buffer_add_char(tree->buffer, '\n');
}

/* --- what is below what --- */

/* The hardware's children first, then networks; those without a parent for GRAPH_NONE. */
static void collect_children(const NetworkGraph *graph, size_t parent, Items *items)
{
    for (size_t i = 0; i < graph->n_boxes; i++)
        if (graph->boxes[i].column != GRAPH_CONTAINER && graph->boxes[i].parent == parent)
            add_item(items, i, GRAPH_NONE);
    for (size_t i = 0; i < graph->n_edges; i++)
        if (graph->edges[i].network == parent)
            add_item(items, graph->edges[i].container, i);
}

static bool has_edge(const NetworkGraph *graph, size_t box)
{
    for (size_t i = 0; i < graph->n_edges; i++)
        if (graph->edges[i].container == box)
            return true;
    return false;
}

static void collect_loners(const NetworkGraph *graph, Items *items)
{
    for (size_t i = 0; i < graph->n_boxes; i++)
        if (graph->boxes[i].column == GRAPH_CONTAINER && !has_edge(graph, i))
            add_item(items, i, GRAPH_NONE);
}

static void add_items(const Tree *tree, const char *indent, const Items *items);

static void add_item_with_children(const Tree *tree, const char *indent, const Item *item,
                                   bool is_last)
{
    _cleanup_free_ char *prefix = memory_printf("%s%s", indent, is_last ? "└─ " : "├─ ");
    _cleanup_free_ char *below = memory_printf("%s%s", indent, is_last ? "   " : "│  ");
    _cleanup_(items_done) Items children = {};
    _cleanup_free_ char *rest = NULL;

    if (tree->graph->boxes[item->box].column != GRAPH_CONTAINER)
        collect_children(tree->graph, item->box, &children);
    rest = memory_printf("%s%s", below, children.count > 0 ? "│    " : "     ");
    add_lines(tree, prefix, rest, item);
    add_items(tree, below, &children);
}

static void add_items(const Tree *tree, const char *indent, const Items *items)
{
    for (size_t i = 0; i < items->count; i++)
        add_item_with_children(tree, indent, &items->items[i], i + 1 == items->count);
}

void graph_draw_text(const NetworkGraph *graph, size_t width, StringBuffer *buffer)
{
    Tree tree = { graph, buffer, width < MARGIN_MIN ? MARGIN_MIN : width };
    _cleanup_(items_done) Items top = {}, loners = {};

    string_buffer_add(buffer, "host\n");
    collect_children(graph, GRAPH_NONE, &top);
    add_items(&tree, "", &top);
    collect_loners(graph, &loners);
    if (loners.count > 0)
        string_buffer_add(buffer, "containers without links of their own\n");
    add_items(&tree, "", &loners);
}
