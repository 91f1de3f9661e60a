/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A host, some containers, and what is outside of the host, that are nothing but network
 * namespaces, for one test. */

#include "check.h"
#include "network/network-link-private.h"

#define N_CONTAINERS 4
/* A veth pair between the host and the outside, of that name in both. */
#define HOSTS_UPLINK "up0"

typedef struct Hosts {
    int machine_fd; /* where we were */
    int outside_fd;
    int host_fd; /* we are in it */
    int container_fds[N_CONTAINERS];
    NetworkLinks *links;
    Netlink host;
} Hosts;

/* cmocka's setup and teardown. */
int hosts_make(void **state);
int hosts_drop(void **state);

/* A socket of @netns_fd. */
int hosts_open_unbound(Hosts *hosts, int netns_fd, int family, int type);
int hosts_open_raw(Hosts *hosts, int netns_fd, int family, int protocol);

/* One that is bound to an address and port. */
int hosts_open_socket(Hosts *hosts, int netns_fd, int type, const char *address, uint16_t port);

/* Connect a socket, wherever it is. Returns 0 or -errno. */
int hosts_connect(int fd, const char *address, uint16_t port);

void hosts_enter(int netns_fd);

/* Give the outside's end of the uplink, or its VLAN @tag, addresses of /16 and /64. */
void hosts_give_outside_addresses(Hosts *hosts, unsigned tag, const char *const addresses[2]);

/* The ends of the uplink, the host's and the outside's, get addresses of /24. */
void hosts_give_underlay(Hosts *hosts, const char *const addresses[2]);

/* A datagram from @from of the namespace @from_fd reaches @to in @to_fd. The addresses are text. */
bool hosts_can_send(Hosts *hosts, int from_fd, const char *from, int to_fd, const char *to);

/* It does not, while one that is sent to @other in @other_fd behind it arrives. */
bool hosts_cannot_send(Hosts *hosts, int from_fd, const char *from, int to_fd, const char *to,
                       int other_fd, const char *other);

/* The link @name as @netns_fd (-EBADF: the host) has it; its index is 0 where there is none. */
KernelLink hosts_find_link(Hosts *hosts, int netns_fd, const char *name);

/* How many links there are, the loopback among them. */
size_t hosts_count_links(Hosts *hosts, int netns_fd);

/* A number of a file of /proc/sys/net, as @netns_fd has it; -1: there is none. */
int hosts_read_sysctl(Hosts *hosts, int netns_fd, const char *name);
