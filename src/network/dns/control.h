/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A client's connection: requests in, replies out. Nobody but who has started this program, or
 * root, is heard. */

#include "base/event-loop.h"
#include "network/dns-protocol.h"

typedef struct Control Control;

typedef struct ControlHandlers {
    /* Do what @request says, taking what it needs from it, and from @fds. */
    int (*on_request)(DnsRequest *request, int *fds, DnsReply *reply, Error *err, void *data);
    void (*on_end)(void *data); /* it is gone */
    void *data;
} ControlHandlers;

/* Owns @fd, on failure, too. Returns 0 or -errno; -EACCES: a stranger. */
int control_new(EventLoop *loop, int fd, const ControlHandlers *handlers, Control **ret);
void control_free(Control *control);
DEFINE_CLEANUP(Control *, control_free);
