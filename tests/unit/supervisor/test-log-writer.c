/* SPDX-License-Identifier: Apache-2.0 */

/* Output becomes lines, and lines become files that are bounded and always whole. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/string-buffer.h"
#include "base/time-format.h"
#include "check.h"
#include "supervisor/log-json-private.h"
#include "supervisor/log-writer.h"

#define NOW (INT64_C(1767323045) * NANOSECONDS_PER_SECOND)
#define ENDING(stream) "\",\"stream\":\"" stream "\",\"time\":\"2026-01-02T03:04:05Z\"}\n"
#define OUT(text) "{\"log\":\"" text ENDING("stdout")
#define JSON_NAME "cafe-json.log"

typedef struct Fixture {
    char path[64];
    int directory_fd;
    StringMap options;
    StringMap attributes;
    LogWriter *writer;
} Fixture;

static int set_up(void **state)
{
    Fixture *fixture = NEW(Fixture);

    (void)snprintf(fixture->path, sizeof(fixture->path), "/tmp/cay-test-log-XXXXXX");
    assert_non_null(mkdtemp(fixture->path));
    fixture->directory_fd = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fixture->directory_fd >= 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;

    if (fixture->writer)
        log_writer_free(fixture->writer);
    fixture->directory_fd = fd_close(fixture->directory_fd);
    assert_int_equal(path_remove_tree(AT_FDCWD, fixture->path), 0);
    string_map_done(&fixture->options);
    string_map_done(&fixture->attributes);
    free(fixture);
    return 0;
}

static void open_log(Fixture *fixture, const char *driver)
{
    LogTarget target = { .container = "cafe",
                         .name = "web",
                         .image = "image",
                         .driver = driver,
                         .options = &fixture->options,
                         .attributes = &fixture->attributes,
                         .directory_fd = fixture->directory_fd };

    if (fixture->writer)
        log_writer_free(fixture->writer);
    assert_int_equal(log_writer_open(&target, &fixture->writer, NULL), 0);
}

static void put(Fixture *fixture, const char *text)
{
    assert_true(log_writer_write(fixture->writer, LOG_STREAM_STDOUT, text, strlen(text), NOW));
}

static void check_file(const Fixture *fixture, const char *name, const char *expected)
{
    _cleanup_free_ char *text = NULL;

    assert_int_equal(file_read_at(fixture->directory_fd, name, 16 << 20, &text, NULL), 0);
    assert_string_equal(text, expected);
}

static void a_line_is_one_object_wherever_its_chunks_end(void **state)
{
    Fixture *fixture = *state;

    open_log(fixture, NULL);
    put(fixture, "a\nb");
    check_file(fixture, JSON_NAME, OUT("a\\n"));
    put(fixture, "c\n\n");
    put(fixture, "d");
    check_file(fixture, JSON_NAME, OUT("a\\n") OUT("bc\\n") OUT("\\n"));
    assert_true(log_writer_finish(fixture->writer, NOW));
    check_file(fixture, JSON_NAME, OUT("a\\n") OUT("bc\\n") OUT("\\n") OUT("d"));
}

static void streams_keep_their_lines_apart(void **state)
{
    Fixture *fixture = *state;

    open_log(fixture, NULL);
    put(fixture, "out");
    assert_true(log_writer_write(fixture->writer, LOG_STREAM_STDERR, "err\n", 4, NOW));
    put(fixture, "put\n");
    check_file(fixture, JSON_NAME, "{\"log\":\"err\\n" ENDING("stderr") OUT("output\\n"));
}

static void attributes_come_with_each_line(void **state)
{
    Fixture *fixture = *state;

    string_map_set(&fixture->attributes, "tag", "a\"b");
    string_map_set(&fixture->attributes, "unit", "7");
    open_log(fixture, "json-file");
    put(fixture, "x\n");
    check_file(
        fixture, JSON_NAME,
        "{\"log\":\"x\\n\",\"stream\":\"stdout\",\"attrs\":{\"tag\":\"a\\\"b\",\"unit\":\"7\"}"
        ",\"time\":\"2026-01-02T03:04:05Z\"}\n");
}

static void a_long_line_is_kept_in_parts_but_not_inside_a_character(void **state)
{
    Fixture *fixture = *state;
    _cleanup_string_buffer_ StringBuffer line = {}, expected = {};
    _cleanup_free_ char *twice = NULL;

    for (size_t i = 0; i < LOG_LINE_MAX - 1; i++)
        string_buffer_add_char(&line, 'x');
    string_buffer_printf(&expected, "{\"log\":\"%s" ENDING("stdout"), line.data);
    string_buffer_add(&expected, OUT("\u00e9y\\n"));
    string_buffer_add(&line, "\u00e9y\n");

    open_log(fixture, NULL);
    put(fixture, string_buffer_get(&line));
    check_file(fixture, JSON_NAME, string_buffer_get(&expected));

    /* the same, its bytes arriving one by one */
    twice = memory_printf("%s%s", expected.data, expected.data);
    for (size_t i = 0; i < line.length; i++)
        assert_true(log_writer_write(fixture->writer, LOG_STREAM_STDOUT, line.data + i, 1, NOW));
    check_file(fixture, JSON_NAME, twice);
}

static void text_is_escaped_as_docker_does(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { "plain text of more than a word", "plain text of more than a word" },
        { "\"\\\r\t\x01\x7f", "\\\"\\\\\\r\\u0009\\u0001\x7f" },
        { "<a href='x'>&</a>", "\\u003ca href='x'\\u003e\\u0026\\u003c/a\\u003e" },
        { "gr\u00fc\u00dfe \u20ac \U0001f600", "gr\u00fc\u00dfe \u20ac \U0001f600" },
        { "a\u2028b\u2029", "a\\u2028b\\u2029" },
        { "\xff", "\\ufffd" },
        { "12345678\xe2\x82", "12345678\\ufffd\\ufffd" },
        { "\xc0\x80", "\\ufffd\\ufffd" },
        { "\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd" },
        { "1234567\u20ac"
          "12345678\xf4\x90\x80\x80",
          "1234567\u20ac"
          "12345678\\ufffd\\ufffd\\ufffd\\ufffd" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char escaped[512];
        size_t length = log_json_escape(escaped, cases[i].text, strlen(cases[i].text));

        escaped[length] = '\0';
        assert_string_equal(escaped, cases[i].expected);
    }
}

static void each_byte_is_escaped_alike_wherever_it_stands(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        char alone[8], text[16], escaped[128];
        size_t length;

        text[0] = (char)byte;
        length = log_json_escape(alone, text, 1);
        for (size_t place = 0; place < sizeof(text); place++) {
            memset(text, 'a', sizeof(text));
            text[place] = (char)byte;
            assert_int_equal(log_json_escape(escaped, text, sizeof(text)),
                             sizeof(text) - 1 + length);
            assert_memory_equal(escaped + place, alone, length);
        }
    }
}

static void a_full_file_is_renamed_and_the_oldest_is_dropped(void **state)
{
    Fixture *fixture = *state;

    string_map_set(&fixture->options, "max-size", "60b");
    string_map_set(&fixture->options, "max-file", "2");
    open_log(fixture, NULL);
    put(fixture, "1\n2\n3\n");
    check_file(fixture, JSON_NAME, OUT("3\\n"));
    check_file(fixture, JSON_NAME ".1", OUT("2\\n"));
    assert_int_equal(faccessat(fixture->directory_fd, JSON_NAME ".2", F_OK, 0), -1);
}

static void a_single_file_is_replaced(void **state)
{
    Fixture *fixture = *state;
    struct stat before, after;

    string_map_set(&fixture->options, "max-size", "60b");
    string_map_set(&fixture->options, "max-file", "1");
    open_log(fixture, NULL);
    put(fixture, "1\n");
    assert_int_equal(fstatat(fixture->directory_fd, JSON_NAME, &before, 0), 0);
    put(fixture, "2\n");
    assert_int_equal(fstatat(fixture->directory_fd, JSON_NAME, &after, 0), 0);
    check_file(fixture, JSON_NAME, OUT("2\\n"));
    assert_int_equal(faccessat(fixture->directory_fd, JSON_NAME ".1", F_OK, 0), -1);
}

static void a_log_goes_on_where_it_was_and_a_torn_end_is_cut_off(void **state)
{
    Fixture *fixture = *state;

    assert_int_equal(file_write_at(fixture->directory_fd, JSON_NAME, OUT("1\\n") "{\"lo",
                                   strlen(OUT("1\\n")) + 4, 0600, 0),
                     0);
    open_log(fixture, NULL);
    put(fixture, "2\n");
    check_file(fixture, JSON_NAME, OUT("1\\n") OUT("2\\n"));
}

/* A limit to the file's size stands for a full disk: the write that crosses it is cut short. */
static void what_is_lost_is_said_and_no_line_is_torn(void **state)
{
    Fixture *fixture = *state;
    struct rlimit old, full;

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    full = (struct rlimit) { .rlim_cur = strlen(OUT("1\\n")) + 10, .rlim_max = old.rlim_max };
    open_log(fixture, NULL);
    put(fixture, "1\n");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    put(fixture, "lost\n");
    put(fixture, "m\xff\u2028<\n");
    check_file(fixture, JSON_NAME, OUT("1\\n"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    put(fixture, "2\n");
    check_file(fixture, JSON_NAME,
               OUT("1\\n") "{\"log\":\"[cay: 12 bytes of output are missing here: File too "
                           "large]\\n" ENDING("stderr") OUT("2\\n"));
}

static void what_fits_of_several_lines_stays(void **state)
{
    Fixture *fixture = *state;
    struct rlimit old, full;

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    full = (struct rlimit) { .rlim_cur = strlen(OUT("1\\n")) + 10, .rlim_max = old.rlim_max };
    open_log(fixture, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    put(fixture, "1\n22\n");
    check_file(fixture, JSON_NAME, OUT("1\\n"));
    put(fixture, "4444\n");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    put(fixture, "2\n");
    check_file(fixture, JSON_NAME,
               OUT("1\\n") "{\"log\":\"[cay: 8 bytes of output are missing here: File too "
                           "large]\\n" ENDING("stderr") OUT("2\\n"));
}

static void note_taken(void *data)
{
    *(bool *)data = true;
}

static void a_receiver_that_takes_nothing_is_waited_for_as_long_as_there_is_patience(void **state)
{
    static const char chunk[] = "a line of some length\n";
    Fixture *fixture = *state;
    _cleanup_close_ int receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    _cleanup_(event_loop_freep) EventLoop *loop = NULL;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    _cleanup_free_ char *url = memory_printf("unixgram://%s/socket", fixture->path);
    bool is_taken = false;
    LogTarget target = { .container = "cafe",
                         .driver = "syslog",
                         .options = &fixture->options,
                         .directory_fd = fixture->directory_fd,
                         .on_taken = note_taken,
                         .data = &is_taken };

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", fixture->path);
    assert_int_equal(bind(receiver, (struct sockaddr *)&address, sizeof(address)), 0);
    string_map_set(&fixture->options, "syslog-address", url);
    assert_int_equal(event_loop_new(&loop), 0);
    target.loop = loop;
    assert_int_equal(log_writer_open(&target, &fixture->writer, NULL), 0);

    while (log_writer_write(fixture->writer, LOG_STREAM_STDOUT, chunk, strlen(chunk), NOW))
        ; /* until its queue is full */
    assert_false(is_taken);
    log_writer_set_patience(fixture->writer, false);
    assert_true(is_taken);
    assert_true(log_writer_write(fixture->writer, LOG_STREAM_STDOUT, chunk, strlen(chunk), NOW));
    log_writer_set_patience(fixture->writer, true);
    assert_false(log_writer_write(fixture->writer, LOG_STREAM_STDOUT, chunk, strlen(chunk), NOW));
    log_writer_free(TAKE_PTR(fixture->writer));
}

static void the_local_format_is_time_and_text(void **state)
{
    Fixture *fixture = *state;

    open_log(fixture, "local");
    put(fixture, "a \xff\"\nrest");
    assert_true(log_writer_write(fixture->writer, LOG_STREAM_STDERR, "b\n", 2, 255));
    assert_true(log_writer_finish(fixture->writer, NOW));
    check_file(fixture, "container.log",
               "1886caf21c963200oa \xff\"\n00000000000000ffeb\n1886caf21c963200Orest\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_line_is_one_object_wherever_its_chunks_end),
        TEST(streams_keep_their_lines_apart),
        TEST(attributes_come_with_each_line),
        TEST(a_long_line_is_kept_in_parts_but_not_inside_a_character),
        TEST(text_is_escaped_as_docker_does),
        TEST(each_byte_is_escaped_alike_wherever_it_stands),
        TEST(a_full_file_is_renamed_and_the_oldest_is_dropped),
        TEST(a_single_file_is_replaced),
        TEST(a_log_goes_on_where_it_was_and_a_torn_end_is_cut_off),
        TEST(what_is_lost_is_said_and_no_line_is_torn),
        TEST(what_fits_of_several_lines_stays),
        TEST(a_receiver_that_takes_nothing_is_waited_for_as_long_as_there_is_patience),
        TEST(the_local_format_is_time_and_text),
    };

    return cmocka_run_group_tests_name("log-writer", tests, NULL, NULL);
}
