/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parts of a relay that know about the user's descriptors: a sink writes to one without
 * blocking, a terminal is in raw mode for a while. The status flags of the user's descriptors are
 * never changed: others share them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "base/event-loop.h"

/*
 * A descriptor of our own for the file behind @fd. *ret_nonblocking says whether it does not block:
 * so it is for pipes and terminals, which can be opened anew; what cannot is duplicated.
 * Returns the descriptor or -errno.
 */
int relay_open_own(int fd, int open_flags, bool *ret_nonblocking);

/* One of the user's output descriptors. It holds on to data that its reader does not take yet. */
typedef struct RelaySink {
    int fd;              /* -EBADF: nobody reads it, what comes is discarded */
    EventSource *source; /* NULL: not pollable (a file), a write does not wait */
    bool is_bounded;     /* it blocks: only write what is sure to fit */
    const char *data;    /* not written yet; the caller keeps it */
    size_t size;
} RelaySink;

/* @handler is called through the loop. @fd may be -EBADF. Returns 0 or -errno. */
int relay_sink_open(RelaySink *sink, EventLoop *loop, int fd, EventFdHandler handler, void *data);

/* True when all was written (or discarded), false when @data is held until a later flush. */
bool relay_sink_write(RelaySink *sink, const char *data, size_t size);

/* Write on; true when nothing is held any more. */
bool relay_sink_flush(RelaySink *sink);
void relay_sink_close(RelaySink *sink);

/* The user's terminal. */
typedef struct RelayTerminal {
    int fd; /* not owned; -EBADF: none */
    bool is_raw;
    struct termios saved;
} RelayTerminal;

/* Does nothing where there is no terminal. */
void relay_terminal_enter_raw(RelayTerminal *terminal);
void relay_terminal_restore(RelayTerminal *terminal);
