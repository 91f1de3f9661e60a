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
    uint32_t id;         /* of the list in the cache: what one has said is not what others say */
    struct stat seen;    /* the host's file, as it was read */
} Upstreams;

socklen_t upstream_size(const Upstream *upstream);

/* From addresses that were checked. */
void upstreams_set(Upstreams *upstreams, const StringList *addresses);

/* The "nameserver" lines of resolv.conf(5); none: this host. */
void upstreams_parse(Upstreams *upstreams, const char *text);

/* Read /etc/resolv.conf if it has changed, through symlinks. What cannot be read stays as it was.
 * True: it is another list now. */
bool upstreams_refresh(Upstreams *upstreams);

/* Whom the attempt of this number is for: all get their turn. */
const Upstream *upstreams_choose(Upstreams *upstreams, unsigned attempt, int64_t now);
/* It has not answered: for a while, others are asked first. */
void upstreams_note_failure(Upstreams *upstreams, const Upstream *upstream, int64_t now);
