/* SPDX-License-Identifier: Apache-2.0 */

/* `cay port`: where the ports of a container are published. */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "base/parse.h"
#include "cli/commands.h"
#include "cli/open-engine.h"
#include "engine/container.h"
#include "engine/published-port.h"

/* "80" and "80/tcp" are the same port. */
static int complete_port(const char *text, char **ret, Error *err)
{
    size_t length = strcspn(text, "/");
    _cleanup_free_ char *number = memory_strndup(text, length);
    const char *protocol = text[length] ? text + length + 1 : "tcp";
    uint32_t port;

    if (parse_u32(number, &port) < 0 || port > UINT16_MAX || !*protocol)
        return error_set(err, ERROR_INVALID, "invalid port '%s': write it as PORT[/PROTOCOL]",
                         text);
    *ret = memory_printf("%u/%s", port, protocol);
    return 0;
}

/* All of them, or where the one that was asked for is. Returns how many there were. */
static size_t print_ports(const PublishedPortList *ports, const char *wanted)
{
    size_t n_printed = 0;

    for (size_t i = 0; i < ports->count; i++) {
        const PublishedPort *port = &ports->items[i];
        _cleanup_free_ char *name = published_port_name(port);
        bool is_ipv6 = port->address.family == AF_INET6;
        char address[IP_ADDRESS_TEXT_MAX];

        if (wanted && strcmp(wanted, name) != 0)
            continue;
        n_printed++;
        if (!wanted)
            printf("%s -> ", name);
        printf("%s%s%s:%u\n", is_ipv6 ? "[" : "", ip_address_format(&port->address, address),
               is_ipv6 ? "]" : "", port->host_port);
    }
    return n_printed;
}

int cli_container_port(Invocation *invocation, Error *err)
{
    _cleanup_published_port_list_ PublishedPortList ports = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_free_ char *port = NULL;
    int r = invocation_parse(invocation, NULL, err);

    if (r >= 0 && invocation->n_arguments > 1)
        r = invocation_misuse(invocation, complete_port(invocation->arguments[1], &port, err));
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = container_find_live(engine, invocation->arguments[0], &container, err);
    if (r >= 0)
        r = published_ports_list(engine, container->id, &ports, err);
    if (r < 0)
        return r;
    if (print_ports(&ports, port) == 0 && port)
        return error_set(err, ERROR_NOT_FOUND, "no public port '%s' published for '%s'", port,
                         invocation->arguments[0]);
    return 0;
}
