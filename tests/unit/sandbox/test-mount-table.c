/* SPDX-License-Identifier: Apache-2.0 */

/* What the parent makes of a configuration's mounts: labels, places, and stand-ins. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "sandbox/mounts-private.h"

typedef struct Fixture {
    MountTable table;
    RuntimeConfig *config;
} Fixture;

static void fixture_done(Fixture *fixture)
{
    mount_table_done(&fixture->table);
    runtime_config_free(fixture->config);
}

/* Parse a configuration with these members, in single quotes, and lay out its mounts. */
static int plan(Fixture *ret, const char *members, Error *err)
{
    _cleanup_free_ char *text = memory_printf(
        "{'ociVersion':'1.3.0','root':{'path':'/'},'process':{'args':['x'],'cwd':'/'},%s}",
        members);
    _cleanup_close_ int bundle_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r;

    for (char *quote = text; (quote = strchr(quote, '\''));)
        *quote = '"';
    r = runtime_config_parse(text, strlen(text), &ret->config, err);
    return r < 0 ? r : mount_table_plan(&ret->table, ret->config, bundle_fd, NULL, err);
}

#define _cleanup_fixture_ _cleanup_(fixture_done)

static void test_destinations_are_absolute_and_clean_and_never_the_root(void **state)
{
    static const char *const roots[] = { "/", ".", "..", "/../", "a/.." };
    _cleanup_fixture_ Fixture fixture = {};

    (void)state;
    assert_int_equal(plan(&fixture,
                          "'mounts':[{'destination':'a/../b//c/','type':'proc'},"
                          "{'destination':'/../d','type':'proc'}]",
                          NULL),
                     0);
    assert_string_equal(fixture.table.items[0].destination, "/b/c");
    assert_string_equal(fixture.table.items[1].destination, "/d");

    for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
        _cleanup_free_ char *members =
            memory_printf("'mounts':[{'destination':'%s','type':'proc'}]", roots[i]);
        _cleanup_fixture_ Fixture refused = {};
        _cleanup_error_ Error err = {};

        assert_int_equal(plan(&refused, members, &err), -EINVAL);
        assert_non_null(strstr(err.message, "the root is not a place for a mount"));
    }
}

static const char *option(const Fixture *fixture, size_t i, const char *key)
{
    return string_map_get(&fixture->table.items[i].options.data, key);
}

static void test_a_label_is_an_option_where_the_file_system_takes_one(void **state)
{
    _cleanup_fixture_ Fixture fixture = {};

    (void)state;
    assert_int_equal(plan(&fixture,
                          "'mounts':[{'destination':'/a','type':'tmpfs'},"
                          "{'destination':'/b','type':'tmpfs','options':['context=own']},"
                          "{'destination':'/c','type':'proc'},{'destination':'/d','type':'sysfs'},"
                          "{'destination':'/e','type':'mqueue'},"
                          "{'destination':'/f','type':'devpts'},"
                          "{'destination':'/g','type':'otherfs'}]",
                          NULL),
                     0);
    /* Only now: SELinux may not be there, which planning as a whole would refuse. */
    fixture.config->linux_config.mount_label = memory_strdup("u:r:t:s0:c1,c2");
    for (size_t i = 0; i < fixture.table.count; i++)
        mount_label_plan(&fixture.table.items[i], fixture.config);

    assert_string_equal(option(&fixture, 0, "context"), "u:r:t:s0:c1,c2");
    assert_string_equal(option(&fixture, 1, "context"), "own");
    assert_null(option(&fixture, 2, "context"));
    assert_null(option(&fixture, 3, "context"));
    assert_null(option(&fixture, 4, "context"));
    assert_string_equal(fixture.table.items[4].label, "u:r:t:s0:c1,c2");
    assert_null(fixture.table.items[0].label);
    assert_string_equal(option(&fixture, 5, "context"), "u:r:t:s0:c1,c2");
    assert_string_equal(option(&fixture, 6, "context"), "u:r:t:s0:c1,c2");
}

static void assert_stand_in(const char *namespaces, const char *type, const char *namespace,
                            const char *path)
{
    _cleanup_free_ char *members =
        memory_printf("'mounts':[{'destination':'/a','type':'%s'}],'linux':{'namespaces':["
                      "{'type':'mount'}%s],'uidMappings':[{'containerID':0,'hostID':0,'size':1}],"
                      "'gidMappings':[{'containerID':0,'hostID':0,'size':1}]}",
                      type, namespaces);
    _cleanup_fixture_ Fixture fixture = {};
    _cleanup_error_ Error err = {};
    const MountEntry *entry;

    if (plan(&fixture, members, &err) < 0)
        fail_msg("%s", error_message(&err));
    entry = &fixture.table.items[0];
    assert_int_equal(entry->foreign_namespace == NULL, namespace == NULL);
    assert_int_equal(entry->substitute.path == NULL, path == NULL);
    if (namespace)
        assert_string_equal(entry->foreign_namespace, namespace);
    if (path)
        assert_string_equal(entry->substitute.path, path);
}

static void test_the_hosts_mount_stands_in_where_the_namespace_is_the_hosts(void **state)
{
    (void)state;
    assert_stand_in(",{'type':'user'}", "sysfs", "network", "/sys");
    assert_stand_in(",{'type':'user'}", "proc", "pid", "/proc");
    assert_stand_in(",{'type':'user'}", "mqueue", "ipc", "/dev/mqueue");
    assert_stand_in(",{'type':'user'}", "tmpfs", NULL, NULL);
    assert_stand_in(",{'type':'user'},{'type':'network'}", "sysfs", NULL, NULL);
    assert_stand_in(",{'type':'user'},{'type':'pid'}", "proc", NULL, NULL);
    /* The devices are the same; processes and queues would be other people's. */
    assert_stand_in(",{'type':'user'},{'type':'network','path':'/x'}", "sysfs", "network", "/sys");
    assert_stand_in(",{'type':'user'},{'type':'pid','path':'/x'}", "proc", "pid", NULL);
    assert_stand_in(",{'type':'user'},{'type':'ipc','path':'/x'}", "mqueue", "ipc", NULL);
}

static void test_a_file_system_on_something_is_told_to_be_read_only_itself(void **state)
{
    _cleanup_fixture_ Fixture fixture = {};

    (void)state;
    assert_int_equal(plan(&fixture,
                          "'mounts':[{'destination':'/a','type':'otherfs','options':['rro']},"
                          "{'destination':'/b','type':'otherfs','options':['ro','rw']},"
                          "{'destination':'/c','type':'sysfs','options':['ro']}]",
                          NULL),
                     0);
    assert_true(string_map_contains(&fixture.table.items[0].options.data, "ro"));
    assert_false(string_map_contains(&fixture.table.items[1].options.data, "ro"));
    /* Its one file system per network namespace is not the container's alone. */
    assert_false(string_map_contains(&fixture.table.items[2].options.data, "ro"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_destinations_are_absolute_and_clean_and_never_the_root),
        cmocka_unit_test(test_a_label_is_an_option_where_the_file_system_takes_one),
        cmocka_unit_test(test_the_hosts_mount_stands_in_where_the_namespace_is_the_hosts),
        cmocka_unit_test(test_a_file_system_on_something_is_told_to_be_read_only_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
