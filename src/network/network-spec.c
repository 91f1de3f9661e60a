/* SPDX-License-Identifier: Apache-2.0 */

/* The table by which a network is stored. */

#include "network/network-spec.h"

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
