/* SPDX-License-Identifier: Apache-2.0 */

/* Tables to lists, and questions to the kernel. */

#include "sandbox/features.h"

#include "base/memory.h"
#include "sandbox/capabilities.h"
#include "sandbox/intel-rdt.h"
#include "sandbox/mount-options.h"
#include "sandbox/runtime-config-private.h"
#include "sandbox/seccomp-private.h"
#include "sandbox/security-labels-private.h"

/* The first version whose configurations are understood. */
#define VERSION_MIN "1.0.0"

static const JsonField feature_cgroup_fields[] = {
    JSON_FIELD_FLAGS(FeatureCgroup, v1, "v1", JSON_TYPE_BOOL, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(FeatureCgroup, v2, "v2", JSON_TYPE_BOOL, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(FeatureCgroup, systemd, "systemd", JSON_TYPE_BOOL, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(FeatureCgroup, systemd_user, "systemdUser", JSON_TYPE_BOOL, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(FeatureCgroup, rdma, "rdma", JSON_TYPE_BOOL, JSON_KEEP_EMPTY),
};
static const JsonStruct feature_cgroup_json = JSON_STRUCT(FeatureCgroup, feature_cgroup_fields);

static const JsonField feature_seccomp_fields[] = {
    JSON_FIELD_FLAGS(FeatureSeccomp, enabled, "enabled", JSON_TYPE_BOOL, JSON_KEEP_EMPTY),
    JSON_FIELD(FeatureSeccomp, actions, "actions", JSON_TYPE_STRING_LIST),
    JSON_FIELD(FeatureSeccomp, operators, "operators", JSON_TYPE_STRING_LIST),
    JSON_FIELD(FeatureSeccomp, architectures, "archs", JSON_TYPE_STRING_LIST),
    JSON_FIELD(FeatureSeccomp, known_flags, "knownFlags", JSON_TYPE_STRING_LIST),
    JSON_FIELD(FeatureSeccomp, supported_flags, "supportedFlags", JSON_TYPE_STRING_LIST),
};
static const JsonStruct feature_seccomp_json = JSON_STRUCT(FeatureSeccomp, feature_seccomp_fields);

static const JsonField feature_switch_fields[] = {
    JSON_FIELD_FLAGS(FeatureSwitch, enabled, "enabled", JSON_TYPE_BOOL, JSON_KEEP_EMPTY),
};
static const JsonStruct feature_switch_json = JSON_STRUCT(FeatureSwitch, feature_switch_fields);

static const JsonField feature_mount_extensions_fields[] = {
    JSON_FIELD_OF(FeatureMountExtensions, idmap, "idmap", JSON_TYPE_STRUCT, &feature_switch_json),
};
static const JsonStruct feature_mount_extensions_json =
    JSON_STRUCT(FeatureMountExtensions, feature_mount_extensions_fields);

static const JsonField features_linux_fields[] = {
    JSON_FIELD(FeaturesLinux, namespaces, "namespaces", JSON_TYPE_STRING_LIST),
    JSON_FIELD(FeaturesLinux, capabilities, "capabilities", JSON_TYPE_STRING_LIST),
    JSON_FIELD_OF(FeaturesLinux, cgroup, "cgroup", JSON_TYPE_STRUCT, &feature_cgroup_json),
    JSON_FIELD_OF(FeaturesLinux, seccomp, "seccomp", JSON_TYPE_STRUCT, &feature_seccomp_json),
    JSON_FIELD_OF(FeaturesLinux, apparmor, "apparmor", JSON_TYPE_STRUCT, &feature_switch_json),
    JSON_FIELD_OF(FeaturesLinux, selinux, "selinux", JSON_TYPE_STRUCT, &feature_switch_json),
    JSON_FIELD_OF(FeaturesLinux, intel_rdt, "intelRdt", JSON_TYPE_STRUCT, &feature_switch_json),
    JSON_FIELD_OF(FeaturesLinux, mount_extensions, "mountExtensions", JSON_TYPE_STRUCT,
                  &feature_mount_extensions_json),
    JSON_FIELD_OF(FeaturesLinux, net_devices, "netDevices", JSON_TYPE_STRUCT, &feature_switch_json),
};
static const JsonStruct features_linux_json = JSON_STRUCT(FeaturesLinux, features_linux_fields);

static const JsonField features_fields[] = {
    JSON_FIELD(Features, oci_version_min, "ociVersionMin", JSON_TYPE_STRING),
    JSON_FIELD(Features, oci_version_max, "ociVersionMax", JSON_TYPE_STRING),
    JSON_FIELD(Features, hooks, "hooks", JSON_TYPE_STRING_LIST),
    JSON_FIELD(Features, mount_options, "mountOptions", JSON_TYPE_STRING_LIST),
    JSON_FIELD_OF(Features, linux_features, "linux", JSON_TYPE_STRUCT, &features_linux_json),
    JSON_FIELD(Features, annotations, "annotations", JSON_TYPE_STRING_MAP),
};
const JsonStruct features_json = JSON_STRUCT(Features, features_fields);

static void collect_capabilities(StringList *ret)
{
    unsigned last = capability_last();

    for (unsigned i = 0; i <= last; i++)
        if (capability_to_name(i))
            string_list_add(ret, capability_to_name(i));
}

/* The names of @known for which @find gives a number that @is_supported. */
static void collect_supported(const StringList *known, int (*find)(const char *, uint32_t *),
                              bool (*is_supported)(uint32_t), StringList *ret)
{
    for (size_t i = 0; i < known->count; i++) {
        uint32_t number;

        if (find(known->items[i], &number) == 0 && is_supported(number))
            string_list_add(ret, known->items[i]);
    }
}

static void collect_seccomp(FeatureSeccomp *ret)
{
    _cleanup_string_list_ StringList actions = {}, architectures = {};

    seccomp_action_names(&actions);
    seccomp_architecture_names(&architectures);
    seccomp_operator_names(&ret->operators);
    seccomp_flag_names(&ret->known_flags);
    collect_supported(&actions, seccomp_action_from_name, seccomp_action_is_supported,
                      &ret->actions);
    collect_supported(&architectures, seccomp_architecture_from_name,
                      seccomp_architecture_is_supported, &ret->architectures);
    collect_supported(&ret->known_flags, seccomp_flag_from_name, seccomp_flag_is_supported,
                      &ret->supported_flags);
    ret->enabled = ret->actions.count > 0;
}

void features_collect(Features *ret)
{
    FeaturesLinux *features = &ret->linux_features;

    ret->oci_version_min = memory_strdup(VERSION_MIN);
    ret->oci_version_max = memory_strdup(RUNTIME_CONFIG_VERSION);
    for (size_t i = 0; i < runtime_hooks_json.n_fields; i++)
        string_list_add(&ret->hooks, runtime_hooks_json.fields[i].name);
    mount_option_names(&ret->mount_options);
    linux_namespace_names(&features->namespaces);
    collect_capabilities(&features->capabilities);
    collect_seccomp(&features->seccomp);
    features->cgroup = (FeatureCgroup) {
        .v1 = true, .v2 = true, .systemd = true, .systemd_user = true, .rdma = true
    };
    features->mount_extensions.idmap.enabled = true;
    features->net_devices.enabled = true;
    features->apparmor.enabled = apparmor_is_enabled();
    features->selinux.enabled = selinux_is_enabled();
    features->intel_rdt.enabled = intel_rdt_is_enabled();
}

void features_done(Features *features)
{
    json_struct_done(&features_json, features);
}
