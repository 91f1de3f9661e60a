/* SPDX-License-Identifier: Apache-2.0 */

/* Reading logs: what is asked for is found, whatever was rotated, torn or damaged meanwhile. */

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/string-buffer.h"
#include "check.h"
#include "engine/log-reader.h"

#define NAME "container.log"
#define ALL                                                                                        \
    (LogReaderOptions)                                                                             \
    {                                                                                              \
        .since = INT64_MIN, .tail = -1                                                             \
    }

typedef struct Fixture {
    char path[64];
    int fd;
    LogFileSettings settings;
    LogReader *reader;
    StringBuffer seen;
} Fixture;

static int set_up(void **state)
{
    Fixture *fixture = NEW(Fixture);

    (void)snprintf(fixture->path, sizeof(fixture->path), "/tmp/cay-test-log-XXXXXX");
    assert_non_null(mkdtemp(fixture->path));
    fixture->fd = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fixture->settings = (LogFileSettings) { LOG_FORMAT_LOCAL, NAME, -1, 3 };
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;

    if (fixture->reader)
        log_reader_free(fixture->reader);
    string_buffer_done(&fixture->seen);
    fd_close(fixture->fd);
    assert_int_equal(path_remove_tree(AT_FDCWD, fixture->path), 0);
    free(fixture);
    return 0;
}

static void append_bytes(const Fixture *fixture, const char *name, const char *data, size_t size)
{
    _cleanup_close_ int fd =
        openat(fixture->fd, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, data, size), 0);
}

static void append(const Fixture *fixture, const char *name, const char *text)
{
    append_bytes(fixture, name, text, strlen(text));
}

/* Records of the times @first to @last, each with its time as its text. */
static void append_records(const Fixture *fixture, const char *name, unsigned first, unsigned last)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    for (unsigned time = first; time <= last; time++)
        string_buffer_printf(&text, "%016xo%u\n", time, time);
    append(fixture, name, string_buffer_get(&text));
}

static void rotate(const Fixture *fixture)
{
    (void)renameat(fixture->fd, NAME ".1", fixture->fd, NAME ".2");
    assert_int_equal(renameat(fixture->fd, NAME, fixture->fd, NAME ".1"), 0);
}

static void cut_off(const Fixture *fixture, size_t size)
{
    _cleanup_close_ int fd = openat(fixture->fd, NAME, O_WRONLY | O_CLOEXEC);

    assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - (off_t)size), 0);
}

static void open_reader(Fixture *fixture, LogReaderOptions options)
{
    if (fixture->reader)
        log_reader_free(TAKE_PTR(fixture->reader));
    assert_int_equal(
        log_reader_open(fixture->fd, &fixture->settings, &options, &fixture->reader, NULL), 0);
}

/* All that there is to read now, as one text. */
static const char *read_on(Fixture *fixture)
{
    LogEntry entry;
    int r;

    fixture->seen.length = 0;
    string_buffer_add(&fixture->seen, "");
    while ((r = log_reader_next(fixture->reader, &entry, NULL)) > 0)
        string_buffer_add_bytes(&fixture->seen, entry.text, entry.size);
    assert_int_equal(r, 0);
    return string_buffer_get(&fixture->seen);
}

static void check_read(Fixture *fixture, LogReaderOptions options, const char *expected)
{
    open_reader(fixture, options);
    assert_string_equal(read_on(fixture), expected);
}

static void all_files_are_read_from_the_oldest_on(void **state)
{
    Fixture *fixture = *state;

    check_read(fixture, ALL, "");
    append_records(fixture, NAME ".2", 1, 2);
    append_records(fixture, NAME ".1", 3, 4);
    append_records(fixture, NAME, 5, 6);
    check_read(fixture, ALL, "1\n2\n3\n4\n5\n6\n");
    assert_int_equal(unlinkat(fixture->fd, NAME ".1", 0), 0);
    check_read(fixture, ALL, "1\n2\n5\n6\n");
}

static void the_last_records_are_counted_over_all_files(void **state)
{
    static const struct {
        int64_t tail;
        const char *expected;
    } cases[] = {
        { 0, "" },
        { 1, "6\n" },
        { 2, "5\n6\n" },
        { 3, "4\n5\n6\n" },
        { 5, "2\n3\n4\n5\n6\n" },
        { 6, "1\n2\n3\n4\n5\n6\n" },
        { 7, "1\n2\n3\n4\n5\n6\n" },
    };
    Fixture *fixture = *state;

    append_records(fixture, NAME ".2", 1, 2);
    append_records(fixture, NAME ".1", 3, 4);
    append_records(fixture, NAME, 5, 6);
    append(fixture, NAME, "0000000000000007otorn");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check_read(fixture, (LogReaderOptions) { .since = INT64_MIN, .tail = cases[i].tail },
                   cases[i].expected);
}

static void the_last_records_are_found_across_blocks(void **state)
{
    Fixture *fixture = *state;

    append_records(fixture, NAME, 1, 30000); /* about 700 KB */
    for (int64_t tail = 1; tail < 30000; tail = tail * 2 + 1) {
        LogEntry entry;
        unsigned count = 0;

        open_reader(fixture, (LogReaderOptions) { .since = INT64_MIN, .tail = tail });
        while (log_reader_next(fixture->reader, &entry, NULL) > 0)
            if (count++ == 0)
                assert_int_equal(entry.time, 30000 - tail + 1);
        assert_int_equal(count, tail);
    }
}

static void entries_since_a_time_are_found_in_any_file(void **state)
{
    Fixture *fixture = *state;

    append_records(fixture, NAME ".2", 1, 20000);
    append_records(fixture, NAME ".1", 20001, 40000);
    append_records(fixture, NAME, 40001, 60000);
    for (int64_t since = 1; since < 60000; since += 997) {
        LogEntry entry;
        int64_t next = since;

        open_reader(fixture, (LogReaderOptions) { .since = since, .tail = -1 });
        while (log_reader_next(fixture->reader, &entry, NULL) > 0)
            assert_int_equal(entry.time, next++);
        assert_int_equal(next, 60001);
    }
    check_read(fixture, (LogReaderOptions) { .since = 60001, .tail = -1 }, "");
    check_read(fixture, (LogReaderOptions) { .since = 59999, .tail = 5 }, "59999\n60000\n");
    check_read(fixture, (LogReaderOptions) { .since = 5, .tail = 1 }, "60000\n");
}

static void following_survives_rotation_and_loses_and_doubles_nothing(void **state)
{
    Fixture *fixture = *state;

    open_reader(fixture, (LogReaderOptions) { .since = INT64_MIN, .tail = -1, .follow = true });
    assert_string_equal(read_on(fixture), "");
    append_records(fixture, NAME, 1, 2);
    assert_string_equal(read_on(fixture), "1\n2\n");
    append_records(fixture, NAME, 3, 3);
    rotate(fixture);
    assert_string_equal(read_on(fixture), "3\n"); /* the new file is not there yet */
    append_records(fixture, NAME, 4, 4);
    rotate(fixture);
    append_records(fixture, NAME, 5, 5);
    assert_string_equal(read_on(fixture), "4\n5\n");
    assert_string_equal(read_on(fixture), "");
    append_records(fixture, NAME, 6, 6);
    assert_string_equal(read_on(fixture), "6\n");
}

static void a_file_that_is_held_can_be_rotated_away(void **state)
{
    Fixture *fixture = *state;

    append_records(fixture, NAME, 1, 1);
    open_reader(fixture, (LogReaderOptions) { .since = INT64_MIN, .tail = -1, .follow = true });
    for (unsigned time = 2; time < 8; time++) {
        rotate(fixture);
        append_records(fixture, NAME, time, time);
        assert_int_equal(log_reader_hold(fixture->reader, NULL), 0);
    }
    assert_string_equal(read_on(fixture), "1\n2\n3\n4\n5\n6\n7\n");
}

static void a_torn_record_is_read_when_it_is_whole(void **state)
{
    Fixture *fixture = *state;

    open_reader(fixture, (LogReaderOptions) { .since = INT64_MIN, .tail = -1, .follow = true });
    append(fixture, NAME, "0000000000000001oone\n0000000000000002ot");
    assert_string_equal(read_on(fixture), "one\n");
    append(fixture, NAME, "wo\n");
    assert_string_equal(read_on(fixture), "two\n");
    /* one that the writer takes back again, and writes another in its place */
    append(fixture, NAME, "0000000000000003olost");
    assert_string_equal(read_on(fixture), "");
    cut_off(fixture, strlen("0000000000000003olost"));
    append(fixture, NAME, "0000000000000004ofour\n");
    assert_string_equal(read_on(fixture), "four\n");
}

static void who_does_not_follow_reads_what_there_was_at_first(void **state)
{
    Fixture *fixture = *state;

    append_records(fixture, NAME, 1, 1);
    open_reader(fixture, ALL);
    append_records(fixture, NAME, 2, 2);
    rotate(fixture);
    append_records(fixture, NAME, 3, 3);
    assert_string_equal(read_on(fixture), "1\n");
}

static void damaged_records_are_passed_over(void **state)
{
    static const char zeros[6 << 20] = "";
    Fixture *fixture = *state;

    append(fixture, NAME, "\n\n0000000000000001oone\nnonsense\n000000000000000xo\n");
    append_bytes(fixture, NAME, zeros, sizeof(zeros)); /* longer than any record */
    append(fixture, NAME, "\n0000000000000002Etwo\nffffffffffffffffothree\n0000000000000003x\n");
    append(fixture, NAME, "0000000000000004o\n");
    check_read(fixture, ALL, "one\ntwo\n");
    check_read(fixture, (LogReaderOptions) { .since = 2, .tail = -1 }, "two\n");
    check_read(fixture, (LogReaderOptions) { .since = INT64_MIN, .tail = 2 }, "\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(all_files_are_read_from_the_oldest_on),
        TEST(the_last_records_are_counted_over_all_files),
        TEST(the_last_records_are_found_across_blocks),
        TEST(entries_since_a_time_are_found_in_any_file),
        TEST(following_survives_rotation_and_loses_and_doubles_nothing),
        TEST(a_file_that_is_held_can_be_rotated_away),
        TEST(a_torn_record_is_read_when_it_is_whole),
        TEST(who_does_not_follow_reads_what_there_was_at_first),
        TEST(damaged_records_are_passed_over),
    };

    return cmocka_run_group_tests_name("log-reader", tests, NULL, NULL);
}
