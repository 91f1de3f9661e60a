/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * DNS messages on the wire (RFC 1035, EDNS of RFC 6891): what is asked is read, what is answered is
 * written, and of what others answer as much as is needed to pass it on and to keep it. Nothing
 * allocates, and every byte may be an attacker's.
 *
 * libldns reads messages, too, but takes all of libcrypto with it: it is what the tests judge by.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip-address.h"

#define MESSAGE_HEADER_SIZE 12
#define MESSAGE_NAME_MAX 255
#define MESSAGE_MAX 65535
#define MESSAGE_PLAIN_UDP_MAX 512 /* of who says nothing else */
#define MESSAGE_UDP_MAX 4096      /* whatever somebody says */
#define MESSAGE_QUERY_MAX 4096

typedef enum MessageType {
    TYPE_A = 1,
    TYPE_SOA = 6,
    TYPE_PTR = 12,
    TYPE_AAAA = 28,
    TYPE_OPT = 41,
    TYPE_IXFR = 251,
    TYPE_AXFR = 252,
    TYPE_ANY = 255,
} MessageType;

#define CLASS_IN 1

typedef enum MessageCode {
    CODE_OK = 0,
    CODE_FORMAT = 1,
    CODE_SERVER_FAILURE = 2,
    CODE_NO_NAME = 3,
    CODE_NOT_IMPLEMENTED = 4,
    CODE_REFUSED = 5,
} MessageCode;

/* What somebody asks. */
typedef struct Query {
    uint16_t id;
    uint16_t flags;                 /* as they came, with operation and code */
    uint8_t name[MESSAGE_NAME_MAX]; /* on the wire, in lower case */
    size_t name_size;
    char text[MESSAGE_NAME_MAX + 1]; /* "web.example", in lower case; "": no name of a container */
    uint16_t type;
    uint16_t class;
    size_t question_end; /* where the question ends, in the message */
    bool has_edns;
    bool has_edns_options;
    uint16_t edns_flags;
    uint16_t udp_max; /* the longest answer over UDP that is understood */
} Query;

/*
 * Read a query. Returns 0; -EBADMSG where it deserves no answer; or the MessageCode that it is
 * answered with, *@ret having been read as far as it could.
 */
int query_read(const uint8_t *data, size_t size, Query *ret);

/* An answer of our own, in a buffer of the caller's. What does not fit is left out, and marked. */
typedef struct Answer {
    uint8_t *data;
    size_t size;
    size_t limit;
    size_t question_end;
    const Query *query;
} Answer;

/* Begin the answer to @query, whose message is @message: @limit bytes at most, at least
 * MESSAGE_PLAIN_UDP_MAX. */
void answer_begin(Answer *answer, uint8_t *buffer, size_t limit, const Query *query,
                  const uint8_t *message, MessageCode code);
void answer_add_address(Answer *answer, const IpAddress *address, uint32_t lifetime);
/* @name: "web.example", of labels that are none too long; what is not one is left out. */
void answer_add_name(Answer *answer, const char *name, uint32_t lifetime);
/* Returns the message's size. */
size_t answer_end(Answer *answer);

/*
 * Is it an answer to @query with the id @id, whole in all its parts? -EBADMSG: no, whoever sent it.
 */
int reply_check(const uint8_t *data, size_t size, const Query *query, uint16_t id);
bool reply_is_truncated(const uint8_t *data);
MessageCode reply_code(const uint8_t *data);
bool reply_has_answers(const uint8_t *data);

/* Of what reply_check() has accepted: how many seconds it may be kept (RFC 2308 for what says that
 * there is nothing); 0: not at all. */
uint32_t reply_lifetime(const uint8_t *data, size_t size);

/* Take @seconds off the lifetimes. */
void reply_age(uint8_t *data, size_t size, uint32_t seconds);

/* Make it the answer to @query, which is the one that was asked: with its id and its spelling. */
void reply_address_to(uint8_t *data, const Query *query, const uint8_t *message);

/* Leave out what is beyond @limit bytes, record by record, and mark it as truncated. Returns the
 * new size. */
size_t reply_truncate(uint8_t *data, size_t size, const Query *query, size_t limit);

/* The address that a name below in-addr.arpa or ip6.arpa stands for. 0 or -EINVAL. */
int query_reverse_address(const Query *query, IpAddress *ret);
