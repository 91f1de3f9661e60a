/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What peers send, to the container's standard input or terminal.
 *
 * A peer may have one chunk under way and waits for STDIN_READY before it sends the next, so a
 * container that does not read costs one chunk per peer and never keeps a peer's signals or window
 * sizes from being read. When the container has closed its end, nobody is told to go on. What comes
 * between two runs is kept for the next one.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "supervisor/shim-private.h"

struct InputChunk {
    InputChunk *next;
    Peer *from; /* NULL: gone */
    size_t size;
    size_t written;
    char data[];
};

static void input_drop_first(ContainerInput *input)
{
    InputChunk *chunk = input->first;

    input->first = chunk->next;
    if (!input->first)
        input->last = NULL;
    free(chunk);
}

void input_close(Shim *shim)
{
    ContainerInput *input = &shim->input;

    while (input->first)
        input_drop_first(input);
    if (input->source)
        event_source_free(TAKE_PTR(input->source));
    fd_closep(&input->fd);
}

void input_reset(Shim *shim)
{
    input_close(shim);
    shim->input.is_terminal = shim->input.is_closing = false;
}

/* Write what fits. Returns 0 with *written advanced, or -errno when the container takes no more. */
static int input_try_write(ContainerInput *input, const char *data, size_t size, size_t *written)
{
    while (*written < size) {
        ssize_t n = write(input->fd, data + *written, size - *written);

        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            *written += (size_t)n;
    }
    return 0;
}

static void input_flush(Shim *shim)
{
    ContainerInput *input = &shim->input;

    while (input->first) {
        InputChunk *chunk = input->first;

        if (input_try_write(input, chunk->data, chunk->size, &chunk->written) < 0) {
            input_close(shim);
            return;
        }
        if (chunk->written < chunk->size)
            return;
        if (chunk->from)
            peer_owe(chunk->from, PEER_DEBT_STDIN_READY);
        input_drop_first(input);
    }

    if (input->is_closing)
        input_close(shim);
    else
        (void)event_source_set_events(input->source, 0);
}

static int input_on_writable(EventSource *source, int fd, uint32_t events, void *data)
{
    (void)source;
    (void)fd;
    (void)events;
    input_flush(data);
    return 0;
}

int input_watch(Shim *shim)
{
    ContainerInput *input = &shim->input;
    bool is_waiting;

    if (input->fd < 0) {
        input_close(shim); /* what was kept for it goes nowhere */
        return 0;
    }
    if (input->is_terminal)
        input->is_closing = false; /* it has no end */
    is_waiting = input->first || input->is_closing;
    return event_loop_add_fd(shim->loop, input->fd, is_waiting ? EPOLLOUT : 0, input_on_writable,
                             shim, &input->source);
}

static void input_queue(ContainerInput *input, Peer *from, const char *data, size_t size)
{
    InputChunk *chunk = memory_new(1, sizeof(*chunk) + size);

    chunk->from = from;
    chunk->size = size;
    memcpy(chunk->data, data, size);
    if (input->last)
        input->last->next = chunk;
    else
        input->first = chunk;
    input->last = chunk;
}

/* Whoever is attached to the last run leaves as soon as it is told. */
static bool is_between_runs(const Shim *shim)
{
    return shim->state == SHIM_RESTARTING && shim->is_told;
}

int input_write(Shim *shim, Peer *from, const char *data, size_t size)
{
    ContainerInput *input = &shim->input;
    size_t written = 0;
    int r;

    for (const InputChunk *chunk = input->first; chunk; chunk = chunk->next)
        if (chunk->from == from)
            return -EPROTO;
    if (input->is_closing || (input->fd < 0 && !is_between_runs(shim)))
        return 0;
    if (input->fd < 0) {
        input_queue(input, from, data, size);
        return 0;
    }

    if (!input->first && input_try_write(input, data, size, &written) < 0) {
        input_close(shim);
        return 0;
    }
    if (written == size) {
        peer_owe(from, PEER_DEBT_STDIN_READY);
        return 0;
    }

    input_queue(input, from, data + written, size - written);
    r = event_source_set_events(input->source, EPOLLOUT);
    if (r < 0)
        input_close(shim);
    return 0;
}

void input_finish(Shim *shim)
{
    ContainerInput *input = &shim->input;

    if (input->is_terminal || !shim->settings.stdin_once ||
        (input->fd < 0 && !is_between_runs(shim)))
        return;
    input->is_closing = true;
    if (!input->first && input->fd >= 0)
        input_close(shim);
}

void input_forget_peer(Shim *shim, const Peer *peer)
{
    for (InputChunk *chunk = shim->input.first; chunk; chunk = chunk->next)
        if (chunk->from == peer)
            chunk->from = NULL;
}
