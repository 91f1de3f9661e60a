/* SPDX-License-Identifier: Apache-2.0 */

/* What is kept, for how long, and how much of it. Time is what the test says it is. */

#include <stdio.h>
#include <string.h>

#include "base/time-format.h"
#include "network/dns/cache.h"
#include "questions.h"

#define SECOND NANOSECONDS_PER_SECOND

static Query make_reply(const char *name, uint32_t lifetime, size_t size, Bytes *ret)
{
    static const uint8_t content[3000];
    Query query;

    *ret = (Bytes) {};
    bytes_add_question(ret, name, 16);
    query = query_of(ret);
    bytes_add_record(ret, name, 16, lifetime, content, size);
    bytes_make_answer(ret, CODE_OK, 1, 0);
    return query;
}

static Query make_numbered(int number, size_t size, Bytes *ret)
{
    char name[32];

    (void)snprintf(name, sizeof(name), "n%d.example", number);
    return make_reply(name, 100, size, ret);
}

static void an_answer_ages_and_ends(void **state)
{
    _cleanup_(cache_freep) Cache *cache = cache_new();
    uint8_t buffer[CACHE_MESSAGE_MAX];
    Bytes reply;
    Query query = make_reply("www.example", 100, 10, &reply);

    (void)state;
    assert_int_equal(cache_find(cache, 1, &query, 0, buffer), 0);
    cache_add(cache, 1, &query, reply.data, reply.size, 5 * SECOND);
    assert_int_equal(cache_find(cache, 1, &query, 45 * SECOND, buffer), reply.size);
    assert_int_equal(reply_lifetime(buffer, reply.size), 60);
    assert_int_equal(cache_find(cache, 1, &query, 105 * SECOND - 1, buffer), reply.size);
    assert_int_equal(cache_find(cache, 1, &query, 105 * SECOND, buffer), 0);
    assert_int_equal(cache_find(cache, 1, &query, 5 * SECOND, buffer), 0); /* it is gone */
}

static void nothing_is_kept_for_too_long(void **state)
{
    _cleanup_(cache_freep) Cache *cache = cache_new();
    uint8_t buffer[CACHE_MESSAGE_MAX];
    Bytes reply;
    Query query = make_reply("www.example", 1000000, 10, &reply);

    (void)state;
    cache_add(cache, 1, &query, reply.data, reply.size, 0);
    assert_true(cache_find(cache, 1, &query, CACHE_LIFETIME_MAX * SECOND - 1, buffer) > 0);
    assert_int_equal(cache_find(cache, 1, &query, CACHE_LIFETIME_MAX * SECOND, buffer), 0);
}

#define CHECK_UNKNOWN_WITH(member, other_value)                                                    \
    do {                                                                                           \
        Query other = query;                                                                       \
                                                                                                   \
        other.member = (other_value);                                                              \
        assert_int_equal(cache_find(cache, 1, &other, 0, buffer), 0);                              \
    } while (0)

static void answers_are_told_apart_by_all_they_depend_on(void **state)
{
    _cleanup_(cache_freep) Cache *cache = cache_new();
    uint8_t buffer[CACHE_MESSAGE_MAX];
    Bytes reply;
    Query query = make_reply("www.example", 100, 10, &reply);

    (void)state;
    cache_add(cache, 1, &query, reply.data, reply.size, 0);
    assert_int_equal(cache_find(cache, 2, &query, 0, buffer), 0);
    CHECK_UNKNOWN_WITH(type, 1);
    CHECK_UNKNOWN_WITH(flags, 0x0110);
    CHECK_UNKNOWN_WITH(has_edns, true);
    CHECK_UNKNOWN_WITH(edns_flags, 0x8000);
    CHECK_UNKNOWN_WITH(has_edns_options, true);
    CHECK_UNKNOWN_WITH(name[1], 'x');
    query.id = 7; /* does not matter */
    assert_true(cache_find(cache, 1, &query, 0, buffer) > 0);
    cache_clear(cache);
    assert_int_equal(cache_find(cache, 1, &query, 0, buffer), 0);
}

/* How many of @n replies are kept; the last ones. */
static int count_kept(int n, size_t size)
{
    _cleanup_(cache_freep) Cache *cache = cache_new();
    uint8_t buffer[CACHE_MESSAGE_MAX];
    int kept = 0;

    for (int i = 0; i < n; i++) {
        Bytes reply;
        Query query = make_numbered(i, size, &reply);

        cache_add(cache, 1, &query, reply.data, reply.size, 0);
    }
    for (int i = 0; i < n; i++) {
        Bytes reply;
        Query query = make_numbered(i, size, &reply);
        bool is_known = cache_find(cache, 1, &query, 0, buffer) > 0;

        assert_true(is_known || kept == 0);
        kept += is_known;
    }
    return kept;
}

static void number_and_size_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(count_kept(CACHE_ENTRIES_MAX + 500, 10), CACHE_ENTRIES_MAX);
    assert_in_range(count_kept(500, 3000), 100, CACHE_BYTES_MAX / 3000);
}

static void what_is_asked_for_stays(void **state)
{
    _cleanup_(cache_freep) Cache *cache = cache_new();
    uint8_t buffer[CACHE_MESSAGE_MAX];
    Bytes first;
    Query query = make_reply("www.example", 100, 10, &first);

    (void)state;
    cache_add(cache, 1, &query, first.data, first.size, 0);
    for (int i = 0; i < 2 * CACHE_ENTRIES_MAX; i++) {
        Bytes reply;
        Query other = make_numbered(i, 10, &reply);

        cache_add(cache, 1, &other, reply.data, reply.size, 0);
        assert_true(cache_find(cache, 1, &query, 0, buffer) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_ages_and_ends),
        cmocka_unit_test(nothing_is_kept_for_too_long),
        cmocka_unit_test(answers_are_told_apart_by_all_they_depend_on),
        cmocka_unit_test(number_and_size_are_bounded),
        cmocka_unit_test(what_is_asked_for_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
