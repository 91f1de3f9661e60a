/* SPDX-License-Identifier: Apache-2.0 */

/* `cay network create`. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/network-subnets.h"
#include "cli/open-engine.h"
#include "cli/pair-option.h"
#include "engine/network.h"

typedef struct CreateOptions {
    bool attachable;
    bool internal;
    bool ipv4;
    OptionalBool ipv6;
    char *driver;
    char *ipam_driver;
    char *parent;
    char *mode;
    StringMap labels;
    StringMap options;
    SubnetOptions subnets;
} CreateOptions;

static const Option create_options[] = {
    { "attachable", .type = OPTION_BOOL, .offset = offsetof(CreateOptions, attachable),
      .help = "Enable manual container attachment (always is)" },
    { "aux-address", .type = OPTION_HANDLER, .argument = "map", .handler = option_take_pair,
      .offset = offsetof(CreateOptions, subnets.aux_addresses),
      .help = "Addresses that containers never get, as NAME=ADDRESS" },
    { "driver", 'd', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(CreateOptions, driver),
      .help = "What it is made of (default \"bridge\")" },
    { "gateway", .type = OPTION_STRING_LIST, .argument = "strings",
      .offset = offsetof(CreateOptions, subnets.gateways),
      .help = "Gateway of the subnet that it is in" },
    { "internal", .type = OPTION_BOOL, .offset = offsetof(CreateOptions, internal),
      .help = "Restrict external access to the network" },
    { "ip-range", .type = OPTION_STRING_LIST, .argument = "strings",
      .offset = offsetof(CreateOptions, subnets.ranges),
      .help = "Choose addresses for containers from this part of the subnet" },
    { "ipam-driver", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(CreateOptions, ipam_driver),
      .help = "Who chooses addresses (default and only \"default\")" },
    { "ipv4", .type = OPTION_BOOL, .offset = offsetof(CreateOptions, ipv4),
      .help = "Give it an IPv4 subnet (default true)" },
    { "ipv6", .type = OPTION_OPTIONAL_BOOL, .offset = offsetof(CreateOptions, ipv6),
      .help = "Give it an IPv6 subnet (default true where the host routes for it)" },
    { "label", .type = OPTION_HANDLER, .argument = "list", .handler = option_take_pair,
      .offset = offsetof(CreateOptions, labels), .help = "Set metadata on the network" },
    { "mode", .type = OPTION_STRING, .argument = "string", .offset = offsetof(CreateOptions, mode),
      .help = "How containers of macvlan ('bridge', 'private', 'vepa', 'passthru') or ipvlan "
              "('l2', 'l3', 'l3s') reach each other" },
    { "opt", 'o', .type = OPTION_HANDLER, .argument = "map", .handler = option_take_pair,
      .offset = offsetof(CreateOptions, options), .help = "Set an option of the driver" },
    { "parent", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(CreateOptions, parent),
      .help = "Interface of the host that macvlan, ipvlan, vlan or vxlan goes through" },
    { "subnet", .type = OPTION_STRING_LIST, .argument = "strings",
      .offset = offsetof(CreateOptions, subnets.subnets),
      .help = "Subnet as ADDRESS/LENGTH, one for IPv4 and one for IPv6 (default: free ones)" },
};

#define NO_SWARM .instead = "there are no networks of a swarm"

static const UnsupportedOption unsupported_options[] = {
    { "config-from", NO_SWARM },
    { "config-only", NO_SWARM },
    { "ingress", NO_SWARM },
    { "ipam-opt", .instead = "the only IPAM driver, 'default', has no options" },
    { "scope", NO_SWARM },
};

const OptionTable network_create_option_table = {
    OPTION_TABLE(create_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
};

static void create_options_done(CreateOptions *options)
{
    free(options->driver);
    free(options->ipam_driver);
    free(options->parent);
    free(options->mode);
    string_map_done(&options->labels);
    string_map_done(&options->options);
    subnet_options_done(&options->subnets);
}

static bool has_family(const NetworkSpec *spec, IpFamily family)
{
    for (size_t i = 0; i < spec->subnets.count; i++) {
        IpPrefix subnet;

        if (ip_prefix_parse(spec->subnets.items[i].subnet, &subnet) == 0 &&
            ip_address_index(&subnet.address) == family)
            return true;
    }
    return false;
}

/* A subnet says that there is to be its family; without one it is chosen. */
static int decide_families(const CreateOptions *options, NetworkSpec *spec, Error *err)
{
    if (!options->ipv4 && has_family(spec, IP_V4))
        return error_set(err, ERROR_INVALID,
                         "an IPv4 subnet was specified with '--ipv4=false': leave out one of them");
    if (options->ipv6.is_set && !options->ipv6.value && has_family(spec, IP_V6))
        return error_set(err, ERROR_INVALID,
                         "an IPv6 subnet was specified with '--ipv6=false': leave out one of them");
    spec->ipv4 = options->ipv4;
    spec->ipv6 = has_family(spec, IP_V6) ||
                 (options->ipv6.is_set ? options->ipv6.value : network_has_ipv6(spec->driver));
    if (!spec->ipv4 && !spec->ipv6)
        return error_set(err, ERROR_INVALID, "IPv4 or IPv6 must be enabled");
    return 0;
}

/* Options of their own for what is given with -o otherwise. */
static int set_option(NetworkSpec *spec, const char *name, const char *value, Error *err)
{
    const char *other = value ? string_map_get(&spec->options, name) : NULL;

    if (other && strcmp(other, value) != 0)
        return error_set(err, ERROR_INVALID, "'--%s %s' contradicts '--opt %s=%s'", name, value,
                         name, other);
    if (value)
        string_map_set(&spec->options, name, value);
    return 0;
}

static int make_spec(CreateOptions *options, const char *name, NetworkSpec *spec, Error *err)
{
    int r;

    if (options->ipam_driver && strcmp(options->ipam_driver, "default") != 0)
        return error_set(err, ERROR_UNSUPPORTED,
                         "'--ipam-driver %s' is not supported: there is 'default' only",
                         options->ipam_driver);
    spec->name = memory_strdup(name);
    spec->driver = options->driver ? TAKE_PTR(options->driver) : memory_strdup("bridge");
    spec->is_internal = options->internal;
    spec->is_attachable = options->attachable;
    string_map_copy(&spec->options, &options->options);
    string_map_copy(&spec->labels, &options->labels);
    r = set_option(spec, "parent", options->parent, err);
    if (r >= 0)
        r = set_option(spec, "mode", options->mode, err);
    if (r >= 0)
        r = subnet_options_apply(&options->subnets, spec, err);
    return r < 0 ? r : decide_families(options, spec, err);
}

int cli_network_create(Invocation *invocation, Error *err)
{
    _cleanup_(create_options_done) CreateOptions options = { .ipv4 = true };
    _cleanup_(network_freep) Network *network = NULL;
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_network_spec_ NetworkSpec spec = {};
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = make_spec(&options, invocation->arguments[0], &spec, err);
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = network_create(engine, &spec, &network, err);
    if (r >= 0)
        printf("%s\n", network->spec.id);
    return r;
}
