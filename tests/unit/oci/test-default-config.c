/* SPDX-License-Identifier: Apache-2.0 */

/* What `spec` writes is a configuration that holds. */

#include "check.h"

#include <string.h>
#include <unistd.h>

#include "oci/default-config.h"

static bool has_namespace(const RuntimeConfig *config, const char *type)
{
    for (size_t i = 0; i < config->linux_config.namespaces.count; i++)
        if (strcmp(config->linux_config.namespaces.items[i].type, type) == 0)
            return true;
    return false;
}

static void it_is_valid(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = default_config_new(false);

    (void)state;
    assert_int_equal(runtime_config_validate(config, NULL), 0);
    assert_true(has_namespace(config, "network"));
    assert_false(has_namespace(config, "user"));
}

static void for_users_it_maps_one_user_and_needs_no_privileges(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = default_config_new(true);
    const LinuxConfig *settings = &config->linux_config;

    (void)state;
    assert_int_equal(runtime_config_validate(config, NULL), 0);
    assert_true(has_namespace(config, "user"));
    assert_false(has_namespace(config, "network"));
    assert_int_equal(settings->uid_mappings.count, 1);
    assert_int_equal(settings->uid_mappings.items[0].host_id, geteuid());
    assert_int_equal(settings->gid_mappings.items[0].size, 1);
    for (size_t i = 0; i < config->mounts.count; i++)
        assert_false(string_list_contains(&config->mounts.items[i].options, "gid=5"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_valid),
        cmocka_unit_test(for_users_it_maps_one_user_and_needs_no_privileges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
