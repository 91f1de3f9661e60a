/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The connection: addresses, who we are (SASL EXTERNAL, by the socket's own credentials), messages
 * in and out until a deadline. Of what comes in unasked, only the ends of the watched unit's jobs
 * are kept; they may come before the answer that names the job.
 */

#include "sandbox/systemd-bus-private.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/string-list.h"

#define SYSTEM_SOCKET "/run/dbus/system_bus_socket"
#define PRIVATE_SOCKET "/run/systemd/private"
#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"
#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"

#define CALL_TIMEOUT_MS 25000
#define JOB_TIMEOUT_MS 30000
#define LINE_SIZE_MAX 512 /* of the authentication */
#define JOBS_MAX 64       /* ends of one unit's jobs in the life of a connection */

struct SystemdBus {
    int fd;
    char *address;   /* for errors */
    bool is_private; /* systemd itself, without a bus between */
    uint32_t serial;
    uint8_t *message; /* the last one received; memory_new() aligns it */
    char *unit;       /* watched; NULL: none */
    StringMap ended;  /* job -> result, of that unit */
};

void systemd_bus_free(SystemdBus *bus)
{
    if (!bus)
        return;
    fd_close(bus->fd);
    free(bus->address);
    free(bus->message);
    free(bus->unit);
    string_map_done(&bus->ended);
    free(bus);
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, int64_t deadline)
{
    for (;;) {
        struct pollfd poller = { .fd = fd, .events = events };
        int64_t left = deadline - now_ms();
        int r = poll(&poller, 1, left > 0 ? (int)left : 0);

        if (r > 0)
            return 0;
        if (r == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

static int send_all(int fd, const char *data, size_t size, int64_t deadline)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EAGAIN) {
            int r = wait_for(fd, POLLOUT, deadline);

            if (r < 0)
                return r;
        } else if (n < 0 && errno != EINTR) {
            return -errno;
        } else if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static int receive_all(int fd, void *data, size_t size, int64_t deadline)
{
    for (size_t got = 0; got < size;) {
        ssize_t n = recv(fd, (char *)data + got, size - got, MSG_DONTWAIT);

        if (n == 0)
            return -ECONNRESET;
        if (n > 0) {
            got += (size_t)n;
        } else if (errno == EAGAIN) {
            int r = wait_for(fd, POLLIN, deadline);

            if (r < 0)
                return r;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

/* Byte by byte: what follows the line is not ours to take yet. */
static int receive_line(int fd, char line[static LINE_SIZE_MAX], int64_t deadline)
{
    for (size_t length = 0; length < LINE_SIZE_MAX; length++) {
        int r = receive_all(fd, &line[length], 1, deadline);

        if (r < 0)
            return r;
        if (line[length] == '\n') {
            line[length > 0 && line[length - 1] == '\r' ? length - 1 : length] = '\0';
            return 0;
        }
    }
    return -EMSGSIZE;
}

/*
 * Without naming a user: the other side takes the one that the socket shows it, which in a user
 * namespace is not the number that we have here.
 */
static int authenticate(int fd)
{
    static const char hello[] = "\0AUTH EXTERNAL\r\n", data[] = "DATA\r\n", begin[] = "BEGIN\r\n";
    int64_t deadline = now_ms() + CALL_TIMEOUT_MS;
    char line[LINE_SIZE_MAX];
    int r = send_all(fd, hello, sizeof(hello) - 1, deadline);

    if (r == 0)
        r = receive_line(fd, line, deadline);
    if (r == 0 && strncmp(line, "DATA", 4) == 0) {
        r = send_all(fd, data, sizeof(data) - 1, deadline);
        if (r == 0)
            r = receive_line(fd, line, deadline);
    }
    if (r < 0)
        return r;
    if (strncmp(line, "OK", 2) != 0)
        return -EACCES;
    return send_all(fd, begin, sizeof(begin) - 1, deadline);
}

/* @path begins with '@' for a name in the abstract namespace. */
static int connect_to(const char *path)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t length = strlen(path);

    if (fd < 0)
        return -errno;
    if (length >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    if (connect(fd, (const struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length +
                            (path[0] == '@' ? 0 : 1))) < 0)
        return -errno;
    return TAKE_FD(fd);
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* "%20" and the like, in place. */
static int unescape(char *text)
{
    char *target = text;

    while (*text) {
        int high, low;

        if (*text != '%') {
            *target++ = *text++;
            continue;
        }
        high = hex_digit(text[1]);
        low = high < 0 ? -1 : hex_digit(text[2]);
        if (low < 0 || (high == 0 && low == 0))
            return -EINVAL;
        *target++ = (char)(high * 16 + low);
        text += 3;
    }
    *target = '\0';
    return 0;
}

/* The first Unix socket of "unix:path=/a,guid=b;unix:abstract=c" (D-Bus, "Server Addresses"). */
static char *parse_address(const char *address)
{
    _cleanup_string_list_ StringList servers = {};

    string_list_split(&servers, address, ';');
    for (size_t i = 0; i < servers.count; i++) {
        char *rest = servers.items[i], *pair;

        if (strncmp(rest, "unix:", 5) != 0)
            continue;
        rest += 5;
        while ((pair = strsep(&rest, ","))) {
            bool is_path = strncmp(pair, "path=", 5) == 0;
            char *value = pair + (is_path ? 5 : 9);

            if (!is_path && strncmp(pair, "abstract=", 9) != 0)
                continue;
            if (unescape(value) == 0 && *value)
                return memory_printf("%s%s", is_path ? "" : "@", value);
        }
    }
    return NULL;
}

static char *find_address(bool is_user)
{
    const char *variable = is_user ? "DBUS_SESSION_BUS_ADDRESS" : "DBUS_SYSTEM_BUS_ADDRESS";
    const char *address = getenv(variable);
    const char *directory = getenv("XDG_RUNTIME_DIR");
    char *path = address ? parse_address(address) : NULL;

    if (path)
        return path;
    if (is_user)
        return memory_printf("%s/bus", directory ? directory : "$XDG_RUNTIME_DIR");
    return memory_strdup(SYSTEM_SOCKET);
}

static int connect_bus(SystemdBus *bus, bool is_user, Error *err)
{
    int r;

    bus->address = find_address(is_user);
    bus->fd = connect_to(bus->address);
    if (bus->fd < 0 && !is_user && !getenv("DBUS_SYSTEM_BUS_ADDRESS") && geteuid() == 0) {
        bus->fd = connect_to(PRIVATE_SOCKET);
        bus->is_private = bus->fd >= 0;
    }
    if (bus->fd == -EACCES || bus->fd == -EPERM)
        return error_set(err, ERROR_DENIED,
                         "systemd cgroup driver: no permission to use the bus at %s", bus->address);
    if (bus->fd < 0)
        return error_set(err, ERROR_UNAVAILABLE, "systemd cgroup driver: no systemd bus at %s",
                         bus->address);
    r = authenticate(bus->fd);
    return r < 0 ? error_result(err, r, "systemd cgroup driver: log in at %s", bus->address) : 0;
}

static bool is_job_end(const SystemdBus *bus, const BusMessage *message)
{
    return bus->unit && message->type == BUS_SIGNAL && strcmp(message->member, "JobRemoved") == 0 &&
           strcmp(message->interface, MANAGER) == 0 && strcmp(message->signature, "uoss") == 0;
}

/* JobRemoved(u id, o job, s unit, s result) */
static void note_job_end(SystemdBus *bus, const BusMessage *message)
{
    BusReader reader = { message->body, message->body_size, 0 };
    const char *job, *unit, *result;
    uint32_t id;

    if (!is_job_end(bus, message) || !bus_read_u32(&reader, &id) ||
        !bus_read_string(&reader, &job) || !bus_read_string(&reader, &unit) ||
        !bus_read_string(&reader, &result) || strcmp(unit, bus->unit) != 0)
        return;
    if (bus->ended.count < JOBS_MAX)
        string_map_set(&bus->ended, job, result);
}

static int receive(SystemdBus *bus, BusMessage *ret, int64_t deadline)
{
    uint8_t head[BUS_MESSAGE_HEAD_SIZE];
    size_t size;
    int r = receive_all(bus->fd, head, sizeof(head), deadline);

    if (r == 0)
        r = bus_message_size(head, &size);
    if (r < 0)
        return r;
    free(TAKE_PTR(bus->message));
    bus->message = memory_new(1, size);
    memcpy(bus->message, head, sizeof(head));
    r = receive_all(bus->fd, bus->message + sizeof(head), size - sizeof(head), deadline);
    if (r == 0)
        r = bus_message_parse(bus->message, size, ret);
    if (r == 0)
        note_job_end(bus, ret);
    return r;
}

/* The errors of systemd and of the bus that mean something to us. */
static const struct {
    const char *name;
    ErrorKind kind;
} error_names[] = {
    { "org.freedesktop.systemd1.NoSuchUnit", ERROR_NOT_FOUND },
    { "org.freedesktop.systemd1.UnitExists", ERROR_CONFLICT },
    { "org.freedesktop.DBus.Error.AccessDenied", ERROR_DENIED },
    { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", ERROR_DENIED },
    { "org.freedesktop.DBus.Error.ServiceUnknown", ERROR_UNAVAILABLE },
    { "org.freedesktop.DBus.Error.NameHasNoOwner", ERROR_UNAVAILABLE },
    { "org.freedesktop.DBus.Error.NoReply", ERROR_UNAVAILABLE },
    { "org.freedesktop.DBus.Error.InvalidArgs", ERROR_INVALID },
    { "org.freedesktop.DBus.Error.PropertyReadOnly", ERROR_UNSUPPORTED },
    { "org.freedesktop.DBus.Error.UnknownMethod", ERROR_UNSUPPORTED },
};

static int report_error(const BusMessage *message, const char *member, Error *err)
{
    BusReader reader = { message->body, message->body_size, 0 };
    const char *text = message->error_name;
    ErrorKind kind = ERROR_SYSTEM;

    if (message->signature[0] == 's')
        (void)bus_read_string(&reader, &text);
    for (size_t i = 0; i < ARRAY_SIZE(error_names); i++) {
        if (strcmp(error_names[i].name, message->error_name) == 0)
            kind = error_names[i].kind;
    }
    return error_set(err, kind, "systemd cgroup driver: %s: %s", member, text);
}

static int report_silence(const SystemdBus *bus, int r, const char *what, Error *err)
{
    if (r == -ETIMEDOUT)
        return error_set(err, ERROR_UNAVAILABLE, "systemd cgroup driver: %s: no answer in time",
                         what);
    return error_result(err, r, "systemd cgroup driver: %s at %s", what, bus->address);
}

static int call(SystemdBus *bus, const BusCall *call, BusMessage *ret, Error *err)
{
    _cleanup_(bus_writer_done) BusWriter writer = {};
    int64_t deadline = now_ms() + CALL_TIMEOUT_MS;
    BusMessage answer;
    int r;

    bus_call_write(call, ++bus->serial, &writer);
    r = send_all(bus->fd, writer.data.data, writer.data.length, deadline);
    while (r == 0) {
        r = receive(bus, &answer, deadline);
        if (r < 0 || answer.reply_serial != bus->serial)
            continue;
        if (answer.type == BUS_ERROR)
            return report_error(&answer, call->member, err);
        if (answer.type != BUS_METHOD_RETURN)
            continue;
        if (ret)
            *ret = answer;
        return 0;
    }
    return report_silence(bus, r, call->member, err);
}

int systemd_bus_open(bool is_user, SystemdBus **ret, Error *err)
{
    static const BusCall hello = { BUS_NAME, BUS_PATH, BUS_NAME, "Hello", NULL, NULL };
    _cleanup_(systemd_bus_freep) SystemdBus *bus = NEW(SystemdBus);
    int r;

    bus->fd = -EBADF;
    r = connect_bus(bus, is_user, err);
    if (r >= 0 && !bus->is_private)
        r = call(bus, &hello, NULL, err);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(bus);
    return 0;
}

int systemd_bus_call(SystemdBus *bus, const SystemdCall *systemd_call, BusMessage *ret, Error *err)
{
    const BusCall whole = {
        .destination = bus->is_private ? NULL : SYSTEMD_NAME,
        .path = systemd_call->path ? systemd_call->path : SYSTEMD_PATH,
        .interface = systemd_call->interface ? systemd_call->interface : MANAGER,
        .member = systemd_call->member,
        .signature = systemd_call->signature,
        .body = systemd_call->body,
    };

    return call(bus, &whole, ret, err);
}

int systemd_bus_watch(SystemdBus *bus, const char *unit, Error *err)
{
    static const SystemdCall subscribe = { .member = "Subscribe" };
    _cleanup_(bus_writer_done) BusWriter body = {};
    _cleanup_free_ char *rule =
        memory_printf("type='signal',path='%s',interface='%s',member='JobRemoved',arg2='%s'",
                      SYSTEMD_PATH, MANAGER, unit);
    const BusCall add_match = { BUS_NAME, BUS_PATH, BUS_NAME, "AddMatch", "s", &body };
    int r;

    free(bus->unit);
    bus->unit = memory_strdup(unit);
    if (bus->is_private)
        return 0; /* it sends all of them unasked */
    bus_write_string(&body, rule);
    r = call(bus, &add_match, NULL, err);
    return r < 0 ? r : systemd_bus_call(bus, &subscribe, NULL, err);
}

int systemd_bus_wait(SystemdBus *bus, const char *path, Error *err)
{
    int64_t deadline = now_ms() + JOB_TIMEOUT_MS;
    const char *result;

    while (!(result = string_map_get(&bus->ended, path))) {
        BusMessage message;
        int r = receive(bus, &message, deadline);

        if (r < 0)
            return report_silence(bus, r, "wait for a job", err);
    }
    if (strcmp(result, "done") != 0 && strcmp(result, "skipped") != 0)
        return error_set(err, ERROR_SYSTEM, "systemd cgroup driver: the job for '%s' ended as '%s'",
                         bus->unit, result);
    return 0;
}
