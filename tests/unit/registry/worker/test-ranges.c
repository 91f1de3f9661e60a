/* SPDX-License-Identifier: Apache-2.0 */

/* Which bytes are there and which are missing. */

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "check.h"
#include "registry/worker/ranges.h"

static void assert_set(const RangeSet *set, const Range *ranges, size_t n_ranges)
{
    assert_int_equal(set->count, n_ranges);
    for (size_t i = 0; i < n_ranges; i++) {
        assert_int_equal(set->items[i].from, ranges[i].from);
        assert_int_equal(set->items[i].to, ranges[i].to);
    }
}

static void what_touches_becomes_one(void **state)
{
    _cleanup_range_set_ RangeSet set = {};

    (void)state;
    range_set_add(&set, (Range) { 10, 20 });
    range_set_add(&set, (Range) { 40, 50 });
    range_set_add(&set, (Range) { 30, 30 });
    assert_set(&set, (const Range[]) { { 10, 20 }, { 40, 50 } }, 2);
    range_set_add(&set, (Range) { 0, 5 });
    range_set_add(&set, (Range) { 20, 25 });
    assert_set(&set, (const Range[]) { { 0, 5 }, { 10, 25 }, { 40, 50 } }, 3);
    assert_int_equal(range_set_size(&set), 30);
    assert_int_equal(range_set_prefix(&set), 5);
    range_set_add(&set, (Range) { 4, 41 });
    assert_set(&set, (const Range[]) { { 0, 50 } }, 1);
    range_set_add(&set, (Range) { 10, 20 });
    assert_set(&set, (const Range[]) { { 0, 50 } }, 1);
    assert_int_equal(range_set_prefix(&set), 50);
}

static void a_set_without_the_beginning_has_no_prefix(void **state)
{
    _cleanup_range_set_ RangeSet set = {};

    (void)state;
    assert_int_equal(range_set_prefix(&set), 0);
    range_set_add(&set, (Range) { 1, 9 });
    assert_int_equal(range_set_prefix(&set), 0);
}

static void assert_gap(const RangeSet *set, int64_t from, int64_t to, Range wanted)
{
    Range gap;

    assert_true(range_set_gap(set, from, to, &gap));
    assert_int_equal(gap.from, wanted.from);
    assert_int_equal(gap.to, wanted.to);
}

static void gaps_are_found_in_order(void **state)
{
    _cleanup_range_set_ RangeSet set = {};
    Range gap;

    (void)state;
    assert_gap(&set, 0, 9, (Range) { 0, 9 });
    range_set_add(&set, (Range) { 10, 20 });
    range_set_add(&set, (Range) { 40, 50 });
    assert_gap(&set, 0, 100, (Range) { 0, 10 });
    assert_gap(&set, 10, 100, (Range) { 20, 40 });
    assert_gap(&set, 15, 30, (Range) { 20, 30 });
    assert_gap(&set, 45, 100, (Range) { 50, 100 });
    assert_false(range_set_gap(&set, 10, 20, &gap));
    assert_false(range_set_gap(&set, 41, 41, &gap));
}

/* A file of @size bytes, data in some of its 64 KiB blocks. */
static int make_file(int64_t size, const Range *data, size_t n_data)
{
    char bytes[4096] = { 1 };
    int fd = memfd_create("ranges", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    for (size_t i = 0; i < n_data; i++)
        for (int64_t at = data[i].from; at < data[i].to; at += (int64_t)sizeof(bytes)) {
            size_t left = (size_t)(data[i].to - at);

            assert_true(pwrite(fd, bytes, left < sizeof(bytes) ? left : sizeof(bytes), at) > 0);
        }
    return fd;
}

#define KIB ((int64_t)1024)

static void what_a_file_has_is_known_but_for_the_last_block_before_a_hole(void **state)
{
    static const Range data[] = { { 0, 200 * KIB }, { 512 * KIB, 700 * KIB } };
    _cleanup_close_ int fd = make_file(1024 * KIB, data, ARRAY_SIZE(data));
    _cleanup_range_set_ RangeSet set = {};

    (void)state;
    assert_int_equal(range_set_of_file(fd, 1024 * KIB, &set), 0);
    assert_set(&set, (const Range[]) { { 0, 192 * KIB }, { 512 * KIB, 640 * KIB } }, 2);
}

static void a_file_that_ends_early_lacks_its_last_block(void **state)
{
    static const Range data[] = { { 0, 128 * KIB } };
    _cleanup_close_ int fd = make_file(128 * KIB, data, 1);
    _cleanup_range_set_ RangeSet set = {};

    (void)state;
    assert_int_equal(range_set_of_file(fd, 1024 * KIB, &set), 0);
    assert_set(&set, (const Range[]) { { 0, 64 * KIB } }, 1);
}

static void a_whole_file_is_whole(void **state)
{
    static const Range data[] = { { 0, 100 * KIB + 1 } };
    _cleanup_close_ int fd = make_file(0, data, 1), empty_fd = make_file(0, NULL, 0);
    _cleanup_range_set_ RangeSet set = {}, none = {};

    (void)state;
    assert_int_equal(range_set_of_file(fd, 100 * KIB + 1, &set), 0);
    assert_set(&set, data, 1);
    assert_int_equal(range_set_of_file(empty_fd, 5, &none), 0);
    assert_int_equal(none.count, 0);
}

static void content_ranges_are_read_strictly(void **state)
{
    static const char *const wrong[] = {
        "",
        "bytes",
        "bytes 0-9",
        "bytes 5-4/9",
        "bytes 0-9/9",
        "bytes -1-2/9",
        "octets 0-9/10",
        "bytes 0-9/10 ",
        "bytes a-9/10",
        "bytes */10",
        "bytes 0-99999999999999999999/*",
        "bytes 0-9223372036854775807/*",
    };
    Range range;
    int64_t total;

    (void)state;
    assert_int_equal(range_parse_content("bytes 0-9/10", &range, &total), 0);
    assert_int_equal(range.from, 0);
    assert_int_equal(range.to, 10);
    assert_int_equal(total, 10);
    assert_int_equal(range_parse_content("bytes 5-5/*", &range, &total), 0);
    assert_int_equal(range.to, 6);
    assert_int_equal(total, -1);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(range_parse_content(wrong[i], &range, &total), -EINVAL);
}

static void an_uploads_progress_is_read(void **state)
{
    static const char *const wrong[] = { "", "1-5", "0-", "0-x", "bytes 0-5", "0-5 " };
    int64_t size;

    (void)state;
    assert_int_equal(range_parse_progress("0-5", &size), 0);
    assert_int_equal(size, 6);
    assert_int_equal(range_parse_progress("bytes=0-99", &size), 0);
    assert_int_equal(size, 100);
    assert_int_equal(range_parse_progress("0-0", &size), 0);
    assert_int_equal(size, 0);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(range_parse_progress(wrong[i], &size), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_touches_becomes_one),
        cmocka_unit_test(a_set_without_the_beginning_has_no_prefix),
        cmocka_unit_test(gaps_are_found_in_order),
        cmocka_unit_test(what_a_file_has_is_known_but_for_the_last_block_before_a_hole),
        cmocka_unit_test(a_file_that_ends_early_lacks_its_last_block),
        cmocka_unit_test(a_whole_file_is_whole),
        cmocka_unit_test(content_ranges_are_read_strictly),
        cmocka_unit_test(an_uploads_progress_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
