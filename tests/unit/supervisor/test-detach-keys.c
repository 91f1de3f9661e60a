/* SPDX-License-Identifier: Apache-2.0 */

/* Detach keys: their notation, and finding them in whatever pieces typing comes. */

#include "check.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/memory.h"
#include "supervisor/detach-keys.h"

static DetachKeys parse(const char *text)
{
    DetachKeys keys = {};

    assert_int_equal(detach_keys_parse(text, &keys, NULL), 0);
    return keys;
}

static void test_docker_s_notation_is_understood(void **state)
{
    static const struct {
        const char *text;
        const char *keys;
        size_t count;
    } cases[] = {
        { NULL, "\x10\x11", 2 },
        { "", "\x10\x11", 2 },
        { "ctrl-p,ctrl-q", "\x10\x11", 2 },
        { "a", "a", 1 },
        { "ctrl-a,@,Z", "\x01@Z", 3 },
        { "ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", "\0\x1b\x1c\x1d\x1e\x1f", 6 },
        { "DEL", "\x7f", 1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        DetachKeys keys = parse(cases[i].text);

        assert_int_equal(keys.count, cases[i].count);
        assert_memory_equal(keys.keys, cases[i].keys, keys.count);
    }
}

static void test_what_is_no_key_is_refused(void **state)
{
    static const char *const wrong[] = {
        "ctrl-", "ctrl-A", "ctrl-1", "ctrl-ab", "ab",
        "a,",    ",a",     "a,,b",   "DELETE",  "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        _cleanup_error_ Error err = {};
        DetachKeys keys = {};

        assert_true(detach_keys_parse(wrong[i], &keys, &err) < 0);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_non_null(strstr(error_message(&err), wrong[i]));
    }
}

/* Type @pieces (separated by '|'), the keys being @notation. Yields what passes. */
static bool type(const char *notation, const char *pieces, char *passed)
{
    DetachKeys keys = notation ? parse(notation) : (DetachKeys) {};
    bool is_detached = false;
    size_t total = 0;

    while (!is_detached && *pieces) {
        size_t length = strcspn(pieces, "|"), size;
        char buffer[DETACH_KEYS_MAX + 64];

        memcpy(buffer + DETACH_KEYS_MAX, pieces, length);
        is_detached = detach_keys_scan(&keys, buffer + DETACH_KEYS_MAX, length, buffer, &size);
        memcpy(passed + total, buffer, size);
        total += size;
        pieces += length + (pieces[length] == '|');
    }
    if (!is_detached)
        total += detach_keys_flush(&keys, passed + total);
    passed[total] = '\0';
    return is_detached;
}

static void test_the_keys_are_found_and_nothing_else_is_lost(void **state)
{
    static const struct {
        const char *keys;
        const char *typed;
        const char *passed;
        bool is_detached;
    } cases[] = {
        { "a,b", "ab", "", true },
        { "a,b", "xyab", "xy", true },
        { "a,b", "a|b", "", true },
        { "a,b", "xa|by", "x", true },
        { "a,b", "axb", "axb", false },
        { "a,b", "a|x|b", "axb", false },
        { "a,b", "aab", "a", true },
        { "a,b", "a|a|b", "a", true },
        { "a,b", "xa", "xa", false },
        { "a,b", "ab|rest", "", true },
        { "a,a,b", "aaab", "a", true },
        { "a,b,a,c", "abab|ac", "ab", true },
        { "a,b,a,c", "aba|d", "abad", false },
        { "a,b,a,b,a,c", "ababab|ac", "ab", true },
        { "a", "xa", "x", true },
        { NULL, "ab|c", "abc", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char passed[64];

        assert_int_equal(type(cases[i].keys, cases[i].typed, passed), cases[i].is_detached);
        assert_string_equal(passed, cases[i].passed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_docker_s_notation_is_understood),
        cmocka_unit_test(test_what_is_no_key_is_refused),
        cmocka_unit_test(test_the_keys_are_found_and_nothing_else_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
