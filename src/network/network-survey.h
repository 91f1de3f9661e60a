/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* All links of a network namespace with their addresses, as the kernel has them now: to be looked
 * at. Nothing is decided by it. */

#include <net/if.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/ip-address.h"

typedef struct SurveyAddresses {
    IpPrefix *items; /* IPv4 first, in the kernel's order */
    size_t count;
    size_t capacity;
} SurveyAddresses;

typedef struct SurveyLink {
    int index;
    unsigned flags; /* IFF_UP and the like */
    int peer;       /* index of what it hangs on or ends at, in that one's namespace; 0: nothing */
    bool is_peer_elsewhere; /* that namespace is not this one */
    int master;             /* index; 0: none */
    uint32_t mtu;
    char name[IFNAMSIZ];
    char kind[16]; /* "bridge"; "": hardware, the loopback */
    SurveyAddresses addresses;
    /* Of some kinds: */
    char mode[16];           /* of macvlan and ipvlan: "bridge", "l2"; "": none */
    uint32_t vlan;           /* tag of a vlan */
    uint32_t vni;            /* of a vxlan, as what follows */
    uint16_t port;           /* of UDP */
    IpAddress group;         /* of multicast; no family: none */
    SurveyAddresses remotes; /* static peers */
} SurveyLink;

typedef struct NetworkSurvey {
    SurveyLink *links; /* by index */
    size_t count;
    size_t capacity;
} NetworkSurvey;

void network_survey_done(NetworkSurvey *survey);
#define _cleanup_network_survey_ _cleanup_(network_survey_done)

/* Of @netns_fd, or for -EBADF of the namespace that we are in. */
int network_survey(int netns_fd, NetworkSurvey *ret, Error *err);

/* NULL: there is none. */
const SurveyLink *network_survey_find(const NetworkSurvey *survey, int index);
const SurveyLink *network_survey_find_name(const NetworkSurvey *survey, const char *name);
