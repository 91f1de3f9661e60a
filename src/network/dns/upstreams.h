/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The servers that are asked what nobody here knows: a container's own, or the host's. */

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/string-list.h"

#define UPSTREAMS_MAX 8
#define RESOLV_CONF_PATH "/etc/resolv.conf"

typedef union Upstream {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} Upstream;

typedef struct Upstreams {
    Upstream items[UPSTREAMS_MAX];
    size_t count;
    size_t first;        /* who is asked first: the next one after who did not answer */
    int64_t first_until; /* when it is the first one of the list again */
    uint64_t id;         /* what these have said is kept under; 0 before there are any */
    struct stat seen;    /* the host's file, as it was read */
} Upstreams;

socklen_t upstream_size(const Upstream *upstream);

/* From addresses that were checked; the same ones in the same order have the same id. */
void upstreams_set(Upstreams *upstreams, const StringList *addresses);

/* The "nameserver" lines of resolv.conf(5); none: this host. */
void upstreams_parse(Upstreams *upstreams, const char *text);

/* Read /etc/resolv.conf if it has changed, through symlinks. What cannot be read stays as it was.
 * True: it is another list now. */
bool upstreams_refresh(Upstreams *upstreams);

/* The number of the server that is to be asked first; the others follow, and go around. */
size_t upstreams_first(Upstreams *upstreams, int64_t now);
/* It has not answered: for a while, others are asked first. */
void upstreams_note_failure(Upstreams *upstreams, const Upstream *upstream, int64_t now);
