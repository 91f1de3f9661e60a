/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between the files of CNI: configurations, results and the execution of one plug-in. */

#include <stdbool.h>

#include "base/json-fields.h"
#include "network/cni.h"

/* Versions that we speak, in ascending order: a set of them has one bit for each. */
#define CNI_VERSIONS "0.3.0 to 1.1.0"
typedef unsigned CniVersions;
CniVersions cni_version_parse(const char *text);
/* The highest of @versions, which are not empty. */
const char *cni_version_highest(CniVersions versions);
/* Since 0.4.0 a plug-in is told at its end what was made. */
bool cni_version_deletes_by_result(const char *version);

typedef struct CniConfig {
    char *name;
    CniVersions versions;
    json_t *plugins; /* an array of objects, each with a "type" that is a file's name */
} CniConfig;

void cni_config_done(CniConfig *config);
#define _cleanup_cni_config_ _cleanup_(cni_config_done)

/* Text of a .conflist, or of a .conf. Errors: INVALID, UNSUPPORTED. */
int cni_config_parse(const char *text, size_t size, CniConfig *ret, Error *err);

/* The first of the directory that has the name. Errors: NOT_FOUND, INVALID, UNSUPPORTED. */
int cni_config_find(const char *directory, const char *name, CniConfig *ret, Error *err);

/* Read a plug-in's result, of which the interface's name inside is @interface. Errors: INVALID. */
int cni_result_read(const json_t *json, const char *interface, CniResult *ret, Error *err);

/* One execution of a plug-in. */
typedef struct CniCall {
    const char *command; /* "ADD" */
    const char *plugin;  /* its type */
    const char *interface;
    const json_t *input;
} CniCall;

/*
 * Execute it; *ret is what it prints, or NULL when that is nothing. Errors: NOT_FOUND (names where
 * was looked), DENIED (others than root can change it), UNAVAILABLE (it fails, hangs, or prints
 * what is no JSON: named with what it says).
 */
int cni_plugin_call(const CniOptions *options, const CniCall *call, json_t **ret, Error *err);

/*
 * End the processes that plug-ins have left that were to ADD for @container, when whoever executed
 * them is dead: they know no better than to go on, and would make what is being undone. Known by
 * their environment, which children inherit.
 */
int cni_end_remains(const char *container, Error *err);
