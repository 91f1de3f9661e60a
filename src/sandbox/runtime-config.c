/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How the OCI runtime configuration reads from JSON and writes to JSON: one field table per
 * struct, members named as in the specification's schema. What a table cannot express is in
 * runtime-config-validate.c.
 */

#include "sandbox/runtime-config.h"

#include "base/fd.h"
#include "base/memory.h"
#include "sandbox/runtime-config-private.h"

static const JsonField runtime_root_fields[] = {
    JSON_FIELD_FLAGS(RuntimeRoot, path, "path", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(RuntimeRoot, readonly, "readonly", JSON_TYPE_BOOL),
};
const JsonStruct runtime_root_json = JSON_STRUCT(RuntimeRoot, runtime_root_fields);

static const JsonField linux_id_mapping_fields[] = {
    JSON_FIELD_FLAGS(LinuxIdMapping, container_id, "containerID", JSON_TYPE_UINT32, JSON_REQUIRED),
    JSON_FIELD_FLAGS(LinuxIdMapping, host_id, "hostID", JSON_TYPE_UINT32, JSON_REQUIRED),
    JSON_FIELD_FLAGS(LinuxIdMapping, size, "size", JSON_TYPE_UINT32, JSON_REQUIRED),
};
const JsonStruct linux_id_mapping_json = JSON_STRUCT(LinuxIdMapping, linux_id_mapping_fields);

static const JsonField runtime_mount_fields[] = {
    JSON_FIELD_FLAGS(RuntimeMount, destination, "destination", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(RuntimeMount, type, "type", JSON_TYPE_STRING),
    JSON_FIELD(RuntimeMount, source, "source", JSON_TYPE_STRING),
    JSON_FIELD(RuntimeMount, options, "options", JSON_TYPE_STRING_LIST),
    JSON_FIELD_OF(RuntimeMount, uid_mappings, "uidMappings", JSON_TYPE_STRUCT_ARRAY,
                  &linux_id_mapping_json),
    JSON_FIELD_OF(RuntimeMount, gid_mappings, "gidMappings", JSON_TYPE_STRUCT_ARRAY,
                  &linux_id_mapping_json),
};
const JsonStruct runtime_mount_json = JSON_STRUCT(RuntimeMount, runtime_mount_fields);

static const JsonField runtime_console_size_fields[] = {
    JSON_FIELD_FLAGS(RuntimeConsoleSize, height, "height", JSON_TYPE_UINT64, JSON_REQUIRED),
    JSON_FIELD_FLAGS(RuntimeConsoleSize, width, "width", JSON_TYPE_UINT64, JSON_REQUIRED),
};
const JsonStruct runtime_console_size_json =
    JSON_STRUCT(RuntimeConsoleSize, runtime_console_size_fields);

static const JsonField runtime_user_fields[] = {
    JSON_FIELD_FLAGS(RuntimeUser, uid, "uid", JSON_TYPE_UINT32, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(RuntimeUser, gid, "gid", JSON_TYPE_UINT32, JSON_KEEP_EMPTY),
    JSON_FIELD(RuntimeUser, umask, "umask", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD(RuntimeUser, additional_gids, "additionalGids", JSON_TYPE_UINT32_LIST),
    JSON_FIELD(RuntimeUser, username, "username", JSON_TYPE_STRING),
};
const JsonStruct runtime_user_json = JSON_STRUCT(RuntimeUser, runtime_user_fields);

static const JsonField runtime_capabilities_fields[] = {
    JSON_FIELD(RuntimeCapabilities, bounding, "bounding", JSON_TYPE_STRING_LIST),
    JSON_FIELD(RuntimeCapabilities, effective, "effective", JSON_TYPE_STRING_LIST),
    JSON_FIELD(RuntimeCapabilities, inheritable, "inheritable", JSON_TYPE_STRING_LIST),
    JSON_FIELD(RuntimeCapabilities, permitted, "permitted", JSON_TYPE_STRING_LIST),
    JSON_FIELD(RuntimeCapabilities, ambient, "ambient", JSON_TYPE_STRING_LIST),
};
const JsonStruct runtime_capabilities_json =
    JSON_STRUCT(RuntimeCapabilities, runtime_capabilities_fields);

static const JsonField runtime_rlimit_fields[] = {
    JSON_FIELD_FLAGS(RuntimeRlimit, type, "type", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(RuntimeRlimit, soft, "soft", JSON_TYPE_UINT64, JSON_REQUIRED),
    JSON_FIELD_FLAGS(RuntimeRlimit, hard, "hard", JSON_TYPE_UINT64, JSON_REQUIRED),
};
const JsonStruct runtime_rlimit_json = JSON_STRUCT(RuntimeRlimit, runtime_rlimit_fields);

static const JsonField runtime_io_priority_fields[] = {
    JSON_FIELD_FLAGS(RuntimeIoPriority, class_name, "class", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(RuntimeIoPriority, priority, "priority", JSON_TYPE_INT32),
};
const JsonStruct runtime_io_priority_json =
    JSON_STRUCT(RuntimeIoPriority, runtime_io_priority_fields);

static const JsonField runtime_scheduler_fields[] = {
    JSON_FIELD_FLAGS(RuntimeScheduler, policy, "policy", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(RuntimeScheduler, nice, "nice", JSON_TYPE_INT32),
    JSON_FIELD(RuntimeScheduler, priority, "priority", JSON_TYPE_INT32),
    JSON_FIELD(RuntimeScheduler, flags, "flags", JSON_TYPE_STRING_LIST),
    JSON_FIELD(RuntimeScheduler, runtime, "runtime", JSON_TYPE_UINT64),
    JSON_FIELD(RuntimeScheduler, deadline, "deadline", JSON_TYPE_UINT64),
    JSON_FIELD(RuntimeScheduler, period, "period", JSON_TYPE_UINT64),
};
const JsonStruct runtime_scheduler_json = JSON_STRUCT(RuntimeScheduler, runtime_scheduler_fields);

static const JsonField runtime_exec_cpu_affinity_fields[] = {
    JSON_FIELD(RuntimeExecCpuAffinity, initial, "initial", JSON_TYPE_STRING),
    JSON_FIELD(RuntimeExecCpuAffinity, final, "final", JSON_TYPE_STRING),
};
const JsonStruct runtime_exec_cpu_affinity_json =
    JSON_STRUCT(RuntimeExecCpuAffinity, runtime_exec_cpu_affinity_fields);

static const JsonField runtime_process_fields[] = {
    JSON_FIELD(RuntimeProcess, terminal, "terminal", JSON_TYPE_BOOL),
    JSON_FIELD_OF(RuntimeProcess, console_size, "consoleSize", JSON_TYPE_STRUCT_POINTER,
                  &runtime_console_size_json),
    JSON_FIELD_OF(RuntimeProcess, user, "user", JSON_TYPE_STRUCT, &runtime_user_json),
    JSON_FIELD(RuntimeProcess, args, "args", JSON_TYPE_STRING_LIST),
    JSON_FIELD(RuntimeProcess, env, "env", JSON_TYPE_STRING_LIST),
    JSON_FIELD_FLAGS(RuntimeProcess, cwd, "cwd", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_OF(RuntimeProcess, capabilities, "capabilities", JSON_TYPE_STRUCT_POINTER,
                  &runtime_capabilities_json),
    JSON_FIELD_OF(RuntimeProcess, rlimits, "rlimits", JSON_TYPE_STRUCT_ARRAY, &runtime_rlimit_json),
    JSON_FIELD(RuntimeProcess, no_new_privileges, "noNewPrivileges", JSON_TYPE_BOOL),
    JSON_FIELD(RuntimeProcess, apparmor_profile, "apparmorProfile", JSON_TYPE_STRING),
    JSON_FIELD(RuntimeProcess, selinux_label, "selinuxLabel", JSON_TYPE_STRING),
    JSON_FIELD(RuntimeProcess, oom_score_adj, "oomScoreAdj", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD_OF(RuntimeProcess, io_priority, "ioPriority", JSON_TYPE_STRUCT_POINTER,
                  &runtime_io_priority_json),
    JSON_FIELD_OF(RuntimeProcess, scheduler, "scheduler", JSON_TYPE_STRUCT_POINTER,
                  &runtime_scheduler_json),
    JSON_FIELD_OF(RuntimeProcess, exec_cpu_affinity, "execCPUAffinity", JSON_TYPE_STRUCT,
                  &runtime_exec_cpu_affinity_json),
};
const JsonStruct runtime_process_json = JSON_STRUCT(RuntimeProcess, runtime_process_fields);

static const JsonField runtime_hook_fields[] = {
    JSON_FIELD_FLAGS(RuntimeHook, path, "path", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(RuntimeHook, args, "args", JSON_TYPE_STRING_LIST),
    JSON_FIELD(RuntimeHook, env, "env", JSON_TYPE_STRING_LIST),
    JSON_FIELD(RuntimeHook, timeout, "timeout", JSON_TYPE_OPTIONAL_INT64),
};
const JsonStruct runtime_hook_json = JSON_STRUCT(RuntimeHook, runtime_hook_fields);

static const JsonField runtime_hooks_fields[] = {
    JSON_FIELD_OF(RuntimeHooks, prestart, "prestart", JSON_TYPE_STRUCT_ARRAY, &runtime_hook_json),
    JSON_FIELD_OF(RuntimeHooks, create_runtime, "createRuntime", JSON_TYPE_STRUCT_ARRAY,
                  &runtime_hook_json),
    JSON_FIELD_OF(RuntimeHooks, create_container, "createContainer", JSON_TYPE_STRUCT_ARRAY,
                  &runtime_hook_json),
    JSON_FIELD_OF(RuntimeHooks, start_container, "startContainer", JSON_TYPE_STRUCT_ARRAY,
                  &runtime_hook_json),
    JSON_FIELD_OF(RuntimeHooks, poststart, "poststart", JSON_TYPE_STRUCT_ARRAY, &runtime_hook_json),
    JSON_FIELD_OF(RuntimeHooks, poststop, "poststop", JSON_TYPE_STRUCT_ARRAY, &runtime_hook_json),
};
const JsonStruct runtime_hooks_json = JSON_STRUCT(RuntimeHooks, runtime_hooks_fields);

static const JsonField linux_namespace_fields[] = {
    JSON_FIELD_FLAGS(LinuxNamespace, type, "type", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(LinuxNamespace, path, "path", JSON_TYPE_STRING),
};
const JsonStruct linux_namespace_json = JSON_STRUCT(LinuxNamespace, linux_namespace_fields);

static const JsonField linux_time_offset_fields[] = {
    JSON_FIELD(LinuxTimeOffset, secs, "secs", JSON_TYPE_INT64),
    JSON_FIELD(LinuxTimeOffset, nanosecs, "nanosecs", JSON_TYPE_UINT32),
};
const JsonStruct linux_time_offset_json = JSON_STRUCT(LinuxTimeOffset, linux_time_offset_fields);

static const JsonField linux_time_offsets_fields[] = {
    JSON_FIELD_OF(LinuxTimeOffsets, boottime, "boottime", JSON_TYPE_STRUCT,
                  &linux_time_offset_json),
    JSON_FIELD_OF(LinuxTimeOffsets, monotonic, "monotonic", JSON_TYPE_STRUCT,
                  &linux_time_offset_json),
};
const JsonStruct linux_time_offsets_json = JSON_STRUCT(LinuxTimeOffsets, linux_time_offsets_fields);

static const JsonField linux_device_fields[] = {
    JSON_FIELD_FLAGS(LinuxDevice, path, "path", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(LinuxDevice, type, "type", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(LinuxDevice, major, "major", JSON_TYPE_INT64),
    JSON_FIELD(LinuxDevice, minor, "minor", JSON_TYPE_INT64),
    JSON_FIELD(LinuxDevice, file_mode, "fileMode", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD(LinuxDevice, uid, "uid", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD(LinuxDevice, gid, "gid", JSON_TYPE_OPTIONAL_UINT64),
};
const JsonStruct linux_device_json = JSON_STRUCT(LinuxDevice, linux_device_fields);

static const JsonField linux_net_device_fields[] = {
    JSON_FIELD(LinuxNetDevice, name, "name", JSON_TYPE_STRING),
};
const JsonStruct linux_net_device_json = JSON_STRUCT(LinuxNetDevice, linux_net_device_fields);

static const JsonField linux_device_rule_fields[] = {
    JSON_FIELD_FLAGS(LinuxDeviceRule, allow, "allow", JSON_TYPE_BOOL, JSON_REQUIRED),
    JSON_FIELD(LinuxDeviceRule, type, "type", JSON_TYPE_STRING),
    JSON_FIELD(LinuxDeviceRule, major, "major", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(LinuxDeviceRule, minor, "minor", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(LinuxDeviceRule, access, "access", JSON_TYPE_STRING),
};
const JsonStruct linux_device_rule_json = JSON_STRUCT(LinuxDeviceRule, linux_device_rule_fields);

static const JsonField linux_memory_fields[] = {
    JSON_FIELD(LinuxMemory, limit, "limit", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(LinuxMemory, reservation, "reservation", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(LinuxMemory, swap, "swap", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(LinuxMemory, kernel, "kernel", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(LinuxMemory, kernel_tcp, "kernelTCP", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(LinuxMemory, swappiness, "swappiness", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD(LinuxMemory, disable_oom_killer, "disableOOMKiller", JSON_TYPE_OPTIONAL_BOOL),
    JSON_FIELD(LinuxMemory, use_hierarchy, "useHierarchy", JSON_TYPE_OPTIONAL_BOOL),
    JSON_FIELD(LinuxMemory, check_before_update, "checkBeforeUpdate", JSON_TYPE_OPTIONAL_BOOL),
};
const JsonStruct linux_memory_json = JSON_STRUCT(LinuxMemory, linux_memory_fields);

static const JsonField linux_cpu_fields[] = {
    JSON_FIELD(LinuxCpu, shares, "shares", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD(LinuxCpu, quota, "quota", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(LinuxCpu, burst, "burst", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD(LinuxCpu, period, "period", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD(LinuxCpu, realtime_runtime, "realtimeRuntime", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(LinuxCpu, realtime_period, "realtimePeriod", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD(LinuxCpu, cpus, "cpus", JSON_TYPE_STRING),
    JSON_FIELD(LinuxCpu, mems, "mems", JSON_TYPE_STRING),
    JSON_FIELD(LinuxCpu, idle, "idle", JSON_TYPE_OPTIONAL_INT64),
};
const JsonStruct linux_cpu_json = JSON_STRUCT(LinuxCpu, linux_cpu_fields);

static const JsonField linux_pids_fields[] = {
    JSON_FIELD_FLAGS(LinuxPids, limit, "limit", JSON_TYPE_INT64, JSON_REQUIRED),
};
const JsonStruct linux_pids_json = JSON_STRUCT(LinuxPids, linux_pids_fields);

static const JsonField linux_block_io_weight_fields[] = {
    JSON_FIELD_FLAGS(LinuxBlockIoWeight, major, "major", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD_FLAGS(LinuxBlockIoWeight, minor, "minor", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD(LinuxBlockIoWeight, weight, "weight", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD(LinuxBlockIoWeight, leaf_weight, "leafWeight", JSON_TYPE_OPTIONAL_UINT64),
};
const JsonStruct linux_block_io_weight_json =
    JSON_STRUCT(LinuxBlockIoWeight, linux_block_io_weight_fields);

static const JsonField linux_block_io_throttle_fields[] = {
    JSON_FIELD_FLAGS(LinuxBlockIoThrottle, major, "major", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD_FLAGS(LinuxBlockIoThrottle, minor, "minor", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD_FLAGS(LinuxBlockIoThrottle, rate, "rate", JSON_TYPE_UINT64, JSON_KEEP_EMPTY),
};
const JsonStruct linux_block_io_throttle_json =
    JSON_STRUCT(LinuxBlockIoThrottle, linux_block_io_throttle_fields);

static const JsonField linux_block_io_fields[] = {
    JSON_FIELD(LinuxBlockIo, weight, "weight", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD(LinuxBlockIo, leaf_weight, "leafWeight", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD_OF(LinuxBlockIo, weight_devices, "weightDevice", JSON_TYPE_STRUCT_ARRAY,
                  &linux_block_io_weight_json),
    JSON_FIELD_OF(LinuxBlockIo, throttle_read_bps, "throttleReadBpsDevice", JSON_TYPE_STRUCT_ARRAY,
                  &linux_block_io_throttle_json),
    JSON_FIELD_OF(LinuxBlockIo, throttle_write_bps, "throttleWriteBpsDevice",
                  JSON_TYPE_STRUCT_ARRAY, &linux_block_io_throttle_json),
    JSON_FIELD_OF(LinuxBlockIo, throttle_read_iops, "throttleReadIOPSDevice",
                  JSON_TYPE_STRUCT_ARRAY, &linux_block_io_throttle_json),
    JSON_FIELD_OF(LinuxBlockIo, throttle_write_iops, "throttleWriteIOPSDevice",
                  JSON_TYPE_STRUCT_ARRAY, &linux_block_io_throttle_json),
};
const JsonStruct linux_block_io_json = JSON_STRUCT(LinuxBlockIo, linux_block_io_fields);

static const JsonField linux_hugepage_limit_fields[] = {
    JSON_FIELD_FLAGS(LinuxHugepageLimit, page_size, "pageSize", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(LinuxHugepageLimit, limit, "limit", JSON_TYPE_UINT64, JSON_REQUIRED),
};
const JsonStruct linux_hugepage_limit_json =
    JSON_STRUCT(LinuxHugepageLimit, linux_hugepage_limit_fields);

static const JsonField linux_interface_priority_fields[] = {
    JSON_FIELD_FLAGS(LinuxInterfacePriority, name, "name", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(LinuxInterfacePriority, priority, "priority", JSON_TYPE_UINT32, JSON_REQUIRED),
};
const JsonStruct linux_interface_priority_json =
    JSON_STRUCT(LinuxInterfacePriority, linux_interface_priority_fields);

static const JsonField linux_network_fields[] = {
    JSON_FIELD(LinuxNetwork, class_id, "classID", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD_OF(LinuxNetwork, priorities, "priorities", JSON_TYPE_STRUCT_ARRAY,
                  &linux_interface_priority_json),
};
const JsonStruct linux_network_json = JSON_STRUCT(LinuxNetwork, linux_network_fields);

static const JsonField linux_rdma_fields[] = {
    JSON_FIELD(LinuxRdma, hca_handles, "hcaHandles", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD(LinuxRdma, hca_objects, "hcaObjects", JSON_TYPE_OPTIONAL_UINT64),
};
const JsonStruct linux_rdma_json = JSON_STRUCT(LinuxRdma, linux_rdma_fields);

static const JsonField linux_resources_fields[] = {
    JSON_FIELD_OF(LinuxResources, devices, "devices", JSON_TYPE_STRUCT_ARRAY,
                  &linux_device_rule_json),
    JSON_FIELD_OF(LinuxResources, memory, "memory", JSON_TYPE_STRUCT, &linux_memory_json),
    JSON_FIELD_OF(LinuxResources, cpu, "cpu", JSON_TYPE_STRUCT, &linux_cpu_json),
    JSON_FIELD_OF(LinuxResources, pids, "pids", JSON_TYPE_STRUCT_POINTER, &linux_pids_json),
    JSON_FIELD_OF(LinuxResources, block_io, "blockIO", JSON_TYPE_STRUCT, &linux_block_io_json),
    JSON_FIELD_OF(LinuxResources, hugepage_limits, "hugepageLimits", JSON_TYPE_STRUCT_ARRAY,
                  &linux_hugepage_limit_json),
    JSON_FIELD_OF(LinuxResources, network, "network", JSON_TYPE_STRUCT, &linux_network_json),
    JSON_FIELD_OF(LinuxResources, rdma, "rdma", JSON_TYPE_STRUCT_MAP, &linux_rdma_json),
    JSON_FIELD(LinuxResources, unified, "unified", JSON_TYPE_STRING_MAP),
};
const JsonStruct linux_resources_json = JSON_STRUCT(LinuxResources, linux_resources_fields);

static const JsonField linux_seccomp_arg_fields[] = {
    JSON_FIELD_FLAGS(LinuxSeccompArg, index, "index", JSON_TYPE_UINT32, JSON_REQUIRED),
    JSON_FIELD_FLAGS(LinuxSeccompArg, value, "value", JSON_TYPE_UINT64, JSON_REQUIRED),
    JSON_FIELD(LinuxSeccompArg, value_two, "valueTwo", JSON_TYPE_UINT64),
    JSON_FIELD_FLAGS(LinuxSeccompArg, op, "op", JSON_TYPE_STRING, JSON_REQUIRED),
};
const JsonStruct linux_seccomp_arg_json = JSON_STRUCT(LinuxSeccompArg, linux_seccomp_arg_fields);

static const JsonField linux_seccomp_syscall_fields[] = {
    JSON_FIELD_FLAGS(LinuxSeccompSyscall, names, "names", JSON_TYPE_STRING_LIST, JSON_REQUIRED),
    JSON_FIELD_FLAGS(LinuxSeccompSyscall, action, "action", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(LinuxSeccompSyscall, errno_ret, "errnoRet", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD_OF(LinuxSeccompSyscall, args, "args", JSON_TYPE_STRUCT_ARRAY,
                  &linux_seccomp_arg_json),
};
const JsonStruct linux_seccomp_syscall_json =
    JSON_STRUCT(LinuxSeccompSyscall, linux_seccomp_syscall_fields);

static const JsonField linux_seccomp_fields[] = {
    JSON_FIELD_FLAGS(LinuxSeccomp, default_action, "defaultAction", JSON_TYPE_STRING,
                     JSON_REQUIRED),
    JSON_FIELD(LinuxSeccomp, default_errno_ret, "defaultErrnoRet", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD(LinuxSeccomp, architectures, "architectures", JSON_TYPE_STRING_LIST),
    JSON_FIELD(LinuxSeccomp, flags, "flags", JSON_TYPE_STRING_LIST),
    JSON_FIELD(LinuxSeccomp, listener_path, "listenerPath", JSON_TYPE_STRING),
    JSON_FIELD(LinuxSeccomp, listener_metadata, "listenerMetadata", JSON_TYPE_STRING),
    JSON_FIELD_OF(LinuxSeccomp, syscalls, "syscalls", JSON_TYPE_STRUCT_ARRAY,
                  &linux_seccomp_syscall_json),
};
const JsonStruct linux_seccomp_json = JSON_STRUCT(LinuxSeccomp, linux_seccomp_fields);

static const JsonField linux_personality_fields[] = {
    JSON_FIELD(LinuxPersonality, domain, "domain", JSON_TYPE_STRING),
    JSON_FIELD(LinuxPersonality, flags, "flags", JSON_TYPE_STRING_LIST),
};
const JsonStruct linux_personality_json = JSON_STRUCT(LinuxPersonality, linux_personality_fields);

static const JsonField linux_intel_rdt_fields[] = {
    JSON_FIELD(LinuxIntelRdt, clos_id, "closID", JSON_TYPE_STRING),
    JSON_FIELD(LinuxIntelRdt, schemata, "schemata", JSON_TYPE_STRING_LIST),
    JSON_FIELD(LinuxIntelRdt, l3_cache_schema, "l3CacheSchema", JSON_TYPE_STRING),
    JSON_FIELD(LinuxIntelRdt, mem_bw_schema, "memBwSchema", JSON_TYPE_STRING),
    JSON_FIELD(LinuxIntelRdt, enable_monitoring, "enableMonitoring", JSON_TYPE_BOOL),
};
const JsonStruct linux_intel_rdt_json = JSON_STRUCT(LinuxIntelRdt, linux_intel_rdt_fields);

static const JsonField linux_memory_policy_fields[] = {
    JSON_FIELD(LinuxMemoryPolicy, mode, "mode", JSON_TYPE_STRING),
    JSON_FIELD(LinuxMemoryPolicy, nodes, "nodes", JSON_TYPE_STRING),
    JSON_FIELD(LinuxMemoryPolicy, flags, "flags", JSON_TYPE_STRING_LIST),
};
const JsonStruct linux_memory_policy_json =
    JSON_STRUCT(LinuxMemoryPolicy, linux_memory_policy_fields);

static const JsonField linux_config_fields[] = {
    JSON_FIELD_OF(LinuxConfig, namespaces, "namespaces", JSON_TYPE_STRUCT_ARRAY,
                  &linux_namespace_json),
    JSON_FIELD_OF(LinuxConfig, uid_mappings, "uidMappings", JSON_TYPE_STRUCT_ARRAY,
                  &linux_id_mapping_json),
    JSON_FIELD_OF(LinuxConfig, gid_mappings, "gidMappings", JSON_TYPE_STRUCT_ARRAY,
                  &linux_id_mapping_json),
    JSON_FIELD_OF(LinuxConfig, time_offsets, "timeOffsets", JSON_TYPE_STRUCT,
                  &linux_time_offsets_json),
    JSON_FIELD_OF(LinuxConfig, devices, "devices", JSON_TYPE_STRUCT_ARRAY, &linux_device_json),
    JSON_FIELD_OF(LinuxConfig, net_devices, "netDevices", JSON_TYPE_STRUCT_MAP,
                  &linux_net_device_json),
    JSON_FIELD(LinuxConfig, cgroups_path, "cgroupsPath", JSON_TYPE_STRING),
    JSON_FIELD_OF(LinuxConfig, resources, "resources", JSON_TYPE_STRUCT, &linux_resources_json),
    JSON_FIELD(LinuxConfig, rootfs_propagation, "rootfsPropagation", JSON_TYPE_STRING),
    JSON_FIELD(LinuxConfig, masked_paths, "maskedPaths", JSON_TYPE_STRING_LIST),
    JSON_FIELD(LinuxConfig, readonly_paths, "readonlyPaths", JSON_TYPE_STRING_LIST),
    JSON_FIELD(LinuxConfig, mount_label, "mountLabel", JSON_TYPE_STRING),
    JSON_FIELD(LinuxConfig, sysctl, "sysctl", JSON_TYPE_STRING_MAP),
    JSON_FIELD_OF(LinuxConfig, seccomp, "seccomp", JSON_TYPE_STRUCT_POINTER, &linux_seccomp_json),
    JSON_FIELD_OF(LinuxConfig, personality, "personality", JSON_TYPE_STRUCT_POINTER,
                  &linux_personality_json),
    JSON_FIELD_OF(LinuxConfig, intel_rdt, "intelRdt", JSON_TYPE_STRUCT_POINTER,
                  &linux_intel_rdt_json),
    JSON_FIELD_OF(LinuxConfig, memory_policy, "memoryPolicy", JSON_TYPE_STRUCT_POINTER,
                  &linux_memory_policy_json),
};
const JsonStruct linux_config_json = JSON_STRUCT(LinuxConfig, linux_config_fields);

static const JsonField runtime_config_fields[] = {
    JSON_FIELD_FLAGS(RuntimeConfig, oci_version, "ociVersion", JSON_TYPE_STRING, JSON_REQUIRED),
    { .name = "root",
      .type = JSON_TYPE_STRUCT_POINTER,
      .offset = offsetof(RuntimeConfig, root),
      .flags = JSON_REQUIRED,
      .type_of = &runtime_root_json },
    JSON_FIELD_OF(RuntimeConfig, mounts, "mounts", JSON_TYPE_STRUCT_ARRAY, &runtime_mount_json),
    JSON_FIELD_OF(RuntimeConfig, process, "process", JSON_TYPE_STRUCT_POINTER,
                  &runtime_process_json),
    JSON_FIELD(RuntimeConfig, hostname, "hostname", JSON_TYPE_STRING),
    JSON_FIELD(RuntimeConfig, domainname, "domainname", JSON_TYPE_STRING),
    JSON_FIELD_OF(RuntimeConfig, hooks, "hooks", JSON_TYPE_STRUCT, &runtime_hooks_json),
    JSON_FIELD(RuntimeConfig, annotations, "annotations", JSON_TYPE_STRING_MAP),
    JSON_FIELD_OF(RuntimeConfig, linux_config, "linux", JSON_TYPE_STRUCT, &linux_config_json),
};
const JsonStruct runtime_config_json = JSON_STRUCT(RuntimeConfig, runtime_config_fields);

RuntimeConfig *runtime_config_new(void)
{
    RuntimeConfig *config = NEW(RuntimeConfig);

    config->oci_version = memory_strdup(RUNTIME_CONFIG_VERSION);
    return config;
}

void runtime_config_free(RuntimeConfig *config)
{
    if (!config)
        return;
    json_struct_done(&runtime_config_json, config);
    free(config);
}

int runtime_config_parse(const char *data, size_t size, RuntimeConfig **ret, Error *err)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
    _cleanup_json_ json_t *json = NULL;
    int r;

    if (size > RUNTIME_CONFIG_SIZE_MAX)
        return error_set(err, ERROR_INVALID, "the configuration is larger than %u bytes",
                         RUNTIME_CONFIG_SIZE_MAX);
    r = json_parse(data, size, &json, err);
    if (r < 0)
        return r;
    config = NEW(RuntimeConfig);
    r = json_struct_read(&runtime_config_json, json, config, err);
    if (r < 0)
        return r;
    r = runtime_config_validate(config, err);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(config);
    return 0;
}

int runtime_config_read_at(int dir_fd, const char *name, RuntimeConfig **ret, Error *err)
{
    _cleanup_free_ char *data = NULL;
    size_t size;
    int r;

    r = file_read_at(dir_fd, name, RUNTIME_CONFIG_SIZE_MAX, &data, &size);
    if (r == -EFBIG)
        return error_set(err, ERROR_INVALID, "'%s' is larger than %u bytes", name,
                         RUNTIME_CONFIG_SIZE_MAX);
    if (r < 0)
        return error_result(err, r, "read '%s'", name);
    r = runtime_config_parse(data, size, ret, err);
    if (r < 0)
        return error_wrap(err, r, "%s", name);
    return 0;
}

json_t *runtime_config_to_json(const RuntimeConfig *config)
{
    return json_struct_write(&runtime_config_json, config);
}
