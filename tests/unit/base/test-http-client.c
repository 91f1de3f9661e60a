/* SPDX-License-Identifier: Apache-2.0 */

/* Requests to a server that is a child of the test, and does what no good one would. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/http-client.h"
#include "base/memory.h"
#include "base/socket.h"
#include "base/time-format.h"
#include "scratch.h"

#define SOCKET_NAME "server"
#define LONG (60 * NANOSECONDS_PER_SECOND)
#define SHORT (NANOSECONDS_PER_SECOND / 20)

static const HttpRequest request = {
    .path = "/Some.Method",
    .host = "plugin",
    .content_type = "application/json",
    .body = "{\"a\":1}",
};

/* What the server does with a connection. */
typedef struct Behaviour {
    const char *answer;
    bool stays; /* does not close it */
} Behaviour;

static void read_request(int fd)
{
    static const char expected[] = "POST /Some.Method HTTP/1.1\r\nHost: plugin\r\n";
    char data[4096] = "";
    size_t size = 0;

    while (!strstr(data, "\r\n\r\n{\"a\":1}")) {
        ssize_t n = read(fd, data + size, sizeof(data) - 1 - size);

        if (n <= 0)
            _exit(2);
        size += (size_t)n;
    }
    if (strncmp(data, expected, strlen(expected)) != 0 ||
        !strstr(data, "\r\nContent-Length: 7\r\n"))
        _exit(3);
}

static pid_t serve(int listen_fd, const Behaviour *behaviour)
{
    pid_t pid = fork();
    int fd;

    if (pid != 0)
        return pid;
    (void)fcntl(listen_fd, F_SETFL, 0); /* waits for the connection */
    fd = accept(listen_fd, NULL, NULL);
    if (fd < 0)
        _exit(1);
    read_request(fd);
    if (behaviour->answer && fd_write_all(fd, behaviour->answer, strlen(behaviour->answer)) < 0)
        _exit(4);
    if (behaviour->stays) {
        char byte;

        (void)!read(fd, &byte, 1); /* until the client goes */
    }
    _exit(EXIT_SUCCESS);
}

static int exchange(const Scratch *scratch, const Behaviour *behaviour, int64_t timeout,
                    HttpResponse *ret, Error *err)
{
    _cleanup_close_ int listen_fd = socket_listen_stream_at(scratch->fd, SOCKET_NAME, 4);
    _cleanup_free_ char *path = memory_printf("%s/" SOCKET_NAME, scratch->path);
    int status, r;
    pid_t pid;

    assert_true(listen_fd >= 0);
    pid = serve(listen_fd, behaviour);
    r = http_post(path, &request, timeout, ret, err);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(unlinkat(scratch->fd, SOCKET_NAME, 0), 0);
    return r;
}

static void an_answer_is_waited_for_but_not_the_end_of_the_connection(void **state)
{
    const Behaviour behaviour = { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", true };
    _cleanup_http_response_ HttpResponse response = {};

    assert_int_equal(exchange(*state, &behaviour, LONG, &response, NULL), 0);
    assert_int_equal(response.status, 200);
    assert_string_equal(response.body, "{}");
}

static void an_error_is_an_answer(void **state)
{
    const Behaviour behaviour = { "HTTP/1.1 500 Oh\r\n\r\nno", false };
    _cleanup_http_response_ HttpResponse response = {};

    assert_int_equal(exchange(*state, &behaviour, LONG, &response, NULL), 0);
    assert_int_equal(response.status, 500);
    assert_string_equal(response.body, "no");
}

static void what_is_no_answer_says_so(void **state)
{
    static const struct {
        Behaviour behaviour;
        const char *message;
    } cases[] = {
        { { NULL, false }, "the answer is no HTTP/1.1, or was cut short" },
        { { "SSH-2.0-x\r\n", true }, "the answer is no HTTP/1.1, or was cut short" },
        { { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", false },
          "the answer is no HTTP/1.1, or was cut short" },
        { { "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{}", true },
          "the answer is too long" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_http_response_ HttpResponse response = {};
        _cleanup_error_ Error err = {};

        assert_true(exchange(*state, &cases[i].behaviour, LONG, &response, &err) < 0);
        assert_int_equal(err.kind, ERROR_UNAVAILABLE);
        assert_string_equal(error_message(&err), cases[i].message);
    }
}

static void who_does_not_answer_is_given_up(void **state)
{
    static const Behaviour behaviours[] = {
        { NULL, true },
        { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", true },
    };

    for (size_t i = 0; i < ARRAY_SIZE(behaviours); i++) {
        _cleanup_http_response_ HttpResponse response = {};
        _cleanup_error_ Error err = {};

        assert_true(exchange(*state, &behaviours[i], SHORT, &response, &err) < 0);
        assert_int_equal(err.kind, ERROR_UNAVAILABLE);
        assert_string_equal(error_message(&err), "no answer within 0 seconds");
    }
}

static void nobody_there_is_not_found_and_nobody_listening_unavailable(void **state)
{
    const Scratch *scratch = *state;
    _cleanup_free_ char *path = memory_printf("%s/" SOCKET_NAME, scratch->path);
    _cleanup_http_response_ HttpResponse response = {};
    _cleanup_error_ Error err = {};
    int fd;

    assert_true(http_post(path, &request, LONG, &response, &err) < 0);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    error_done(&err);
    fd = socket_listen_stream_at(scratch->fd, SOCKET_NAME, 4);
    assert_true(fd >= 0);
    fd_close(fd);
    assert_true(http_post(path, &request, LONG, &response, &err) < 0);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
}

static void who_accepts_nobody_is_given_up(void **state)
{
    const Scratch *scratch = *state;
    _cleanup_close_ int fd = socket_listen_stream_at(scratch->fd, SOCKET_NAME, 0);
    _cleanup_free_ char *path = memory_printf("%s/" SOCKET_NAME, scratch->path);

    assert_true(fd >= 0);
    for (int i = 0; i < 3; i++) { /* the first ones still find a place in the queue */
        _cleanup_http_response_ HttpResponse response = {};
        _cleanup_error_ Error err = {};

        assert_true(http_post(path, &request, SHORT, &response, &err) < 0);
        assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(an_answer_is_waited_for_but_not_the_end_of_the_connection),
        scratch_test(an_error_is_an_answer),
        scratch_test(what_is_no_answer_says_so),
        scratch_test(who_does_not_answer_is_given_up),
        scratch_test(nobody_there_is_not_found_and_nobody_listening_unavailable),
        scratch_test(who_accepts_nobody_is_given_up),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
