/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One question to others while it lasts, and the two ways to ask it. */

#include "network/dns/asker.h"

#define TCP_LENGTH_SIZE 2

struct Forward {
    Forwarder *forwarder;
    Forward *next; /* of its asker */
    Forward **link;
    Deadline deadline;
    Asker *asker;
    Destination from;
    Upstream upstream; /* who is asked now */
    uint64_t servers;  /* and of whom that is one */
    size_t first;      /* the number of the server that was asked at first */
    unsigned attempt;
    uint16_t id;
    int fd; /* -EBADF: none yet */
    EventSource *source;
    uint8_t *truncated; /* what there is when nobody says more; NULL: nothing */
    size_t truncated_size;
    uint8_t *stream; /* over TCP: what is sent, then what is received, with its length */
    size_t stream_size;
    size_t stream_done;
    bool has_connection; /* one of those that there may be */
    size_t size;
    uint8_t message[]; /* as it came */
};

/* Begin to ask @forward->upstream, with a new id. Return 0 or -errno. */
int forward_udp_start(Forward *forward);
int forward_tcp_start(Forward *forward);

/* It could not, or made no sense: go on to the next server. */
void forward_failed(Forward *forward);
/* This is the answer: @reply was checked, and has room for MESSAGE_MAX bytes. */
void forward_answered(Forward *forward, uint8_t *reply, size_t size);

/* Close the socket, for another one. */
void forward_close(Forward *forward);
int forward_watch(Forward *forward, uint32_t events, EventFdHandler handler);
/* A buffer for MESSAGE_MAX bytes, until the next answer. */
uint8_t *forward_buffer(Forward *forward);
