/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Containers as tables show them. */

#include <jansson.h>

#include "engine/container.h"

/* The program and its arguments in quotes, cut to what a table has room for unless @no_trunc. */
json_t *container_command_text(const ContainerSpec *spec, bool no_trunc);

/* "Up 5 minutes (healthy)", "Restarting (1) 3 seconds ago", "Exited (1) 2 hours ago", "Created".
 * The caller frees it. */
char *container_status_text(const Container *container, int64_t now);

/* How long ago something was: "5 minutes ago". The caller frees it. */
char *time_ago_text(int64_t time, int64_t now);
