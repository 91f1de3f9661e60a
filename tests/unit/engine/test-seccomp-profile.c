/* SPDX-License-Identifier: Apache-2.0 */

/* Docker's seccomp profiles: rules that hold only with some capability, architecture or kernel. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/seccomp-profile.h"
#include "sandbox/capabilities.h"

#if defined(__x86_64__)
#define OURS "\"amd64\""
#define THEIRS "\"arm64\""
#else
#define OURS "\"arm64\""
#define THEIRS "\"amd64\""
#endif

/* Returns 1 when the rule is kept, 0 when not, -errno when the profile is refused. */
static int rule_is_kept(const char *filter, uint64_t capabilities)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = runtime_config_new();
    LinuxSeccomp *seccomp = NULL;
    char text[1024] = "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"mount\"],"
                      "\"action\":\"SCMP_ACT_ALLOW\"";
    int r;

    (void)strncat(text, filter, sizeof(text) - strlen(text) - 1);
    (void)strncat(text, "}]}", sizeof(text) - strlen(text) - 1);
    r = seccomp_profile_parse(text, strlen(text), capabilities, &seccomp, NULL);
    config->linux_config.seccomp = seccomp;
    return r < 0 ? r : (int)seccomp->syscalls.count;
}

static void rules_depend_on_capabilities(void **state)
{
    static const char includes[] = ",\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}";
    static const char excludes[] = ",\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}";

    (void)state;
    assert_int_equal(rule_is_kept("", 0), 1);
    assert_int_equal(rule_is_kept(includes, 0), 0);
    assert_int_equal(rule_is_kept(includes, CAPABILITY(CAP_SYS_ADMIN)), 1);
    assert_int_equal(rule_is_kept(excludes, 0), 1);
    assert_int_equal(rule_is_kept(excludes, CAPABILITY(CAP_SYS_ADMIN)), 0);
    assert_int_equal(rule_is_kept(",\"includes\":{\"caps\":[\"CAP_NONE_SUCH\"]}", UINT64_MAX), 0);
}

static void rules_depend_on_architectures(void **state)
{
    (void)state;
    assert_int_equal(rule_is_kept(",\"includes\":{\"arches\":[" OURS "]}", 0), 1);
    assert_int_equal(rule_is_kept(",\"includes\":{\"arches\":[" THEIRS "]}", 0), 0);
    assert_int_equal(rule_is_kept(",\"excludes\":{\"arches\":[" OURS "]}", 0), 0);
}

static void rules_depend_on_kernels(void **state)
{
    (void)state;
    assert_int_equal(rule_is_kept(",\"includes\":{\"minKernel\":\"4.8\"}", 0), 1);
    assert_int_equal(rule_is_kept(",\"includes\":{\"minKernel\":\"99.0\"}", 0), 0);
}

static void malformed_profiles_are_refused(void **state)
{
    static const char *const profiles[] = {
        "",
        "[]",
        "{\"syscalls\":[1],\"defaultAction\":\"SCMP_ACT_ALLOW\"}",
        "{\"syscalls\":[]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"archMap\":[{}]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"a\"],\"action\":1}]}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
        _cleanup_error_ Error err = {};
        LinuxSeccomp *seccomp = NULL;

        if (seccomp_profile_parse(profiles[i], strlen(profiles[i]), 0, &seccomp, &err) >= 0)
            fail_msg("taken: %s", profiles[i]);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_depend_on_capabilities),
        cmocka_unit_test(rules_depend_on_architectures),
        cmocka_unit_test(rules_depend_on_kernels),
        cmocka_unit_test(malformed_profiles_are_refused),
    };

    return cmocka_run_group_tests_name("seccomp-profile", tests, NULL, NULL);
}
