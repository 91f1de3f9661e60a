/* SPDX-License-Identifier: Apache-2.0 */

/* What a shim is told of its container: the container's own, and Docker's defaults for the rest. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/time-format.h"
#include "engine/container-private.h"
#include "supervisor/shim-settings.h"

typedef struct Fixture {
    char path[32];
    int directory_fd;
    Container *container;
    ShimSettings settings;
} Fixture;

static int set_up(void **state)
{
    Fixture *fixture = NEW(Fixture);

    (void)strncpy(fixture->path, "/tmp/settings-XXXXXX", sizeof(fixture->path) - 1);
    assert_non_null(mkdtemp(fixture->path));
    fixture->directory_fd = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fixture->container = NEW(Container);
    fixture->container->name = memory_strdup("web");
    fixture->container->spec.image = memory_strdup("debian");
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;

    shim_settings_done(&fixture->settings);
    container_free(fixture->container);
    fd_close(fixture->directory_fd);
    (void)path_remove_tree(AT_FDCWD, fixture->path);
    free(fixture);
    return 0;
}

static ShimSettings *write_and_read(Fixture *fixture)
{
    /* The engine is only for what makes networks. */
    fixture->container->spec.network_mode = memory_strdup("none");
    assert_int_equal(
        container_settings_write(NULL, fixture->directory_fd, fixture->container, NULL), 0);
    assert_int_equal(shim_settings_read(fixture->directory_fd, &fixture->settings, NULL), 0);
    return &fixture->settings;
}

static void test_what_is_not_asked_for_has_dockers_defaults(void **state)
{
    const ShimSettings *settings = write_and_read(*state);

    assert_string_equal(settings->name, "web");
    assert_string_equal(settings->image, "debian");
    assert_null(settings->restart);
    assert_int_equal(settings->stop_signal, 0);
    assert_int_equal(settings->stop_timeout, 10);
    assert_null(settings->healthcheck);
    assert_string_equal(settings->log_driver, "json-file");
}

static void test_a_stop_signal_is_a_number(void **state)
{
    Fixture *fixture = *state;

    fixture->container->spec.stop_signal = memory_strdup("SIGQUIT");
    assert_int_equal(write_and_read(fixture)->stop_signal, SIGQUIT);
}

static void test_a_stop_timeout_of_none_at_all_is_kept(void **state)
{
    Fixture *fixture = *state;

    fixture->container->spec.stop_timeout = (OptionalInt64) { .is_set = true, .value = -1 };
    assert_int_equal(write_and_read(fixture)->stop_timeout, -1);
}

static void test_a_policy_labels_and_log_options_go_along(void **state)
{
    Fixture *fixture = *state;
    ContainerSpec *spec = &fixture->container->spec;
    const ShimSettings *settings;

    spec->restart_policy.name = memory_strdup("on-failure");
    spec->restart_policy.maximum_retry_count = 4;
    spec->auto_remove = true;
    string_map_set(&spec->labels, "tier", "front");
    string_map_set(&spec->log_config.options, "max-file", "7");
    settings = write_and_read(fixture);
    assert_string_equal(settings->restart, "on-failure");
    assert_int_equal(settings->restart_maximum, 4);
    assert_true(settings->auto_remove);
    assert_int_equal(settings->labels.count, 1);
    assert_string_equal(settings->log_options.items[0].value, "7");
}

static void test_a_command_line_is_the_shells_and_times_are_complete(void **state)
{
    Fixture *fixture = *state;
    ContainerHealthcheck *wanted = NEW(ContainerHealthcheck);
    const ShimHealthcheck *found;

    fixture->container->spec.healthcheck = wanted;
    string_list_add(&wanted->test, "CMD-SHELL");
    string_list_add(&wanted->test, "curl localhost");
    wanted->timeout = NANOSECONDS_PER_SECOND;
    found = write_and_read(fixture)->healthcheck;
    assert_non_null(found);
    assert_int_equal(found->arguments.count, 3);
    assert_string_equal(found->arguments.items[0], "/bin/sh");
    assert_string_equal(found->arguments.items[2], "curl localhost");
    assert_int_equal(found->interval, 30 * NANOSECONDS_PER_SECOND);
    assert_int_equal(found->timeout, NANOSECONDS_PER_SECOND);
    assert_int_equal(found->start_period, 0);
    assert_int_equal(found->start_interval, 5 * NANOSECONDS_PER_SECOND);
    assert_int_equal(found->retries, 3);
}

static void test_no_check_is_one_that_is_switched_off(void **state)
{
    Fixture *fixture = *state;

    fixture->container->spec.healthcheck = NEW(ContainerHealthcheck);
    string_list_add(&fixture->container->spec.healthcheck->test, "NONE");
    assert_null(write_and_read(fixture)->healthcheck);
}

#define SETTINGS_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SETTINGS_TEST(test_what_is_not_asked_for_has_dockers_defaults),
        SETTINGS_TEST(test_a_stop_signal_is_a_number),
        SETTINGS_TEST(test_a_stop_timeout_of_none_at_all_is_kept),
        SETTINGS_TEST(test_a_policy_labels_and_log_options_go_along),
        SETTINGS_TEST(test_a_command_line_is_the_shells_and_times_are_complete),
        SETTINGS_TEST(test_no_check_is_one_that_is_switched_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
