/* SPDX-License-Identifier: Apache-2.0 */
/* A tree that gets onto the disk while it is written. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fd.h"
#include "image/worker/write-behind.h"

#define MUCH ((int64_t)1 << 30)

static void test_much_is_synced_on_the_way_and_at_the_end(void **state)
{
    _cleanup_close_ int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_(write_behind_freep) WriteBehind *behind = write_behind_new(fd);

    (void)state;
    for (int i = 0; i < 10; i++)
        write_behind_add(behind, MUCH);
    assert_int_equal(write_behind_finish(behind), 0);
}

static void test_what_cannot_be_synced_is_told_at_the_end(void **state)
{
    _cleanup_(write_behind_freep) WriteBehind *behind = write_behind_new(-EBADF);

    (void)state;
    write_behind_add(behind, MUCH);
    assert_int_equal(write_behind_finish(behind), -EBADF);
}

static void test_what_is_given_up_need_not_be_finished(void **state)
{
    _cleanup_(write_behind_freep) WriteBehind *behind = write_behind_new(-EBADF);

    (void)state;
    write_behind_add(behind, MUCH);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_much_is_synced_on_the_way_and_at_the_end),
        cmocka_unit_test(test_what_cannot_be_synced_is_told_at_the_end),
        cmocka_unit_test(test_what_is_given_up_need_not_be_finished),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
