/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A connection to a shim, shared by the calls of shim-client.c and the relay. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/process.h"
#include "supervisor/shim-client.h"
#include "supervisor/shim-protocol.h"

struct ShimClient {
    int socket;
    Process shim;    /* pid 0: not ours, or waited for */
    char *container; /* its id; NULL where we only know the socket */
    pid_t shim_pid;
    pid_t container_pid;
    int64_t started_at; /* as shim_client_started_at() */
    bool is_owner;
    bool is_attached;
    bool is_restarting; /* the end that was told is not the container's last: its shim goes on */
    int terminal_fd;    /* not owned */
    ShimWindow window;  /* as last sent */
    uint8_t buffer[SHIM_MESSAGE_MAX];
};

/*
 * The next message; its tail lies in the client's buffer. Errors: UNAVAILABLE (the shim is gone, or
 * is of another version).
 */
int shim_client_receive(ShimClient *client, ShimMessage *ret, Error *err);

/* Errors: UNAVAILABLE. */
int shim_client_send(ShimClient *client, const ShimMessage *message, Error *err);

/* Tell the shim the size of the terminal @fd if it has changed; no terminal: nothing. */
int shim_client_send_window(ShimClient *client, int fd, Error *err);

/* Take note of the end that an EXITED tells. */
int shim_client_read_exit(ShimClient *client, const ShimMessage *message, ShimExit *ret,
                          Error *err);

/* The error for a shim that ended the connection. */
int shim_client_lost(ShimClient *client, Error *err);
