/* SPDX-License-Identifier: Apache-2.0 */

/* What is claimed is what a configuration may then ask for. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sandbox/capabilities.h"
#include "sandbox/features.h"
#include "sandbox/seccomp.h"

static int setup(void **state)
{
    Features *features = NEW(Features);

    features_collect(features);
    *state = features;
    return 0;
}

static int teardown(void **state)
{
    features_done(*state);
    free(*state);
    return 0;
}

static void the_lists_are_those_of_this_kernel(void **state)
{
    const Features *features = *state;
    const FeaturesLinux *linux_features = &features->linux_features;

    assert_int_equal(linux_features->capabilities.count, capability_last() + 1);
    assert_int_equal(linux_features->namespaces.count, 8);
    assert_int_equal(features->hooks.count, 6);
    assert_true(string_list_contains(&features->mount_options, "rro"));
    assert_true(linux_features->seccomp.enabled);
    assert_int_equal(linux_features->seccomp.actions.count, 9);
    assert_int_equal(linux_features->seccomp.operators.count, 7);
    assert_int_equal(linux_features->seccomp.known_flags.count, 4);
}

/* Compile a profile with every claim in it. */
static void what_seccomp_claims_can_be_loaded(void **state)
{
    const FeatureSeccomp *claims = &((const Features *)*state)->linux_features.seccomp;

    for (size_t i = 0; i < claims->architectures.count; i++) {
        LinuxSeccomp profile = { .default_action = (char *)"SCMP_ACT_ALLOW" };
        _cleanup_seccomp_program_ SeccompProgram program = {};

        string_list_add(&profile.architectures, claims->architectures.items[i]);
        string_list_copy(&profile.flags, &claims->supported_flags);
        assert_int_equal(seccomp_program_load(&profile, -1, &program, NULL), 0);
        string_list_done(&profile.architectures);
        string_list_done(&profile.flags);
    }
    for (size_t i = 0; i < claims->actions.count; i++) {
        LinuxSeccomp profile = { .default_action = claims->actions.items[i] };
        _cleanup_seccomp_program_ SeccompProgram program = {};

        if (strcmp(claims->actions.items[i], "SCMP_ACT_NOTIFY") != 0)
            assert_int_equal(seccomp_program_load(&profile, -1, &program, NULL), 0);
    }
}

static void what_is_implemented_is_claimed(void **state)
{
    const FeaturesLinux *claims = &((const Features *)*state)->linux_features;

    assert_true(claims->cgroup.v1 && claims->cgroup.v2 && claims->cgroup.rdma);
    assert_true(claims->cgroup.systemd && claims->cgroup.systemd_user);
    assert_true(claims->mount_extensions.idmap.enabled);
    assert_true(claims->net_devices.enabled);
}

static void what_is_not_enabled_is_said_to_be_so(void **state)
{
    _cleanup_json_ json_t *json = json_struct_write(&features_json, *state);
    const json_t *linux_json = json_object_get(json, "linux");

    assert_string_equal(json_string_value(json_object_get(json, "ociVersionMax")), "1.3.0");
    for (size_t i = 0; i < 4; i++) {
        const char *const names[] = { "apparmor", "selinux", "intelRdt", "netDevices" };

        assert_true(
            json_is_boolean(json_object_get(json_object_get(linux_json, names[i]), "enabled")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lists_are_those_of_this_kernel),
        cmocka_unit_test(what_seccomp_claims_can_be_loaded),
        cmocka_unit_test(what_is_implemented_is_claimed),
        cmocka_unit_test(what_is_not_enabled_is_said_to_be_so),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
