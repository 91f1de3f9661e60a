/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What bench/network measures with, static so that it runs in any container:
 *
 *   network-load serve PORT                  sends back what it gets, until it is killed
 *   network-load ask ADDRESS PORT COUNT      prints the median of the microseconds from a message
 * of one byte to its answer network-load connect ADDRESS PORT COUNT  the same of a connection, a
 * message and its answer network-load resolve SERVER NAME COUNT   prints how many A records of NAME
 * it got in a second, asking for WINDOW at a time network-load stay                        waits to
 * be killed
 */

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define WINDOW 32
#define QUERY_MAX 300
#define CLIENTS_MAX 64
#define DNS_HEADER 12

static const struct timeval patience = { .tv_sec = 2 };

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

static void print_median(int64_t *times, size_t count)
{
    qsort(times, count, sizeof(*times), compare);
    printf("%.2f\n", (double)times[count / 2] / 1e3);
}

static struct sockaddr_in address_of(const char *address, const char *port)
{
    struct sockaddr_in result = { .sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };

    if (inet_pton(AF_INET, address, &result.sin_addr) != 1)
        fail(address);
    return result;
}

static int connect_to(const struct sockaddr_in *address)
{
    static const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
        connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        fail("connect");
    return fd;
}

static void exchange(int fd)
{
    char byte = 'x';

    if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
        fail("exchange");
}

static void serve_client(int fd)
{
    static const int on = 1;
    char buffer[4096];
    ssize_t n;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    while ((n = read(fd, buffer, sizeof(buffer))) > 0)
        if (write(fd, buffer, (size_t)n) != n)
            break;
    _exit(EXIT_SUCCESS);
}

static int serve(char **arguments)
{
    static const int on = 1;
    struct sockaddr_in address = address_of("0.0.0.0", arguments[0]);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    signal(SIGCHLD, SIG_IGN);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(listener, CLIENTS_MAX) < 0)
        fail("listen");
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && fork() == 0)
            serve_client(fd);
        close(fd);
    }
}

static int ask(char **arguments)
{
    struct sockaddr_in address = address_of(arguments[0], arguments[1]);
    size_t count = strtoul(arguments[2], NULL, 10);
    int64_t *times = calloc(count + 1, sizeof(*times));
    int fd = connect_to(&address);

    for (size_t i = 0; times && i < count; i++) {
        int64_t start = now();
        exchange(fd);
        times[i] = now() - start;
    }
    if (times)
        print_median(times, count);
    free(times);
    return EXIT_SUCCESS;
}

static int connect_often(char **arguments)
{
    struct sockaddr_in address = address_of(arguments[0], arguments[1]);
    size_t count = strtoul(arguments[2], NULL, 10);
    int64_t *times = calloc(count + 1, sizeof(*times));

    for (size_t i = 0; times && i < count; i++) {
        int64_t start = now();
        int fd = connect_to(&address);
        exchange(fd);
        close(fd);
        times[i] = now() - start;
    }
    if (times)
        print_median(times, count);
    free(times);
    return EXIT_SUCCESS;
}

/* A query of type A for @name. Returns its size. */
static size_t make_query(const char *name, uint8_t query[QUERY_MAX])
{
    static const uint8_t header[DNS_HEADER] = { [2] = 1, [5] = 1 };
    static const uint8_t question[] = { 0, 0, 1, 0, 1 }; /* the root, A, IN */
    size_t size = DNS_HEADER;

    if (strlen(name) > 250)
        fail(name);
    memcpy(query, header, DNS_HEADER);
    while (*name) {
        size_t length = strcspn(name, ".");
        query[size++] = (uint8_t)length;
        memcpy(query + size, name, length);
        size += length;
        name += length + (name[length] == '.');
    }
    memcpy(query + size, question, sizeof(question));
    return size + sizeof(question);
}

static int resolve(char **arguments)
{
    struct sockaddr_in address = address_of(arguments[0], "53");
    size_t count = strtoul(arguments[2], NULL, 10), answers = 0, sent = 0;
    uint8_t query[QUERY_MAX], answer[1500];
    size_t size = make_query(arguments[1], query);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
        fail("resolve");

    int64_t start = now();
    while (answers < count) {
        while (sent < count && sent < answers + WINDOW) {
            query[0] = (uint8_t)(sent >> 8);
            query[1] = (uint8_t)sent;
            if (send(fd, query, size, 0) < 0)
                fail("send");
            sent++;
        }
        ssize_t n = recv(fd, answer, sizeof(answer), 0);
        if (n < DNS_HEADER || (answer[3] & 0xf) != 0 || answer[7] == 0)
            fail("no answer");
        answers++;
    }
    printf("%.0f\n", (double)answers * 1e9 / (double)(now() - start));
    return EXIT_SUCCESS;
}

static _Noreturn int stay(char **arguments)
{
    (void)arguments;
    for (;;)
        pause();
}

static void end(int signal_number)
{
    (void)signal_number;
    _exit(EXIT_SUCCESS);
}

static const struct {
    const char *name;
    int n_arguments;
    int (*run)(char **arguments);
} modes[] = {
    { "serve", 1, serve },     { "ask", 3, ask },   { "connect", 3, connect_often },
    { "resolve", 3, resolve }, { "stay", 0, stay },
};

int main(int argc, char **argv)
{
    signal(SIGTERM, end);
    for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(*modes); i++)
        if (strcmp(argv[1], modes[i].name) == 0 && argc == modes[i].n_arguments + 2)
            return modes[i].run(argv + 2);
    fprintf(stderr, "network-load: what to do is wrong\n");
    return EXIT_FAILURE;
}
