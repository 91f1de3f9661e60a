/* SPDX-License-Identifier: Apache-2.0 */

/* Sinks: they never block, never change what others share, and survive a reader that goes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "supervisor/relay-private.h"

/* More than any pipe or socket holds by default. */
#define LARGE ((size_t)4 * 1024 * 1024)

typedef struct Fixture {
    EventLoop *loop;
    RelaySink sink;
    int ends[2]; /* reading, writing */
    bool is_flushed;
} Fixture;

static int on_writable(EventSource *source, int fd, uint32_t events, void *data)
{
    Fixture *fixture = data;

    (void)source;
    (void)fd;
    (void)events;
    fixture->is_flushed = relay_sink_flush(&fixture->sink);
    event_loop_quit(fixture->loop, 0);
    return 0;
}

static Fixture *fixture_new(void)
{
    Fixture *fixture = NEW(Fixture);

    fixture->ends[0] = fixture->ends[1] = -EBADF;
    fixture->sink.fd = -EBADF;
    assert_int_equal(event_loop_new(&fixture->loop), 0);
    return fixture;
}

static int pipe_set_up(void **state)
{
    Fixture *fixture = fixture_new();

    *state = fixture;
    (void)signal(SIGPIPE, SIG_IGN);
    return pipe2(fixture->ends, O_CLOEXEC);
}

static int socket_set_up(void **state)
{
    Fixture *fixture = fixture_new();

    *state = fixture;
    (void)signal(SIGPIPE, SIG_IGN);
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fixture->ends);
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;

    relay_sink_close(&fixture->sink);
    event_loop_free(fixture->loop);
    fd_close(fixture->ends[0]);
    fd_close(fixture->ends[1]);
    free(fixture);
    return 0;
}

static void sink_open(Fixture *fixture, int fd)
{
    assert_int_equal(relay_sink_open(&fixture->sink, fixture->loop, fd, on_writable, fixture), 0);
}

/* The suite runs this on what can be opened anew (a pipe) and on what cannot (a socket). */
static void test_what_does_not_fit_is_held_and_written_as_the_reader_reads(void **state)
{
    Fixture *fixture = *state;
    _cleanup_free_ char *data = NEW_ARRAY(char, LARGE);
    _cleanup_free_ char *received = NEW_ARRAY(char, LARGE);
    size_t size = 0;

    for (size_t i = 0; i < LARGE; i++)
        data[i] = (char)(i * 31 + i / 4096);
    sink_open(fixture, fixture->ends[1]);
    assert_false(relay_sink_write(&fixture->sink, data, LARGE));
    while (size < LARGE) {
        ssize_t n = read(fixture->ends[0], received + size, LARGE - size);

        assert_true(n > 0);
        size += (size_t)n;
        if (!fixture->is_flushed)
            assert_int_equal(event_loop_run(fixture->loop), 0);
    }
    assert_true(fixture->is_flushed);
    assert_memory_equal(received, data, LARGE);
}

static void test_the_users_descriptor_keeps_its_flags(void **state)
{
    Fixture *fixture = *state;
    int flags = fcntl(fixture->ends[1], F_GETFL);

    sink_open(fixture, fixture->ends[1]);
    assert_true(relay_sink_write(&fixture->sink, "x", 1));
    assert_int_equal(fcntl(fixture->ends[1], F_GETFL), flags);
}

static void test_output_that_nobody_reads_is_discarded(void **state)
{
    Fixture *fixture = *state;

    sink_open(fixture, fixture->ends[1]);
    fixture->ends[0] = fd_close(fixture->ends[0]);
    assert_true(relay_sink_write(&fixture->sink, "x", 1));
    assert_true(relay_sink_write(&fixture->sink, "y", 1));
}

static void test_a_reader_that_goes_lets_go_of_what_is_held(void **state)
{
    Fixture *fixture = *state;
    _cleanup_free_ char *data = NEW_ARRAY(char, LARGE);

    sink_open(fixture, fixture->ends[1]);
    assert_false(relay_sink_write(&fixture->sink, data, LARGE));
    fixture->ends[0] = fd_close(fixture->ends[0]);
    assert_int_equal(event_loop_run(fixture->loop), 0);
    assert_true(fixture->is_flushed);
}

static void test_a_file_is_written_where_others_left_off(void **state)
{
    Fixture *fixture = *state;
    char path[] = "/tmp/relay-sink-XXXXXX", content[8] = "";
    _cleanup_close_ int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(write(fd, "ab", 2), 2);
    sink_open(fixture, fd);
    assert_true(relay_sink_write(&fixture->sink, "cd", 2));
    assert_int_equal(write(fd, "ef", 2), 2);
    assert_int_equal(pread(fd, content, sizeof(content), 0), 6);
    assert_string_equal(content, "abcdef");
}

static void test_no_descriptor_takes_everything(void **state)
{
    Fixture *fixture = *state;

    sink_open(fixture, -EBADF);
    assert_true(relay_sink_write(&fixture->sink, "x", 1));
}

#define PIPE_TEST(test) cmocka_unit_test_setup_teardown(test, pipe_set_up, tear_down)
#define SOCKET_TEST(test)                                                                          \
    {                                                                                              \
#test "_(socket)", test, socket_set_up, tear_down, NULL                                    \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        PIPE_TEST(test_what_does_not_fit_is_held_and_written_as_the_reader_reads),
        SOCKET_TEST(test_what_does_not_fit_is_held_and_written_as_the_reader_reads),
        PIPE_TEST(test_the_users_descriptor_keeps_its_flags),
        SOCKET_TEST(test_the_users_descriptor_keeps_its_flags),
        PIPE_TEST(test_output_that_nobody_reads_is_discarded),
        SOCKET_TEST(test_output_that_nobody_reads_is_discarded),
        PIPE_TEST(test_a_reader_that_goes_lets_go_of_what_is_held),
        SOCKET_TEST(test_a_reader_that_goes_lets_go_of_what_is_held),
        PIPE_TEST(test_a_file_is_written_where_others_left_off),
        PIPE_TEST(test_no_descriptor_takes_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
