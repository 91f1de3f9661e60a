/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the container writes, to its log and to every peer that is attached for it.
 *
 * One chunk is read at a time and offered to all; while a peer's socket has no room for it, nothing
 * more is read, so a slow client slows the container down, as a full pipe would. Without peers the
 * output only goes to the log: a container never waits for somebody to attach.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "supervisor/shim-private.h"

/* What a terminal can hold back when its container ends: the kernel's limit for its buffers
 * (640 KiB) and the line discipline's, rounded up. Nothing tells the exact number. */
#define TERMINAL_BACKLOG_MAX ((size_t)1024 * 1024)

/* How long the memory that output needs is kept for more of it. */
#define FLOW_PAUSE (NANOSECONDS_PER_SECOND / 4)

static void stream_close(OutputStream *stream)
{
    if (stream->source)
        event_source_free(TAKE_PTR(stream->source));
    fd_closep(&stream->fd);
}

static void streams_set_events(ContainerOutput *output, uint32_t events)
{
    for (size_t i = 0; i < ARRAY_SIZE(output->streams); i++)
        if (output->streams[i].source)
            (void)event_source_set_events(output->streams[i].source, events); /* known to epoll */
}

static int on_flow_pause(EventSource *source, void *data);

/* Without the timer the memory goes at once, which only takes time. */
static void watch_flow(Shim *shim)
{
    if (event_loop_add_timer(shim->loop, time_monotonic() + FLOW_PAUSE, on_flow_pause, shim,
                             &shim->output.flow_timer) < 0)
        shim->output.flow_timer = NULL;
}

static int on_flow_pause(EventSource *source, void *data)
{
    Shim *shim = data;

    event_source_free(source);
    shim->output.flow_timer = NULL;
    if (shim->output.is_flowing)
        watch_flow(shim);
    shim->output.is_flowing = false;
    shim_advance(shim);
    return 0;
}

bool output_is_flowing(const Shim *shim)
{
    return shim->output.flow_timer;
}

static void chunk_offer(Shim *shim, ShimMessageType type, size_t size)
{
    ContainerOutput *output = &shim->output;

    output->chunk[0] = (uint8_t)type;
    output->chunk_size = 1 + size;
    output->is_flowing = true;
    if (!output->flow_timer)
        watch_flow(shim);
    if (!log_offer(shim))
        output->n_behind++;
    for (Peer *peer = shim->peers; peer; peer = peer->next) {
        if (peer->streams & SHIM_STREAM_OUTPUT) {
            output->n_behind++;
            peer_owe(peer, PEER_DEBT_CHUNK);
        }
    }
    if (output->n_behind > 0)
        streams_set_events(output, 0);
}

/* Read one chunk and offer it. True when there was one; the stream is closed at its end. */
static bool stream_pump(OutputStream *stream, size_t limit)
{
    ContainerOutput *output = &stream->shim->output;
    ssize_t n;

    if (!output->chunk)
        output->chunk = NEW_ARRAY(uint8_t, SHIM_MESSAGE_MAX);

    n = read(stream->fd, output->chunk + 1, limit < SHIM_DATA_MAX ? limit : SHIM_DATA_MAX);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        stream_close(stream);
        return false;
    }

    chunk_offer(stream->shim, stream->type, (size_t)n);
    stream->remaining -= (size_t)n < stream->remaining ? (size_t)n : stream->remaining;
    return true;
}

static int stream_on_readable(EventSource *source, int fd, uint32_t events, void *data)
{
    OutputStream *stream = data;

    (void)source;
    (void)fd;
    (void)events;
    /* Another stream of this round may have left a peer behind. */
    if (stream->shim->output.n_behind == 0)
        (void)stream_pump(stream, SHIM_DATA_MAX);
    return 0;
}

int output_watch(Shim *shim)
{
    static const ShimMessageType types[] = { SHIM_MESSAGE_STDOUT, SHIM_MESSAGE_STDERR };

    shim->output.is_logged = false;
    log_begin_run(shim);
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        OutputStream *stream = &shim->output.streams[i];
        int r;

        stream->shim = shim;
        stream->type = types[i];
        if (stream->fd < 0)
            continue;
        r = event_loop_add_fd(shim->loop, stream->fd, EPOLLIN, stream_on_readable, stream,
                              &stream->source);
        if (r < 0)
            return r;
    }
    return 0;
}

void output_chunk_paid(Shim *shim)
{
    if (--shim->output.n_behind == 0)
        streams_set_events(&shim->output, EPOLLIN);
}

void output_begin_drain(Shim *shim)
{
    for (size_t i = 0; i < ARRAY_SIZE(shim->output.streams); i++) {
        OutputStream *stream = &shim->output.streams[i];
        int available = 0;

        if (stream->source)
            event_source_free(TAKE_PTR(stream->source)); /* output_drain() reads from now on */
        /* A process that shares our pid namespace may have survived the container's first one and
         * go on writing: what comes after the end is not waited for. */
        if (shim->input.is_terminal)
            stream->remaining = TERMINAL_BACKLOG_MAX;
        else if (stream->fd >= 0 && ioctl(stream->fd, FIONREAD, &available) == 0)
            stream->remaining = (size_t)available;
        else
            stream->remaining = 0;
    }
    log_end_run(shim);
}

bool output_drain(Shim *shim)
{
    for (size_t i = 0; i < ARRAY_SIZE(shim->output.streams); i++) {
        OutputStream *stream = &shim->output.streams[i];

        while (stream->fd >= 0) {
            if (shim->output.n_behind > 0)
                return false;
            if (stream->remaining == 0 || !stream_pump(stream, stream->remaining))
                stream_close(stream);
        }
    }
    if (shim->output.n_behind == 0 && !shim->output.is_logged) {
        shim->output.is_logged = true;
        if (!log_finish(shim))
            shim->output.n_behind++;
    }
    return shim->output.n_behind == 0;
}

void output_forget(Shim *shim)
{
    if (shim->output.n_behind > 0)
        return;
    if (shim->log)
        log_writer_rest(shim->log);
    free(TAKE_PTR(shim->output.chunk));
}

void output_done(Shim *shim)
{
    for (size_t i = 0; i < ARRAY_SIZE(shim->output.streams); i++)
        stream_close(&shim->output.streams[i]);
    if (shim->output.flow_timer)
        event_source_free(TAKE_PTR(shim->output.flow_timer));
    free(TAKE_PTR(shim->output.chunk));
}
