/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CNI (specification 1.1): networks whose plug-ins are programs of others. */

#include "base/error.h"
#include "base/ip-address.h"
#include "base/string-list.h"

#define CNI_DEFAULT_CONFIG_DIRECTORY "/etc/cni/net.d"
#define CNI_DEFAULT_PLUGIN_PATH "/opt/cni/bin:/usr/lib/cni"

typedef struct CniOptions {
    const char *config_directory; /* NULL: the default, as the next one */
    const char *plugin_path;      /* directories, separated by colons */
    const char *container;        /* id */
    const char *interface;        /* inside: "eth0" */
    int netns_fd;                 /* -EBADF: it has ended (delete only) */
    int64_t pid;                  /* of the container's first process: CNI_NETNS */
    const char *ports;            /* JSON array of the capability portMappings; NULL: none */
} CniOptions;

/* What the chain has made. */
typedef struct CniResult {
    IpPrefix addresses[_IP_FAMILY_MAX]; /* the first of each family; no family: none */
    IpAddress gateways[_IP_FAMILY_MAX];
    char *mac;          /* NULL: not told */
    StringList servers; /* of DNS */
    StringList searches;
    char *text; /* all of the last plug-in's, for delete: to be kept by the caller */
} CniResult;

void cni_result_done(CniResult *result);

/* Names of the configurations in the directory. */
int cni_list(const CniOptions *options, StringList *names, Error *err);

/*
 * Run the chain of the configuration @name (a .conflist, or a .conf with one plug-in). When one
 * fails, those that ran are undone. Errors: NOT_FOUND (configuration, plug-in: which, and where was
 * looked), INVALID (configuration), UNAVAILABLE (what a plug-in says).
 */
int cni_add(const char *name, const CniOptions *options, CniResult *ret, Error *err);

/* Undo it, in reverse order; @previous is CniResult.text, NULL: not known. May be repeated. */
int cni_delete(const char *name, const CniOptions *options, const char *previous, Error *err);
