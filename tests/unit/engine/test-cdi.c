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
#include "engine/cdi-name.h"
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
        "{\"cdiVersion\": \"0.7.0\", \"kind\": \"vendor.com/gpu\","
        " \"containerEdits\": {\"env\": [\"ALL=1\"]},"
        " \"devices\": [{\"name\": \"null\", \"containerEdits\": {"
        "   \"deviceNodes\": [{\"path\": \"/dev/gpu0\", \"hostPath\": \"/dev/null\","
        "                      \"permissions\": \"rw\"}],"
        "   \"mounts\": [{\"hostPath\": \"/usr/lib\", \"containerPath\": \"/usr/lib/gpu\","
        "                 \"options\": [\"ro\"]}],"
        "   \"hooks\": [{\"hookName\": \"createContainer\", \"path\": \"/bin/true\"}],"
        "   \"additionalGids\": [44]}},"
        "  {\"name\": \"late\", \"containerEdits\": {\"hooks\": ["
        "   {\"hookName\": \"poststop\", \"path\": \"/bin/true\"}]}},"
        "  {\"name\": \"gone\", \"containerEdits\": {\"deviceNodes\": ["
        "   {\"path\": \"/dev/no-such-device\"}]}},"
        "  {\"name\": \"nowhere\", \"containerEdits\": {\"mounts\": ["
        "   {\"hostPath\": \"/no/such/file\", \"containerPath\": \"/x\"}]}},"
        "  {\"name\": \"block\", \"containerEdits\": {\"deviceNodes\": ["
        "   {\"path\": \"/dev/null\", \"type\": \"b\"}]}},"
        "  {\"name\": \"both\", \"containerEdits\": {\"env\": [\"FROM=first\"]}}]}");
    put(first, "rdt.json",
        "{\"cdiVersion\": \"0.7.0\", \"kind\": \"vendor.com/cache\", \"devices\": ["
        " {\"name\": \"rdt\", \"containerEdits\": {\"intelRdt\": {}}}]}");
    put(first, "twice.json",
        "{\"cdiVersion\": \"0.7.0\", \"kind\": \"vendor.com/cache\", \"devices\": ["
        " {\"name\": \"rdt\", \"containerEdits\": {\"env\": [\"A=1\"]}},"
        " {\"name\": \"one\", \"containerEdits\": {\"env\": [\"A=1\"]}}]}");
    put(second, "vendor.yaml",
        "cdiVersion: 0.5.0\nkind: vendor.com/gpu\ndevices:\n"
        "- name: two\n  containerEdits:\n    env: [\"TWO=2\"]\n    deviceNodes:\n"
        "    - {path: /dev/two, type: c, major: 1, minor: 3}\n"
        "- name: both\n  containerEdits:\n    env: [FROM=second, ALL=2]\n");
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

static int apply(const char *names, RuntimeConfig *config, Error *err)
{
    const char *const directories[] = { first, second, "/no/such/directory", NULL };
    _cleanup_string_list_ StringList devices = {};

    string_list_split(&devices, names, ' ');
    if (!config->process)
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

static void a_later_directory_wins(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = runtime_config_new();

    (void)state;
    assert_int_equal(apply("vendor.com/gpu=both", config, NULL), 0);
    assert_int_equal(config->process->env.count, 2);
    assert_string_equal(config->process->env.items[0], "FROM=second");
}

static void edits_come_once_and_take_the_place_of_what_is_there(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = runtime_config_new();
    RuntimeMount *mount = JSON_ARRAY_ADD(&config->mounts);
    LinuxDevice *device = JSON_ARRAY_ADD(&config->linux_config.devices);

    (void)state;
    mount->destination = memory_strdup("/usr/lib/gpu");
    device->path = memory_strdup("/dev/gpu0");
    device->type = memory_strdup("b");
    config->process = NEW(RuntimeProcess);
    config->process->user.uid = 1000;
    *JSON_ARRAY_ADD(&config->process->user.additional_gids) = 44;
    string_list_add(&config->process->env, "ALL=0");
    assert_int_equal(apply("vendor.com/gpu=null vendor.com/gpu=null", config, NULL), 0);
    assert_int_equal(config->process->env.count, 1);
    assert_string_equal(config->process->env.items[0], "ALL=1");
    assert_int_equal(config->process->user.additional_gids.count, 1);
    assert_int_equal(config->mounts.count, 1);
    assert_string_equal(config->mounts.items[0].source, "/usr/lib");
    assert_int_equal(config->hooks.create_container.count, 1);
    assert_int_equal(config->linux_config.devices.count, 1);
    assert_string_equal(config->linux_config.devices.items[0].type, "c");
    assert_true(config->linux_config.devices.items[0].uid.is_set); /* the user's, not root's */
    assert_int_equal(config->linux_config.devices.items[0].uid.value, 1000);
    assert_false(config->linux_config.devices.items[0].gid.is_set);
}

static const struct {
    const char *device;
    const char *wrong;
} bad[] = {
    { "vendor.com/gpu=nine", "broken.json" }, /* it might be in the one that cannot be read */
    { "vendor.com/cache=rdt", "is both in" },
    { "vendor.com/gpu=nowhere", "mount source '/no/such/file': No such file" },
    { "vendor.com/gpu=block", "device node '/dev/null' is 'c', not 'b'" },
    { "vendor.com/gpu=late", "hook 'poststop' is not supported" },
    { "vendor.com/gpu=gone", "device node '/dev/no-such-device': No such file" },
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
    static const char *const wrong[] = { "vendor.com/gpu=", "vendor.com/=0", "a=b/c",
                                         "1vendor/gpu=0",   "v/-gpu=0",      "v/gpu=0-",
                                         "v/gpu=a/b",       "v/g/h=a",       "=" };

    (void)state;
    assert_true(cdi_name_is_meant("vendor.com/gpu=0"));
    assert_false(cdi_name_is_meant("/dev/a=b"));
    assert_false(cdi_name_is_meant("vendor.com/gpu"));
    assert_int_equal(cdi_name_validate("vendor.com/gpu=0:1.a-b_c", NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        if (cdi_name_validate(wrong[i], NULL) >= 0)
            fail_msg("'%s' was accepted", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_brings_all_that_its_specification_says),
        cmocka_unit_test(yaml_serves_as_well),
        cmocka_unit_test(a_later_directory_wins),
        cmocka_unit_test(edits_come_once_and_take_the_place_of_what_is_there),
        cmocka_unit_test(what_cannot_be_done_is_named),
        cmocka_unit_test(names_are_told_from_paths),
    };

    return cmocka_run_group_tests_name("cdi", tests, set_up, tear_down);
}
