/* SPDX-License-Identifier: Apache-2.0 */

/* The state machine of containers, transition by transition. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/container.h"

#define TO(state) (1U << CONTAINER_##state)

static const unsigned allowed[_CONTAINER_STATE_MAX] = {
    [CONTAINER_CREATING] = TO(CREATED) | TO(RUNNING) | TO(EXITED) | TO(REMOVING),
    [CONTAINER_CREATED] = TO(RUNNING) | TO(REMOVING),
    [CONTAINER_RUNNING] = TO(PAUSED) | TO(RESTARTING) | TO(EXITED),
    [CONTAINER_PAUSED] = TO(RUNNING) | TO(EXITED),
    [CONTAINER_RESTARTING] = TO(RUNNING) | TO(EXITED),
    [CONTAINER_EXITED] = TO(RUNNING) | TO(REMOVING),
    [CONTAINER_REMOVING] = 0,
};

static void only_the_drawn_transitions_are_allowed(void **state)
{
    (void)state;
    for (ContainerState from = 0; from < _CONTAINER_STATE_MAX; from++)
        for (ContainerState to = 0; to < _CONTAINER_STATE_MAX; to++)
            if (container_state_can_become(from, to) != ((allowed[from] >> to) & 1))
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
