/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Unix sockets that carry whole messages and descriptors. */

#include <stddef.h>
#include <sys/types.h>

#define SOCKET_MAX_FDS 16

/* A connected pair of SOCK_SEQPACKET sockets, close-on-exec. */
int socket_pair(int ret_fds[2]);

/* Send one message with @n_fds descriptors (at most SOCKET_MAX_FDS). Returns 0 or -errno (-EAGAIN
 * when full). */
int socket_send(int fd, const void *data, size_t size, const int *fds, size_t n_fds);

/*
 * Receive one message. @fds has room for @max_fds; unused slots are set to -EBADF, and descriptors
 * beyond it are closed. Returns the message's size, 0 at end of stream, or -errno
 * (-EMSGSIZE when it does not fit @size).
 */
ssize_t socket_receive(int fd, void *data, size_t size, int *fds, size_t max_fds);

/*
 * Close @fd without waiting for what its end makes the kernel wait for: the kernel closes it by
 * itself a moment later. Where it cannot be persuaded to, this is close(2).
 */
void socket_close_behind(int fd);

/*
 * Listen at, or connect to, the socket @name inside the directory @dir_fd: reached through the
 * handle, so that the length limit of sun_path does not matter. SOCK_SEQPACKET.
 * Return the descriptor or -errno.
 */
int socket_listen_at(int dir_fd, const char *name, int backlog);
int socket_listen_stream_at(int dir_fd, const char *name, int backlog); /* SOCK_STREAM */
int socket_connect_at(int dir_fd, const char *name);
