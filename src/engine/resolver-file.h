/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* resolv.conf(5) as values: the host's, and what a container gets instead. */

#include <stdbool.h>

#include "base/string-list.h"

typedef struct ResolverFile {
    StringList servers; /* addresses */
    StringList search;
    StringList options; /* "ndots:0" */
} ResolverFile;

void resolver_file_done(ResolverFile *file);
#define _cleanup_resolver_file_ _cleanup_(resolver_file_done)

/* Read @text as resolvers do: the last "search" or "domain" counts, what is not understood is
 * skipped. Servers are addresses without a zone, which would be one of the host's interfaces. */
void resolver_file_parse(const char *text, ResolverFile *ret);

/* Take out the servers that are at a loopback address: in a network namespace of its own that is
 * somebody else. */
void resolver_file_drop_loopback(ResolverFile *file);

/* What a user asked for takes the place of what is there, each kind by itself; the search domain
 * "." stands for none. */
void resolver_file_override(ResolverFile *file, const StringList *servers, const StringList *search,
                            const StringList *options);

/* @server is the only one, and names without a dot are asked for as they are. */
void resolver_file_redirect(ResolverFile *file, const char *server);

/* Free it. */
char *resolver_file_format(const ResolverFile *file);

/* The host's: /etc/resolv.conf, or what systemd-resolved would ask where that is the only server
 * that it names. Empty where there is none. */
void resolver_file_read_host(ResolverFile *ret);
