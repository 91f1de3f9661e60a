/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The parts of Docker's ContainerInspectResponse, one file each. */

#include "engine/container-private.h"

/* One member of an object of Docker's API. */
typedef struct InspectMember {
    const char *name;
    const char *empty; /* JSON text that stands for what is not set; NULL: the member is left out */
} InspectMember;

/* A new object that has @members in their order, with what @values has of them. */
json_t *inspect_select(const InspectMember *members, size_t n_members, const json_t *values);

/* Of a container whose specification is @spec in JSON. */
json_t *inspect_config(const Container *container, const json_t *spec);
json_t *inspect_host_config(const Container *container, const json_t *spec);

json_t *inspect_state(Engine *engine, const Container *container);
json_t *inspect_network_settings(Engine *engine, const Container *container);
/* Members of HostConfig about networks that its specification has in another shape. */
void inspect_set_host_networks(json_t *values, const Container *container);
json_t *inspect_mounts(Engine *engine, const Container *container);

/* @directory is the path of the container's own. */
json_t *inspect_graph_driver(Engine *engine, const Container *container, const char *directory);

/* An array of its strings. */
json_t *inspect_make_list(const StringList *list);

/* Set the member @name to @time as text. */
void inspect_set_time(json_t *object, const char *name, int64_t time);
