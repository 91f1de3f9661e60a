/* SPDX-License-Identifier: Apache-2.0 */

/* `network inspect` (Engine API: Network, IPAM, NetworkContainer). */

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/time-format.h"
#include "engine/container-private.h"
#include "engine/network-private.h"
#include "network/network-link.h"

/* What the other members show already, and what only the database needs. */
static const char *const other_members[] = {
    "Id",         "Name",     "Driver",     "Subnets", "EnableIPv4",
    "EnableIPv6", "Internal", "Attachable", "Options", "Labels",
};

static json_t *map_to_json(const StringMap *map)
{
    json_t *json = json_object();

    for (size_t i = 0; i < map->count; i++)
        json_object_set_new(json, map->items[i].key, json_string(map->items[i].value));
    return json;
}

static json_t *subnet_to_json(const NetworkSubnet *subnet)
{
    json_t *json = json_object();

    json_object_set_new(json, "Subnet", json_string(subnet->subnet));
    if (subnet->range)
        json_object_set_new(json, "IPRange", json_string(subnet->range));
    if (subnet->gateway)
        json_object_set_new(json, "Gateway", json_string(subnet->gateway));
    if (subnet->aux_addresses.count > 0)
        json_object_set_new(json, "AuxiliaryAddresses", map_to_json(&subnet->aux_addresses));
    return json;
}

static json_t *ipam_to_json(const NetworkSpec *spec)
{
    json_t *config = json_array();

    for (size_t i = 0; i < spec->subnets.count; i++)
        json_array_append_new(config, subnet_to_json(&spec->subnets.items[i]));
    return json_pack("{s:s, s:n, s:o}", "Driver", "default", "Options", "Config", config);
}

/* "172.18.0.2/16"; "" for none. */
static json_t *address_to_json(const NetworkSpec *spec, const Endpoint *endpoint, IpFamily family)
{
    IpPrefix prefix = { .address = endpoint->addresses[family] };
    char text[IP_PREFIX_TEXT_MAX];
    NetworkPrefixes prefixes;

    if (network_spec_prefixes(spec, family, &prefixes))
        prefix.length = prefixes.subnet.length;
    return json_string(ip_prefix_format(&prefix, text));
}

static json_t *endpoint_to_json(const NetworkSpec *spec, const Endpoint *endpoint, const char *name)
{
    const uint8_t *mac = endpoint->mac;
    json_t *json = json_object();

    json_object_set_new(json, "Name", json_string(name));
    json_object_set_new(json, "EndpointID", json_string(endpoint->id));
    /* Where it is the parent's it is no address of the container's own. */
    json_object_set_new(json, "MacAddress",
                        network_takes_mac(spec)
                            ? json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
                                           mac[3], mac[4], mac[5])
                            : json_string(""));
    json_object_set_new(json, "IPv4Address", address_to_json(spec, endpoint, IP_V4));
    json_object_set_new(json, "IPv6Address", address_to_json(spec, endpoint, IP_V6));
    return json;
}

/* Those that have something of it now. */
static int add_endpoints(Engine *engine, const NetworkSpec *spec, json_t *containers, Error *err)
{
    _cleanup_endpoint_list_ EndpointList list = {};
    int r = endpoint_list_of_network(engine, spec->id, &list, err);

    for (size_t i = 0; i < list.count && r >= 0; i++) {
        const Endpoint *endpoint = &list.items[i];
        _cleanup_(container_freep) Container *container = NULL;

        if (!endpoint->interface)
            continue;
        r = container_row_load(engine, endpoint->container, &container, err);
        if (r >= 0)
            json_object_set_new(containers, container->id,
                                endpoint_to_json(spec, endpoint, container->name));
    }
    return r < 0 ? r : 0;
}

/* Of "host" and "none" there is nothing to have: those that run with it. */
static int add_users(Engine *engine, const NetworkSpec *spec, json_t *containers, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    const Endpoint nothing = { .id = (char *)"" };
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT id, name FROM container"
                             " WHERE state IN ('running', 'paused', 'restarting') AND network = ?",
                             "s", spec->name);

    while (r >= 0 && (r = statement_step(statement, err)) > 0) {
        json_t *json = endpoint_to_json(spec, &nothing, statement_text(statement, 1));

        json_object_set_new(json, "MacAddress", json_string(""));
        json_object_set_new(containers, statement_text(statement, 0), json);
    }
    return r;
}

static bool has_endpoints(const Network *network)
{
    return !network->is_predefined || strcmp(network->spec.name, NETWORK_BRIDGE) == 0;
}

int network_to_inspect(Engine *engine, const Network *network, json_t **ret, Error *err)
{
    const NetworkSpec *spec = &network->spec;
    _cleanup_free_ char *created = time_to_rfc3339(network->created_at);
    _cleanup_json_ json_t *json = json_object();
    json_t *containers = json_object();
    int r;

    json_object_set_new(json, "Name", json_string(spec->name));
    json_object_set_new(json, "Id", json_string(spec->id));
    json_object_set_new(json, "Created", json_string(created));
    json_object_set_new(json, "Scope", json_string("local"));
    json_object_set_new(json, "Driver", json_string(spec->driver));
    json_object_set_new(json, "EnableIPv4", json_boolean(spec->ipv4));
    json_object_set_new(json, "EnableIPv6", json_boolean(spec->ipv6));
    json_object_set_new(json, "IPAM", ipam_to_json(spec));
    json_object_set_new(json, "Internal", json_boolean(spec->is_internal));
    json_object_set_new(json, "Attachable", json_boolean(spec->is_attachable));
    json_object_set_new(json, "Ingress", json_false());
    json_object_set_new(json, "ConfigFrom", json_pack("{s:s}", "Network", ""));
    json_object_set_new(json, "ConfigOnly", json_false());
    json_object_set_new(json, "Containers", containers);
    json_object_set_new(json, "Options", map_to_json(&spec->options));
    json_object_set_new(json, "Labels", map_to_json(&spec->labels));
    r = has_endpoints(network) ? add_endpoints(engine, spec, containers, err)
                               : add_users(engine, spec, containers, err);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(json);
    return 0;
}

json_t *network_links_to_inspect(const Network *network)
{
    json_t *json = json_struct_write(&network_spec_json, &network->spec);

    for (size_t i = 0; i < ARRAY_SIZE(other_members); i++)
        json_object_del(json, other_members[i]);
    return json;
}
