/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sockets of an engine that waits for one descriptor: the master side of a terminal
 * (--console-socket), or a pidfd (--pidfd-socket). They are connected to before anything is made,
 * so that a wrong path costs nothing.
 */

#include "base/error.h"

/* Connect to the unix stream socket @path of the option @option. With NULL for @path, *ret_fd is
 * -EBADF. Errors: INVALID (too long), SYSTEM. */
int descriptor_socket_connect(const char *option, const char *path, int *ret_fd, Error *err);

/* Send the terminal with the name of its other side, or the pidfd. @socket_fd and @fd stay the
 * caller's. Errors: SYSTEM. */
int descriptor_socket_send_terminal(int socket_fd, int fd, Error *err);
int descriptor_socket_send_pidfd(int socket_fd, int fd, Error *err);
