/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `inspect`: NetworkSettings (Engine API: NetworkSettings, EndpointSettings), and of HostConfig
 * PortBindings and Links. What a container was given is in the rows of its endpoints and ports, and
 * only while it runs.
 */

#include <stdio.h>
#include <string.h>

#include "base/ip-address.h"
#include "base/memory.h"
#include "engine/container-cni.h"
#include "engine/container-network.h"
#include "engine/inspect-private.h"
#include "engine/network-request.h"
#include "engine/network.h"
#include "engine/published-port.h"

static const InspectMember settings_members[] = {
    { "Bridge", "\"\"" },
    { "SandboxID", "\"\"" },
    { "SandboxKey", "\"\"" },
    { "Ports", "{}" },
    { "HairpinMode", "false" },
    { "LinkLocalIPv6Address", "\"\"" },
    { "LinkLocalIPv6PrefixLen", "0" },
    { "SecondaryIPAddresses", "null" },
    { "SecondaryIPv6Addresses", "null" },
    { "EndpointID", "\"\"" },
    { "Gateway", "\"\"" },
    { "GlobalIPv6Address", "\"\"" },
    { "GlobalIPv6PrefixLen", "0" },
    { "IPAddress", "\"\"" },
    { "IPPrefixLen", "0" },
    { "IPv6Gateway", "\"\"" },
    { "MacAddress", "\"\"" },
    { "Networks", "{}" },
};

static const InspectMember endpoint_members[] = {
    { "IPAMConfig", "null" },        { "Links", "null" },
    { "Aliases", "null" },           { "MacAddress", "\"\"" },
    { "DriverOpts", "null" },        { "GwPriority", "0" },
    { "NetworkID", "\"\"" },         { "EndpointID", "\"\"" },
    { "Gateway", "\"\"" },           { "IPAddress", "\"\"" },
    { "IPPrefixLen", "0" },          { "IPv6Gateway", "\"\"" },
    { "GlobalIPv6Address", "\"\"" }, { "GlobalIPv6PrefixLen", "0" },
    { "DNSNames", "null" },          { "IngressRate", NULL }, /* these two Docker has not */
    { "EgressRate", NULL },
};

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, json_string(text));
}

static void set_list(json_t *object, const char *name, const StringList *list)
{
    if (list->count > 0)
        json_object_set_new(object, name, inspect_make_list(list));
}

/* What its user has chosen of the addresses. */
static void set_ipam(json_t *values, const ContainerNetwork *request)
{
    json_t *config = json_object();

    set_text(config, "IPv4Address", request->ip4);
    set_text(config, "IPv6Address", request->ip6);
    set_list(config, "LinkLocalIPs", &request->link_local);
    if (json_object_size(config) > 0)
        json_object_set(values, "IPAMConfig", config);
    json_decref(config);
}

/* Under which names Docker has what is a field of its own here. */
static void set_driver_options(json_t *values, const ContainerNetwork *request)
{
    _cleanup_string_list_ StringList sysctls = {};
    _cleanup_free_ char *text = NULL;
    json_t *options = json_object();

    for (size_t i = 0; i < request->sysctls.count; i++)
        string_list_printf(&sysctls, "%s=%s", request->sysctls.items[i].key,
                           request->sysctls.items[i].value);
    text = string_list_join(&sysctls, ",");
    set_text(options, NETWORK_OPTION_INTERFACE, request->interface);
    set_text(options, NETWORK_OPTION_SYSCTLS, sysctls.count > 0 ? text : NULL);
    if (json_object_size(options) > 0)
        json_object_set(values, "DriverOpts", options);
    json_decref(options);
}

static void add_once(StringList *list, const char *text)
{
    if (text && *text && !string_list_contains(list, text))
        string_list_add(list, text);
}

/* By which the others in a user's network find it. */
static void set_names(json_t *values, const Container *container, const ContainerNetwork *request)
{
    _cleanup_free_ char *short_id = memory_strndup(container->id, CONTAINER_SHORT_ID_LENGTH);
    _cleanup_string_list_ StringList names = {};

    add_once(&names, container->name);
    for (size_t i = 0; i < request->aliases.count; i++)
        add_once(&names, request->aliases.items[i]);
    add_once(&names, short_id);
    add_once(&names, container->spec.hostname);
    set_list(values, "DNSNames", &names);
}

static void set_rate(json_t *values, const char *name, int64_t rate)
{
    if (rate > 0)
        json_object_set_new(values, name, json_integer(rate));
}

static const struct {
    const char *address, *length, *gateway;
} address_members[_IP_FAMILY_MAX] = {
    [IP_V4] = { "IPAddress", "IPPrefixLen", "Gateway" },
    [IP_V6] = { "GlobalIPv6Address", "GlobalIPv6PrefixLen", "IPv6Gateway" },
};

static void set_addresses(json_t *values, const NetworkSpec *network, const Endpoint *endpoint)
{
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++) {
        const IpAddress *address = &endpoint->addresses[family];
        char text[IP_ADDRESS_TEXT_MAX];
        NetworkPrefixes prefixes;

        if (!ip_address_is_set(address) || !network_spec_prefixes(network, family, &prefixes))
            continue;
        set_text(values, address_members[family].address, ip_address_format(address, text));
        json_object_set_new(values, address_members[family].length,
                            json_integer(prefixes.subnet.length));
        if (ip_address_is_set(&prefixes.gateway))
            set_text(values, address_members[family].gateway,
                     ip_address_format(&prefixes.gateway, text));
    }
}

/* What it has while it runs; the hardware address that was asked for it has always. */
static void set_link(json_t *values, const NetworkSpec *network, const Endpoint *endpoint)
{
    static const uint8_t none[sizeof(endpoint->mac)] = { 0 };
    const uint8_t *mac = endpoint->mac;
    char text[sizeof("00:00:00:00:00:00")];

    set_text(values, "MacAddress", endpoint->request.mac);
    if (!endpoint->interface)
        return;
    if (memcmp(mac, none, sizeof(none)) != 0) {
        (void)snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
                       mac[3], mac[4], mac[5]);
        set_text(values, "MacAddress", text);
    }
    set_text(values, "EndpointID", endpoint->id);
    set_addresses(values, network, endpoint);
}

static json_t *make_endpoint(const Container *container, const Network *network,
                             const Endpoint *endpoint)
{
    const ContainerNetwork *request = &endpoint->request;
    _cleanup_json_ json_t *values = json_object();

    set_ipam(values, request);
    set_driver_options(values, request);
    set_list(values, "Aliases", &request->aliases);
    json_object_set_new(values, "GwPriority", json_integer(request->gateway_priority));
    set_rate(values, "IngressRate", request->ingress_rate);
    set_rate(values, "EgressRate", request->egress_rate);
    set_text(values, "NetworkID", network->spec.id);
    if (!network->is_predefined) {
        set_list(values, "Links", &request->links);
        set_names(values, container, request);
    }
    set_link(values, &network->spec, endpoint);
    return inspect_select(endpoint_members, ARRAY_SIZE(endpoint_members), values);
}

/* Of the default network Docker tells at the top, too, as when there was no other. */
static void lift(json_t *settings, const json_t *endpoint)
{
    static const char *const names[] = { "EndpointID",  "Gateway",     "GlobalIPv6Address",
                                         "IPAddress",   "IPPrefixLen", "GlobalIPv6PrefixLen",
                                         "IPv6Gateway", "MacAddress" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        json_object_set(settings, names[i], json_object_get(endpoint, names[i]));
}

/* A network that has been removed has no endpoints: those that are there can be told of. */
static void add_endpoints(json_t *settings, json_t *networks, Engine *engine,
                          const Container *container)
{
    _cleanup_endpoint_list_ EndpointList endpoints = {};

    if (endpoint_list_of_container(engine, container->id, &endpoints, NULL) < 0)
        return;
    for (size_t i = 0; i < endpoints.count; i++) {
        _cleanup_(network_freep) Network *network = NULL;
        json_t *endpoint;

        if (network_find(engine, endpoints.items[i].network, &network, NULL) < 0)
            continue;
        endpoint = make_endpoint(container, network, &endpoints.items[i]);
        if (strcmp(network->spec.name, NETWORK_BRIDGE) == 0)
            lift(settings, endpoint);
        json_object_set_new(networks, network->spec.name, endpoint);
    }
}

/* Of CNI there is one network, of which the plug-ins have told. */
static void add_cni(json_t *settings, json_t *networks, Engine *engine, const Container *container)
{
    _cleanup_cni_result_ CniResult result = {};
    _cleanup_json_ json_t *values = json_object(), *endpoint = NULL;

    container_cni_read(engine, container, &result);
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++) {
        const IpPrefix *prefix = &result.addresses[family];
        char text[IP_ADDRESS_TEXT_MAX];

        if (!ip_address_is_set(&prefix->address))
            continue;
        set_text(values, address_members[family].address,
                 ip_address_format(&prefix->address, text));
        json_object_set_new(values, address_members[family].length, json_integer(prefix->length));
        if (ip_address_is_set(&result.gateways[family]))
            set_text(values, address_members[family].gateway,
                     ip_address_format(&result.gateways[family], text));
    }
    set_text(values, "MacAddress", result.mac);
    endpoint = inspect_select(endpoint_members, ARRAY_SIZE(endpoint_members), values);
    lift(settings, endpoint);
    json_object_set(networks, container->spec.network_mode, endpoint);
}

/* "none" and "host" are networks, too, in which a container has nothing. */
static void add_mode(json_t *networks, Engine *engine, const char *mode)
{
    _cleanup_(network_freep) Network *network = NULL;
    _cleanup_json_ json_t *values = json_object();

    if (strchr(mode, ':'))
        return;
    if (network_find(engine, mode, &network, NULL) >= 0)
        set_text(values, "NetworkID", network->spec.id);
    json_object_set_new(networks, mode,
                        inspect_select(endpoint_members, ARRAY_SIZE(endpoint_members), values));
}

/* {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "443/tcp": null} */
static json_t *make_ports(Engine *engine, const Container *container)
{
    _cleanup_published_port_list_ PublishedPortList ports = {};
    const StringList *exposed = &container->spec.exposed_ports;
    json_t *json = json_object();

    if (!container_is_up(container) || !container_has_links(container))
        return json;
    (void)published_ports_list(engine, container->id, &ports, NULL); /* none, then */
    for (size_t i = 0; i < exposed->count; i++)
        json_object_set_new(json, exposed->items[i], json_null());
    for (size_t i = 0; i < ports.count; i++) {
        const PublishedPort *port = &ports.items[i];
        _cleanup_free_ char *name = published_port_name(port);
        char address[IP_ADDRESS_TEXT_MAX];
        json_t *bindings = json_object_get(json, name);

        if (!json_is_array(bindings)) {
            bindings = json_array();
            json_object_set_new(json, name, bindings);
        }
        json_array_append_new(bindings, json_pack("{s:s, s:o}", "HostIp",
                                                  ip_address_format(&port->address, address),
                                                  "HostPort", json_sprintf("%u", port->host_port)));
    }
    return json;
}

json_t *inspect_network_settings(Engine *engine, const Container *container)
{
    const char *mode = container->spec.network_mode;
    _cleanup_json_ json_t *values = json_object();
    json_t *networks = json_object();

    if (container->pid > 0) {
        _cleanup_free_ char *key = memory_printf("/proc/%lld/ns/net", (long long)container->pid);

        json_object_set_new(values, "SandboxKey", json_string(key));
    }
    json_object_set_new(values, "Ports", make_ports(engine, container));
    if (network_mode_is_network(mode))
        add_endpoints(values, networks, engine, container);
    else if (container_mode_cni(mode))
        add_cni(values, networks, engine, container);
    else
        add_mode(networks, engine, mode);
    json_object_set_new(values, "Networks", networks);
    return inspect_select(settings_members, ARRAY_SIZE(settings_members), values);
}

static json_t *make_port_bindings(const ContainerSpec *spec)
{
    json_t *json = json_object();

    for (size_t i = 0; i < spec->port_bindings.count; i++) {
        const ContainerPortBinding *binding = &spec->port_bindings.items[i];
        json_t *list = json_object_get(json, binding->container_port);
        json_t *item = json_pack("{s:s, s:s}", "HostIp", binding->host_ip ? binding->host_ip : "",
                                 "HostPort", binding->host_port ? binding->host_port : "");

        set_list(item, "Allow", &binding->allow);
        if (!list) {
            list = json_array();
            json_object_set_new(json, binding->container_port, list);
        }
        json_array_append_new(list, item);
    }
    return json;
}

/* Those of the default network: "/db:/web/base" for container "web" that calls "db" "base". */
static json_t *make_links(const Container *container)
{
    const ContainerSpec *spec = &container->spec;
    json_t *array = NULL;

    for (size_t i = 0; i < spec->networks.count; i++) {
        const StringList *links = &spec->networks.items[i].links;

        if (!container_mode_is(spec->networks.items[i].network, NETWORK_BRIDGE))
            continue;
        for (size_t j = 0; j < links->count; j++) {
            const char *link = links->items[j] + (links->items[j][0] == '/');
            int length = (int)strcspn(link, ":");
            const char *alias = link[length] ? link + length + 1 : link;

            array = array ? array : json_array();
            json_array_append_new(
                array, json_sprintf("/%.*s:/%s/%s", length, link, container->name, alias));
        }
    }
    return array ? array : json_null();
}

void inspect_set_host_networks(json_t *values, const Container *container)
{
    json_object_set_new(values, "PortBindings", make_port_bindings(&container->spec));
    json_object_set_new(values, "Links", make_links(container));
}
