/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading the input once for all who need it: decoder, digest and blob.
 */

#include "image/worker/source.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/worker/failure.h"

static int source_copy_block(Source *source, Error *err)
{
    int r;

    if (source->copy_fd < 0)
        return 0;
    r = fd_write_all(source->copy_fd, source->data, source->available);
    return r < 0 ? failure_write(err, r, "write the blob") : 0;
}

int source_init(Source *source, int fd, bool is_hashed, Error *err)
{
    *source = (Source) {
        .fd = fd,
        .copy_fd = -EBADF,
        .buffer = memory_new(1, SOURCE_BLOCK_SIZE),
        .is_hashed = is_hashed,
        .stop_fd = -EBADF,
    };
    digest_begin(&source->digest);
    return source_fill(source, err);
}

void source_done(Source *source)
{
    free(source->buffer);
    source->buffer = NULL;
}

int source_copy_to(Source *source, int fd, Error *err)
{
    source->copy_fd = fd;
    return source_copy_block(source, err);
}

/* Wait until there is something to read. Returns 0 or -errno. */
static int source_wait(const Source *source)
{
    struct pollfd fds[] = { { .fd = source->fd, .events = POLLIN },
                            { .fd = source->stop_fd, .events = POLLIN } };

    while (poll(fds, ARRAY_SIZE(fds), -1) < 0)
        if (errno != EINTR)
            return -errno;
    return fds[1].revents ? -ECANCELED : 0;
}

/* Fill the buffer, whatever pieces a pipe gives. Returns the size, which is short at the end. */
static ssize_t source_read(Source *source)
{
    size_t done = 0;

    while (done < SOURCE_BLOCK_SIZE) {
        int r = source->stop_fd >= 0 ? source_wait(source) : 0;
        ssize_t n = r < 0 ? r : read(source->fd, source->buffer + done, SOURCE_BLOCK_SIZE - done);

        if (r < 0)
            return r;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)done;
}

int source_fill(Source *source, Error *err)
{
    ssize_t size;
    int r;

    if (source->available > 0)
        return 1;
    if (source->ended)
        return 0;

    size = source_read(source);
    if (size < 0)
        return error_result(err, (int)size, "read the archive");
    if (size == 0) {
        source->ended = true;
        return 0;
    }

    source->data = source->buffer;
    source->available = (size_t)size;
    source->total += size;
    if (source->is_hashed)
        digest_add(&source->digest, source->data, source->available);
    r = source_copy_block(source, err);
    return r < 0 ? r : 1;
}

void source_take(Source *source, size_t size)
{
    source->data += size;
    source->available -= size;
}

bool source_give_back(Source *source, int64_t size)
{
    if (size < 0 || size > source->data - source->buffer)
        return false;
    source->data -= size;
    source->available += (size_t)size;
    return true;
}

int source_drain_zeros(Source *source, Error *err)
{
    int r;

    for (;;) {
        r = source_fill(source, err);
        if (r <= 0)
            return r;
        for (size_t i = 0; i < source->available; i++)
            if (source->data[i] != 0)
                return error_set(err, ERROR_CORRUPT,
                                 "archive has other data after the end of its compressed data");
        source_take(source, source->available);
    }
}
