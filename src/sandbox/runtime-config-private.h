/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The field tables of the configuration's parts, and the rules that its validation applies. */

#include "sandbox/runtime-config.h"

extern const JsonStruct runtime_root_json;
extern const JsonStruct linux_id_mapping_json;
extern const JsonStruct runtime_mount_json;
extern const JsonStruct runtime_console_size_json;
extern const JsonStruct runtime_user_json;
extern const JsonStruct runtime_capabilities_json;
extern const JsonStruct runtime_rlimit_json;
extern const JsonStruct runtime_io_priority_json;
extern const JsonStruct runtime_scheduler_json;
extern const JsonStruct runtime_exec_cpu_affinity_json;
extern const JsonStruct runtime_hook_json;
extern const JsonStruct runtime_hooks_json;
extern const JsonStruct linux_namespace_json;
extern const JsonStruct linux_time_offset_json;
extern const JsonStruct linux_time_offsets_json;
extern const JsonStruct linux_device_json;
extern const JsonStruct linux_net_device_json;
extern const JsonStruct linux_device_rule_json;
extern const JsonStruct linux_memory_json;
extern const JsonStruct linux_cpu_json;
extern const JsonStruct linux_pids_json;
extern const JsonStruct linux_block_io_weight_json;
extern const JsonStruct linux_block_io_throttle_json;
extern const JsonStruct linux_block_io_json;
extern const JsonStruct linux_hugepage_limit_json;
extern const JsonStruct linux_interface_priority_json;
extern const JsonStruct linux_network_json;
extern const JsonStruct linux_rdma_json;
extern const JsonStruct linux_seccomp_arg_json;
extern const JsonStruct linux_seccomp_syscall_json;
extern const JsonStruct linux_personality_json;
extern const JsonStruct linux_intel_rdt_json;
extern const JsonStruct linux_memory_policy_json;
extern const JsonStruct linux_config_json;

/*
 * Rules for a struct as a whole, named after it; runtime_config_validate() applies them.
 * They record what is wrong, below the struct's own path. Errors: INVALID.
 */
int runtime_rule_user(const void *value, Error *err);
int runtime_rule_rlimits(const void *value, Error *err);
int runtime_rule_mount(const void *value, Error *err);
int runtime_rule_device(const void *value, Error *err);
int runtime_rule_memory(const void *value, Error *err);
int runtime_rule_scheduler(const void *value, Error *err);
int runtime_rule_memory_policy(const void *value, Error *err);
int runtime_rule_seccomp(const void *value, Error *err);
int runtime_rule_linux(const void *value, Error *err);
int runtime_rule_config(const void *value, Error *err);
