/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What containers run in the tests of networks: network-peer [tcp:PORT|udp:PORT]...
 *
 * Listens at those ports of all addresses of both families, prints "ready", and says to each client
 * what it saw: "HOSTNAME CLIENT-ADDRESS OWN-ADDRESS\n", once for each connection or datagram. After
 * that a connection gets back what it sends. Without a port it just stays. It is static, and alone
 * in its container it is the first process, so that SIGTERM has to be asked for.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKETS_MAX 512

typedef enum SocketKind {
    SOCKET_LISTENER,
    SOCKET_DATAGRAM,
    SOCKET_CONNECTION,
} SocketKind;

static struct pollfd sockets[SOCKETS_MAX];
static SocketKind kinds[SOCKETS_MAX];
static nfds_t n_sockets;

static void end(int signal_number)
{
    (void)signal_number;
    _exit(EXIT_SUCCESS);
}

static void fail(const char *what)
{
    fprintf(stderr, "network-peer: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static void watch(int fd, SocketKind kind)
{
    if (n_sockets == SOCKETS_MAX) {
        close(fd);
        return;
    }
    kinds[n_sockets] = kind;
    sockets[n_sockets++] = (struct pollfd) { .fd = fd, .events = POLLIN };
}

static void forget(nfds_t i)
{
    close(sockets[i].fd);
    sockets[i] = sockets[--n_sockets];
    kinds[i] = kinds[n_sockets];
}

static void open_port(const char *argument)
{
    static const int off, on = 1;
    bool is_stream = strncmp(argument, "tcp:", 4) == 0;
    struct sockaddr_in6 address = { .sin6_family = AF_INET6,
                                    .sin6_port = htons((uint16_t)strtoul(argument + 4, NULL, 10)) };
    int fd = socket(AF_INET6, (is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        (is_stream && listen(fd, 128) < 0))
        fail(argument);
    watch(fd, is_stream ? SOCKET_LISTENER : SOCKET_DATAGRAM);
}

static const char *address_text(const struct sockaddr_in6 *address, char text[INET6_ADDRSTRLEN])
{
    if (IN6_IS_ADDR_V4MAPPED(&address->sin6_addr))
        return inet_ntop(AF_INET, &address->sin6_addr.s6_addr[12], text, INET6_ADDRSTRLEN);
    return inet_ntop(AF_INET6, &address->sin6_addr, text, INET6_ADDRSTRLEN);
}

static size_t say_what_is_seen(int fd, const struct sockaddr_in6 *client, char *line, size_t size)
{
    char name[65] = "", client_text[INET6_ADDRSTRLEN] = "", own_text[INET6_ADDRSTRLEN] = "";
    struct sockaddr_in6 own = { 0 };
    socklen_t length = sizeof(own);

    (void)gethostname(name, sizeof(name) - 1);
    (void)getsockname(fd, (struct sockaddr *)&own, &length);
    return (size_t)snprintf(line, size, "%s %s %s\n", name, address_text(client, client_text),
                            address_text(&own, own_text));
}

static void accept_connection(int listener)
{
    struct sockaddr_in6 client = { 0 };
    socklen_t length = sizeof(client);
    char line[256];
    int fd = accept4(listener, (struct sockaddr *)&client, &length, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    size_t written = say_what_is_seen(fd, &client, line, sizeof(line));
    (void)!write(fd, line, written); /* the client may be gone */
    watch(fd, SOCKET_CONNECTION);
}

static void answer_datagram(int fd)
{
    struct sockaddr_in6 client = { 0 };
    socklen_t length = sizeof(client);
    char buffer[65536], line[256];

    if (recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&client, &length) < 0)
        return;
    size_t written = say_what_is_seen(fd, &client, line, sizeof(line));
    (void)sendto(fd, line, written, 0, (struct sockaddr *)&client, length);
}

static bool echo(int fd)
{
    static char buffer[65536];
    ssize_t n = read(fd, buffer, sizeof(buffer));

    for (ssize_t done = 0; done < n;) {
        ssize_t written = write(fd, buffer + done, (size_t)(n - done));
        if (written < 0)
            return false;
        done += written;
    }
    return n > 0;
}

static void serve(nfds_t i)
{
    switch (kinds[i]) {
    case SOCKET_LISTENER:
        accept_connection(sockets[i].fd);
        break;
    case SOCKET_DATAGRAM:
        answer_datagram(sockets[i].fd);
        break;
    case SOCKET_CONNECTION:
        if (!echo(sockets[i].fd))
            forget(i);
        break;
    }
}

int main(int argc, char **argv)
{
    signal(SIGTERM, end);
    signal(SIGINT, end);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i < argc; i++)
        open_port(argv[i]);
    puts("ready");
    if (fflush(stdout) != 0)
        fail("standard output");

    for (;;) {
        if (poll(sockets, n_sockets, -1) < 0 && errno != EINTR)
            fail("poll");
        for (nfds_t i = n_sockets; i-- > 0;)
            if (sockets[i].revents)
                serve(i);
    }
}
