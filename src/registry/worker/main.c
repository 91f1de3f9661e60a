/* SPDX-License-Identifier: Apache-2.0 */

/*
 * cay-registry: the program that speaks to registries. It confines itself before it hears where and
 * as whom, serves one client and ends with it. It is not a command: registry/registry-client.h is
 * the way to use it. It ends without running exit handlers: there is nothing to flush, and
 * libraries' handlers do not expect to be confined.
 */

#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "registry/registry-protocol.h"
#include "registry/worker/session.h"

/* Started by a client: with a socket that keeps messages apart. */
static bool is_asked(int argc)
{
    int type = 0;
    socklen_t size = sizeof(type);

    return argc == 1 && getsockopt(REGISTRY_SOCKET_FD, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           type == SOCK_SEQPACKET;
}

int main(int argc, char **argv)
{
    Error error = {};

    (void)argv;
    if (!is_asked(argc)) {
        fputs("cay-registry: not a command: 'cay' runs it to speak to registries\n", stderr);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that goes away is an error like others */
    (void)mallopt(M_ARENA_MAX, 1);  /* the threads that look names up need none of their own */
    if (session_run(REGISTRY_SOCKET_FD, &error) < 0) {
        fprintf(stderr, "cay-registry: %s\n", error_message(&error));
        _exit(1);
    }
    _exit(0);
}
