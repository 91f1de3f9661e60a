/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary text to the parsers of --publish, --expose, --network, --net-rate, --add-host and
 * --link. What is accepted must pass the checks that every specification gets, or be refused by
 * them; ports must be ports.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/name-options.h"
#include "engine/network-request.h"
#include "engine/published-port.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_publish(const char *text)
{
    _cleanup_container_spec_ ContainerSpec spec = {};
    uint16_t port;
    uint8_t protocol;

    if (published_port_parse(text, &spec.port_bindings, NULL) < 0)
        return;
    if (spec.port_bindings.count == 0 || published_ports_validate(&spec, NULL) < 0)
        abort();
    for (size_t i = 0; i < spec.port_bindings.count; i++)
        if (container_port_parse(spec.port_bindings.items[i].container_port, &port, &protocol,
                                 NULL) < 0 ||
            port == 0 || !port_protocol_to_string(protocol))
            abort();
}

static void check_expose(const char *text)
{
    _cleanup_string_list_ StringList ports = {};
    uint16_t port;
    uint8_t protocol;

    if (exposed_port_parse(text, &ports, NULL) < 0)
        return;
    for (size_t i = 0; i < ports.count && i < 16; i++)
        if (container_port_parse(ports.items[i], &port, &protocol, NULL) < 0)
            abort();
}

/* In a first network of its own, and beside one. */
static void check_network(const char *text)
{
    _cleanup_container_spec_ ContainerSpec alone = {}, beside = {};

    if (network_request_parse(text, &alone, NULL) >= 0) {
        if (network_mode_is_network(alone.network_mode) && alone.networks.count == 0)
            abort();
        (void)network_requests_validate(&alone, NULL); /* any answer will do, but an answer */
    }
    if (network_request_parse("one", &beside, NULL) < 0)
        abort();
    (void)network_request_parse(text, &beside, NULL);
    (void)network_request_parse_rates(text, &beside, NULL);
    if (!beside.network_mode || strcmp(beside.network_mode, "one") != 0)
        abort();
}

/* What is written normally reads the same again. */
static void check_host(const char *text)
{
    _cleanup_free_ char *normal = NULL, *again = NULL;

    if (extra_host_parse(text, &normal, NULL) < 0)
        return;
    if (extra_host_parse(normal, &again, NULL) < 0 || strcmp(normal, again) != 0 ||
        strpbrk(normal, " \t\n"))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = memory_strndup((const char *)data, size);

    check_publish(text);
    check_expose(text);
    check_network(text);
    check_host(text);
    (void)link_option_validate(text, NULL);
    return 0;
}
