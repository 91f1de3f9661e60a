/* SPDX-License-Identifier: Apache-2.0 */

/* Capabilities: names, Docker's lists, and the sets of a process, read back from /proc. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/capabilities.h"

static void test_every_number_up_to_the_last_has_a_name_that_reads_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= CAP_CHECKPOINT_RESTORE; i++) {
        assert_non_null(capability_to_name(i));
        assert_int_equal(capability_from_name(capability_to_name(i)), i);
    }
    assert_null(capability_to_name(CAP_CHECKPOINT_RESTORE + 1));
}

static void test_names_are_read_in_any_case_with_or_without_prefix(void **state)
{
    (void)state;
    assert_int_equal(capability_from_name("CAP_NET_ADMIN"), CAP_NET_ADMIN);
    assert_int_equal(capability_from_name("net_admin"), CAP_NET_ADMIN);
    assert_int_equal(capability_from_name("cap_Net_Admin"), CAP_NET_ADMIN);
    assert_int_equal(capability_from_name("NETADMIN"), -EINVAL);
    assert_int_equal(capability_from_name(""), -EINVAL);
    assert_int_equal(capability_from_name("CAP_CAP_CHOWN"), -EINVAL);
}

static void test_the_last_capability_is_what_the_kernel_says(void **state)
{
    FILE *file = fopen("/proc/sys/kernel/cap_last_cap", "re");
    unsigned last;

    (void)state;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%u", &last), 1);
    fclose(file);
    assert_int_equal(capability_last(), last);
}

static void test_the_default_set_has_the_fourteen(void **state)
{
    _cleanup_string_list_ StringList list = {};

    (void)state;
    capabilities_to_names(CAPABILITIES_DEFAULT, &list);
    assert_int_equal(list.count, 14);
    assert_string_equal(list.items[0], "CAP_CHOWN");
    assert_true(string_list_contains(&list, "CAP_NET_RAW"));
    assert_true(string_list_contains(&list, "CAP_AUDIT_WRITE"));
    assert_false(string_list_contains(&list, "CAP_SYS_ADMIN"));
}

static int adjust(const char *add, const char *drop, uint64_t *ret, Error *err)
{
    _cleanup_string_list_ StringList adds = {}, drops = {};

    if (*add)
        string_list_split(&adds, add, ',');
    if (*drop)
        string_list_split(&drops, drop, ',');
    return capabilities_adjust(CAPABILITIES_DEFAULT, &adds, &drops, ret, err);
}

static void test_lists_change_the_set_as_docker_does(void **state)
{
    const uint64_t all = capabilities_available();
    const struct {
        const char *add, *drop;
        uint64_t expected;
    } cases[] = {
        { "", "", CAPABILITIES_DEFAULT },
        { "sys_ptrace", "", CAPABILITIES_DEFAULT | CAPABILITY(CAP_SYS_PTRACE) },
        { "", "CAP_CHOWN,kill",
          CAPABILITIES_DEFAULT & ~(CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_KILL)) },
        { "", "all", 0 },
        { "chown", "ALL", CAPABILITY(CAP_CHOWN) },
        { "ALL", "", all },
        { "All", "net_admin", all & ~CAPABILITY(CAP_NET_ADMIN) },
        { "ALL", "ALL", all },
        /* First drop, then add. */
        { "kill", "kill", CAPABILITIES_DEFAULT },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t mask = 1;

        assert_int_equal(adjust(cases[i].add, cases[i].drop, &mask, NULL), 0);
        assert_int_equal(mask, cases[i].expected);
    }
}

static void test_an_unknown_capability_is_refused_by_name(void **state)
{
    _cleanup_error_ Error err = {};
    uint64_t mask = 0;

    (void)state;
    assert_int_equal(adjust("frobnicate", "", &mask, &err), -EINVAL);
    assert_string_equal(error_message(&err),
                        "add capabilities: unknown capability 'frobnicate': see capabilities(7) "
                        "for their names");
    assert_int_equal(adjust("", "x", &mask, &err), -EINVAL);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_int_equal(mask, 0);
}

static void test_unknown_names_of_a_configuration_are_left_out(void **state)
{
    RuntimeCapabilities config = {};
    CapabilitySets sets;

    (void)state;
    string_list_add(&config.bounding, "CAP_KILL");
    string_list_add(&config.bounding, "CAP_OF_THE_FUTURE");
    capabilities_from_config(&config, &sets);
    string_list_done(&config.bounding);
    assert_int_equal(sets.bounding, CAPABILITY(CAP_KILL));
    assert_int_equal(sets.permitted, 0);
    capabilities_from_config(NULL, &sets);
    assert_int_equal(sets.bounding, 0);
}

/* A set of this process, as the kernel tells it. */
static uint64_t own_set(const char *name)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    unsigned long long mask = 0;

    while (file && fgets(line, sizeof(line), file)) {
        if (strncmp(line, name, strlen(name)) == 0)
            sscanf(line + strlen(name), ":%llx", &mask);
    }
    if (file)
        fclose(file);
    return mask;
}

/* Run @body in a child and expect it to return 0. */
static void in_child(int (*body)(void))
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(body());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int apply_all_five(void)
{
    const uint64_t some = CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_KILL);
    const CapabilitySets sets = {
        .bounding = some | CAPABILITY(CAP_MKNOD),
        .permitted = some,
        .effective = CAPABILITY(CAP_CHOWN),
        .inheritable = some,
        .ambient = CAPABILITY(CAP_KILL),
    };

    if (capabilities_drop_bounding(sets.bounding) < 0)
        return 1;
    if (capabilities_apply(&sets) < 0)
        return 2;
    if (own_set("CapBnd") != sets.bounding)
        return 3;
    if (own_set("CapPrm") != sets.permitted || own_set("CapEff") != sets.effective)
        return 4;
    if (own_set("CapInh") != sets.inheritable || own_set("CapAmb") != sets.ambient)
        return 5;
    /* Without CAP_SETPCAP the bounding set can shrink no further, and that is reported. */
    if (capabilities_drop_bounding(sets.bounding) != 0)
        return 6;
    return capabilities_drop_bounding(0) == -EPERM ? 0 : 7;
}

static void test_a_process_gets_exactly_its_five_sets(void **state)
{
    (void)state;
    in_child(apply_all_five);
}

static int apply_more_than_held(void)
{
    const CapabilitySets few = { .bounding = UINT64_MAX, .permitted = CAPABILITY(CAP_KILL) };
    const CapabilitySets all = { UINT64_MAX, UINT64_MAX, UINT64_MAX, 0, UINT64_MAX };

    if (capabilities_apply(&few) < 0)
        return 1;
    if (capabilities_apply(&all) < 0)
        return 2;
    if (own_set("CapPrm") != CAPABILITY(CAP_KILL) || own_set("CapEff") != CAPABILITY(CAP_KILL))
        return 3;
    return own_set("CapAmb") == 0 ? 0 : 4;
}

static void test_what_a_process_does_not_hold_is_left_out(void **state)
{
    (void)state;
    in_child(apply_more_than_held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_number_up_to_the_last_has_a_name_that_reads_back),
        cmocka_unit_test(test_names_are_read_in_any_case_with_or_without_prefix),
        cmocka_unit_test(test_the_last_capability_is_what_the_kernel_says),
        cmocka_unit_test(test_the_default_set_has_the_fourteen),
        cmocka_unit_test(test_lists_change_the_set_as_docker_does),
        cmocka_unit_test(test_an_unknown_capability_is_refused_by_name),
        cmocka_unit_test(test_unknown_names_of_a_configuration_are_left_out),
        cmocka_unit_test(test_a_process_gets_exactly_its_five_sets),
        cmocka_unit_test(test_what_a_process_does_not_hold_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
