/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `cay network ls --filter`: dangling=true|false, driver=NAME, id=BEGINNING, label=KEY[=VALUE],
 * name=EXPRESSION, scope=local|global|swarm, type=builtin|custom. Values of one filter are
 * alternatives, but labels, which all have to be there; different filters all have to hold.
 */

#include "base/json-fields.h"
#include "engine/network.h"

typedef struct NetworkFilter {
    OptionalBool dangling; /* no container is in it, and it is not predefined */
    StringList drivers;
    StringList ids;    /* beginnings */
    StringList labels; /* "key" or "key=value" */
    StringList names;  /* regular expressions */
    StringList scopes;
    StringList types;
} NetworkFilter;

void network_filter_done(NetworkFilter *filter);
#define _cleanup_network_filter_ _cleanup_(network_filter_done)

/* Add the text of one --filter. Errors: INVALID. */
int network_filter_add(NetworkFilter *filter, const char *text, Error *err);

bool network_filter_matches(const NetworkFilter *filter, const Network *network);
