/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The client of cay-dns as a command, for tests: containers as JSON on stdin, what was asked for on
 * stdout, an error on stderr as "KIND: MESSAGE".
 *
 *     dns-tool DIRECTORY register PID
 *     dns-tool DIRECTORY update
 *     dns-tool DIRECTORY forget ID
 *     dns-tool DIRECTORY list
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/process.h"
#include "network/dns-client.h"

static int read_container(DnsContainer *ret, Error *err)
{
    _cleanup_free_ char *text = NULL;
    _cleanup_json_ json_t *json = NULL;
    size_t size = 0;
    int r = fd_read_all(STDIN_FILENO, 1 << 24, &text, &size);

    if (r < 0)
        return error_result(err, r, "read a container");
    r = json_parse(text, size, &json, err);
    return r < 0 ? r : json_struct_read(&dns_container_json, json, ret, err);
}

static int run_register(const DnsClient *client, const char *argument, Error *err)
{
    _cleanup_(dns_container_done) DnsContainer container = {};
    _cleanup_free_ char *path = memory_printf("/proc/%s/ns/net", argument);
    _cleanup_close_ int netns_fd = open(path, O_RDONLY | O_CLOEXEC), pidfd = -EBADF;
    int64_t pid = 0;
    int r;

    (void)parse_i64(argument, &pid);
    pidfd = pidfd_open((pid_t)pid, 0);
    if (netns_fd < 0 || pidfd < 0)
        return error_errno(err, "open process %s", argument);
    r = read_container(&container, err);
    return r < 0 ? r : dns_client_register(client, &container, netns_fd, pidfd, err);
}

static int run_update(const DnsClient *client, const char *argument, Error *err)
{
    _cleanup_(dns_container_done) DnsContainer container = {};
    int r = read_container(&container, err);

    (void)argument;
    return r < 0 ? r : dns_client_update(client, &container, err);
}

static int run_forget(const DnsClient *client, const char *argument, Error *err)
{
    return dns_client_forget(client, argument, err);
}

static int run_list(const DnsClient *client, const char *argument, Error *err)
{
    _cleanup_string_list_ StringList ids = {};
    int r = dns_client_list(client, &ids, err);

    (void)argument;
    for (size_t i = 0; i < ids.count; i++)
        puts(ids.items[i]);
    return r;
}

static const struct {
    const char *name;
    int (*run)(const DnsClient *client, const char *argument, Error *err);
} operations[] = {
    { "register", run_register },
    { "update", run_update },
    { "forget", run_forget },
    { "list", run_list },
};

int main(int argc, char **argv)
{
    _cleanup_free_ char *program = process_find_sibling("cay-dns");
    _cleanup_close_ int runtime_fd =
        argc > 2 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF;
    DnsClient client = { .runtime_fd = runtime_fd, .program = program };
    _cleanup_error_ Error error = {};

    for (size_t i = 0; runtime_fd >= 0 && i < ARRAY_SIZE(operations); i++) {
        if (strcmp(argv[2], operations[i].name) != 0)
            continue;
        if (operations[i].run(&client, argc > 3 ? argv[3] : "", &error) >= 0)
            return 0;
        fprintf(stderr, "%s: %s\n", error_kind_to_string(error.kind), error_message(&error));
        return 1;
    }
    return 2;
}
