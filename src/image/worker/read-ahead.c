/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A ring of blocks between two threads. `made` and `taken` only grow; the reader keeps the block
 * that it took last until it asks for another.
 */

#include "image/worker/read-ahead.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"

/* All blocks together fit into a core's cache, and last while a large file is being opened. */
#define BLOCKS 6

/* What decoders need, several times over: their memory is on the heap. */
#define STACK_SIZE ((size_t)1 << 20)

struct ReadAhead {
    ReadAheadFunction function;
    void *data;
    int stop_fd;

    pthread_t thread;
    bool has_thread;
    bool is_alone; /* no thread could be made: none is tried again */

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    uint64_t made;
    uint64_t taken;
    bool has_ended; /* nothing is made any more; @error says why */
    bool is_stopped;
    Error error;
    ssize_t sizes[BLOCKS];

    uint8_t *blocks;
};

int read_ahead_new(ReadAheadFunction function, void *data, ReadAhead **ret, Error *err)
{
    _cleanup_(read_ahead_freep) ReadAhead *ahead = NEW(ReadAhead);

    ahead->function = function;
    ahead->data = data;
    (void)pthread_mutex_init(&ahead->mutex, NULL); /* as they are, neither can fail */
    (void)pthread_cond_init(&ahead->changed, NULL);
    ahead->blocks = memory_new(BLOCKS, READ_AHEAD_BLOCK_SIZE);
    ahead->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (ahead->stop_fd < 0)
        return error_errno(err, "prepare to read ahead");

    *ret = TAKE_PTR(ahead);
    return 0;
}

int read_ahead_stop_fd(const ReadAhead *ahead)
{
    return ahead->stop_fd;
}

static uint8_t *block_at(const ReadAhead *ahead, uint64_t number)
{
    return ahead->blocks + number % BLOCKS * READ_AHEAD_BLOCK_SIZE;
}

/* Make one block where there is room for it, with the mutex held but while the work is done.
 * Returns false when it was the last thing to be made. */
static bool make_block(ReadAhead *ahead)
{
    Error error = {};
    ssize_t size;

    (void)pthread_mutex_unlock(&ahead->mutex);
    size = ahead->function(ahead->data, block_at(ahead, ahead->made), &error);
    (void)pthread_mutex_lock(&ahead->mutex);

    if (size > 0) {
        ahead->sizes[ahead->made % BLOCKS] = size;
        ahead->made++;
    } else {
        ahead->has_ended = true;
        error_move(&ahead->error, &error);
    }
    (void)pthread_cond_signal(&ahead->changed);
    return size > 0;
}

static void *run(void *data)
{
    ReadAhead *ahead = data;

    (void)pthread_mutex_lock(&ahead->mutex);
    do
        /* One block less than there are: the reader still looks at the one it took last. */
        while (!ahead->is_stopped && ahead->made - ahead->taken >= BLOCKS - 1)
            (void)pthread_cond_wait(&ahead->changed, &ahead->mutex);
    while (!ahead->is_stopped && make_block(ahead));
    ahead->has_ended = true;
    (void)pthread_cond_signal(&ahead->changed);
    (void)pthread_mutex_unlock(&ahead->mutex);
    return NULL;
}

static bool start_thread(ReadAhead *ahead)
{
    pthread_attr_t attributes;

    if (pthread_attr_init(&attributes) != 0)
        return false;
    ahead->has_thread = pthread_attr_setstacksize(&attributes, STACK_SIZE) == 0 &&
                        pthread_create(&ahead->thread, &attributes, run, ahead) == 0;
    (void)pthread_attr_destroy(&attributes);
    return ahead->has_thread;
}

/* Have a block ready, or the end. */
static void wait_for_block(ReadAhead *ahead)
{
    bool is_long = ahead->made > 0 && ahead->sizes[0] == (ssize_t)READ_AHEAD_BLOCK_SIZE;

    if (!ahead->has_thread && !ahead->is_alone && is_long)
        ahead->is_alone = !start_thread(ahead);
    while (ahead->made == ahead->taken && !ahead->has_ended)
        if (ahead->has_thread)
            (void)pthread_cond_wait(&ahead->changed, &ahead->mutex);
        else
            (void)make_block(ahead);
}

ssize_t read_ahead_next(ReadAhead *ahead, const void **ret_block, Error *err)
{
    ssize_t size = 0;

    (void)pthread_mutex_lock(&ahead->mutex);
    wait_for_block(ahead);
    if (ahead->made > ahead->taken) {
        *ret_block = block_at(ahead, ahead->taken);
        size = ahead->sizes[ahead->taken % BLOCKS];
        ahead->taken++;
        (void)pthread_cond_signal(&ahead->changed);
    } else if (error_is_set(&ahead->error)) {
        size = -ahead->error.errnum;
        error_move(err, &ahead->error);
    }
    (void)pthread_mutex_unlock(&ahead->mutex);
    return size;
}

void read_ahead_stop(ReadAhead *ahead)
{
    (void)pthread_mutex_lock(&ahead->mutex);
    ahead->is_stopped = true;
    (void)pthread_cond_signal(&ahead->changed);
    (void)pthread_mutex_unlock(&ahead->mutex);
    (void)eventfd_write(ahead->stop_fd, 1); /* far from where the counter would make it wait */
}

void read_ahead_free(ReadAhead *ahead)
{
    if (!ahead)
        return;
    if (ahead->has_thread) {
        read_ahead_stop(ahead);
        (void)pthread_join(ahead->thread, NULL);
    }
    fd_close(ahead->stop_fd);
    (void)pthread_cond_destroy(&ahead->changed);
    (void)pthread_mutex_destroy(&ahead->mutex);
    error_done(&ahead->error);
    free(ahead->blocks);
    free(ahead);
}
