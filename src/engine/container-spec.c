/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How a ContainerSpec reads and writes as JSON and is freed. The names are those of Docker's
 * Config and HostConfig, in one flat object; what is sound is checked in container-spec-validate.c.
 */

#include "engine/container-spec.h"

#include <stdlib.h>
#include <string.h>

#include "engine/mount-spec.h"

/* Docker nests a mount's options; these views reach the same struct's members. A view has no size:
 * it owns nothing that the struct around it does not zero. */
#define MOUNT_VIEW(field_table)                                                                    \
    {                                                                                              \
        .size = 0, .fields = (field_table), .n_fields = ARRAY_SIZE(field_table)                    \
    }
#define MOUNT_VIEW_FIELD(json_name, view)                                                          \
    {                                                                                              \
        .name = (json_name), .type = JSON_TYPE_STRUCT, .offset = 0, .type_of = (view)              \
    }

static const JsonField volume_driver_fields[] = {
    JSON_FIELD(ContainerMount, volume_driver, "Name", JSON_TYPE_STRING),
    JSON_FIELD(ContainerMount, volume_options, "Options", JSON_TYPE_STRING_MAP),
};
static const JsonStruct volume_driver_json = MOUNT_VIEW(volume_driver_fields);

static const JsonField volume_fields[] = {
    JSON_FIELD(ContainerMount, volume_no_copy, "NoCopy", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerMount, volume_subpath, "Subpath", JSON_TYPE_STRING),
    JSON_FIELD(ContainerMount, volume_labels, "Labels", JSON_TYPE_STRING_MAP),
    MOUNT_VIEW_FIELD("DriverConfig", &volume_driver_json),
};
static const JsonStruct volume_json = MOUNT_VIEW(volume_fields);

static const JsonField image_fields[] = {
    JSON_FIELD(ContainerMount, image_subpath, "Subpath", JSON_TYPE_STRING),
};
static const JsonStruct image_json = MOUNT_VIEW(image_fields);

static const JsonField bind_fields[] = {
    JSON_FIELD(ContainerMount, propagation, "Propagation", JSON_TYPE_STRING),
    JSON_FIELD(ContainerMount, non_recursive, "NonRecursive", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerMount, create_source, "CreateMountpoint", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerMount, read_only_non_recursive, "ReadOnlyNonRecursive", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerMount, match_user, "MatchUser", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerMount, match_uid, "MatchUid", JSON_TYPE_UINT32),
    JSON_FIELD(ContainerMount, match_gid, "MatchGid", JSON_TYPE_UINT32),
};
static const JsonStruct bind_json = MOUNT_VIEW(bind_fields);

static const JsonField tmpfs_fields[] = {
    JSON_FIELD(ContainerMount, tmpfs_size, "SizeBytes", JSON_TYPE_INT64),
    JSON_FIELD(ContainerMount, tmpfs_mode, "Mode", JSON_TYPE_UINT32),
    JSON_FIELD(ContainerMount, tmpfs_options, "Text", JSON_TYPE_STRING),
};
static const JsonStruct tmpfs_json = MOUNT_VIEW(tmpfs_fields);

static const JsonField mount_fields[] = {
    JSON_FIELD(ContainerMount, type, "Type", JSON_TYPE_STRING),
    JSON_FIELD(ContainerMount, source, "Source", JSON_TYPE_STRING),
    JSON_FIELD(ContainerMount, target, "Target", JSON_TYPE_STRING),
    JSON_FIELD(ContainerMount, mode, "Mode", JSON_TYPE_STRING),
    JSON_FIELD(ContainerMount, read_only, "ReadOnly", JSON_TYPE_BOOL),
    MOUNT_VIEW_FIELD("BindOptions", &bind_json),
    MOUNT_VIEW_FIELD("VolumeOptions", &volume_json),
    MOUNT_VIEW_FIELD("ImageOptions", &image_json),
    MOUNT_VIEW_FIELD("TmpfsOptions", &tmpfs_json),
};
static const JsonStruct mount_json = JSON_STRUCT(ContainerMount, mount_fields);

static const JsonField secret_fields[] = {
    JSON_FIELD(ContainerSecret, source, "Source", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSecret, target, "Target", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSecret, uid, "Uid", JSON_TYPE_UINT32),
    JSON_FIELD(ContainerSecret, gid, "Gid", JSON_TYPE_UINT32),
    JSON_FIELD(ContainerSecret, mode, "Mode", JSON_TYPE_UINT32),
};
static const JsonStruct secret_json = JSON_STRUCT(ContainerSecret, secret_fields);

static const JsonField id_mapping_fields[] = {
    JSON_FIELD_FLAGS(IdMapping, container_id, "ContainerID", JSON_TYPE_UINT32, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(IdMapping, host_id, "HostID", JSON_TYPE_UINT32, JSON_KEEP_EMPTY),
    JSON_FIELD(IdMapping, size, "Size", JSON_TYPE_UINT32),
};
static const JsonStruct id_mapping_json = JSON_STRUCT(IdMapping, id_mapping_fields);

static const JsonField ulimit_fields[] = {
    JSON_FIELD(ContainerUlimit, name, "Name", JSON_TYPE_STRING),
    JSON_FIELD_FLAGS(ContainerUlimit, soft, "Soft", JSON_TYPE_INT64, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(ContainerUlimit, hard, "Hard", JSON_TYPE_INT64, JSON_KEEP_EMPTY),
};
static const JsonStruct ulimit_json = JSON_STRUCT(ContainerUlimit, ulimit_fields);

static const JsonField device_fields[] = {
    JSON_FIELD(ContainerDevice, host_path, "PathOnHost", JSON_TYPE_STRING),
    JSON_FIELD(ContainerDevice, container_path, "PathInContainer", JSON_TYPE_STRING),
    JSON_FIELD(ContainerDevice, permissions, "CgroupPermissions", JSON_TYPE_STRING),
};
const JsonStruct container_device_json = JSON_STRUCT(ContainerDevice, device_fields);

static const JsonField device_rate_fields[] = {
    JSON_FIELD(ContainerDeviceRate, path, "Path", JSON_TYPE_STRING),
    JSON_FIELD(ContainerDeviceRate, rate, "Rate", JSON_TYPE_INT64),
};
const JsonStruct container_device_rate_json = JSON_STRUCT(ContainerDeviceRate, device_rate_fields);

static const JsonField device_weight_fields[] = {
    JSON_FIELD(ContainerDeviceWeight, path, "Path", JSON_TYPE_STRING),
    JSON_FIELD(ContainerDeviceWeight, weight, "Weight", JSON_TYPE_INT64),
};
const JsonStruct container_device_weight_json =
    JSON_STRUCT(ContainerDeviceWeight, device_weight_fields);

static const JsonField healthcheck_fields[] = {
    JSON_FIELD(ContainerHealthcheck, test, "Test", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerHealthcheck, interval, "Interval", JSON_TYPE_INT64),
    JSON_FIELD(ContainerHealthcheck, timeout, "Timeout", JSON_TYPE_INT64),
    JSON_FIELD(ContainerHealthcheck, start_period, "StartPeriod", JSON_TYPE_INT64),
    JSON_FIELD(ContainerHealthcheck, start_interval, "StartInterval", JSON_TYPE_INT64),
    JSON_FIELD(ContainerHealthcheck, retries, "Retries", JSON_TYPE_INT64),
};
const JsonStruct container_healthcheck_json = JSON_STRUCT(ContainerHealthcheck, healthcheck_fields);

static const JsonField restart_policy_fields[] = {
    JSON_FIELD(ContainerRestartPolicy, name, "Name", JSON_TYPE_STRING),
    JSON_FIELD(ContainerRestartPolicy, maximum_retry_count, "MaximumRetryCount", JSON_TYPE_INT64),
};
const JsonStruct container_restart_policy_json =
    JSON_STRUCT(ContainerRestartPolicy, restart_policy_fields);

static const JsonField log_config_fields[] = {
    JSON_FIELD(ContainerLogConfig, type, "Type", JSON_TYPE_STRING),
    JSON_FIELD(ContainerLogConfig, options, "Config", JSON_TYPE_STRING_MAP),
};
const JsonStruct container_log_config_json = JSON_STRUCT(ContainerLogConfig, log_config_fields);

static const JsonField network_fields[] = {
    JSON_FIELD(ContainerNetwork, network, "Network", JSON_TYPE_STRING),
    JSON_FIELD(ContainerNetwork, aliases, "Aliases", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerNetwork, links, "Links", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerNetwork, ip4, "IPv4Address", JSON_TYPE_STRING),
    JSON_FIELD(ContainerNetwork, ip6, "IPv6Address", JSON_TYPE_STRING),
    JSON_FIELD(ContainerNetwork, link_local, "LinkLocalIPs", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerNetwork, mac, "MacAddress", JSON_TYPE_STRING),
    JSON_FIELD(ContainerNetwork, interface, "InterfaceName", JSON_TYPE_STRING),
    JSON_FIELD(ContainerNetwork, sysctls, "Sysctls", JSON_TYPE_STRING_MAP),
    JSON_FIELD(ContainerNetwork, driver_options, "DriverOpts", JSON_TYPE_STRING_MAP),
    JSON_FIELD(ContainerNetwork, gateway_priority, "GwPriority", JSON_TYPE_INT64),
    JSON_FIELD(ContainerNetwork, ingress_rate, "IngressRate", JSON_TYPE_INT64),
    JSON_FIELD(ContainerNetwork, egress_rate, "EgressRate", JSON_TYPE_INT64),
};
const JsonStruct container_network_json = JSON_STRUCT(ContainerNetwork, network_fields);

static const JsonField port_binding_fields[] = {
    JSON_FIELD(ContainerPortBinding, container_port, "ContainerPort", JSON_TYPE_STRING),
    JSON_FIELD(ContainerPortBinding, host_ip, "HostIp", JSON_TYPE_STRING),
    JSON_FIELD(ContainerPortBinding, host_port, "HostPort", JSON_TYPE_STRING),
    JSON_FIELD(ContainerPortBinding, allow, "Allow", JSON_TYPE_STRING_LIST),
};
const JsonStruct container_port_binding_json =
    JSON_STRUCT(ContainerPortBinding, port_binding_fields);

static const JsonField spec_fields[] = {
    JSON_FIELD(ContainerSpec, name, "Name", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, image, "Image", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, platform, "Platform", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, hostname, "Hostname", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, domainname, "Domainname", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, user, "User", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, attach_stdin, "AttachStdin", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerSpec, attach_stdout, "AttachStdout", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerSpec, attach_stderr, "AttachStderr", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerSpec, tty, "Tty", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerSpec, open_stdin, "OpenStdin", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerSpec, stdin_once, "StdinOnce", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerSpec, environment, "Env", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerSpec, command, "Cmd", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerSpec, entrypoint, "Entrypoint", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerSpec, entrypoint_is_set, "EntrypointIsSet", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerSpec, labels, "Labels", JSON_TYPE_STRING_MAP),
    JSON_FIELD(ContainerSpec, exposed_ports, "ExposedPorts", JSON_TYPE_STRING_SET),
    JSON_FIELD(ContainerSpec, working_directory, "WorkingDir", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, stop_signal, "StopSignal", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, stop_timeout, "StopTimeout", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD_OF(ContainerSpec, healthcheck, "Healthcheck", JSON_TYPE_STRUCT_POINTER,
                  &container_healthcheck_json),
    JSON_FIELD(ContainerSpec, shell, "Shell", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerSpec, container_id_file, "ContainerIDFile", JSON_TYPE_STRING),
    JSON_FIELD_OF(ContainerSpec, restart_policy, "RestartPolicy", JSON_TYPE_STRUCT,
                  &container_restart_policy_json),
    JSON_FIELD_OF(ContainerSpec, log_config, "LogConfig", JSON_TYPE_STRUCT,
                  &container_log_config_json),
    JSON_FIELD(ContainerSpec, runtime, "Runtime", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, auto_remove, "AutoRemove", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerSpec, privileged, "Privileged", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerSpec, read_only_rootfs, "ReadonlyRootfs", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerSpec, init, "Init", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerSpec, binds, "Binds", JSON_TYPE_STRING_LIST),
    JSON_FIELD_OF(ContainerSpec, mounts, "Mounts", JSON_TYPE_STRUCT_ARRAY, &mount_json),
    JSON_FIELD(ContainerSpec, tmpfs, "Tmpfs", JSON_TYPE_STRING_MAP),
    JSON_FIELD(ContainerSpec, volumes, "Volumes", JSON_TYPE_STRING_SET),
    JSON_FIELD(ContainerSpec, volumes_from, "VolumesFrom", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerSpec, volume_driver, "VolumeDriver", JSON_TYPE_STRING),
    JSON_FIELD_OF(ContainerSpec, mount_points, "MountPoints", JSON_TYPE_STRUCT_ARRAY, &mount_json),
    JSON_FIELD(ContainerSpec, storage_options, "StorageOpt", JSON_TYPE_STRING_MAP),
    JSON_FIELD_OF(ContainerSpec, secrets, "Secrets", JSON_TYPE_STRUCT_ARRAY, &secret_json),
    JSON_FIELD(ContainerSpec, capabilities_add, "CapAdd", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerSpec, capabilities_drop, "CapDrop", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerSpec, security_options, "SecurityOpt", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerSpec, groups_add, "GroupAdd", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerSpec, sysctls, "Sysctls", JSON_TYPE_STRING_MAP),
    JSON_FIELD(ContainerSpec, annotations, "Annotations", JSON_TYPE_STRING_MAP),
    JSON_FIELD(ContainerSpec, pid_mode, "PidMode", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, ipc_mode, "IpcMode", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, uts_mode, "UTSMode", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, cgroupns_mode, "CgroupnsMode", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, userns_mode, "UsernsMode", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, caller_uid, "CallerUid", JSON_TYPE_UINT32),
    JSON_FIELD(ContainerSpec, caller_gid, "CallerGid", JSON_TYPE_UINT32),
    JSON_FIELD_OF(ContainerSpec, ids.uids, "UidMappings", JSON_TYPE_STRUCT_ARRAY, &id_mapping_json),
    JSON_FIELD_OF(ContainerSpec, ids.gids, "GidMappings", JSON_TYPE_STRUCT_ARRAY, &id_mapping_json),
    JSON_FIELD(ContainerSpec, cgroup_parent, "CgroupParent", JSON_TYPE_STRING),
    JSON_FIELD_OF(ContainerSpec, devices, "Devices", JSON_TYPE_STRUCT_ARRAY,
                  &container_device_json),
    JSON_FIELD(ContainerSpec, cdi_devices, "CdiDevices", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerSpec, device_cgroup_rules, "DeviceCgroupRules", JSON_TYPE_STRING_LIST),
    JSON_FIELD_OF(ContainerSpec, ulimits, "Ulimits", JSON_TYPE_STRUCT_ARRAY, &ulimit_json),
    JSON_FIELD(ContainerSpec, shm_size, "ShmSize", JSON_TYPE_INT64),
    JSON_FIELD(ContainerSpec, memory, "Memory", JSON_TYPE_INT64),
    JSON_FIELD(ContainerSpec, memory_swap, "MemorySwap", JSON_TYPE_INT64),
    JSON_FIELD(ContainerSpec, nano_cpus, "NanoCpus", JSON_TYPE_INT64),
    JSON_FIELD(ContainerSpec, cpu_shares, "CpuShares", JSON_TYPE_INT64),
    JSON_FIELD(ContainerSpec, memory_reservation, "MemoryReservation", JSON_TYPE_INT64),
    JSON_FIELD(ContainerSpec, memory_swappiness, "MemorySwappiness", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(ContainerSpec, oom_kill_disable, "OomKillDisable", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerSpec, oom_score_adj, "OomScoreAdj", JSON_TYPE_INT64),
    JSON_FIELD(ContainerSpec, cpu_period, "CpuPeriod", JSON_TYPE_INT64),
    JSON_FIELD(ContainerSpec, cpu_quota, "CpuQuota", JSON_TYPE_INT64),
    JSON_FIELD(ContainerSpec, cpu_rt_period, "CpuRealtimePeriod", JSON_TYPE_INT64),
    JSON_FIELD(ContainerSpec, cpu_rt_runtime, "CpuRealtimeRuntime", JSON_TYPE_INT64),
    JSON_FIELD(ContainerSpec, cpuset_cpus, "CpusetCpus", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, cpuset_mems, "CpusetMems", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, blkio_weight, "BlkioWeight", JSON_TYPE_INT64),
    JSON_FIELD_OF(ContainerSpec, blkio_weight_devices, "BlkioWeightDevice", JSON_TYPE_STRUCT_ARRAY,
                  &container_device_weight_json),
    JSON_FIELD_OF(ContainerSpec, blkio_read_bps, "BlkioDeviceReadBps", JSON_TYPE_STRUCT_ARRAY,
                  &container_device_rate_json),
    JSON_FIELD_OF(ContainerSpec, blkio_write_bps, "BlkioDeviceWriteBps", JSON_TYPE_STRUCT_ARRAY,
                  &container_device_rate_json),
    JSON_FIELD_OF(ContainerSpec, blkio_read_iops, "BlkioDeviceReadIOps", JSON_TYPE_STRUCT_ARRAY,
                  &container_device_rate_json),
    JSON_FIELD_OF(ContainerSpec, blkio_write_iops, "BlkioDeviceWriteIOps", JSON_TYPE_STRUCT_ARRAY,
                  &container_device_rate_json),
    JSON_FIELD(ContainerSpec, pids_limit, "PidsLimit", JSON_TYPE_INT64),
    JSON_FIELD(ContainerSpec, network_mode, "NetworkMode", JSON_TYPE_STRING),
    JSON_FIELD_OF(ContainerSpec, networks, "Networks", JSON_TYPE_STRUCT_ARRAY,
                  &container_network_json),
    JSON_FIELD_OF(ContainerSpec, port_bindings, "PortBindings", JSON_TYPE_STRUCT_ARRAY,
                  &container_port_binding_json),
    JSON_FIELD(ContainerSpec, publish_all_ports, "PublishAllPorts", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerSpec, publish_allow, "PublishAllow", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerSpec, dns, "Dns", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerSpec, dns_search, "DnsSearch", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerSpec, dns_options, "DnsOptions", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerSpec, extra_hosts, "ExtraHosts", JSON_TYPE_STRING_LIST),
};
const JsonStruct container_spec_json = JSON_STRUCT(ContainerSpec, spec_fields);

void container_spec_done(ContainerSpec *spec)
{
    json_struct_done(&container_spec_json, spec);
}

void container_port_bindings_done(ContainerPortBindings *bindings)
{
    for (size_t i = 0; i < bindings->count; i++)
        json_struct_done(&container_port_binding_json, &bindings->items[i]);
    free(bindings->items);
    *bindings = (ContainerPortBindings) {};
}

void container_mount_done(ContainerMount *mount)
{
    json_struct_done(&mount_json, mount);
}

void container_mount_copy(const ContainerMount *mount, ContainerMount *ret)
{
    _cleanup_json_ json_t *json = json_struct_write(&mount_json, mount);

    (void)json_struct_read(&mount_json, json, ret, NULL); /* what was written can be read */
}

void container_secret_done(ContainerSecret *secret)
{
    json_struct_done(&secret_json, secret);
}

bool container_mode_is(const char *mode, const char *name)
{
    return mode && strcmp(mode, name) == 0;
}

static const char *behind(const char *mode, const char *prefix)
{
    size_t length = strlen(prefix);

    return mode && strncmp(mode, prefix, length) == 0 ? mode + length : NULL;
}

const char *container_mode_joined(const char *mode)
{
    return behind(mode, "container:");
}

const char *container_mode_cni(const char *mode)
{
    return behind(mode, "cni:");
}

const char *container_mode_path(const char *mode)
{
    return behind(mode, "ns:");
}
