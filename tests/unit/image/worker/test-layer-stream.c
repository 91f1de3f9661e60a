/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The stream of one archive: read from a pipe in pieces, hashed to the end, stopped at limits.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "image/worker/layer-stream.h"

#define PIECE ((size_t)100000)
#define PIECES 9

static void write_pieces(int fd)
{
    static const uint8_t zeros[PIECE];

    for (int i = 0; i < PIECES; i++)
        if (fd_write_all(fd, zeros, sizeof(zeros)) < 0)
            _exit(1);
    _exit(fd_write_all(fd, "end", 3) < 0);
}

/* A pipe's end from which PIECES of zeros and "end" come; *ret_pid writes them. */
static int open_pipe(pid_t *ret_pid)
{
    int fds[2];

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    *ret_pid = fork();
    assert_true(*ret_pid >= 0);
    if (*ret_pid == 0) {
        fd_close(fds[0]); /* or it would never hear that nobody reads */
        write_pieces(fds[1]);
    }
    fd_close(fds[1]);
    return fds[0];
}

static Digest expected_digest(void)
{
    static const uint8_t zeros[PIECE];
    DigestState state;

    digest_begin(&state);
    for (int i = 0; i < PIECES; i++)
        digest_add(&state, zeros, sizeof(zeros));
    digest_add(&state, "end", 3);
    return digest_end(&state);
}

static int begin(LayerStream *stream, int fd, const ImageLimits *limits)
{
    const LayerStreamOptions options = { .input_fd = fd, .blob_fd = -EBADF, .limits = limits };

    return layer_stream_init(stream, &options, NULL);
}

static void a_pipe_is_read_to_its_end(void **state)
{
    _cleanup_layer_stream_ LayerStream stream = {};
    _cleanup_unpack_result_ UnpackResult result = {};
    ImageLimits limits = image_limits_default();
    Digest expected = expected_digest();
    pid_t pid;
    _cleanup_close_ int fd = open_pipe(&pid);
    int status;

    (void)state;
    assert_int_equal(begin(&stream, fd, &limits), 0);
    assert_int_equal(layer_stream_drain(&stream, NULL), 0);
    assert_int_equal(stream.input.nonzero_end, PIECES * PIECE + 3);
    assert_int_equal(layer_stream_finish(&stream, &(UnpackOptions) {}, &result, NULL), 0);
    assert_int_equal(result.diff_size, PIECES * PIECE + 3);
    assert_true(digest_equal(&result.diff_id, &expected));
    assert_true(digest_equal(&result.blob_digest, &expected));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void the_byte_beyond_the_limit_stops_the_stream(void **state)
{
    ImageLimits limits = image_limits_default();

    (void)state;
    for (int beyond = 0; beyond <= 1; beyond++) {
        _cleanup_layer_stream_ LayerStream stream = {};
        _cleanup_error_ Error err = {};
        pid_t pid;
        _cleanup_close_ int fd = open_pipe(&pid);

        limits.max_bytes = (int64_t)(PIECES * PIECE) + 3 - beyond;
        assert_int_equal(begin(&stream, fd, &limits), 0);
        assert_int_equal(layer_stream_drain(&stream, &err), beyond ? -ENOSPC : 0);
        assert_int_equal(err.kind, beyond ? ERROR_EXHAUSTED : ERROR_NONE);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }
}

static void a_stream_that_failed_goes_on_failing(void **state)
{
    _cleanup_layer_stream_ LayerStream stream = {};
    ImageLimits limits = image_limits_default();
    const void *block;
    pid_t pid;
    _cleanup_close_ int fd = open_pipe(&pid);

    (void)state;
    limits.max_bytes = 1;
    assert_int_equal(begin(&stream, fd, &limits), 0);
    assert_int_equal(layer_stream_read(&stream, &block), -ENOSPC);
    assert_int_equal(layer_stream_read(&stream, &block), -ENOSPC);
    fd = fd_close(fd); /* the writer ends with SIGPIPE */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void who_gives_up_does_not_wait_for_who_writes(void **state)
{
    static const uint8_t block[READ_AHEAD_BLOCK_SIZE];
    ImageLimits limits = image_limits_default();
    LayerStream stream = {};
    const void *read_block;
    int fds[2];
    pid_t pid;

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(fd_write_all(fds[1], block, sizeof(block)) < 0 ||
              fd_write_all(fds[1], block, sizeof(block)) < 0);
    assert_int_equal(begin(&stream, fds[0], &limits), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(layer_stream_read(&stream, &read_block), sizeof(block));
    /* By now the thread waits for a third block, which nobody writes and nobody rules out. */
    layer_stream_done(&stream);
    fd_close(fds[0]);
    fd_close(fds[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_is_read_to_its_end),
        cmocka_unit_test(the_byte_beyond_the_limit_stops_the_stream),
        cmocka_unit_test(a_stream_that_failed_goes_on_failing),
        cmocka_unit_test(who_gives_up_does_not_wait_for_who_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
