/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * CNI (the specification's versions 0.3.0 to 1.1.0): networks whose plug-ins are programs of
 * others. A chain is what one container's link is made by: the configuration as it was when it was
 * read, and what has become of it. Its caller keeps it as text from before the link is made until
 * it is gone, so that whatever has died meanwhile, the plug-ins that made it are asked to undo it.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/ip-address.h"
#include "base/string-list.h"

#define CNI_DEFAULT_CONFIG_DIRECTORY "/etc/cni/net.d"
#define CNI_DEFAULT_PLUGIN_PATH "/opt/cni/bin:/usr/lib/cni"

typedef struct CniOptions {
    const char *config_directory; /* NULL: the default, as the next one */
    const char *plugin_path;      /* directories, separated by colons */
    int64_t timeout;              /* nanoseconds that each plug-in gets; 0: three minutes */
    const char *container;        /* id */
    int64_t pid;                  /* of its first process; 0: it has ended (delete only) */
} CniOptions;

typedef struct CniChain CniChain;

/* What the container asks for: of those capabilities that the specification knows. */
typedef struct CniRequest {
    const char *interface; /* inside: "eth0" */
    json_t *ports;         /* "portMappings", an array; NULL: none */
    json_t *addresses;     /* "ips", the same */
    const char *mac;       /* "mac"; NULL: whatever it gets */
} CniRequest;

/* What the chain has made. */
typedef struct CniResult {
    IpPrefix addresses[_IP_FAMILY_MAX]; /* the first of each family; no family: none */
    IpAddress gateways[_IP_FAMILY_MAX];
    char *mac;          /* NULL: not told */
    StringList servers; /* of DNS */
    StringList searches;
    StringList options; /* for resolv.conf */
} CniResult;

void cni_result_done(CniResult *result);
#define _cleanup_cni_result_ _cleanup_(cni_result_done)

/* Names of the configurations in the directory, in the order of their files; files that are none
 * are left out. */
int cni_list(const CniOptions *options, StringList *names, Error *err);

/*
 * Find the configuration @name: of a .conflist, or a .conf or .json with a single plug-in. Where it
 * is for several versions of CNI, the plug-ins are asked for theirs. Errors: NOT_FOUND (the
 * configuration, a plug-in: which, and where was looked), INVALID (the configuration, or something
 * is asked for that none of its plug-ins does), UNSUPPORTED (version), UNAVAILABLE (a plug-in).
 */
int cni_open(const char *name, const CniOptions *options, const CniRequest *request, CniChain **ret,
             Error *err);
void cni_chain_free(CniChain *chain);
DEFINE_CLEANUP(CniChain *, cni_chain_free);

/* To be kept, and read again. Errors: CORRUPT. */
char *cni_chain_to_text(const CniChain *chain);
int cni_chain_parse(const char *text, size_t size, CniChain **ret, Error *err);

/* Run it. When a plug-in fails, it and those before it are undone; *ret_is_left says that this has
 * failed, too (also written on failure). Errors: NOT_FOUND (a plug-in), DENIED (others than root
 * can change one), UNAVAILABLE (which one, and what it says). */
int cni_add(CniChain *chain, const CniOptions *options, bool *ret_is_left, Error *err);

/* Undo it, in reverse order, each plug-in whatever becomes of the others. May be repeated. Errors:
 * those of cni_add(), the first of them. */
int cni_delete(const CniChain *chain, const CniOptions *options, Error *err);

/* What cni_add() has made; nothing before. Errors: UNAVAILABLE (the plug-ins tell nonsense). */
int cni_chain_result(const CniChain *chain, CniResult *ret, Error *err);
