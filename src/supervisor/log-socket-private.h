/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A socket to a receiver of logs that may be slow, restart or go away. It is connected anew when it
 * breaks; what cannot be sent meanwhile is counted.
 */

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "supervisor/log-private.h"

typedef union LogSocketAddress {
    struct sockaddr any;
    struct sockaddr_un local;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} LogSocketAddress;

typedef struct LogSocket {
    LogSocketAddress address;
    socklen_t address_size;
    int type;     /* SOCK_STREAM, SOCK_DGRAM */
    int fd;       /* -EBADF: the receiver is not there */
    char *unsent; /* the rest of a message that a stream has begun with */
    size_t unsent_size;
    int buffer_size; /* 0: the kernel's default */
    uint64_t lost;   /* bytes of output since the last notice */
    int lost_errnum;
} LogSocket;

/* Connect, and wait for that no longer than a user would. Returns 0 or -errno. */
int log_socket_open(LogSocket *socket, const LogSocketAddress *address, socklen_t size, int type);

/*
 * Send one message, which stands for @payload bytes of output. Returns 0 when it is taken or lost,
 * -EAGAIN when the receiver has no room: then socket->fd is to be waited for.
 */
int log_socket_send(LogSocket *socket, const char *message, size_t size, uint64_t payload);

/*
 * What a sink's take() does: send @line with @send, which makes a message of it and passes that to
 * log_socket_send(), but before it what is to be said of lines that were lost.
 */
int log_socket_take(LogSocket *socket, LogSink *sink, const LogLine *line,
                    int (*send)(LogSink *sink, const LogLine *line, uint64_t payload));

/* What a sink's lose() does. */
void log_socket_lose(LogSocket *socket, const LogLine *line);

/* The bytes that the kernel is to keep for a receiver that is slow. It may be less. */
void log_socket_set_buffer(LogSocket *socket, const StringMap *options);

/* Send what has been begun, and disconnect. */
void log_socket_done(LogSocket *socket);
