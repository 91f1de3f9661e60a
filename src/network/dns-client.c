/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The client's end of cay-dns. Who starts the program makes the socket that it listens at, under a
 * lock: whoever connects afterwards waits in that until the program is up. A program that ends, for
 * it has nobody to serve any more or was killed, ends connections unanswered; what was asked of it
 * is then asked of the next one.
 */

#include "network/dns-client.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/socket.h"
#include "network/dns-protocol.h"
#include "network/dns-sockets.h"

#define ATTEMPTS 3
#define PATIENCE 10 /* seconds, for an answer from this machine */

static bool is_nobody_there(int r)
{
    return r == -ENOENT || r == -ECONNREFUSED;
}

static bool is_ended(int r)
{
    return r == -EPIPE || r == -ECONNRESET || r == -ENOTCONN;
}

static int lock(const DnsClient *client, Error *err)
{
    _cleanup_close_ int fd =
        openat(client->runtime_fd, DNS_LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return error_errno(err, "open '%s'", DNS_LOCK_NAME);
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return error_errno(err, "lock '%s'", DNS_LOCK_NAME);
    return TAKE_FD(fd);
}

/* Replace what a program that has ended left there. */
static int listen_anew(const DnsClient *client, Error *err)
{
    _cleanup_close_ int fd = -EBADF;

    if (unlinkat(client->runtime_fd, DNS_SOCKET_NAME, 0) < 0 && errno != ENOENT)
        return error_errno(err, "remove '%s'", DNS_SOCKET_NAME);
    fd = socket_listen_at(client->runtime_fd, DNS_SOCKET_NAME, SOMAXCONN);
    if (fd < 0)
        return error_result(err, fd, "listen at '%s'", DNS_SOCKET_NAME);
    if (fchmodat(client->runtime_fd, DNS_SOCKET_NAME, 0600, 0) < 0)
        return error_errno(err, "protect '%s'", DNS_SOCKET_NAME);
    return TAKE_FD(fd);
}

static int spawn(const DnsClient *client, int listen_fd, int connection_fd, Error *err)
{
    const char *const arguments[] = { DNS_PROGRAM, NULL };
    const char *const environment[] = { NULL };
    const int fds[] = { listen_fd, connection_fd };
    _cleanup_close_ int log_fd =
        openat(client->runtime_fd, DNS_LOG_NAME,
               O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    _cleanup_process_ Process process = PROCESS_INIT;
    SpawnOptions options = {
        .program = client->program,
        .arguments = arguments,
        .environment = environment,
        .stdio = { -EBADF, -EBADF, log_fd },
        .fds = fds,
        .n_fds = ARRAY_SIZE(fds),
        .new_session = true,
    };
    int status, r;

    if (log_fd < 0)
        return error_errno(err, "open '%s'", DNS_LOG_NAME);
    r = process_spawn(&options, &process, err);
    if (r < 0)
        return error_wrap(err, r, "start '%s'", DNS_PROGRAM);
    r = process_wait(&process, &status); /* it leaves a child behind, at once */
    if (r < 0)
        return error_result(err, r, "wait for '%s'", DNS_PROGRAM);
    return status == 0 ? 0
                       : error_set(err, ERROR_UNAVAILABLE, "'%s' ended with code %d", DNS_PROGRAM,
                                   process_status_to_code(status));
}

/* A connection to a program that is started, where somebody else has not been quicker. */
static int start(const DnsClient *client, Error *err)
{
    _cleanup_close_ int lock_fd = lock(client, err), ours = -EBADF, theirs = -EBADF;
    _cleanup_close_ int listen_fd = -EBADF;
    int ends[2], r;

    if (lock_fd < 0)
        return lock_fd;
    ours = socket_connect_at(client->runtime_fd, DNS_SOCKET_NAME);
    if (ours >= 0)
        return TAKE_FD(ours);
    if (!is_nobody_there(ours))
        return error_result(err, ours, "connect to '%s'", DNS_PROGRAM);
    listen_fd = listen_anew(client, err);
    if (listen_fd < 0)
        return listen_fd;
    r = socket_pair(ends);
    if (r < 0)
        return error_result(err, r, "make a socket");
    ours = ends[0];
    theirs = ends[1];
    r = spawn(client, listen_fd, theirs, err);
    return r < 0 ? r : TAKE_FD(ours);
}

/* Returns the connection, -ENOENT without an error where nobody runs and @may_start is not set. */
static int connect_to_program(const DnsClient *client, bool may_start, Error *err)
{
    static const struct timeval patience = { .tv_sec = PATIENCE };
    _cleanup_close_ int fd = socket_connect_at(client->runtime_fd, DNS_SOCKET_NAME);

    if (is_nobody_there(fd)) {
        if (!may_start)
            return -ENOENT;
        fd = start(client, err);
        if (fd < 0)
            return fd;
    }
    if (fd < 0)
        return error_result(err, fd, "connect to '%s'", DNS_PROGRAM);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
        return error_errno(err, "set up a connection to '%s'", DNS_PROGRAM);
    return TAKE_FD(fd);
}

/* One message of a reply, whose error becomes ours; ids are added. Returns 1 for more to come. */
static int read_reply(int fd, StringList *ids, Error *err)
{
    _cleanup_free_ char *text = memory_new(DNS_MESSAGE_MAX, 1);
    _cleanup_json_ json_t *json = NULL;
    ssize_t n = socket_receive(fd, text, DNS_MESSAGE_MAX, NULL, 0);
    DnsReply reply = {};
    int r;

    if (n <= 0)
        return n == 0 ? -ECONNRESET : (int)n;
    r = json_parse(text, (size_t)n, &json, err);
    if (r >= 0)
        r = json_struct_read(&dns_reply_json, json, &reply, err);
    if (r < 0)
        r = error_set(err, ERROR_UNAVAILABLE, "what '%s' says makes no sense", DNS_PROGRAM);
    else if (reply.kind)
        r = error_set(err, error_kind_from_string(reply.kind), "%s",
                      reply.message ? reply.message : "it does not say why");
    else
        r = reply.has_more;
    for (size_t i = 0; ids && i < reply.ids.count; i++)
        string_list_add(ids, reply.ids.items[i]);
    json_struct_done(&dns_reply_json, &reply);
    return r;
}

static int exchange_once(int fd, const char *text, const int *fds, size_t n_fds, StringList *ids,
                         Error *err)
{
    int r = socket_send(fd, text, strlen(text), fds, n_fds);

    if (r < 0)
        return r;
    do
        r = read_reply(fd, ids, err);
    while (r > 0);
    return r;
}

typedef struct Exchange {
    const DnsRequest *request;
    const int *fds;
    size_t n_fds;
    bool may_start;
    StringList *ids;
} Exchange;

/* Returns 0, or -ENOENT without an error where nobody runs. */
static int exchange(const DnsClient *client, const Exchange *what, Error *err)
{
    _cleanup_json_ json_t *json = json_struct_write(&dns_request_json, what->request);
    _cleanup_free_ char *text = json_to_text(json);
    int r = -ECONNRESET;

    if (strlen(text) > DNS_MESSAGE_MAX)
        return error_set(err, ERROR_INVALID, "a container has too many networks and names");
    for (int attempt = 0; attempt < ATTEMPTS && is_ended(r); attempt++) {
        _cleanup_string_list_ StringList ids = {};
        _cleanup_close_ int fd = connect_to_program(client, what->may_start, err);

        if (fd < 0)
            return fd;
        r = exchange_once(fd, text, what->fds, what->n_fds, &ids, err);
        for (size_t i = 0; r >= 0 && what->ids && i < ids.count; i++)
            string_list_add(what->ids, ids.items[i]);
    }
    if (r >= 0 || error_is_set(err))
        return r;
    if (r == -EAGAIN)
        return error_set(err, ERROR_UNAVAILABLE, "'%s' does not answer", DNS_PROGRAM);
    if (is_ended(r))
        return error_set(err, ERROR_UNAVAILABLE, "'%s' ends whenever it is asked: see its '%s'",
                         DNS_PROGRAM, DNS_LOG_NAME);
    return error_result(err, r, "ask '%s'", DNS_PROGRAM);
}

int dns_client_register(const DnsClient *client, const DnsContainer *container, int netns_fd,
                        int pidfd, Error *err)
{
    DnsRequest request = { .add = (DnsContainer *)container };
    DnsSockets sockets = DNS_SOCKETS_INIT;
    int fds[_DNS_DESCRIPTOR_MAX], r = dns_sockets_open(netns_fd, &sockets, err);

    if (r < 0)
        return r;
    fds[DNS_DESCRIPTOR_UDP] = sockets.udp_fd;
    fds[DNS_DESCRIPTOR_TCP] = sockets.tcp_fd;
    fds[DNS_DESCRIPTOR_PROCESS] = pidfd;
    r = exchange(client, &(Exchange) { &request, fds, ARRAY_SIZE(fds), true, NULL }, err);
    dns_sockets_close(&sockets);
    return r;
}

int dns_client_update(const DnsClient *client, const DnsContainer *container, Error *err)
{
    DnsRequest request = { .update = (DnsContainer *)container };
    _cleanup_error_ Error error = {};
    int r = exchange(client, &(Exchange) { .request = &request }, &error);

    if (r == -ENOENT && !error_is_set(&error))
        return error_set(err, ERROR_NOT_FOUND, "'%s' does not run", DNS_PROGRAM);
    error_move(err, &error);
    return r;
}

/* What is asked of a program that need not run. */
static int ask_if_running(const DnsClient *client, const Exchange *what, Error *err)
{
    _cleanup_error_ Error error = {};
    int r = exchange(client, what, &error);

    if (r == -ENOENT && !error_is_set(&error))
        return 0;
    error_move(err, &error);
    return r;
}

int dns_client_forget(const DnsClient *client, const char *id, Error *err)
{
    DnsRequest request = { .forget = (char *)id };

    return ask_if_running(client, &(Exchange) { .request = &request }, err);
}

int dns_client_list(const DnsClient *client, StringList *ids, Error *err)
{
    DnsRequest request = { .list = true };

    return ask_if_running(client, &(Exchange) { .request = &request, .ids = ids }, err);
}
