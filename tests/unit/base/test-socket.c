/* SPDX-License-Identifier: Apache-2.0 */

/* Messages with descriptors; sockets below a directory of any path length. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/socket.h"
#include "scratch.h"

static void messages_keep_their_bounds_and_descriptors(void **state)
{
    int pair[2], sent[2] = { 0, 1 }, received[3];
    char data[16];

    (void)state;
    assert_int_equal(socket_pair(pair), 0);
    assert_int_equal(socket_send(pair[0], "one", 3, sent, 2), 0);
    assert_int_equal(socket_send(pair[0], "three", 5, NULL, 0), 0);
    assert_int_equal(socket_receive(pair[1], data, sizeof(data), received, 3), 3);
    assert_memory_equal(data, "one", 3);
    assert_true(received[0] >= 0 && received[1] >= 0);
    assert_int_equal(received[2], -EBADF);
    assert_int_equal(fcntl(received[1], F_GETFD), FD_CLOEXEC);
    fd_close(received[0]);
    fd_close(received[1]);
    assert_int_equal(socket_receive(pair[1], data, sizeof(data), received, 3), 5);
    assert_int_equal(received[0], -EBADF);
    fd_close(pair[0]);
    assert_int_equal(socket_receive(pair[1], data, sizeof(data), NULL, 0), 0);
    fd_close(pair[1]);
}

static int lowest_free_fd(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    fd_close(fd);
    return fd;
}

static void surplus_descriptors_do_not_leak(void **state)
{
    int pair[2], sent[3] = { 0, 1, 2 }, received[1], before;
    char data[4];

    (void)state;
    assert_int_equal(socket_pair(pair), 0);
    before = lowest_free_fd();
    assert_int_equal(socket_send(pair[0], "x", 1, sent, 3), 0);
    assert_int_equal(socket_receive(pair[1], data, sizeof(data), received, 1), 1);
    fd_close(received[0]);
    assert_int_equal(lowest_free_fd(), before);
    assert_int_equal(socket_send(pair[0], "too long", 8, sent, 1), 0);
    assert_int_equal(socket_receive(pair[1], data, sizeof(data), received, 1), -EMSGSIZE);
    assert_int_equal(received[0], -EBADF);
    assert_int_equal(lowest_free_fd(), before);
    fd_close(pair[0]);
    fd_close(pair[1]);
}

static void a_socket_lies_below_any_directory(void **state)
{
    Scratch *scratch = *state;
    _cleanup_close_ int directory = -EBADF, listener = -EBADF, client = -EBADF;
    char name[200];

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    directory = path_open_directory(scratch->fd, name, 0700);
    assert_int_equal(socket_connect_at(directory, "s"), -ENOENT);
    listener = socket_listen_at(directory, "s", 8);
    assert_true(listener >= 0);
    client = socket_connect_at(directory, "s");
    assert_true(client >= 0);
    listener = fd_close(listener);
    fd_close(socket_connect_at(directory, "s"));
    assert_int_equal(socket_connect_at(directory, "s"), -ECONNREFUSED);
}

static void what_is_closed_behind_us_is_closed(void **state)
{
    int pipe_fds[2], before;
    char data;

    (void)state;
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    before = lowest_free_fd();
    socket_close_behind(pipe_fds[1]);
    assert_int_equal(lowest_free_fd(), pipe_fds[1] < before ? pipe_fds[1] : before);
    assert_int_equal(read(pipe_fds[0], &data, 1), 0); /* waits for the end of the other side */
    fd_close(pipe_fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_keep_their_bounds_and_descriptors),
        cmocka_unit_test(surplus_descriptors_do_not_leak),
        cmocka_unit_test(what_is_closed_behind_us_is_closed),
        scratch_test(a_socket_lies_below_any_directory),
    };

    return cmocka_run_group_tests_name("socket", tests, NULL, NULL);
}
