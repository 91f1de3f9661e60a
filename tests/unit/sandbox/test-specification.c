/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The good and the bad examples that the OCI runtime specification comes with (its schema/test,
 * Apache-2.0), in specification/ beside this file.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "sandbox/runtime-config.h"

/* What an example lacks that its form does not need, but its meaning does. */
static const struct {
    const char *name;
    const char *message;
} incomplete[] = {
    { "linux-netdevice.json", "linux.netDevices: needs a 'network' namespace" },
};

/* NULL: none, the example is accepted. */
static const char *expected_message(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(incomplete); i++)
        if (strcmp(incomplete[i].name, name) == 0)
            return incomplete[i].message;

    return NULL;
}

static void check(int dir_fd, const char *name, bool is_good)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
    _cleanup_error_ Error err = {};
    int r = runtime_config_read_at(dir_fd, name, &config, &err);

    if (is_good && !expected_message(name)) {
        if (r < 0)
            fail_msg("%s: %s", name, error_message(&err));
        return;
    }
    assert_true(r < 0);
    assert_int_equal(err.kind, ERROR_INVALID);
    if (is_good)
        assert_non_null(strstr(error_message(&err), expected_message(name)));
}

/* Returns how many there are. */
static size_t check_all(const char *directory, bool is_good)
{
    _cleanup_free_ char *path = memory_printf("%s/%s", SPECIFICATION_DIRECTORY, directory);
    _cleanup_close_ int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_directory_ DIR *listing = NULL;
    const struct dirent *entry;
    size_t count = 0;

    assert_int_equal(directory_open_at(dir_fd, ".", &listing), 0);
    for (; directory_read(listing, &entry) > 0; count++)
        check(dir_fd, entry->d_name, is_good);
    return count;
}

static void its_good_examples_are_accepted(void **state)
{
    (void)state;
    assert_int_equal(check_all("good", true), 5);
}

static void its_bad_examples_are_refused(void **state)
{
    (void)state;
    assert_int_equal(check_all("bad", false), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_good_examples_are_accepted),
        cmocka_unit_test(its_bad_examples_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
