/* SPDX-License-Identifier: Apache-2.0 */

/* The event loop: descriptors, signals, timers, and sources that free each other. */

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/event-loop.h"
#include "base/fd.h"
#include "base/time-format.h"
#include "scratch.h"

typedef struct Pipes {
    EventLoop *loop;
    EventSource *sources[2];
    int fds[2][2];
    int calls;
} Pipes;

static void pipes_open(Pipes *pipes)
{
    *pipes = (Pipes) {};
    assert_int_equal(event_loop_new(&pipes->loop), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pipe(pipes->fds[i]), 0);
}

static void pipes_close(Pipes *pipes)
{
    event_loop_free(pipes->loop);
    for (int i = 0; i < 2; i++) {
        fd_close(pipes->fds[i][0]);
        fd_close(pipes->fds[i][1]);
    }
}

static int read_and_quit(EventSource *source, int fd, uint32_t events, void *data)
{
    Pipes *pipes = data;
    char byte;

    (void)source;
    assert_true(events & EPOLLIN);
    assert_int_equal(read(fd, &byte, 1), 1);
    pipes->calls++;
    event_loop_quit(pipes->loop, byte);
    return 0;
}

static void a_readable_descriptor_calls_back(void **state)
{
    Pipes pipes;

    (void)state;
    pipes_open(&pipes);
    assert_int_equal(
        event_loop_add_fd(pipes.loop, pipes.fds[0][0], EPOLLIN, read_and_quit, &pipes, NULL), 0);
    assert_int_equal(write(pipes.fds[0][1], "A", 1), 1);
    assert_int_equal(event_loop_run(pipes.loop), 'A');
    pipes_close(&pipes);
}

static int fail_with_eio(EventSource *source, int fd, uint32_t events, void *data)
{
    (void)source;
    (void)fd;
    (void)events;
    (void)data;
    return -EIO;
}

static void a_failing_handler_ends_the_loop(void **state)
{
    Pipes pipes;

    (void)state;
    pipes_open(&pipes);
    assert_int_equal(
        event_loop_add_fd(pipes.loop, pipes.fds[0][1], EPOLLOUT, fail_with_eio, NULL, NULL), 0);
    assert_int_equal(event_loop_run(pipes.loop), -EIO);
    pipes_close(&pipes);
}

/* Whichever of the two is called first frees the other, which is ready too. */
static int free_the_other(EventSource *source, int fd, uint32_t events, void *data)
{
    Pipes *pipes = data;

    (void)fd;
    (void)events;
    pipes->calls++;
    event_source_free(pipes->sources[source == pipes->sources[0]]);
    event_source_free(source);
    return 0;
}

static int quit(EventSource *source, void *data)
{
    (void)source;
    event_loop_quit(data, 0);
    return 0;
}

static void a_source_freed_in_the_same_round_is_not_called(void **state)
{
    Pipes pipes;

    (void)state;
    pipes_open(&pipes);
    for (int i = 0; i < 2; i++)
        assert_int_equal(event_loop_add_fd(pipes.loop, pipes.fds[i][1], EPOLLOUT, free_the_other,
                                           &pipes, &pipes.sources[i]),
                         0);
    assert_int_equal(
        event_loop_add_timer(pipes.loop, time_monotonic() + 20000000, quit, pipes.loop, NULL), 0);
    assert_int_equal(event_loop_run(pipes.loop), 0);
    assert_int_equal(pipes.calls, 1);
    pipes_close(&pipes);
}

static void a_paused_source_is_silent_even_when_hung_up(void **state)
{
    Pipes pipes;

    (void)state;
    pipes_open(&pipes);
    assert_int_equal(event_loop_add_fd(pipes.loop, pipes.fds[0][0], EPOLLIN, fail_with_eio, NULL,
                                       &pipes.sources[0]),
                     0);
    assert_int_equal(event_source_set_events(pipes.sources[0], 0), 0);
    pipes.fds[0][1] = fd_close(pipes.fds[0][1]);
    assert_int_equal(
        event_loop_add_timer(pipes.loop, time_monotonic() + 20000000, quit, pipes.loop, NULL), 0);
    assert_int_equal(event_loop_run(pipes.loop), 0);
    assert_int_equal(event_source_set_events(pipes.sources[0], EPOLLIN), 0);
    assert_int_equal(event_loop_run(pipes.loop), -EIO);
    pipes_close(&pipes);
}

static int note_signal(EventSource *source, const siginfo_t *info, void *data)
{
    Pipes *pipes = data;

    (void)source;
    assert_int_equal(info->si_pid, getpid());
    event_loop_quit(pipes->loop, info->si_signo);
    return 0;
}

static void signals_arrive_in_the_loop(void **state)
{
    Pipes pipes;

    (void)state;
    pipes_open(&pipes);
    assert_int_equal(event_loop_add_signal(pipes.loop, SIGUSR1, note_signal, &pipes, NULL), 0);
    assert_int_equal(event_loop_add_signal(pipes.loop, SIGUSR2, note_signal, &pipes, NULL), 0);
    assert_int_equal(kill(getpid(), SIGUSR2), 0);
    assert_int_equal(event_loop_run(pipes.loop), SIGUSR2);
    pipes_close(&pipes);
}

static void a_timer_fires_not_before_its_time(void **state)
{
    _cleanup_(event_loop_freep) EventLoop *loop = NULL;
    int64_t deadline = time_monotonic() + 5000000;

    (void)state;
    assert_int_equal(event_loop_new(&loop), 0);
    assert_int_equal(event_loop_add_timer(loop, deadline, quit, loop, NULL), 0);
    assert_int_equal(event_loop_run(loop), 0);
    assert_true(time_monotonic() >= deadline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_readable_descriptor_calls_back),
        cmocka_unit_test(a_failing_handler_ends_the_loop),
        cmocka_unit_test(a_source_freed_in_the_same_round_is_not_called),
        cmocka_unit_test(a_paused_source_is_silent_even_when_hung_up),
        cmocka_unit_test(signals_arrive_in_the_loop),
        cmocka_unit_test(a_timer_fires_not_before_its_time),
    };

    return cmocka_run_group_tests_name("event-loop", tests, NULL, NULL);
}
