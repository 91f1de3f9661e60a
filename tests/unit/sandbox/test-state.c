/* SPDX-License-Identifier: Apache-2.0 */

/* The state of a container as JSON, and what hooks make of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "sandbox/hooks-private.h"
#include "sandbox/state.h"

static char *text_of(const RuntimeState *state)
{
    _cleanup_json_ json_t *json = runtime_state_to_json(state);

    return json_to_text(json);
}

static void test_all_members_are_written_in_the_specifications_order(void **state)
{
    _cleanup_string_map_ StringMap annotations = {};
    _cleanup_free_ char *text = NULL;

    (void)state;
    string_map_set(&annotations, "a", "1");
    string_map_set(&annotations, "b\"", "");
    text = text_of(&(RuntimeState) { "x", RUNTIME_RUNNING, 7, "/b", &annotations });
    assert_string_equal(text,
                        "{\"ociVersion\":\"1.3.0\",\"id\":\"x\",\"status\":\"running\",\"pid\":7,"
                        "\"bundle\":\"/b\",\"annotations\":{\"a\":\"1\",\"b\\\"\":\"\"}}");
}

static void test_what_is_not_there_is_left_out(void **state)
{
    _cleanup_free_ char *text = NULL;

    (void)state;
    text = text_of(&(RuntimeState) { .id = "x", .status = RUNTIME_STOPPED, .bundle = "/b" });
    assert_string_equal(text, "{\"ociVersion\":\"1.3.0\",\"id\":\"x\",\"status\":\"stopped\","
                              "\"bundle\":\"/b\"}");
}

static void test_a_bundle_that_is_no_text_still_gives_a_state(void **state)
{
    _cleanup_free_ char *text = NULL;

    (void)state;
    text = text_of(&(RuntimeState) { .id = "x", .status = RUNTIME_PAUSED, .bundle = "/\xff" });
    assert_non_null(strstr(text, "\"status\":\"paused\",\"bundle\":\"\""));
}

static void test_a_hooks_file_has_the_status_of_its_kind_and_stays_as_it_is(void **state)
{
    static const struct {
        HookKind kind;
        const char *status;
    } kinds[] = {
        { HOOK_PRESTART, "creating" },         { HOOK_CREATE_RUNTIME, "creating" },
        { HOOK_CREATE_CONTAINER, "creating" }, { HOOK_START_CONTAINER, "created" },
        { HOOK_POSTSTART, "running" },         { HOOK_POSTSTOP, "stopped" },
    };
    const RuntimeState container = { .id = "x", .pid = 3, .bundle = "/b" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        _cleanup_close_ int fd = hook_state_new();
        _cleanup_free_ char *text = NULL, *wanted = NULL;

        assert_int_equal(hook_state_fill(fd, kinds[i].kind, &container), 0);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(fd_read_all(fd, 4096, &text, NULL), 0);
        wanted = memory_printf("\"status\":\"%s\"", kinds[i].status);
        assert_non_null(strstr(text, wanted));
        assert_int_equal(write(fd, "x", 1), -1);
        assert_int_equal(ftruncate(fd, 0), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_members_are_written_in_the_specifications_order),
        cmocka_unit_test(test_what_is_not_there_is_left_out),
        cmocka_unit_test(test_a_bundle_that_is_no_text_still_gives_a_state),
        cmocka_unit_test(test_a_hooks_file_has_the_status_of_its_kind_and_stays_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
