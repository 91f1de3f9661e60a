/* SPDX-License-Identifier: Apache-2.0 */

/* `inspect`: Config and HostConfig, as Docker writes them (Engine API: ContainerConfig,
 * HostConfig). Values are the specification's; what Docker knows and we do not has the value of its
 * absence. */

#include <string.h>

#include "base/memory.h"
#include "engine/container-files.h"
#include "engine/inspect-private.h"
#include "engine/security-options.h"

#define NULL_VALUE "null"
#define NO_TEXT "\"\""
#define FALSE_VALUE "false"
#define ZERO "0"
#define EMPTY_LIST "[]"
#define EMPTY_OBJECT "{}"
#define LEFT_OUT NULL

static const InspectMember config_members[] = {
    { "Hostname", NO_TEXT },
    { "Domainname", NO_TEXT },
    { "User", NO_TEXT },
    { "AttachStdin", FALSE_VALUE },
    { "AttachStdout", FALSE_VALUE },
    { "AttachStderr", FALSE_VALUE },
    { "ExposedPorts", LEFT_OUT },
    { "Tty", FALSE_VALUE },
    { "OpenStdin", FALSE_VALUE },
    { "StdinOnce", FALSE_VALUE },
    { "Env", EMPTY_LIST },
    { "Cmd", NULL_VALUE },
    { "Healthcheck", LEFT_OUT },
    { "Image", NO_TEXT },
    { "Volumes", NULL_VALUE },
    { "WorkingDir", NO_TEXT },
    { "Entrypoint", NULL_VALUE },
    { "OnBuild", NULL_VALUE },
    { "Labels", EMPTY_OBJECT },
    { "StopSignal", LEFT_OUT },
    { "StopTimeout", LEFT_OUT },
    { "Shell", LEFT_OUT },
    { "Secrets", LEFT_OUT },
};

static const InspectMember host_config_members[] = {
    { "Binds", NULL_VALUE },
    { "ContainerIDFile", NO_TEXT },
    { "LogConfig", NULL_VALUE },
    { "NetworkMode", NO_TEXT },
    { "PortBindings", EMPTY_OBJECT },
    { "RestartPolicy", NULL_VALUE },
    { "AutoRemove", FALSE_VALUE },
    { "VolumeDriver", NO_TEXT },
    { "VolumesFrom", NULL_VALUE },
    { "ConsoleSize", "[0,0]" },
    { "Annotations", LEFT_OUT },
    { "CapAdd", NULL_VALUE },
    { "CapDrop", NULL_VALUE },
    { "CgroupnsMode", "\"private\"" },
    { "Dns", EMPTY_LIST },
    { "DnsOptions", EMPTY_LIST },
    { "DnsSearch", EMPTY_LIST },
    { "ExtraHosts", NULL_VALUE },
    { "GroupAdd", NULL_VALUE },
    { "IpcMode", "\"private\"" },
    { "Cgroup", NO_TEXT },
    { "Links", NULL_VALUE },
    { "OomScoreAdj", ZERO },
    { "PidMode", NO_TEXT },
    { "Privileged", FALSE_VALUE },
    { "PublishAllPorts", FALSE_VALUE },
    { "PublishAllow", LEFT_OUT },
    { "ReadonlyRootfs", FALSE_VALUE },
    { "SecurityOpt", NULL_VALUE },
    { "StorageOpt", LEFT_OUT },
    { "Tmpfs", LEFT_OUT },
    { "UTSMode", NO_TEXT },
    { "UsernsMode", NO_TEXT },
    { "IDMappings", LEFT_OUT },
    { "ShmSize", "67108864" },
    { "Sysctls", LEFT_OUT },
    { "Runtime", "\"cay\"" },
    { "Isolation", NO_TEXT },
    { "CpuShares", ZERO },
    { "Memory", ZERO },
    { "NanoCpus", ZERO },
    { "CgroupParent", NO_TEXT },
    { "BlkioWeight", ZERO },
    { "BlkioWeightDevice", EMPTY_LIST },
    { "BlkioDeviceReadBps", EMPTY_LIST },
    { "BlkioDeviceWriteBps", EMPTY_LIST },
    { "BlkioDeviceReadIOps", EMPTY_LIST },
    { "BlkioDeviceWriteIOps", EMPTY_LIST },
    { "CpuPeriod", ZERO },
    { "CpuQuota", ZERO },
    { "CpuRealtimePeriod", ZERO },
    { "CpuRealtimeRuntime", ZERO },
    { "CpusetCpus", NO_TEXT },
    { "CpusetMems", NO_TEXT },
    { "Devices", EMPTY_LIST },
    { "DeviceCgroupRules", NULL_VALUE },
    { "DeviceRequests", NULL_VALUE },
    { "MemoryReservation", ZERO },
    { "MemorySwap", ZERO },
    { "MemorySwappiness", NULL_VALUE },
    { "OomKillDisable", FALSE_VALUE },
    { "Init", LEFT_OUT },
    { "PidsLimit", NULL_VALUE },
    { "Ulimits", EMPTY_LIST },
    { "CpuCount", ZERO },
    { "CpuPercent", ZERO },
    { "IOMaximumIOps", ZERO },
    { "IOMaximumBandwidth", ZERO },
    { "Mounts", LEFT_OUT },
    { "MaskedPaths", NULL_VALUE },
    { "ReadonlyPaths", NULL_VALUE },
};

static const InspectMember log_config_members[] = {
    { "Type", "\"json-file\"" },
    { "Config", EMPTY_OBJECT },
};

static const InspectMember restart_policy_members[] = {
    { "Name", "\"no\"" },
    { "MaximumRetryCount", ZERO },
};

json_t *inspect_select(const InspectMember *members, size_t n_members, const json_t *values)
{
    json_t *object = json_object();

    for (size_t i = 0; i < n_members; i++) {
        json_t *value = json_object_get(values, members[i].name);

        if (value)
            json_object_set(object, members[i].name, value);
        else if (members[i].empty)
            json_object_set_new(object, members[i].name,
                                json_loads(members[i].empty, JSON_DECODE_ANY, NULL));
    }
    return object;
}

/* Complete the member @name of @values, an object. */
static void complete(json_t *values, const char *name, const InspectMember *members,
                     size_t n_members)
{
    json_object_set_new(values, name,
                        inspect_select(members, n_members, json_object_get(values, name)));
}

json_t *inspect_config(const Container *container, const json_t *spec)
{
    _cleanup_json_ json_t *values = json_copy((json_t *)spec);
    _cleanup_free_ char *hostname = container_hostname(container);

    json_object_set_new(values, "Hostname", json_string(hostname));
    return inspect_select(config_members, ARRAY_SIZE(config_members), values);
}

json_t *inspect_make_list(const StringList *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_string(list->items[i]));
    return array;
}

/* Docker has null for a privileged container, and empty lists where they were asked not to be. */
static void set_hidden_paths(json_t *values, const ContainerSpec *spec)
{
    _cleanup_string_list_ StringList masked = {}, read_only = {};

    if (spec->privileged)
        return;
    config_list_hidden_paths(spec, &masked, &read_only);
    json_object_set_new(values, "MaskedPaths", inspect_make_list(&masked));
    json_object_set_new(values, "ReadonlyPaths", inspect_make_list(&read_only));
}

/* Docker has CDI devices as requests to a driver of that name. */
static void set_device_requests(json_t *values, const ContainerSpec *spec)
{
    if (spec->cdi_devices.count > 0)
        json_object_set_new(values, "DeviceRequests",
                            json_pack("[{s:s, s:i, s:o, s:n, s:n}]", "Driver", "cdi", "Count", 0,
                                      "DeviceIDs", inspect_make_list(&spec->cdi_devices),
                                      "Capabilities", "Options"));
}

static json_t *make_id_ranges(const IdRanges *ranges)
{
    json_t *array = json_array();

    for (size_t i = 0; i < ranges->count; i++) {
        const IdMapping *mapping = &ranges->items[i];

        json_array_append_new(array, json_sprintf("%u:%u:%u", mapping->container_id,
                                                  mapping->host_id, mapping->size));
    }
    return array;
}

/* As Podman has them; Docker has the same for all containers. */
static void set_id_mappings(json_t *values, const ContainerSpec *spec)
{
    if (!id_map_is_identity(&spec->ids))
        json_object_set_new(values, "IDMappings",
                            json_pack("{s:o, s:o}", "UidMap", make_id_ranges(&spec->ids.uids),
                                      "GidMap", make_id_ranges(&spec->ids.gids)));
}

json_t *inspect_host_config(const Container *container, const json_t *spec)
{
    _cleanup_json_ json_t *values = json_copy((json_t *)spec);

    complete(values, "LogConfig", log_config_members, ARRAY_SIZE(log_config_members));
    complete(values, "RestartPolicy", restart_policy_members, ARRAY_SIZE(restart_policy_members));
    set_hidden_paths(values, &container->spec);
    set_device_requests(values, &container->spec);
    set_id_mappings(values, &container->spec);
    inspect_set_host_networks(values, container);
    return inspect_select(host_config_members, ARRAY_SIZE(host_config_members), values);
}
