/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between who reads a graph and what it is. */

#include <stdbool.h>

#include "engine/network-graph.h"

/* Returns its number. Boxes move in memory with each. */
size_t graph_add_box(NetworkGraph *graph, GraphColumn column, const char *title);

/* Leave out all boxes but those with @keep, and lines from or to them. What a box that stays hangs
 * on must stay, too. */
void graph_keep(NetworkGraph *graph, const bool *keep);
