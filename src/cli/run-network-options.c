/* SPDX-License-Identifier: Apache-2.0 */

/* From options to the networks and ports of a specification. What they mean is the engine's. */

#include "cli/run-network-options.h"

#include <string.h>

#include "base/memory.h"
#include "engine/name-options.h"
#include "engine/network-request.h"
#include "engine/published-port.h"

int run_take_network(const Option *option, const char *value, void *target, Error *err)
{
    (void)option;
    return network_request_parse(value, &((RunOptions *)target)->spec, err);
}

int run_take_network_field(const Option *option, const char *value, void *target, Error *err)
{
    static const char *const aliases[] = { "network-alias", "net-alias" };
    const char *field = option->name;

    for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
        if (strcmp(aliases[i], field) == 0)
            field = "alias";
    return network_request_set(&((RunOptions *)target)->network, field, value, err);
}

int run_take_publish(const Option *option, const char *value, void *target, Error *err)
{
    (void)option;
    return published_port_parse(value, &((RunOptions *)target)->spec.port_bindings, err);
}

int run_take_expose(const Option *option, const char *value, void *target, Error *err)
{
    (void)option;
    return exposed_port_parse(value, &((RunOptions *)target)->spec.exposed_ports, err);
}

int run_take_add_host(const Option *option, const char *value, void *target, Error *err)
{
    char *host;
    int r = extra_host_parse(value, &host, err);

    (void)option;
    if (r >= 0)
        string_list_take(&((RunOptions *)target)->spec.extra_hosts, host);
    return r;
}

int run_network_options_finish(RunOptions *options, Error *err)
{
    int r = network_request_merge(&options->spec, &options->network, err);

    for (size_t i = 0; i < options->net_rates.count && r >= 0; i++) {
        r = network_request_parse_rates(options->net_rates.items[i], &options->spec, err);
        if (r < 0)
            return error_wrap(err, r, "invalid value '%s' for option '--net-rate'",
                              options->net_rates.items[i]);
    }
    exposed_ports_add_published(&options->spec);
    return r < 0 ? r : network_requests_check_joined(&options->spec, err);
}
