/* SPDX-License-Identifier: Apache-2.0 */

/* The drivers that there are. */

#include <errno.h>
#include <string.h>

#include "network/network-link-private.h"

static const NetworkDriver drivers[] = {
    {
        .name = "bridge",
        .kind = "veth",
        .is_routed = true,
        .validate = network_bridge_validate,
        .up = network_bridge_up,
        .describe = network_bridge_describe,
        .join = network_bridge_join,
    },
    {
        .name = "vxlan",
        .kind = "veth",
        .is_routed = true,
        .validate = network_vxlan_validate,
        .up = network_vxlan_up,
        .down = network_vxlan_down,
        .describe = network_bridge_describe,
        .join = network_bridge_join,
    },
    {
        .name = "macvlan",
        .kind = "macvlan",
        .validate = network_macvlan_validate,
        .up = network_parent_up,
        .describe = network_macvlan_describe,
    },
    {
        .name = "vlan",
        .kind = "macvlan",
        .validate = network_vlan_validate,
        .up = network_parent_up,
        .describe = network_macvlan_describe,
    },
    {
        .name = "ipvlan",
        .kind = "ipvlan",
        .validate = network_ipvlan_validate,
        .up = network_parent_up,
        .describe = network_ipvlan_describe,
    },
    {
        .name = "dummy",
        .kind = "dummy",
        .up = network_dummy_up,
        .describe = network_dummy_describe,
    },
};

const NetworkDriver *network_driver_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
        if (strcmp(drivers[i].name, name) == 0)
            return &drivers[i];

    return NULL;
}

void network_driver_list(StringList *names)
{
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
        string_list_add(names, drivers[i].name);
}

bool network_driver_is_routed(const NetworkDriver *driver)
{
    return driver->is_routed;
}

bool network_takes_mac(const NetworkSpec *spec)
{
    /* They have their parent's. */
    return strcmp(spec->driver, "ipvlan") != 0 &&
           !(spec->mode && strcmp(spec->mode, "passthru") == 0);
}

bool network_mac_is_set(const uint8_t mac[static 6])
{
    static const uint8_t none[6];

    return memcmp(mac, none, sizeof(none)) != 0;
}

uint32_t network_group(const NetworkSpec *spec)
{
    uint32_t group = 0;

    /* Of hexadecimal digits; 0 is everybody's. */
    for (size_t i = 0; i < 8 && spec->id[i] != '\0'; i++)
        group = group << 4 |
                (uint32_t)(spec->id[i] & 0x40 ? (spec->id[i] & 0xf) + 9 : spec->id[i] & 0xf);
    return group ? group : 1;
}

int network_check_kind(const NetworkSpec *spec, const KernelLink *link, const char *kind,
                       Error *err)
{
    if (strcmp(link->kind, kind) == 0)
        return 0;
    return error_set(err, ERROR_CONFLICT, "network '%s' needs a %s '%s', which is %s%s", spec->name,
                     kind, link->name, link->kind[0] ? "a " : "another interface", link->kind);
}

int network_kind_error(const NetworkSpec *spec, const char *kind, int r, Error *err)
{
    if (r == -EOPNOTSUPP)
        return error_set(err, ERROR_UNSUPPORTED, "network '%s': this kernel has no links of '%s'",
                         spec->name, kind);
    return error_result(err, r, "network '%s': make a link of '%s'", spec->name, kind);
}
