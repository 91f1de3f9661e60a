/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The shim's streams between peers and a container, whose ends the test holds: what is bounded, who
 * waits for whom, and who is not waited for. The container and its states are stood in for.
 */

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
#include "base/socket.h"
#include "supervisor/shim-private.h"

#define N_CLIENTS 2

typedef struct Fixture {
    Shim shim;
    int container[3];       /* the container's ends of its standard descriptors */
    int clients[N_CLIENTS]; /* the clients' ends of their connections */
    Peer *peers[N_CLIENTS];
    bool is_idle;
    uint8_t buffer[SHIM_MESSAGE_MAX];
} Fixture;

pid_t run_pid(const Shim *shim)
{
    (void)shim;
    return 1;
}

void run_set_window(Shim *shim, const ShimWindow *window)
{
    (void)shim;
    (void)window;
}

int run_pidfd(const Shim *shim)
{
    (void)shim;
    return -EBADF;
}

Cgroup *run_cgroup(const Shim *shim)
{
    (void)shim;
    return NULL;
}

void shim_start(Shim *shim)
{
    shim->state = SHIM_RUNNING;
}

void shim_advance(Shim *shim)
{
    (void)shim;
}

static int on_idle(EventSource *source, void *data)
{
    Fixture *fixture = data;

    (void)source;
    event_loop_quit(fixture->shim.loop, 0);
    return 0;
}

/* A round handles one message of each descriptor; no test has as many under way. */
#define ROUNDS_UNTIL_IDLE 200

/* Dispatch all that is ready. An expired timer is ready as well, so the loop never waits. */
static void dispatch(Fixture *fixture)
{
    for (int round = 0; round < ROUNDS_UNTIL_IDLE; round++) {
        EventSource *timer;

        assert_int_equal(event_loop_add_timer(fixture->shim.loop, 0, on_idle, fixture, &timer), 0);
        assert_int_equal(event_loop_run(fixture->shim.loop), 0);
        event_source_free(timer);
    }
}

static void pipe_make(int our_end, int *ours, int *containers)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    *ours = ends[our_end];
    *containers = ends[!our_end];
}

static int set_up(void **state)
{
    Fixture *fixture = NEW(Fixture);
    Shim *shim = &fixture->shim;

    (void)signal(SIGPIPE, SIG_IGN);
    shim->state = SHIM_RUNNING;
    shim->settings.stdin_once = true;
    shim->terminal_fd = shim->listen_fd = -EBADF;
    assert_int_equal(event_loop_new(&shim->loop), 0);
    pipe_make(1, &shim->input.fd, &fixture->container[0]);
    pipe_make(0, &shim->output.streams[0].fd, &fixture->container[1]);
    pipe_make(0, &shim->output.streams[1].fd, &fixture->container[2]);
    assert_int_equal(output_watch(shim), 0);
    assert_int_equal(input_watch(shim), 0);
    for (size_t i = 0; i < N_CLIENTS; i++) {
        int ends[2];

        assert_int_equal(socket_pair(ends), 0);
        fixture->clients[i] = ends[0];
        assert_int_equal(fd_set_nonblock(ends[0], true), 0);
        assert_int_equal(fd_set_nonblock(ends[1], true), 0);
        assert_int_equal(peer_add(shim, ends[1], &fixture->peers[i]), 0);
        fixture->peers[i]->streams = SHIM_STREAM_INPUT | SHIM_STREAM_OUTPUT;
    }
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;

    while (fixture->shim.peers)
        peer_drop(fixture->shim.peers);
    output_done(&fixture->shim);
    input_close(&fixture->shim);
    event_loop_free(fixture->shim.loop);
    free(fixture->shim.exit_text);
    for (size_t i = 0; i < ARRAY_SIZE(fixture->container); i++)
        fd_close(fixture->container[i]);
    for (size_t i = 0; i < N_CLIENTS; i++)
        fd_close(fixture->clients[i]);
    free(fixture);
    return 0;
}

/* The next message of client @i, or SHIM_MESSAGE_NONE when there is none. */
static ShimMessage hear(Fixture *fixture, size_t i)
{
    ShimMessage message = {};

    if (shim_message_receive(fixture->clients[i], fixture->buffer, &message) <= 0)
        message = (ShimMessage) {};
    return message;
}

static void say(const Fixture *fixture, size_t i, ShimMessageType type, const char *tail,
                size_t size)
{
    const ShimMessage message = { .type = type, .tail = tail, .tail_size = size };

    assert_int_equal(shim_message_send(fixture->clients[i], &message), 0);
}

static void say_data(Fixture *fixture, size_t i, size_t size)
{
    memset(fixture->buffer, 'a' + (int)i, sizeof(fixture->buffer));
    fixture->buffer[0] = SHIM_MESSAGE_STDIN;
    assert_int_equal(socket_send(fixture->clients[i], fixture->buffer, 1 + size, NULL, 0), 0);
}

/* Write and dispatch until the container would block. Returns how much it got rid of. */
static size_t container_writes(Fixture *fixture, size_t limit)
{
    static const char zeros[4096];
    size_t size = 0;

    for (ssize_t n; size < limit; size += (size_t)n) {
        n = write(fixture->container[1], zeros, sizeof(zeros));
        if (n < 0) {
            dispatch(fixture);
            n = write(fixture->container[1], zeros, sizeof(zeros));
        }
        if (n < 0)
            break;
    }
    return size;
}

static size_t container_reads(const Fixture *fixture, char *ret_last)
{
    char data[4096];
    size_t size = 0;

    for (ssize_t n; (n = read(fixture->container[0], data, sizeof(data))) > 0; size += (size_t)n)
        *ret_last = data[n - 1];
    return size;
}

static void test_output_reaches_every_attached_peer_by_its_stream(void **state)
{
    Fixture *fixture = *state;

    fixture->peers[1]->streams = 0;
    assert_int_equal(write(fixture->container[1], "out", 3), 3);
    dispatch(fixture);
    assert_int_equal(write(fixture->container[2], "err", 3), 3);
    dispatch(fixture);

    assert_int_equal(hear(fixture, 0).type, SHIM_MESSAGE_STDOUT);
    assert_int_equal(hear(fixture, 0).type, SHIM_MESSAGE_STDERR);
    assert_int_equal(hear(fixture, 0).type, SHIM_MESSAGE_NONE);
    assert_int_equal(hear(fixture, 1).type, SHIM_MESSAGE_NONE);
}

static void test_a_peer_that_does_not_read_stops_the_container(void **state)
{
    Fixture *fixture = *state;
    size_t stopped_at = container_writes(fixture, 64U << 20), heard = 0, again;
    ShimMessage message;

    assert_true(stopped_at < 4U << 20);
    assert_int_equal(fixture->shim.output.n_behind, 2);

    /* One of two is not enough. */
    while ((message = hear(fixture, 0)).type != SHIM_MESSAGE_NONE)
        heard += message.tail_size;
    dispatch(fixture);
    assert_int_equal(fixture->shim.output.n_behind, 1);
    assert_int_equal(container_writes(fixture, 1), 0);

    while (hear(fixture, 1).type != SHIM_MESSAGE_NONE)
        ;
    dispatch(fixture);
    again = container_writes(fixture, 64U << 20);
    assert_true(again > 0);
    do {
        while ((message = hear(fixture, 0)).type != SHIM_MESSAGE_NONE)
            heard += message.tail_size;
        while (hear(fixture, 1).type != SHIM_MESSAGE_NONE)
            ;
        dispatch(fixture);
    } while ((message = hear(fixture, 0)).type != SHIM_MESSAGE_NONE &&
             (heard += message.tail_size) > 0);
    assert_int_equal(heard, stopped_at + again);
}

static void test_a_peer_that_goes_is_not_waited_for(void **state)
{
    Fixture *fixture = *state;

    fixture->peers[1]->streams = 0;
    (void)container_writes(fixture, 64U << 20);
    assert_int_equal(fixture->shim.output.n_behind, 1);
    fixture->clients[0] = fd_close(fixture->clients[0]);
    dispatch(fixture);
    assert_int_equal(fixture->shim.output.n_behind, 0);
    assert_int_equal(fixture->shim.n_peers, 1);
    assert_true(container_writes(fixture, 8U << 20) >= 8U << 20);
}

static void test_a_peer_that_is_dropped_while_behind_is_not_waited_for(void **state)
{
    Fixture *fixture = *state;

    fixture->peers[1]->streams = 0;
    (void)container_writes(fixture, 64U << 20);
    assert_int_equal(fixture->shim.output.n_behind, 1);
    say(fixture, 0, SHIM_MESSAGE_CREATED, NULL, 0); /* what only a shim says */
    dispatch(fixture);
    assert_int_equal(fixture->shim.n_peers, 1);
    assert_int_equal(fixture->shim.output.n_behind, 0);
}

static void test_without_peers_output_is_discarded(void **state)
{
    Fixture *fixture = *state;

    while (fixture->shim.peers)
        peer_drop(fixture->shim.peers);
    assert_true(container_writes(fixture, 8U << 20) >= 8U << 20);
}

static void test_at_the_end_only_what_is_there_is_delivered(void **state)
{
    Fixture *fixture = *state;

    assert_int_equal(write(fixture->container[1], "last", 4), 4);
    output_begin_drain(&fixture->shim);
    assert_int_equal(write(fixture->container[1], "later", 5), 5); /* a process that survived */
    assert_true(output_drain(&fixture->shim));
    assert_int_equal(hear(fixture, 0).tail_size, 4);
    assert_int_equal(hear(fixture, 0).type, SHIM_MESSAGE_NONE);
}

static void test_the_end_waits_for_a_slow_peer(void **state)
{
    Fixture *fixture = *state;

    (void)container_writes(fixture, 64U << 20);
    output_begin_drain(&fixture->shim);
    assert_false(output_drain(&fixture->shim));
    for (size_t i = 0; i < N_CLIENTS; i++)
        while (hear(fixture, i).type != SHIM_MESSAGE_NONE)
            ;
    dispatch(fixture);
    assert_true(output_drain(&fixture->shim));
}

static void test_a_peer_hears_its_output_before_the_end(void **state)
{
    Fixture *fixture = *state;
    ShimMessageType last = SHIM_MESSAGE_NONE, type;

    fixture->shim.exit_text = memory_strdup("{}");
    (void)container_writes(fixture, 64U << 20);
    peer_owe(fixture->peers[0], PEER_DEBT_EXIT);
    peer_owe(fixture->peers[0], PEER_DEBT_STDIN_READY);
    for (int i = 0; i < 3; i++) {
        while ((type = hear(fixture, 0).type) != SHIM_MESSAGE_NONE) {
            assert_int_not_equal(last, SHIM_MESSAGE_EXITED);
            last = type;
        }
        dispatch(fixture);
    }
    assert_int_equal(last, SHIM_MESSAGE_EXITED);
}

static void test_input_is_acknowledged_when_the_container_has_it(void **state)
{
    Fixture *fixture = *state;
    char last = 0;

    fixture->peers[1]->streams = 0;
    say_data(fixture, 0, SHIM_DATA_MAX); /* just what a pipe holds */
    dispatch(fixture);
    assert_int_equal(hear(fixture, 0).type, SHIM_MESSAGE_STDIN_READY);

    say_data(fixture, 0, SHIM_DATA_MAX);
    dispatch(fixture);
    assert_int_equal(hear(fixture, 0).type, SHIM_MESSAGE_NONE);
    assert_int_equal(container_reads(fixture, &last), SHIM_DATA_MAX);
    dispatch(fixture);
    assert_int_equal(hear(fixture, 0).type, SHIM_MESSAGE_STDIN_READY);
    assert_int_equal(container_reads(fixture, &last), SHIM_DATA_MAX);
}

static void test_a_peer_that_does_not_wait_its_turn_is_dropped(void **state)
{
    Fixture *fixture = *state;

    say_data(fixture, 1, SHIM_DATA_MAX);
    say_data(fixture, 1, 1);
    dispatch(fixture);
    assert_int_equal(fixture->shim.n_peers, 2);
    say_data(fixture, 1, 1);
    dispatch(fixture);
    assert_int_equal(fixture->shim.n_peers, 1);
}

static void test_input_of_two_peers_is_not_mixed_up(void **state)
{
    Fixture *fixture = *state;
    char last = 0, page[4096];

    say_data(fixture, 0, SHIM_DATA_MAX);
    dispatch(fixture);
    say_data(fixture, 0, 100);
    dispatch(fixture);
    /* There is room again, yet the first peer's turn is not over. */
    assert_int_equal(read(fixture->container[0], page, sizeof(page)), sizeof(page));
    assert_int_equal(input_write(&fixture->shim, fixture->peers[1], "b", 1), 0);
    dispatch(fixture);
    assert_int_equal(container_reads(fixture, &last), SHIM_DATA_MAX - sizeof(page) + 101);
    assert_int_equal(last, 'b');
}

static void test_the_end_of_input_comes_after_its_data(void **state)
{
    Fixture *fixture = *state;
    char last = 0;

    say_data(fixture, 0, SHIM_DATA_MAX);
    dispatch(fixture);
    say_data(fixture, 0, 5);
    dispatch(fixture);
    say(fixture, 0, SHIM_MESSAGE_STDIN_CLOSE, NULL, 0);
    dispatch(fixture);
    assert_int_equal(container_reads(fixture, &last), SHIM_DATA_MAX);
    assert_int_equal(read(fixture->container[0], &last, 1), -1);
    dispatch(fixture);
    assert_int_equal(container_reads(fixture, &last), 5);
    assert_int_equal(read(fixture->container[0], &last, 1), 0);
}

static void test_a_peer_that_goes_ends_the_input_unless_it_is_kept(void **state)
{
    Fixture *fixture = *state;
    char last;

    fixture->shim.settings.stdin_once = false;
    fixture->clients[0] = fd_close(fixture->clients[0]);
    dispatch(fixture);
    assert_int_equal(read(fixture->container[0], &last, 1), -1);
    fixture->shim.settings.stdin_once = true;
    fixture->clients[1] = fd_close(fixture->clients[1]);
    dispatch(fixture);
    assert_int_equal(read(fixture->container[0], &last, 1), 0);
}

static void test_nobody_is_told_to_go_on_once_the_container_has_closed_its_input(void **state)
{
    Fixture *fixture = *state;

    fixture->container[0] = fd_close(fixture->container[0]);
    say_data(fixture, 0, 5);
    dispatch(fixture);
    say_data(fixture, 1, 5);
    dispatch(fixture);
    assert_int_equal(hear(fixture, 0).type, SHIM_MESSAGE_NONE);
    assert_int_equal(hear(fixture, 1).type, SHIM_MESSAGE_NONE);
    assert_int_equal(fixture->shim.n_peers, 2);
}

static void test_who_is_not_the_owner_cannot_start_and_is_dropped(void **state)
{
    Fixture *fixture = *state;

    fixture->shim.state = SHIM_CREATED;
    fixture->shim.owner = fixture->peers[0];
    say(fixture, 1, SHIM_MESSAGE_START, NULL, 0);
    dispatch(fixture);
    assert_int_equal(fixture->shim.state, SHIM_CREATED);
    assert_int_equal(fixture->shim.n_peers, 1);
    say(fixture, 0, SHIM_MESSAGE_START, NULL, 0);
    dispatch(fixture);
    assert_int_equal(fixture->shim.state, SHIM_RUNNING);
}

static void test_what_only_a_shim_says_drops_a_peer(void **state)
{
    Fixture *fixture = *state;

    say(fixture, 0, SHIM_MESSAGE_EXITED, "{}", 2);
    dispatch(fixture);
    assert_int_equal(fixture->shim.n_peers, 1);
}

#define STREAM_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(test_output_reaches_every_attached_peer_by_its_stream),
        STREAM_TEST(test_a_peer_that_does_not_read_stops_the_container),
        STREAM_TEST(test_a_peer_that_goes_is_not_waited_for),
        STREAM_TEST(test_a_peer_that_is_dropped_while_behind_is_not_waited_for),
        STREAM_TEST(test_without_peers_output_is_discarded),
        STREAM_TEST(test_at_the_end_only_what_is_there_is_delivered),
        STREAM_TEST(test_the_end_waits_for_a_slow_peer),
        STREAM_TEST(test_a_peer_hears_its_output_before_the_end),
        STREAM_TEST(test_input_is_acknowledged_when_the_container_has_it),
        STREAM_TEST(test_a_peer_that_does_not_wait_its_turn_is_dropped),
        STREAM_TEST(test_input_of_two_peers_is_not_mixed_up),
        STREAM_TEST(test_the_end_of_input_comes_after_its_data),
        STREAM_TEST(test_a_peer_that_goes_ends_the_input_unless_it_is_kept),
        STREAM_TEST(test_nobody_is_told_to_go_on_once_the_container_has_closed_its_input),
        STREAM_TEST(test_who_is_not_the_owner_cannot_start_and_is_dropped),
        STREAM_TEST(test_what_only_a_shim_says_drops_a_peer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
