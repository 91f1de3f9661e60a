/* SPDX-License-Identifier: Apache-2.0 */

/* Which word a mistyped one is taken for. */

#include "base/suggest.h"
#include "check.h"

static const char *nearest(const char *word)
{
    static const char *const candidates[] = {
        "memory", "memory-swap", "mount", "name", "rm", "tty"
    };
    Suggestion suggestion = SUGGESTION_INIT(word);

    for (size_t i = 0; i < ARRAY_SIZE(candidates); i++)
        suggestion_offer(&suggestion, candidates[i]);
    return suggestion.best;
}

static void swapped_letters_find_the_word(void **state)
{
    (void)state;
    assert_string_equal(nearest("memroy"), "memory");
    assert_string_equal(nearest("mr"), "rm");
}

static void missing_added_and_wrong_letters_find_the_word(void **state)
{
    (void)state;
    assert_string_equal(nearest("memry"), "memory");
    assert_string_equal(nearest("mountt"), "mount");
    assert_string_equal(nearest("nane"), "name");
    assert_string_equal(nearest("memory-sawp"), "memory-swap");
}

static void the_nearest_of_several_wins(void **state)
{
    static const char *const orders[][2] = { { "mounts", "mountss" }, { "mountss", "mounts" } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
        Suggestion suggestion = SUGGESTION_INIT("mount");

        suggestion_offer(&suggestion, orders[i][0]);
        suggestion_offer(&suggestion, orders[i][1]);
        assert_string_equal(suggestion.best, "mounts");
    }
}

static void something_else_finds_nothing(void **state)
{
    (void)state;
    assert_null(nearest("quux"));
    assert_null(nearest(""));
    assert_null(nearest("a-word-that-is-much-longer-than-any-name-of-an-option-could-possibly-be"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swapped_letters_find_the_word),
        cmocka_unit_test(missing_added_and_wrong_letters_find_the_word),
        cmocka_unit_test(the_nearest_of_several_wins),
        cmocka_unit_test(something_else_finds_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
