/* SPDX-License-Identifier: Apache-2.0 */

/* Devices by their qualified names: what a configuration gets, and what is refused. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "engine/cdi.h"

static char first[] = "/tmp/cay-test-cdi-XXXXXX", second[] = "/tmp/cay-test-cdi-XXXXXX";

static void put(const char *directory, const char *name, const char *text)
{
    _cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(file_write_at(fd, name, text, strlen(text), 0600, 0), 0);
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(first));
    assert_non_null(mkdtemp(second));
    put(first, "vendor.json",
        "{\"cdiVersion\": \"0.6.0\", \"kind\": \"vendor.com/gpu\","
        " \"containerEdits\": {\"env\": [\"ALL=1\"]},"
        " \"devices\": [{\"name\": \"null\", \"containerEdits\": {"
        "   \"deviceNodes\": [{\"path\": \"/dev/gpu0\", \"hostPath\": \"/dev/null\","
        "                      \"permissions\": \"rw\"}],"
        "   \"mounts\": [{\"hostPath\": \"/lib/gpu\", \"containerPath\": \"/usr/lib/gpu\","
        "                 \"options\": [\"ro\"]}],"
        "   \"hooks\": [{\"hookName\": \"createContainer\", \"path\": \"/bin/true\"}],"
        "   \"additionalGids\": [44]}},"
        "  {\"name\": \"late\", \"containerEdits\": {\"hooks\": ["
        "   {\"hookName\": \"poststop\", \"path\": \"/bin/true\"}]}},"
        "  {\"name\": \"gone\", \"containerEdits\": {\"deviceNodes\": ["
        "   {\"path\": \"/dev/no-such-device\"}]}},"
        "  {\"name\": \"rdt\", \"containerEdits\": {\"intelRdt\": {}}}]}");
    put(second, "vendor.yaml",
        "cdiVersion: 0.5.0\nkind: vendor.com/gpu\ndevices:\n"
        "- name: two\n  containerEdits:\n    env: [\"TWO=2\"]\n    deviceNodes:\n"
        "    - {path: /dev/two, type: c, major: 1, minor: 3}\n");
    put(second, "broken.json", "{\"cdiVersion\": 1}");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    path_remove_tree(AT_FDCWD, first);
    path_remove_tree(AT_FDCWD, second);
    return 0;
}

static int apply(const char *device, RuntimeConfig *config, Error *err)
{
    const char *const directories[] = { first, second, "/no/such/directory", NULL };
    _cleanup_string_list_ StringList devices = {};

    string_list_add(&devices, device);
    config->process = NEW(RuntimeProcess);
    return cdi_apply(directories, &devices, config, err);
}

static void a_device_brings_all_that_its_specification_says(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = runtime_config_new();
    _cleanup_error_ Error err = {};

    (void)state;
    assert_int_equal(apply("vendor.com/gpu=null", config, &err), 0);
    assert_string_equal(config->process->env.items[0], "ALL=1");
    assert_string_equal(config->linux_config.devices.items[0].path, "/dev/gpu0");
    assert_int_equal(config->linux_config.devices.items[0].major, 1);
    assert_int_equal(config->linux_config.devices.items[0].minor, 3);
    assert_string_equal(config->linux_config.resources.devices.items[0].access, "rw");
    assert_string_equal(config->mounts.items[0].destination, "/usr/lib/gpu");
    assert_true(string_list_contains(&config->mounts.items[0].options, "bind"));
    assert_string_equal(config->hooks.create_container.items[0].path, "/bin/true");
    assert_int_equal(config->process->user.additional_gids.items[0], 44);
}

static void yaml_serves_as_well(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = runtime_config_new();

    (void)state;
    assert_int_equal(apply("vendor.com/gpu=two", config, NULL), 0);
    assert_string_equal(config->process->env.items[0], "TWO=2");
    assert_string_equal(config->linux_config.devices.items[0].path, "/dev/two");
    assert_false(config->linux_config.devices.items[0].file_mode.is_set);
}

static const struct {
    const char *device;
    const char *wrong;
} bad[] = {
    { "vendor.com/gpu=nine", "broken.json" }, /* it might be in the one that cannot be read */
    { "vendor.com/gpu=late", "hook 'poststop' is not supported" },
    { "vendor.com/gpu=gone", "'/dev/no-such-device' is not a device of this host" },
    { "vendor.com/gpu=rdt", "'intelRdt' is not supported" },
};

static void what_cannot_be_done_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        _cleanup_(runtime_config_freep) RuntimeConfig *config = runtime_config_new();
        _cleanup_error_ Error err = {};

        assert_true(apply(bad[i].device, config, &err) < 0);
        assert_non_null(strstr(error_message(&err), bad[i].device));
        if (!strstr(error_message(&err), bad[i].wrong))
            fail_msg("%s", error_message(&err));
    }
}

static void names_are_told_from_paths(void **state)
{
    (void)state;
    assert_true(cdi_is_qualified_name("vendor.com/gpu=0"));
    assert_false(cdi_is_qualified_name("/dev/a=b"));
    assert_false(cdi_is_qualified_name("vendor.com/gpu"));
    assert_false(cdi_is_qualified_name("vendor.com/gpu="));
    assert_false(cdi_is_qualified_name("vendor.com/=0"));
    assert_false(cdi_is_qualified_name("a=b/c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_brings_all_that_its_specification_says),
        cmocka_unit_test(yaml_serves_as_well),
        cmocka_unit_test(what_cannot_be_done_is_named),
        cmocka_unit_test(names_are_told_from_paths),
    };

    return cmocka_run_group_tests_name("cdi", tests, set_up, tear_down);
}
