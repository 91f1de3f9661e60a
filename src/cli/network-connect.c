/* SPDX-License-Identifier: Apache-2.0 */

/* `cay network connect`, `disconnect` and `reload`, and `cay container plug`, which a shim calls
 * when it starts a container again. */

#include "base/parse.h"
#include "cli/commands.h"
#include "cli/open-engine.h"
#include "engine/container-network.h"
#include "engine/network-request.h"

/* Each is a field of --network by the same name. */
static int take_field(const Option *option, const char *value, void *target, Error *err)
{
    return network_request_set(target, option->name, value, err);
}

#define FIELD(option_name, placeholder, help_text)                                                 \
    {                                                                                              \
        .name = (option_name), .type = OPTION_HANDLER, .argument = (placeholder),                  \
        .handler = take_field, .help = (help_text)                                                 \
    }

static const Option connect_options[] = {
    FIELD("alias", "strings", "Add network-scoped alias for the container"),
    FIELD("driver-opt", "strings", "driver options for the network"),
    FIELD("gw-priority", "int",
          "Highest gw-priority provides the default gateway. Accepts positive and negative values"),
    FIELD("ip", "ip", "IPv4 address (e.g., \"172.30.100.104\")"),
    FIELD("ip6", "ip", "IPv6 address (e.g., \"2001:db8::33\")"),
    FIELD("link", "list", "Add link to another container"),
    FIELD("link-local-ip", "strings", "Add a link-local address for the container"),
};

const OptionTable network_connect_option_table = { OPTION_TABLE(connect_options) };

typedef struct DisconnectOptions {
    bool force;
} DisconnectOptions;

static const Option disconnect_options[] = {
    { "force", 'f', .type = OPTION_BOOL, .offset = offsetof(DisconnectOptions, force),
      .help = "Force the container to disconnect from a network" },
};

const OptionTable network_disconnect_option_table = { OPTION_TABLE(disconnect_options) };

int cli_network_connect(Invocation *invocation, Error *err)
{
    _cleanup_network_request_ ContainerNetwork request = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = invocation_parse(invocation, &request, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    return r < 0 ? r
                 : container_network_connect(engine, invocation->arguments[0],
                                             invocation->arguments[1], &request, err);
}

int cli_network_disconnect(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    DisconnectOptions options = {};
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    return r < 0 ? r
                 : container_network_disconnect(engine, invocation->arguments[0],
                                                invocation->arguments[1], options.force, err);
}

int cli_network_reload(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = invocation_parse(invocation, NULL, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = container_recover_all(engine, err);
    return r < 0 ? r : container_network_repair(engine, true, err);
}

int cli_container_plug(Invocation *invocation, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_(engine_closep) Engine *engine = NULL;
    int32_t pid = 0;
    int r = invocation_parse(invocation, NULL, err);

    if (r >= 0 && parse_i32(invocation->arguments[1], &pid) < 0)
        r = invocation_misuse(invocation, error_set(err, ERROR_INVALID, "invalid process id '%s'",
                                                    invocation->arguments[1]));
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = container_find(engine, invocation->arguments[0], &container, err);
    return r < 0 ? r : container_network_plug(engine, container, pid, err);
}
