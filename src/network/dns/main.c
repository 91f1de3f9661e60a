/* SPDX-License-Identifier: Apache-2.0 */

/*
 * cay-dns: the program that answers the names of networks. network/dns-client.h is the way to use
 * it. It becomes nobody's child, so that who has started it need not wait for it, and confines
 * itself before it hears anything.
 */

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "network/dns-protocol.h"
#include "network/dns/confine.h"
#include "network/dns/server.h"

/* Started by a client: with sockets that keep messages apart. */
static bool is_asked(int argc)
{
    int type = 0;
    socklen_t size = sizeof(type);

    for (int fd = DNS_LISTEN_FD; fd <= DNS_CONNECTION_FD; fd++)
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET)
            return false;
    return argc == 1;
}

int main(int argc, char **argv)
{
    Error error = {};
    pid_t pid;

    (void)argv;
    if (!is_asked(argc)) {
        fputs("cay-dns: not a command: 'cay' runs it to answer the names of containers\n", stderr);
        return 2;
    }
    pid = fork();
    if (pid != 0)
        _exit(pid < 0);
    (void)!chdir("/"); /* keep no mount busy; that it fails is no reason not to serve */
    (void)signal(SIGPIPE, SIG_IGN);
    if (confine(&error) < 0 || server_run(DNS_LISTEN_FD, DNS_CONNECTION_FD, &error) < 0) {
        fprintf(stderr, "cay-dns: %s\n", error_message(&error));
        _exit(1);
    }
    _exit(0); /* there is nothing to flush */
}
