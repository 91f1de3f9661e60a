/* SPDX-License-Identifier: Apache-2.0 */

/* The table by which a network is stored, and its members as values. */

#include "network/network-spec.h"

#include <net/if.h>
#include <string.h>

static const JsonField subnet_fields[] = {
    JSON_FIELD(NetworkSubnet, subnet, "Subnet", JSON_TYPE_STRING),
    JSON_FIELD(NetworkSubnet, range, "IPRange", JSON_TYPE_STRING),
    JSON_FIELD(NetworkSubnet, gateway, "Gateway", JSON_TYPE_STRING),
    JSON_FIELD(NetworkSubnet, aux_addresses, "AuxiliaryAddresses", JSON_TYPE_STRING_MAP),
};
static const JsonStruct subnet_json = JSON_STRUCT(NetworkSubnet, subnet_fields);

static const JsonField spec_fields[] = {
    JSON_FIELD(NetworkSpec, id, "Id", JSON_TYPE_STRING),
    JSON_FIELD(NetworkSpec, name, "Name", JSON_TYPE_STRING),
    JSON_FIELD(NetworkSpec, driver, "Driver", JSON_TYPE_STRING),
    JSON_FIELD_OF(NetworkSpec, subnets, "Subnets", JSON_TYPE_STRUCT_ARRAY, &subnet_json),
    JSON_FIELD(NetworkSpec, ipv4, "EnableIPv4", JSON_TYPE_BOOL),
    JSON_FIELD(NetworkSpec, ipv6, "EnableIPv6", JSON_TYPE_BOOL),
    JSON_FIELD(NetworkSpec, is_internal, "Internal", JSON_TYPE_BOOL),
    JSON_FIELD(NetworkSpec, is_attachable, "Attachable", JSON_TYPE_BOOL),
    JSON_FIELD(NetworkSpec, options, "Options", JSON_TYPE_STRING_MAP),
    JSON_FIELD(NetworkSpec, labels, "Labels", JSON_TYPE_STRING_MAP),
    JSON_FIELD(NetworkSpec, interface, "Interface", JSON_TYPE_STRING),
    JSON_FIELD(NetworkSpec, parent, "Parent", JSON_TYPE_STRING),
    JSON_FIELD(NetworkSpec, owns_parent, "OwnsParent", JSON_TYPE_BOOL),
    JSON_FIELD(NetworkSpec, mode, "Mode", JSON_TYPE_STRING),
    JSON_FIELD(NetworkSpec, flag, "Flag", JSON_TYPE_STRING),
    JSON_FIELD(NetworkSpec, mtu, "Mtu", JSON_TYPE_UINT32),
    JSON_FIELD(NetworkSpec, vlan, "Vlan", JSON_TYPE_UINT32),
    JSON_FIELD(NetworkSpec, vni, "Vni", JSON_TYPE_UINT32),
    JSON_FIELD(NetworkSpec, vxlan_port, "VxlanPort", JSON_TYPE_UINT32),
    JSON_FIELD(NetworkSpec, vxlan_local, "VxlanLocal", JSON_TYPE_STRING),
    JSON_FIELD(NetworkSpec, vxlan_peers, "VxlanPeers", JSON_TYPE_STRING_LIST),
    JSON_FIELD(NetworkSpec, no_masquerade, "NoMasquerade", JSON_TYPE_BOOL),
    JSON_FIELD(NetworkSpec, no_container_traffic, "NoContainerTraffic", JSON_TYPE_BOOL),
    JSON_FIELD(NetworkSpec, vlan_filtering, "VlanFiltering", JSON_TYPE_BOOL),
    JSON_FIELD(NetworkSpec, host_binding, "HostBinding", JSON_TYPE_STRING),
};
const JsonStruct network_spec_json = JSON_STRUCT(NetworkSpec, spec_fields);

void network_spec_done(NetworkSpec *spec)
{
    json_struct_done(&network_spec_json, spec);
}

int network_name_validate(const char *name, Error *err)
{
    static const char alphanumeric[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t first = strspn(name, alphanumeric);
    size_t length = strlen(name);

    for (size_t i = first; i < length; i++)
        if (!strchr(alphanumeric, name[i]) && !strchr("_.-", name[i]))
            first = 0;
    if (first > 0 && length <= NETWORK_NAME_MAX)
        return 0;
    return error_set(err, ERROR_INVALID,
                     "'%s' is no name of a network: one has letters, digits, '_', '.' and '-', "
                     "begins with a letter or digit, and has at most %d of them",
                     name, NETWORK_NAME_MAX);
}

int network_interface_name_validate(const char *name, Error *err)
{
    size_t length = strlen(name);

    /* As the kernel has it; a '%' would have it choose a number. */
    if (length > 0 && length < IFNAMSIZ && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
        strcspn(name, "/:% \t\n\v\f\r") == length)
        return 0;
    return error_set(err, ERROR_INVALID,
                     "'%s' is no name of an interface: one has 1 to %d characters, and no '/', "
                     "':', '%%' or blanks",
                     name, IFNAMSIZ - 1);
}

/* Of one subnet. */
static bool parse_prefixes(const NetworkSubnet *subnet, NetworkPrefixes *ret)
{
    *ret = (NetworkPrefixes) {};
    if (!subnet->subnet || ip_prefix_parse(subnet->subnet, &ret->subnet) < 0)
        return false;
    ret->range = ret->subnet;
    if (subnet->range && ip_prefix_parse(subnet->range, &ret->range) < 0)
        return false;
    return !subnet->gateway || ip_address_parse(subnet->gateway, &ret->gateway) == 0;
}

bool network_spec_prefixes(const NetworkSpec *spec, IpFamily family, NetworkPrefixes *ret)
{
    for (size_t i = 0; i < spec->subnets.count; i++) {
        NetworkPrefixes prefixes;

        if (!parse_prefixes(&spec->subnets.items[i], &prefixes) ||
            ip_address_index(&prefixes.subnet.address) != family)
            continue;
        *ret = prefixes;
        return true;
    }
    return false;
}
