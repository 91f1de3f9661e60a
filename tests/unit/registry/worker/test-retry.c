/* SPDX-License-Identifier: Apache-2.0 */

/* How long is waited before something is tried again. */

#include <errno.h>
#include <stdlib.h>

#include "base/time-format.h"
#include "check.h"
#include "registry/worker/retry.h"

#define SECOND NANOSECONDS_PER_SECOND
#define NOW (INT64_C(784111777) * SECOND) /* 1994-11-06 08:49:37 */

static void waits_grow_and_end(void **state)
{
    (void)state;
    for (unsigned attempt = 1; attempt < RETRY_ATTEMPTS; attempt++)
        assert_true(retry_wait(attempt + 1) > retry_wait(attempt));
    assert_true(retry_wait(1) >= SECOND / 10 && retry_wait(1) <= SECOND * 3 / 20);
    assert_true(retry_wait(1000) < 30 * SECOND);
}

static void assert_after(const char *text, int64_t wait)
{
    int64_t found;

    assert_int_equal(retry_parse_after(text, NOW, &found), 0);
    assert_int_equal(found, wait);
}

static void a_wait_is_seconds_or_a_date(void **state)
{
    (void)state;
    assert_after("0", 0);
    assert_after("120", 120 * SECOND);
    assert_after("Sun, 06 Nov 1994 08:50:37 GMT", 60 * SECOND);
    assert_after("Sunday, 06-Nov-94 08:50:37 GMT", 60 * SECOND);
    assert_after("Sun, 06 Nov 1994 08:00:00 GMT", 0);
    assert_after("99999999999999999999", INT64_MAX / SECOND * SECOND);
}

static void what_is_neither_is_refused(void **state)
{
    static const char *const wrong[] = { "", "soon", "-1x", "1.5.2 parsecs" };
    int64_t wait;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(retry_parse_after(wrong[i], NOW, &wait), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_grow_and_end),
        cmocka_unit_test(a_wait_is_seconds_or_a_date),
        cmocka_unit_test(what_is_neither_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
