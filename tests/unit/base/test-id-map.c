/* SPDX-License-Identifier: Apache-2.0 */

/* Ids inside and outside, at the edges of their ranges. */

#include "base/id-map.h"

#include "scratch.h"

static void test_ids_go_to_the_other_side_and_back(void **state)
{
    _cleanup_id_map_ IdMap map = {};
    uint32_t id;

    (void)state;
    id_map_add(&map, 0, 100000, 1000);
    id_map_add(&map, 5000, 0, 1);
    id_map_add(&map, 7, 9, 0);
    assert_int_equal(map.uids.count, 2);
    assert_true(id_ranges_to_host(&map.uids, 0, &id));
    assert_int_equal(id, 100000);
    assert_true(id_ranges_to_host(&map.gids, 999, &id));
    assert_int_equal(id, 100999);
    assert_false(id_ranges_to_host(&map.gids, 1000, &id));
    assert_true(id_ranges_to_host(&map.uids, 5000, &id));
    assert_int_equal(id, 0);
    assert_true(id_ranges_to_container(&map.uids, 0, &id));
    assert_int_equal(id, 5000);
    assert_true(id_ranges_to_container(&map.uids, 100999, &id));
    assert_int_equal(id, 999);
    assert_false(id_ranges_to_container(&map.uids, 101000, &id));
    assert_false(id_ranges_to_container(&map.uids, 99999, &id));
}

static void test_without_ranges_both_sides_are_the_same(void **state)
{
    const IdMap none = {};
    uint32_t id;

    (void)state;
    assert_true(id_map_is_identity(NULL));
    assert_true(id_map_is_identity(&none));
    assert_true(id_ranges_to_host(&none.uids, 4294967294, &id));
    assert_int_equal(id, 4294967294);
    assert_true(id_ranges_to_container(&none.uids, 7, &id));
    assert_int_equal(id, 7);
}

static void test_the_last_ids_do_not_wrap(void **state)
{
    _cleanup_id_map_ IdMap map = {};
    uint32_t id;

    (void)state;
    id_map_add(&map, 4294967000, 4294967200, 95);
    assert_true(id_ranges_to_host(&map.uids, 4294967094, &id));
    assert_int_equal(id, 4294967294);
    assert_false(id_ranges_to_host(&map.uids, 4294967095, &id));
    assert_false(id_ranges_to_host(&map.uids, 0, &id));
}

static void test_a_part_is_what_lies_between_its_ends(void **state)
{
    static const struct {
        uint64_t from;
        uint64_t end;
        IdMapping expected; /* size 0: nothing */
    } cases[] = {
        { 0, UINT64_MAX, { 10, 1000, 20 } },
        { 0, 10, {} },
        { 0, 11, { 10, 1000, 1 } },
        { 29, UINT64_MAX, { 29, 1019, 1 } },
        { 30, UINT64_MAX, {} },
        { 12, 15, { 12, 1002, 3 } },
        { 15, 12, {} },
    };
    const IdMapping range = { 10, 1000, 20 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_id_map_ IdMap map = {};

        id_ranges_add_part(&map.uids, &range, cases[i].from, cases[i].end);
        assert_int_equal(map.uids.count, cases[i].expected.size > 0);
        if (map.uids.count > 0)
            assert_memory_equal(map.uids.items, &cases[i].expected, sizeof(IdMapping));
    }
}

static void test_a_copy_has_both_maps(void **state)
{
    _cleanup_id_map_ IdMap map = {}, copy = {};

    (void)state;
    id_map_add(&map, 0, 100000, 1000);
    id_map_copy(&copy, &map);
    assert_false(id_map_is_identity(&copy));
    assert_int_equal(copy.gids.items[0].host_id, 100000);
    assert_int_equal(copy.uids.items[0].size, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_go_to_the_other_side_and_back),
        cmocka_unit_test(test_without_ranges_both_sides_are_the_same),
        cmocka_unit_test(test_the_last_ids_do_not_wrap),
        cmocka_unit_test(test_a_part_is_what_lies_between_its_ends),
        cmocka_unit_test(test_a_copy_has_both_maps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
