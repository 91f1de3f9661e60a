/* SPDX-License-Identifier: Apache-2.0 */

/* The filters of `cay events`. */

#include "base/memory.h"
#include "check.h"
#include "cli/event-filter.h"

typedef struct Case {
    const char *filters[3];
    bool container; /* whether the container's event passes */
    bool image;
} Case;

static const Case cases[] = {
    { {}, true, true },
    { { "container=we" }, true, false },
    { { "container=abc" }, true, false },
    { { "container=b" }, false, false },
    { { "container=no", "container=web" }, true, false },
    { { "container=web", "event=die" }, false, false },
    { { "event=exec_start" }, true, false },
    { { "event=exec_start: ls" }, true, false },
    { { "event=exec" }, false, false },
    { { "event=tag", "event=exec_start" }, true, true },
    { { "image=debian" }, true, true },
    { { "image=debian:12" }, true, false },
    { { "image=deb" }, false, false },
    { { "image=sha256:ff" }, false, true },
    { { "label=a" }, true, false },
    { { "label=a=b" }, true, false },
    { { "label=a=c" }, false, false },
    { { "label=a=b", "label=missing" }, false, false },
    { { "scope=local" }, true, true },
    { { "scope=swarm" }, false, false },
    { { "type=image" }, false, true },
    { { "type=image", "type=container" }, true, true },
    { { "volume=web" }, false, false },
    { { "network=web" }, false, false },
    { { "daemon=web" }, false, false },
};

static void filters_choose_as_docker_s_do(void **state)
{
    _cleanup_event_ Event container = {
        .type = memory_strdup("container"),
        .action = memory_strdup("exec_start: ls"),
        .actor = memory_strdup("abcdef"),
    };
    _cleanup_event_ Event image = {
        .type = memory_strdup("image"),
        .action = memory_strdup("tag"),
        .actor = memory_strdup("sha256:ff"),
    };

    (void)state;
    string_map_set(&container.attributes, "name", "web");
    string_map_set(&container.attributes, "image", "debian:12");
    string_map_set(&container.attributes, "a", "b");
    string_map_set(&image.attributes, "name", "debian:13");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_event_filter_ EventFilter filter = {};

        for (size_t j = 0; j < ARRAY_SIZE(cases[i].filters) && cases[i].filters[j]; j++)
            assert_int_equal(event_filter_add(&filter, cases[i].filters[j], NULL), 0);
        if (event_filter_matches(&filter, &container) != cases[i].container ||
            event_filter_matches(&filter, &image) != cases[i].image)
            fail_msg("case %zu, beginning with '%s'", i, cases[i].filters[0]);
    }
}

static void check_refused(const char *text, ErrorKind kind, const char *message)
{
    _cleanup_event_filter_ EventFilter filter = {};
    Error error = {};

    assert_true(event_filter_add(&filter, text, &error) < 0);
    check_error(&error, kind, message);
}

static void unknown_filters_are_refused(void **state)
{
    (void)state;
    check_refused("evnt=die", ERROR_INVALID, "unknown filter 'evnt', did you mean 'event'?");
    check_refused("event", ERROR_INVALID, "invalid filter 'event': write it as NAME=VALUE");
    check_refused("event=", ERROR_INVALID, "invalid filter 'event=': write it as NAME=VALUE");
    check_refused("node=x", ERROR_UNSUPPORTED,
                  "filter 'node': there are neither swarms nor plugins");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_choose_as_docker_s_do),
        cmocka_unit_test(unknown_filters_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
