/* SPDX-License-Identifier: Apache-2.0 */

/* Whoever waits is told in the order in which they began, and who has left is not. */

#include "base/time-format.h"
#include "check.h"
#include "network/dns/deadlines.h"

typedef struct Waiting {
    EventLoop *loop;
    Deadlines deadlines;
    Deadline items[4];
    int order[8];
    int count;
    int until;   /* how many are waited for */
    int restart; /* how many begin anew */
} Waiting;

static void on_deadline(Deadline *deadline, void *data)
{
    Waiting *waiting = data;

    waiting->order[waiting->count++] = (int)(deadline - waiting->items);
    if (waiting->restart-- > 0)
        assert_true(deadlines_start(&waiting->deadlines, deadline, time_monotonic()) >= 0);
    if (waiting->count == waiting->until)
        event_loop_quit(waiting->loop, 0);
}

static void waiting_init(Waiting *waiting, EventLoop *loop)
{
    waiting->loop = loop;
    deadlines_init(&waiting->deadlines, loop, 1000, on_deadline, waiting);
    for (int i = 0; i < 4; i++)
        assert_int_equal(deadlines_start(&waiting->deadlines, &waiting->items[i], time_monotonic()),
                         0);
}

static void they_end_in_order_but_for_those_that_left(void **state)
{
    _cleanup_(event_loop_freep) EventLoop *loop = NULL;
    Waiting waiting = { .until = 3 };

    (void)state;
    assert_int_equal(event_loop_new(&loop), 0);
    waiting_init(&waiting, loop);
    deadline_stop(&waiting.items[0]);
    deadline_stop(&waiting.items[0]);
    assert_int_equal(deadlines_start(&waiting.deadlines, &waiting.items[1], time_monotonic()), 0);
    assert_int_equal(event_loop_run(loop), 0);
    assert_memory_equal(waiting.order, ((const int[]) { 2, 3, 1 }), 3 * sizeof(int));
}

static void one_that_ends_may_begin_anew(void **state)
{
    _cleanup_(event_loop_freep) EventLoop *loop = NULL;
    Waiting waiting = { .until = 6, .restart = 2 };

    (void)state;
    assert_int_equal(event_loop_new(&loop), 0);
    waiting_init(&waiting, loop);
    assert_int_equal(event_loop_run(loop), 0);
    assert_memory_equal(waiting.order, ((const int[]) { 0, 1, 2, 3, 0, 1 }), 6 * sizeof(int));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_end_in_order_but_for_those_that_left),
        cmocka_unit_test(one_that_ends_may_begin_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
