/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Drawing a graph of networks. Names in it may be anybody's: what a terminal or a reader of XML
 * could take for something else is made visible. */

#include "base/string-buffer.h"
#include "engine/network-graph.h"

/* As a tree in lines of at most @width columns, where that is possible at all. */
void graph_draw_text(const NetworkGraph *graph, size_t width, StringBuffer *buffer);

/* As an SVG document that needs nothing else. */
void graph_draw_svg(const NetworkGraph *graph, StringBuffer *buffer);
