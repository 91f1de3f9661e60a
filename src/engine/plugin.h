/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Docker's plug-ins (docs.docker.com/engine/extend/plugin_api): programs on this host that answer
 * JSON with JSON, over HTTP on a unix socket. Nothing is kept of them: each call finds the plug-in
 * anew.
 */

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "base/string-list.h"

/* May it be a plug-in's name, which is looked for as a file? */
bool plugin_name_is_valid(const char *name);

/* Add the names of all plug-ins that there are, in order. */
void plugin_list(StringList *names);

/*
 * Does @name implement @interface ("VolumeDriver")? Errors: NOT_FOUND (no such plug-in),
 * UNSUPPORTED (it does not, or is reached by something else than a unix socket), UNAVAILABLE.
 */
int plugin_activate(const char *name, const char *interface, Error *err);

/*
 * Call @method ("VolumeDriver.Create") with @request, an object, @timeout nanoseconds long at most.
 * The caller owns *ret, an object. Errors: as above; what the plug-in itself says is wrong is
 * SYSTEM, with its own words.
 */
int plugin_call(const char *name, const char *method, const json_t *request, int64_t timeout,
                json_t **ret, Error *err);
