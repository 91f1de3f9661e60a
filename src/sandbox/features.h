/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What this runtime can do here, as the specification's features.md has it: each list comes from
 * the table that the implementation itself uses. What takes a part of the kernel that may be
 * missing (seccomp, the security modules, resctrl) is "enabled" if the kernel has it; the rest if
 * we do it.
 */

#include <stdbool.h>

#include "base/json-fields.h"
#include "base/string-list.h"

typedef struct FeatureCgroup {
    bool v1;
    bool v2;
    bool systemd;
    bool systemd_user;
    bool rdma;
} FeatureCgroup;

typedef struct FeatureSeccomp {
    bool enabled;
    StringList actions; /* that libseccomp and the kernel can do, as are the lists below */
    StringList operators;
    StringList architectures;
    StringList known_flags; /* all that a configuration may have */
    StringList supported_flags;
} FeatureSeccomp;

typedef struct FeatureSwitch {
    bool enabled;
} FeatureSwitch;

typedef struct FeatureMountExtensions {
    FeatureSwitch idmap;
} FeatureMountExtensions;

typedef struct FeaturesLinux {
    StringList namespaces;
    StringList capabilities; /* that the kernel knows */
    FeatureCgroup cgroup;
    FeatureSeccomp seccomp;
    FeatureSwitch apparmor;
    FeatureSwitch selinux;
    FeatureSwitch intel_rdt;
    FeatureMountExtensions mount_extensions;
    FeatureSwitch net_devices;
} FeaturesLinux;

typedef struct Features {
    char *oci_version_min;
    char *oci_version_max;
    StringList hooks;
    StringList mount_options;
    FeaturesLinux linux_features;
    StringMap annotations; /* empty: a program adds its own */
} Features;

extern const JsonStruct features_json;

/* Fill @ret (zeroed), for features_done(). */
void features_collect(Features *ret);
void features_done(Features *features);
