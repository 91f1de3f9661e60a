/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `cay events --filter`, with Docker's names: values of one filter are alternatives, except for
 * labels; different filters all have to hold.
 */

#include "base/string-list.h"
#include "engine/event-stream.h"

typedef struct EventFilter {
    StringList containers; /* beginnings of ids or names */
    StringList networks;
    StringList secrets;
    StringList volumes;
    StringList daemons;
    StringList events; /* actions; one that has details after a colon is known without them too */
    StringList images; /* of image events, and of containers made from them; tags may be left out */
    StringList labels; /* "key" or "key=value" */
    StringList scopes; /* "local" is all there is */
    StringList types;
} EventFilter;

void event_filter_done(EventFilter *filter);
#define _cleanup_event_filter_ _cleanup_(event_filter_done)

/* Add the text of one --filter. Errors: INVALID, UNSUPPORTED (swarm's and plugins'). */
int event_filter_add(EventFilter *filter, const char *text, Error *err);

bool event_filter_matches(const EventFilter *filter, const Event *event);
