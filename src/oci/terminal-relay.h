/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Our standard input and output on one side, the master side of a program's terminal on the other.
 * Both directions are copied without ever waiting for one of them alone.
 */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

typedef struct TerminalStream {
    int from, to;
    bool ended;
    size_t begin, end; /* what was read and not yet written */
    char data[4096];   /* no more than a pipe that can be written takes at once (PIPE_BUF) */
} TerminalStream;

#define TERMINAL_RELAY_POLLS 3

typedef struct TerminalRelay {
    int master_fd; /* -EBADF: there is no terminal, and nothing to do */
    bool is_raw;
    struct termios saved; /* of our own terminal */
    TerminalStream input, output;
} TerminalRelay;

/* Owns @master_fd, which may be -EBADF, from here on. Our own terminal, if we have one, becomes
 * raw, and the program's gets its size. */
void terminal_relay_init(TerminalRelay *relay, int master_fd);

/* What to wait for, and what to do once poll(2) has filled it in. */
void terminal_relay_want(const TerminalRelay *relay, struct pollfd polls[TERMINAL_RELAY_POLLS]);
void terminal_relay_move(TerminalRelay *relay, const struct pollfd polls[TERMINAL_RELAY_POLLS]);

/* Give the program's terminal the size of ours. */
void terminal_relay_resize(TerminalRelay *relay);

/* The program has ended: what it wrote last is copied, and our terminal is as it was. */
void terminal_relay_done(TerminalRelay *relay);
