/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A graph as a picture. Three columns, of which the first two are in the host's frame; a network
 * has a colour, and so have its lines to containers, which end beside the interface that they are.
 * Widths are reckoned from the number of characters, as nobody here knows a font: text that is too
 * long is cut, and shown whole when it is pointed at.
 */

#include <string.h>

#include "base/memory.h"
#include "cli/graph-draw.h"
#include "cli/terminal-text.h"

#define MARGIN 24
#define COLUMN_GAP 96
#define BOX_GAP 18
#define BOX_WIDTH 236
#define CONTAINER_WIDTH 292
#define INDENT 20 /* of what hangs on another interface */
#define PADDING 12
#define TITLE_HEIGHT 22
#define LINE_HEIGHT 17
#define CHARACTER_WIDTH 7.3 /* of the facts' font */
#define FRAME_TITLE 34

static const char *const colours[] = { "#2563eb", "#d97706", "#059669", "#c026d3",
                                       "#dc2626", "#0891b2", "#65a30d", "#7c3aed" };
#define COLOUR_NONE "#6b7280"

typedef struct Place {
    int x, y, width, height;
    const char *colour;
} Place;

typedef struct Picture {
    const NetworkGraph *graph;
    StringBuffer *buffer;
    Place *places; /* of each box */
    size_t *order; /* of boxes, as they stand in their columns */
    int column_heights[_GRAPH_COLUMN_MAX];
    int x[_GRAPH_COLUMN_MAX];
    int width, height;
} Picture;

/* --- text --- */

/* What XML has no way to say is no character of its own here either. */
static void add_escaped(StringBuffer *buffer, const char *text)
{
    for (; *text; text++) {
        if (*text == '&')
            string_buffer_add(buffer, "&amp;");
        else if (*text == '<')
            string_buffer_add(buffer, "&lt;");
        else if (*text == '>')
            string_buffer_add(buffer, "&gt;");
        else if (*text == '"')
            string_buffer_add(buffer, "&quot;");
        else if (strncmp(text, "\xef\xbf\xbe", 3) == 0 || strncmp(text, "\xef\xbf\xbf", 3) == 0)
            string_buffer_add_char(buffer, '?'), text += 2;
        else
            string_buffer_add_char(buffer, *text);
    }
}

/* Bytes of the first @count characters of UTF-8. */
static size_t cut_at(const char *text, size_t count)
{
    size_t i = 0;

    for (; text[i]; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80 && count-- == 0)
            break;
    return i;
}

static void add_text(Picture *picture, int x, int y, const char *class, int width, const char *text)
{
    StringBuffer *buffer = picture->buffer;
    size_t room = (size_t)(width / CHARACTER_WIDTH);
    _cleanup_string_buffer_ StringBuffer safe = {};
    const char *whole;

    terminal_text_add(&safe, text);
    whole = string_buffer_get(&safe);
    string_buffer_printf(buffer, "<text x=\"%d\" y=\"%d\" class=\"%s\" xml:space=\"preserve\">", x,
                         y, class);
    if (terminal_text_width(whole, strlen(whole)) > room) {
        _cleanup_free_ char *cut = memory_strndup(whole, cut_at(whole, room - 1));

        string_buffer_add(buffer, "<title>");
        add_escaped(buffer, whole);
        string_buffer_add(buffer, "</title>");
        add_escaped(buffer, cut);
        string_buffer_add(buffer, "…");
    } else {
        add_escaped(buffer, whole);
    }
    string_buffer_add(buffer, "</text>\n");
}

/* --- where everything is --- */

/* An edge is a line in its container's box, and one more for the name outside. */
static size_t edge_lines(const GraphEdge *edge)
{
    return edge->addresses.count > 0 ? edge->addresses.count : 1;
}

static int box_height(const NetworkGraph *graph, size_t index)
{
    const GraphBox *box = &graph->boxes[index];
    size_t lines = box->facts.count + (*box->kind ? 1 : 0);

    for (size_t i = 0; i < graph->n_edges; i++)
        if (graph->edges[i].container == index)
            lines += edge_lines(&graph->edges[i]);
    return TITLE_HEIGHT + (int)lines * LINE_HEIGHT + PADDING + PADDING / 2;
}

static int depth_of(const NetworkGraph *graph, size_t box)
{
    int depth = 0;

    for (size_t i = graph->boxes[box].parent; i != GRAPH_NONE && depth < 8;
         i = graph->boxes[i].parent)
        depth += graph->boxes[i].column == graph->boxes[box].column;
    return depth;
}

static void append(Picture *picture, size_t *count, size_t box)
{
    const NetworkGraph *graph = picture->graph;
    GraphColumn column = graph->boxes[box].column;
    int indent = column == GRAPH_CONTAINER ? 0 : depth_of(graph, box) * INDENT;
    Place *place = &picture->places[box];

    *place = (Place) { .x = indent,
                       .y = picture->column_heights[column],
                       .width = (column == GRAPH_CONTAINER ? CONTAINER_WIDTH : BOX_WIDTH) - indent,
                       .height = box_height(graph, box),
                       .colour = COLOUR_NONE };
    picture->column_heights[column] += place->height + BOX_GAP;
    picture->order[(*count)++] = box;
}

/* What hangs on something of its own column stands below it. */
static void append_below(Picture *picture, size_t *count, GraphColumn column, size_t parent)
{
    const NetworkGraph *graph = picture->graph;

    for (size_t i = 0; i < graph->n_boxes; i++) {
        const GraphBox *box = &graph->boxes[i];
        bool is_top = box->parent == GRAPH_NONE || graph->boxes[box->parent].column != column;

        if (box->column != column || (parent == GRAPH_NONE ? !is_top : box->parent != parent))
            continue;
        append(picture, count, i);
        append_below(picture, count, column, i);
    }
}

/* Containers stand in the order of their networks, so that few lines cross. */
static void append_containers(Picture *picture, size_t *count)
{
    const NetworkGraph *graph = picture->graph;
    _cleanup_free_ bool *is_placed = memory_new(graph->n_boxes + 1, sizeof(bool));
    size_t placed = *count;

    for (size_t i = 0; i < placed; i++)
        for (size_t j = 0; j < graph->n_edges; j++) {
            size_t box = graph->edges[j].container;

            if (graph->edges[j].network != picture->order[i] || is_placed[box])
                continue;
            is_placed[box] = true;
            append(picture, count, box);
        }
    for (size_t i = 0; i < graph->n_boxes; i++)
        if (graph->boxes[i].column == GRAPH_CONTAINER && !is_placed[i])
            append(picture, count, i);
}

static void paint_networks(Picture *picture, size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        if (picture->graph->boxes[picture->order[i]].column == GRAPH_NETWORK)
            picture->places[picture->order[i]].colour = colours[n++ % ARRAY_SIZE(colours)];
}

static bool has_column(const NetworkGraph *graph, GraphColumn column)
{
    for (size_t i = 0; i < graph->n_boxes; i++)
        if (graph->boxes[i].column == column)
            return true;
    return false;
}

/* Columns that are lower than the highest stand in its middle. */
static void lay_out(Picture *picture)
{
    const NetworkGraph *graph = picture->graph;
    size_t count = 0;
    int highest = 0, x = MARGIN * 2;

    append_below(picture, &count, GRAPH_HOST, GRAPH_NONE);
    append_below(picture, &count, GRAPH_NETWORK, GRAPH_NONE);
    paint_networks(picture, count);
    append_containers(picture, &count);
    for (GraphColumn i = 0; i < _GRAPH_COLUMN_MAX; i++) {
        if (picture->column_heights[i] > 0)
            picture->column_heights[i] -= BOX_GAP;
        if (picture->column_heights[i] > highest)
            highest = picture->column_heights[i];
        picture->x[i] = x;
        if (has_column(graph, i))
            x += (i == GRAPH_CONTAINER ? CONTAINER_WIDTH : BOX_WIDTH) + COLUMN_GAP;
    }
    for (size_t i = 0; i < count; i++) {
        Place *place = &picture->places[picture->order[i]];
        GraphColumn column = graph->boxes[picture->order[i]].column;

        place->x += picture->x[column];
        place->y += MARGIN + FRAME_TITLE + (highest - picture->column_heights[column]) / 2;
    }
    picture->width =
        has_column(graph, GRAPH_CONTAINER) ? x - COLUMN_GAP + MARGIN : x - COLUMN_GAP + 2 * MARGIN;
    if (picture->width < 3 * MARGIN + BOX_WIDTH)
        picture->width = 4 * MARGIN + BOX_WIDTH;
    picture->height = highest + 3 * MARGIN + FRAME_TITLE;
}

/* --- drawing --- */

static void add_curve(Picture *picture, int from_x, int from_y, int to_x, int to_y,
                      const char *colour)
{
    int middle = (from_x + to_x) / 2;

    string_buffer_printf(picture->buffer, "<path d=\"M%d %d C%d %d %d %d %d %d\" stroke=\"%s\"/>\n",
                         from_x, from_y, middle, from_y, middle, to_y, to_x, to_y, colour);
}

/* From a parent: across to another column, or down the left side of the same one. */
static void add_parent_line(Picture *picture, size_t box)
{
    const NetworkGraph *graph = picture->graph;
    size_t parent = graph->boxes[box].parent;
    const Place *from = &picture->places[parent], *to = &picture->places[box];
    int y = to->y + TITLE_HEIGHT / 2 + PADDING / 2;

    if (graph->boxes[parent].column == graph->boxes[box].column)
        string_buffer_printf(picture->buffer,
                             "<path d=\"M%d %d V%d H%d\" stroke=\"" COLOUR_NONE "\"/>\n",
                             from->x + INDENT / 2, from->y + from->height, y, to->x);
    else
        add_curve(picture, from->x + from->width, from->y + from->height / 2, to->x,
                  to->y + to->height / 2, to->colour);
}

/* Where an edge's first line is, below its container's title. */
static int edge_y(const Picture *picture, size_t edge)
{
    const NetworkGraph *graph = picture->graph;
    size_t container = graph->edges[edge].container;
    const GraphBox *box = &graph->boxes[container];
    size_t lines = *box->kind ? 1 : 0;

    for (size_t i = 0; i < edge; i++)
        if (graph->edges[i].container == container)
            lines += edge_lines(&graph->edges[i]);
    return picture->places[container].y + TITLE_HEIGHT + PADDING / 2 + (int)lines * LINE_HEIGHT;
}

static void add_lines(Picture *picture)
{
    const NetworkGraph *graph = picture->graph;

    string_buffer_add(picture->buffer, "<g class=\"lines\">\n");
    for (size_t i = 0; i < graph->n_boxes; i++)
        if (graph->boxes[i].parent != GRAPH_NONE)
            add_parent_line(picture, i);
    for (size_t i = 0; i < graph->n_edges; i++) {
        const Place *from = &picture->places[graph->edges[i].network];
        const Place *to = &picture->places[graph->edges[i].container];

        add_curve(picture, from->x + from->width, from->y + from->height / 2, to->x,
                  edge_y(picture, i) + LINE_HEIGHT / 2, from->colour);
    }
    string_buffer_add(picture->buffer, "</g>\n");
}

/* The interface, its addresses below each other, and who it is on the host. */
static int add_edge_text(Picture *picture, size_t index, int y)
{
    const GraphEdge *edge = &picture->graph->edges[index];
    const Place *place = &picture->places[edge->container];
    const Place *network = &picture->places[edge->network];

    string_buffer_printf(picture->buffer, "<circle cx=\"%d\" cy=\"%d\" r=\"4\" fill=\"%s\"/>\n",
                         place->x, edge_y(picture, index) + LINE_HEIGHT / 2, network->colour);
    for (size_t i = 0; i < edge_lines(edge); i++) {
        _cleanup_free_ char *text =
            memory_printf("%-*s %s", (int)strlen(edge->inside), i == 0 ? edge->inside : "",
                          i < edge->addresses.count ? edge->addresses.items[i] : "");

        add_text(picture, place->x + PADDING, y, "fact", place->width - 2 * PADDING, text);
        if (i == 0 && edge->outside)
            string_buffer_printf(picture->buffer, "<text x=\"%d\" y=\"%d\" class=\"outside\">",
                                 place->x + place->width - PADDING, y);
        if (i == 0 && edge->outside) {
            _cleanup_string_buffer_ StringBuffer safe = {};

            terminal_text_add(&safe, edge->outside);
            add_escaped(picture->buffer, string_buffer_get(&safe));
            string_buffer_add(picture->buffer, "</text>\n");
        }
        y += LINE_HEIGHT;
    }
    return y;
}

static void add_box(Picture *picture, size_t index)
{
    const NetworkGraph *graph = picture->graph;
    const GraphBox *box = &graph->boxes[index];
    const Place *place = &picture->places[index];
    int x = place->x + PADDING, width = place->width - 2 * PADDING;
    int y = place->y + PADDING / 2 + TITLE_HEIGHT - 6;

    string_buffer_printf(picture->buffer,
                         "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\" "
                         "class=\"box\" stroke=\"%s\"/>\n",
                         place->x, place->y, place->width, place->height, place->colour);
    add_text(picture, x, y, "title", width, box->title);
    y += LINE_HEIGHT + 2;
    if (*box->kind) {
        add_text(picture, x, y, "kind", width, box->kind);
        y += LINE_HEIGHT;
    }
    for (size_t i = 0; i < graph->n_edges; i++)
        if (graph->edges[i].container == index)
            y = add_edge_text(picture, i, y);
    for (size_t i = 0; i < box->facts.count; i++, y += LINE_HEIGHT)
        add_text(picture, x, y, "fact", width, box->facts.items[i]);
}

static void add_frame(Picture *picture)
{
    int right = picture->x[has_column(picture->graph, GRAPH_NETWORK) ? GRAPH_NETWORK : GRAPH_HOST] +
                BOX_WIDTH + MARGIN;

    string_buffer_printf(picture->buffer,
                         "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"10\" "
                         "class=\"frame\"/>\n",
                         MARGIN, MARGIN, right - MARGIN, picture->height - 2 * MARGIN);
    add_text(picture, 2 * MARGIN, MARGIN + 22, "kind", BOX_WIDTH, "host");
}

static void add_head(Picture *picture)
{
    string_buffer_printf(
        picture->buffer,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
        "viewBox=\"0 0 %d %d\">\n"
        "<style>\n"
        "text { fill: #1f2937; font: 12px ui-monospace, 'DejaVu Sans Mono', monospace; }\n"
        ".title { font: bold 14px system-ui, 'DejaVu Sans', sans-serif; }\n"
        ".kind { fill: #6b7280; font: 12px system-ui, 'DejaVu Sans', sans-serif; }\n"
        ".outside { fill: #9ca3af; font-size: 10px; text-anchor: end; }\n"
        ".box { fill: #ffffff; stroke-width: 1.5; }\n"
        ".frame { fill: #f3f4f6; stroke: #d1d5db; }\n"
        ".lines { fill: none; stroke-width: 1.8; }\n"
        "</style>\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
        picture->width, picture->height, picture->width, picture->height);
}

void graph_draw_svg(const NetworkGraph *graph, StringBuffer *buffer)
{
    _cleanup_free_ Place *places = memory_new(graph->n_boxes + 1, sizeof(Place));
    _cleanup_free_ size_t *order = memory_new(graph->n_boxes + 1, sizeof(size_t));
    Picture picture = { .graph = graph, .buffer = buffer, .places = places, .order = order };

    lay_out(&picture);
    add_head(&picture);
    add_frame(&picture);
    add_lines(&picture);
    for (size_t i = 0; i < graph->n_boxes; i++)
        add_box(&picture, i);
    string_buffer_add(buffer, "</svg>\n");
}
