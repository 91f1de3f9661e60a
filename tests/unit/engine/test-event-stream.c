/* SPDX-License-Identifier: Apache-2.0 */

/* The event log: what is appended is read once, in order, whatever was torn or rotated. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "check.h"
#include "engine/event-stream.h"

#define ALL                                                                                        \
    (EventStreamOptions)                                                                           \
    {                                                                                              \
        .since = INT64_MIN, .until = INT64_MAX                                                     \
    }

typedef struct Fixture {
    char path[64];
    int fd;
} Fixture;

static int set_up(void **state)
{
    Fixture *fixture = NEW(Fixture);

    (void)snprintf(fixture->path, sizeof(fixture->path), "/tmp/cay-test-events-XXXXXX");
    assert_non_null(mkdtemp(fixture->path));
    fixture->fd = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;

    fd_close(fixture->fd);
    assert_int_equal(path_remove_tree(AT_FDCWD, fixture->path), 0);
    free(fixture);
    return 0;
}

static void append_at(const Fixture *fixture, const char *action, int64_t time)
{
    Event event = {
        .time = time, .type = (char *)"container", .action = (char *)action, .actor = (char *)"id"
    };

    assert_int_equal(event_log_append(fixture->fd, &event), 0);
}

static void append(const Fixture *fixture, const char *action)
{
    append_at(fixture, action, 0);
}

static int open_raw(const Fixture *fixture, const char *name)
{
    int fd = openat(fixture->fd, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    return fd;
}

static void append_raw(const Fixture *fixture, const char *name, const char *text)
{
    _cleanup_close_ int fd = open_raw(fixture, name);

    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

/* Make the file as large as one that is full; what is filled in is no record. */
static void fill(const Fixture *fixture, const char *name)
{
    _cleanup_close_ int fd = open_raw(fixture, name);

    assert_int_equal(ftruncate(fd, EVENT_LOG_FILE_SIZE), 0);
}

static bool exists(const Fixture *fixture, const char *name)
{
    return faccessat(fixture->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static EventStream *open_stream(const Fixture *fixture, EventStreamOptions options)
{
    EventStream *stream = NULL;
    _cleanup_error_ Error error = {};

    assert_int_equal(event_stream_open_at(fixture->fd, &options, &stream, &error), 0);
    return stream;
}

static void check_next(EventStream *stream, const char *action, char id[EVENT_ID_SIZE])
{
    _cleanup_event_ Event event = {};

    assert_int_equal(event_stream_next(stream, &event, id, NULL), EVENT_STREAM_EVENT);
    assert_string_equal(event.action, action);
    assert_string_equal(event.actor, "id");
}

static void check_nothing(EventStream *stream, EventStreamResult expected)
{
    Event event = {};
    char id[EVENT_ID_SIZE];

    assert_int_equal(event_stream_next(stream, &event, id, NULL), expected);
}

static void what_was_appended_is_read_in_order(void **state)
{
    _cleanup_(event_stream_freep) EventStream *stream = NULL;
    char id[EVENT_ID_SIZE];

    append(*state, "create");
    append(*state, "start");
    stream = open_stream(*state, ALL);
    check_next(stream, "create", id);
    check_next(stream, "start", id);
    check_nothing(stream, EVENT_STREAM_END);
}

static void an_empty_log_has_no_events_until_there_is_one(void **state)
{
    EventStreamOptions options = ALL;
    _cleanup_(event_stream_freep) EventStream *stream = NULL;
    char id[EVENT_ID_SIZE];

    options.follow = true;
    stream = open_stream(*state, options);
    check_nothing(stream, EVENT_STREAM_WAIT);
    append(*state, "create");
    assert_int_equal(event_stream_wait(stream, NULL), 0);
    check_next(stream, "create", id);
    check_nothing(stream, EVENT_STREAM_WAIT);
}

static void what_was_cut_short_costs_itself_only(void **state)
{
    _cleanup_(event_stream_freep) EventStream *stream = NULL;
    char id[EVENT_ID_SIZE];

    append(*state, "first");
    append_raw(*state, "1", "\x1e{\"time\":12,\"type\":\"cont");
    append(*state, "second");
    append_raw(*state, "1", "rest of a record\n\x1e{\"time\":\n\x1e[]\n\x1e\x1e\n\n");
    append(*state, "third");
    append_raw(*state, "1", "\x1e{\"time\":12");
    stream = open_stream(*state, ALL);
    check_next(stream, "first", id);
    check_next(stream, "second", id);
    check_next(stream, "third", id);
    check_nothing(stream, EVENT_STREAM_END);
}

static void a_record_that_comes_in_parts_is_read_when_it_is_whole(void **state)
{
    EventStreamOptions options = ALL;
    _cleanup_(event_stream_freep) EventStream *stream = NULL;
    char id[EVENT_ID_SIZE];

    append(*state, "first");
    options.follow = true;
    stream = open_stream(*state, options);
    check_next(stream, "first", id);
    append_raw(*state, "1", "\x1e{\"time\":12,\"type\":\"container\",");
    check_nothing(stream, EVENT_STREAM_WAIT);
    append_raw(*state, "1", "\"action\":\"second\",\"actor\":\"id\"}\n");
    check_next(stream, "second", id);
}

static void a_full_file_is_followed_by_another(void **state)
{
    EventStreamOptions options = ALL;
    _cleanup_(event_stream_freep) EventStream *stream = NULL, *all = NULL;
    char id[EVENT_ID_SIZE];
    uint64_t number;

    append(*state, "first");
    options.follow = true;
    stream = open_stream(*state, options);
    check_next(stream, "first", id);
    fill(*state, "1");
    append(*state, "second");
    assert_int_equal(event_log_current(((Fixture *)*state)->fd, &number), 0);
    assert_int_equal(number, 2);
    check_next(stream, "second", id);
    check_nothing(stream, EVENT_STREAM_WAIT);
    all = open_stream(*state, ALL);
    check_next(all, "first", id);
    check_next(all, "second", id);
}

static void the_oldest_files_go(void **state)
{
    char name[16];

    for (int i = 1; i <= EVENT_LOG_FILES + 2; i++) {
        append(*state, "create");
        (void)snprintf(name, sizeof(name), "%d", i);
        assert_true(exists(*state, name));
        fill(*state, name);
    }
    assert_false(exists(*state, "1"));
    assert_false(exists(*state, "2"));
    assert_true(exists(*state, "3"));
}

static void an_id_continues_over_files(void **state)
{
    EventStreamOptions options = ALL;
    _cleanup_(event_stream_freep) EventStream *stream = NULL, *other = NULL;
    char id[EVENT_ID_SIZE], other_id[EVENT_ID_SIZE];

    append(*state, "first");
    append(*state, "second");
    stream = open_stream(*state, ALL);
    check_next(stream, "first", id);
    fill(*state, "1");
    append(*state, "third");
    options.after = id;
    other = open_stream(*state, options);
    check_next(other, "second", other_id);
    check_next(other, "third", other_id);
    check_next(stream, "second", id);
    check_next(stream, "third", id);
    assert_string_equal(id, other_id);
}

static void check_refused(const Fixture *fixture, const char *after, ErrorKind kind,
                          const char *message)
{
    EventStreamOptions options = { .after = after, .until = INT64_MAX };
    EventStream *stream = NULL;
    Error error = {};

    assert_true(event_stream_open_at(fixture->fd, &options, &stream, &error) < 0);
    check_error(&error, kind, message);
}

static void an_id_that_leads_nowhere_is_refused(void **state)
{
    append(*state, "first");
    check_refused(*state, "e1", ERROR_INVALID, "invalid event id 'e1'");
    check_refused(*state, "e-1", ERROR_INVALID, "invalid event id 'e-1'");
    check_refused(*state, "x1-1", ERROR_INVALID, "invalid event id 'x1-1'");
    check_refused(*state, "e1-4000", ERROR_INVALID, "no such event: 'e1-4000'");
    check_refused(*state, "e2-0", ERROR_INVALID, "no such event: 'e2-0'");
    check_refused(*state, "e0-0", ERROR_NOT_FOUND,
                  "what followed event 'e0-0' is not kept any "
                  "more");
}

static void times_limit_what_is_read(void **state)
{
    EventStreamOptions options = { .since = 200, .until = 300 };
    _cleanup_(event_stream_freep) EventStream *stream = NULL;
    char id[EVENT_ID_SIZE];

    append_at(*state, "early", 199);
    append_at(*state, "second", 300);
    append_at(*state, "late", 301);
    append_at(*state, "first", 200);
    stream = open_stream(*state, options);
    check_next(stream, "second", id);
    check_next(stream, "first", id);
    check_nothing(stream, EVENT_STREAM_END);
}

static void from_now_on_is_nothing_that_was(void **state)
{
    EventStreamOptions options = { .since = INT64_MAX, .until = INT64_MAX, .follow = true };
    _cleanup_(event_stream_freep) EventStream *stream = NULL;
    char id[EVENT_ID_SIZE];

    append(*state, "before");
    stream = open_stream(*state, options);
    check_nothing(stream, EVENT_STREAM_WAIT);
    append(*state, "after");
    check_next(stream, "after", id);
}

/* The writer is as good as stopped for ever between its lock and its write. */
static void a_writer_at_work_keeps_a_full_file_and_holds_up_nobody(void **state)
{
    _cleanup_(event_stream_freep) EventStream *stream = NULL;
    _cleanup_close_ int writer = -EBADF;
    char id[EVENT_ID_SIZE];

    append(*state, "first");
    fill(*state, "1");
    writer = open_raw(*state, "1");
    assert_int_equal(flock(writer, LOCK_SH), 0);
    append(*state, "second");
    assert_false(exists(*state, "2"));
    writer = fd_close(writer);
    append(*state, "third");
    assert_true(exists(*state, "2"));
    stream = open_stream(*state, ALL);
    check_next(stream, "first", id);
    check_next(stream, "second", id);
    check_next(stream, "third", id);
}

static void one_who_was_killed_while_moving_on_is_made_up_for(void **state)
{
    append(*state, "first");
    fill(*state, "1");
    assert_int_equal(symlinkat("2", ((Fixture *)*state)->fd, "next"), 0);
    append(*state, "second");
    assert_true(exists(*state, "2"));
    assert_false(exists(*state, "next"));
}

static void what_is_too_long_is_not_written(void **state)
{
    _cleanup_free_ char *text = memory_new(EVENT_RECORD_MAX + 1, 1);
    Event event = { .type = (char *)"container", .action = text, .actor = (char *)"id" };
    _cleanup_(event_stream_freep) EventStream *stream = NULL;

    memset(text, 'a', EVENT_RECORD_MAX);
    assert_int_equal(event_log_append(((Fixture *)*state)->fd, &event), -EFBIG);
    stream = open_stream(*state, ALL);
    check_nothing(stream, EVENT_STREAM_END);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_appended_is_read_in_order),
        TEST(an_empty_log_has_no_events_until_there_is_one),
        TEST(what_was_cut_short_costs_itself_only),
        TEST(a_record_that_comes_in_parts_is_read_when_it_is_whole),
        TEST(a_full_file_is_followed_by_another),
        TEST(the_oldest_files_go),
        TEST(an_id_continues_over_files),
        TEST(an_id_that_leads_nowhere_is_refused),
        TEST(times_limit_what_is_read),
        TEST(from_now_on_is_nothing_that_was),
        TEST(a_writer_at_work_keeps_a_full_file_and_holds_up_nobody),
        TEST(one_who_was_killed_while_moving_on_is_made_up_for),
        TEST(what_is_too_long_is_not_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
