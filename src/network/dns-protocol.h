/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What cay-dns and its clients tell each other over a SOCK_SEQPACKET socket: a request is one
 * message of JSON and is answered by one, but for a list, which may take several.
 *
 * The program is started with the socket that it listens at, and with a connection to who starts
 * it: it ends when it has neither a connection nor a container.
 */

#include <stdint.h>

#include "network/dns-client.h"

#define DNS_PROGRAM "cay-dns"
#define DNS_SOCKET_NAME "dns.socket"
#define DNS_LOCK_NAME "dns.lock"
#define DNS_LOG_NAME "dns.log"

#define DNS_LISTEN_FD 3
#define DNS_CONNECTION_FD 4

#define DNS_MESSAGE_MAX 65536
#define DNS_LIST_MAX 512 /* ids in one message */

/* The descriptors of a registration. */
typedef enum DnsDescriptor {
    DNS_DESCRIPTOR_UDP,
    DNS_DESCRIPTOR_TCP,
    DNS_DESCRIPTOR_PROCESS, /* a pidfd */
    _DNS_DESCRIPTOR_MAX,
} DnsDescriptor;

/* One of these. */
typedef struct DnsRequest {
    DnsContainer *add; /* with the descriptors; or replaces what is known */
    DnsContainer *update;
    char *forget; /* an id */
    bool list;
} DnsRequest;

typedef struct DnsReply {
    char *kind; /* of an error; NULL: none */
    char *message;
    StringList ids;
    bool has_more; /* the list goes on in the next message */
} DnsReply;

extern const JsonStruct dns_request_json;
extern const JsonStruct dns_reply_json;

/*
 * Read a request, and check what a container says of itself: ids, addresses, names that can be
 * asked for. Errors: INVALID; @ret is left for json_struct_done().
 */
int dns_request_read(const char *data, size_t size, DnsRequest *ret, Error *err);
