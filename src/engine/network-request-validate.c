/* SPDX-License-Identifier: Apache-2.0 */

/* What may be asked of which network, in Docker's words where it has some, and what is decided for
 * a container that leaves it open. */

#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/ip-address.h"
#include "base/log.h"
#include "base/memory.h"
#include "engine/container-private.h"
#include "engine/name-options.h"
#include "engine/network-request.h"
#include "engine/network.h"
#include "engine/published-port.h"

#define RATE_MIN 1000 /* bits a second: below it a packet would take seconds */
#define SYSCTL_INTERFACE ".IFNAME."

static int check_address(const char *text, int family, Error *err)
{
    IpAddress address;

    if (text && (ip_address_parse(text, &address) < 0 || address.family != family))
        return error_set(err, ERROR_INVALID, "invalid IPv%c address: '%s'",
                         family == AF_INET ? '4' : '6', text);
    return 0;
}

static int check_link_local(const StringList *list, Error *err)
{
    IpAddress address;

    for (size_t i = 0; i < list->count; i++)
        if (ip_address_parse(list->items[i], &address) < 0)
            return error_set(err, ERROR_INVALID, "invalid link-local IP address '%s'",
                             list->items[i]);
    return 0;
}

bool network_mac_parse(const char *text, uint8_t ret[static 6])
{
    unsigned bytes[6];
    int end = 0;
    char separator = strlen(text) == 17 ? text[2] : 0;

    if ((separator != ':' && separator != '-') ||
        strspn(text, "0123456789abcdefABCDEF:-") != strlen(text))
        return false;
    if (sscanf(text, separator == ':' ? "%2x:%2x:%2x:%2x:%2x:%2x%n" : "%2x-%2x-%2x-%2x-%2x-%2x%n",
               &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4], &bytes[5], &end) != 6 ||
        end != 17)
        return false;
    for (size_t i = 0; i < 6; i++)
        ret[i] = (uint8_t)bytes[i];
    return true;
}

static int check_mac(const char *text, Error *err)
{
    static const uint8_t none[6] = { 0 };
    uint8_t mac[6];

    if (!text)
        return 0;
    if (!network_mac_parse(text, mac))
        return error_set(err, ERROR_INVALID, "'%s' is not a valid mac address", text);
    if ((mac[0] & 1) || memcmp(mac, none, sizeof(mac)) == 0)
        return error_set(err, ERROR_INVALID,
                         "'%s' is not a valid mac address: it is not that of one interface", text);
    return 0;
}

static int check_interface(const char *name, Error *err)
{
    if (!name)
        return 0;
    if (*name == '\0' || strlen(name) >= IFNAMSIZ || strpbrk(name, "/:% \t\n") ||
        strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "lo") == 0)
        return error_set(err, ERROR_INVALID,
                         "invalid interface name '%s': at most %d characters, without '/', ':' and "
                         "blanks",
                         name, IFNAMSIZ - 1);
    return 0;
}

/* Its own alone: the name says IFNAME where that interface's stands. */
static int check_sysctl_names(const StringMap *sysctls, Error *err)
{
    for (size_t i = 0; i < sysctls->count; i++) {
        const char *name = sysctls->items[i].key;

        if (strncmp(name, "net.", 4) != 0 || !strstr(name, SYSCTL_INTERFACE) ||
            strstr(name, "..") || strchr(name, '/') || name[strlen(name) - 1] == '.')
            return error_set(err, ERROR_INVALID,
                             "invalid sysctl '%s' of a network: write it as "
                             "net.ipv4.conf.IFNAME.NAME",
                             name);
    }
    return 0;
}

static int check_rate(const char *name, int64_t rate, Error *err)
{
    if (rate != 0 && rate < RATE_MIN)
        return error_set(err, ERROR_INVALID,
                         "%s rate of %" PRId64 " bits a second is too low: the minimum is %d", name,
                         rate, RATE_MIN);
    return 0;
}

static int check_links(const StringList *links, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < links->count && r >= 0; i++)
        r = link_option_validate(links->items[i], err);
    return r;
}

static int check_aliases(const StringList *aliases, Error *err)
{
    for (size_t i = 0; i < aliases->count; i++)
        if (!host_name_is_valid(aliases->items[i]))
            return error_set(err, ERROR_INVALID,
                             "invalid network alias '%s': letters, digits, '-', '_' and '.' are "
                             "allowed",
                             aliases->items[i]);
    return 0;
}

int network_request_validate(const ContainerNetwork *network, Error *err)
{
    int r = check_address(network->ip4, AF_INET, err);

    if (r >= 0)
        r = check_address(network->ip6, AF_INET6, err);
    if (r >= 0)
        r = check_link_local(&network->link_local, err);
    if (r >= 0)
        r = check_mac(network->mac, err);
    if (r >= 0)
        r = check_interface(network->interface, err);
    if (r >= 0)
        r = check_sysctl_names(&network->sysctls, err);
    if (r >= 0)
        r = check_links(&network->links, err);
    if (r >= 0)
        r = check_aliases(&network->aliases, err);
    if (r >= 0)
        r = check_rate("ingress", network->ingress_rate, err);
    return r < 0 ? r : check_rate("egress", network->egress_rate, err);
}

/* What the default bridge has not: its containers are known to each other by links alone. */
static int check_default_bridge(const ContainerNetwork *network, Error *err)
{
    if (network->ip4 || network->ip6)
        return error_set(err, ERROR_INVALID,
                         "user specified IP address is supported on user defined networks only");
    if (network->aliases.count > 0)
        return error_set(err, ERROR_INVALID,
                         "network-scoped aliases are only supported for user-defined networks");
    return 0;
}

/* What was said of a link that a container of @mode has not. */
static int check_without_network(const char *mode, const ContainerNetwork *network, Error *err)
{
    bool is_joined = container_mode_joined(mode) != NULL;
    int r = check_default_bridge(network, err);

    if (r < 0)
        return r;
    if (network->links.count > 0)
        return error_set(err, ERROR_INVALID,
                         "conflicting options: %s type networking can't be used with links. This "
                         "would result in undefined behavior",
                         is_joined ? "container" : mode);
    if (network->mac)
        return error_set(err, ERROR_INVALID,
                         "conflicting options: mac-address and the network mode");
    return error_set(err, ERROR_INVALID,
                     "conflicting options: network mode '%s' has no link that it could be said of",
                     mode);
}

/* What plug-ins of CNI can be asked for; whether those of one configuration do it is known when
 * they are to. */
static int check_cni(const ContainerSpec *spec, Error *err)
{
    const ContainerNetwork *network = spec->networks.count > 0 ? &spec->networks.items[0] : NULL;
    bool is_limited = spec->publish_allow.count > 0;

    if (network_name_validate(container_mode_cni(spec->network_mode), NULL) < 0)
        return error_set(err, ERROR_INVALID, "invalid network '%s': write cni:NAME",
                         spec->network_mode);
    for (size_t i = 0; i < spec->port_bindings.count; i++)
        is_limited |= spec->port_bindings.items[i].allow.count > 0;
    if (is_limited)
        return error_set(err, ERROR_UNSUPPORTED,
                         "conflicting options: --publish-allow and a CNI network, whose ports are "
                         "open to all");
    if (!network)
        return 0;
    if (network->aliases.count > 0 || network->links.count > 0 || network->link_local.count > 0 ||
        network->sysctls.count > 0 || network->gateway_priority != 0 ||
        network->ingress_rate != 0 || network->egress_rate != 0)
        return error_set(err, ERROR_UNSUPPORTED,
                         "conflicting options: a CNI network takes no other options than ip, ip6, "
                         "mac-address and ifname");
    return 0;
}

static int check_mode(const ContainerSpec *spec, Error *err)
{
    const char *mode = spec->network_mode;

    if (container_mode_cni(mode))
        return check_cni(spec, err);
    if (!network_mode_is_network(mode))
        return spec->networks.count > 0 ? check_without_network(mode, &spec->networks.items[0], err)
                                        : 0;
    return 0;
}

static int check_networks(const ContainerSpec *spec, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < spec->networks.count && r >= 0; i++) {
        const ContainerNetwork *network = &spec->networks.items[i];

        r = network_request_validate(network, err);
        if (r >= 0 && container_mode_is(network->network, NETWORK_BRIDGE))
            r = check_default_bridge(network, err);
        for (size_t j = 0; j < i && r >= 0 && network->interface; j++)
            if (container_mode_is(spec->networks.items[j].interface, network->interface))
                r = error_set(err, ERROR_INVALID, "interface name '%s' is specified multiple times",
                              network->interface);
    }
    return r;
}

int network_requests_validate(const ContainerSpec *spec, Error *err)
{
    int r = check_mode(spec, err);

    if (r >= 0)
        r = check_networks(spec, err);
    if (r >= 0)
        r = published_ports_validate(spec, err);
    return r < 0 ? r : name_options_validate(spec, err);
}

/* What the other container decides. Its image may expose ports, and its host name is the other's:
 * so whoever makes it is asked once, before they are known. */
int network_requests_check_joined(const ContainerSpec *spec, Error *err)
{
    const struct {
        bool is_there;
        const char *what;
    } conflicts[] = {
        { spec->hostname != NULL, "hostname and the network mode" },
        { spec->dns.count + spec->dns_search.count + spec->dns_options.count > 0,
          "dns and the network mode" },
        { spec->extra_hosts.count > 0, "custom host-to-IP mapping and the network mode" },
        { spec->port_bindings.count > 0 || spec->publish_all_ports,
          "port publishing and the container type network mode" },
        { spec->exposed_ports.count > 0, "port exposing and the container type network mode" },
    };

    if (!spec->network_mode || !container_mode_joined(spec->network_mode))
        return 0;
    if (*container_mode_joined(spec->network_mode) == '\0')
        return error_set(err, ERROR_INVALID, "invalid container format container:<name|id>");
    for (size_t i = 0; i < ARRAY_SIZE(conflicts); i++)
        if (conflicts[i].is_there)
            return error_set(err, ERROR_INVALID, "conflicting options: %s", conflicts[i].what);
    return 0;
}

int network_requests_complete(Engine *engine, ContainerSpec *spec, Error *err)
{
    const EngineSettings *settings;
    ContainerNetwork *first;
    int r = engine_settings(engine, &settings, err);

    if (r < 0)
        return r;
    if (!spec->network_mode)
        spec->network_mode = memory_strdup(settings->default_network);
    if (network_mode_is_network(spec->network_mode) && spec->networks.count == 0)
        (void)JSON_ARRAY_ADD(&spec->networks);
    first = spec->networks.count > 0 ? &spec->networks.items[0] : NULL;
    if (first && !first->network)
        first->network = memory_strdup(spec->network_mode);
    for (size_t i = 1; i < spec->networks.count; i++)
        if (!spec->networks.items[i].network)
            spec->networks.items[i].network = memory_strdup(settings->default_network);
    if ((spec->port_bindings.count > 0 || spec->publish_all_ports) &&
        (container_mode_is(spec->network_mode, NETWORK_HOST) ||
         container_mode_is(spec->network_mode, NETWORK_NONE)))
        log_warning("published ports are discarded when using %s network mode", spec->network_mode);
    return network_requests_check_joined(spec, err);
}
