/* SPDX-License-Identifier: Apache-2.0 */

/* The state machine of containers, transition by transition. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/container.h"

/* Rows: from; columns: to; in the order of ContainerState. */
static const bool allowed[_CONTAINER_STATE_MAX][_CONTAINER_STATE_MAX] = {
    [CONTAINER_CREATING] = { false, true, true, true, true },
    [CONTAINER_CREATED] = { false, false, true, false, true },
    [CONTAINER_RUNNING] = { false, false, false, true, false },
    [CONTAINER_EXITED] = { false, false, true, false, true },
    [CONTAINER_REMOVING] = { false, false, false, false, false },
};

static void only_the_drawn_transitions_are_allowed(void **state)
{
    (void)state;
    for (ContainerState from = 0; from < _CONTAINER_STATE_MAX; from++)
        for (ContainerState to = 0; to < _CONTAINER_STATE_MAX; to++)
            if (container_state_can_become(from, to) != allowed[from][to])
                fail_msg("%s -> %s", container_state_to_string(from),
                         container_state_to_string(to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_drawn_transitions_are_allowed),
    };

    return cmocka_run_group_tests_name("container-state", tests, NULL, NULL);
}
