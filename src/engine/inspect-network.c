/* SPDX-License-Identifier: Apache-2.0 */

/* `inspect`: NetworkSettings (Engine API: NetworkSettings, EndpointSettings). Neither of the two
 * networks that there are, none and host, has addresses of its own or published ports. */

#include "base/memory.h"
#include "engine/inspect-private.h"

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
    { "DNSNames", "null" },
};

json_t *inspect_network_settings(const Container *container)
{
    const char *mode = container->spec.network_mode;
    _cleanup_json_ json_t *values = json_object();
    json_t *networks = json_object();

    if (container->pid > 0) {
        _cleanup_free_ char *key = memory_printf("/proc/%lld/ns/net", (long long)container->pid);

        json_object_set_new(values, "SandboxKey", json_string(key));
    }
    json_object_set_new(networks, mode,
                        inspect_select(endpoint_members, ARRAY_SIZE(endpoint_members), NULL));
    json_object_set_new(values, "Networks", networks);
    return inspect_select(settings_members, ARRAY_SIZE(settings_members), values);
}
