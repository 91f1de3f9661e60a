/* SPDX-License-Identifier: Apache-2.0 */

/* Is a network one that can be made? Addresses first, then what its driver needs. */

#include <errno.h>
#include <string.h>

#include "network/network-link-private.h"

#define IPV6_MTU_MIN 1280

/* A subnet as text and as values. */
typedef struct Subnet {
    const NetworkSubnet *text;
    IpPrefix prefix;
} Subnet;

static int parse_subnet(const NetworkSubnet *text, Subnet *ret, Error *err)
{
    char buffer[IP_PREFIX_TEXT_MAX];
    IpPrefix first;

    *ret = (Subnet) { .text = text };
    if (!text->subnet || ip_prefix_parse(text->subnet, &ret->prefix) < 0 ||
        !strchr(text->subnet, '/'))
        return error_set(err, ERROR_INVALID,
                         "'%s' is no subnet: write one as '10.1.0.0/16' or 'fd01::/64'",
                         text->subnet ? text->subnet : "");
    first = (IpPrefix) { ip_prefix_first(&ret->prefix), ret->prefix.length };
    if (!ip_address_equal(&first.address, &ret->prefix.address))
        return error_set(err, ERROR_INVALID, "subnet '%s' has bits of a host: '%s' is meant",
                         text->subnet, ip_prefix_format(&first, buffer));
    if (ret->prefix.length > ip_address_bits(&first.address) - 2)
        return error_set(err, ERROR_INVALID,
                         "subnet '%s' has no room for a gateway and a container", text->subnet);
    if (ip_address_is_loopback(&first.address) || ret->prefix.length == 0)
        return error_set(err, ERROR_INVALID, "subnet '%s' is none that containers may have",
                         text->subnet);
    return 0;
}

/* One that a host may have: not the network's own one, not the broadcast. */
static bool is_host_of(const IpPrefix *prefix, const IpAddress *address)
{
    const IpAddress first = ip_prefix_first(prefix), last = ip_prefix_last(prefix);

    return ip_prefix_contains(prefix, address) && !ip_address_equal(&first, address) &&
           (address->family != AF_INET || !ip_address_equal(&last, address));
}

static int check_address(const Subnet *subnet, const char *what, const char *text, Error *err)
{
    IpAddress address;

    if (ip_address_parse(text, &address) < 0)
        return error_set(err, ERROR_INVALID, "%s '%s' is no address", what, text);
    if (!is_host_of(&subnet->prefix, &address))
        return error_set(err, ERROR_INVALID, "%s '%s' is no address of a host in subnet '%s'", what,
                         text, subnet->text->subnet);
    return 0;
}

static int check_range(const Subnet *subnet, Error *err)
{
    const char *text = subnet->text->range;
    IpPrefix range;

    if (ip_prefix_parse(text, &range) < 0)
        return error_set(err, ERROR_INVALID, "ip range '%s' is no prefix", text);
    if (!ip_prefix_contains(&subnet->prefix, &range.address) ||
        range.length < subnet->prefix.length)
        return error_set(err, ERROR_INVALID, "ip range '%s' is not inside subnet '%s'", text,
                         subnet->text->subnet);
    return 0;
}

static int check_subnet(const NetworkSubnet *text, IpFamily *ret_family, Error *err)
{
    const StringMap *others = &text->aux_addresses;
    Subnet subnet;
    int r = parse_subnet(text, &subnet, err);

    if (r == 0 && text->gateway)
        r = check_address(&subnet, "gateway", text->gateway, err);
    if (r == 0 && text->range)
        r = check_range(&subnet, err);
    for (size_t i = 0; r == 0 && i < others->count; i++)
        r = check_address(&subnet, "auxiliary address", others->items[i].value, err);
    if (r == 0)
        *ret_family = ip_address_index(&subnet.prefix.address);
    return r;
}

static int check_subnets(const NetworkSpec *spec, Error *err)
{
    static const char *const names[_IP_FAMILY_MAX] = { "IPv4", "IPv6" };
    const bool wanted[_IP_FAMILY_MAX] = { spec->ipv4, spec->ipv6 };
    bool has[_IP_FAMILY_MAX] = {};

    for (size_t i = 0; i < spec->subnets.count; i++) {
        IpFamily family;
        int r = check_subnet(&spec->subnets.items[i], &family, err);

        if (r < 0)
            return r;
        if (has[family])
            return error_set(err, ERROR_UNSUPPORTED, "a network has one subnet of %s, not several",
                             names[family]);
        if (!wanted[family])
            return error_set(err, ERROR_INVALID, "subnet '%s' is of %s, which the network has not",
                             spec->subnets.items[i].subnet, names[family]);
        has[family] = true;
    }
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++)
        if (wanted[family] && !has[family])
            return error_set(err, ERROR_INVALID, "the network has no subnet of %s", names[family]);
    if (!spec->ipv4 && !spec->ipv6)
        return error_set(err, ERROR_INVALID, "a network has IPv4, IPv6 or both");
    return 0;
}

static int check_binding(const char *text, Error *err)
{
    IpAddress address;

    if (!text || (ip_address_parse(text, &address) == 0 && address.family == AF_INET))
        return 0;
    return error_set(
        err, ERROR_INVALID,
        "option 'com.docker.network.bridge.host_binding_ipv4': '%s' is no IPv4 address", text);
}

/* Names of the interfaces that it has or hangs on. */
static int check_interfaces(const NetworkSpec *spec, Error *err)
{
    int r = spec->interface ? network_interface_name_validate(spec->interface, err) : 0;

    return r == 0 && spec->parent ? network_interface_name_validate(spec->parent, err) : r;
}

int network_spec_validate(const NetworkSpec *spec, Error *err)
{
    const NetworkDriver *driver = network_driver_find(spec->driver);
    int r = network_name_validate(spec->name, err);

    if (r == 0 && !driver)
        return error_set(err, ERROR_UNSUPPORTED, "there is no network driver '%s'", spec->driver);
    if (r == 0)
        r = check_subnets(spec, err);
    if (r == 0)
        r = check_interfaces(spec, err);
    if (r == 0)
        r = check_binding(spec->host_binding, err);
    if (r == 0 && spec->ipv6 && spec->mtu > 0 && spec->mtu < IPV6_MTU_MIN)
        r = error_set(err, ERROR_INVALID, "IPv6 needs an mtu of %d and more, not %u", IPV6_MTU_MIN,
                      spec->mtu);
    return r == 0 && driver->validate ? driver->validate(spec, err) : r;
}
