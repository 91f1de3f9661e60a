/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The kernel tells an error of a write once for each open file, so those that the thread's syncs
 * meet are kept for the end.
 */

#include "image/worker/write-behind.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

/* Large enough for the disk to be busy, and for a small layer to have one sync. */
#define STEP ((int64_t)64 << 20)
#define STACK_SIZE ((size_t)256 << 10)

struct WriteBehind {
    int fd;
    int64_t pending; /* bytes that no sync was asked for */
    pthread_t thread;
    bool has_thread;
    bool is_alone; /* no thread could be made: none is tried again */

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    bool is_asked;
    bool is_stopped;
    int error; /* -errno of the first sync that failed */
};

WriteBehind *write_behind_new(int fd)
{
    WriteBehind *behind = NEW(WriteBehind);

    behind->fd = fd;
    (void)pthread_mutex_init(&behind->mutex, NULL); /* as they are, neither can fail */
    (void)pthread_cond_init(&behind->changed, NULL);
    return behind;
}

static void *run(void *data)
{
    WriteBehind *behind = data;

    (void)pthread_mutex_lock(&behind->mutex);
    while (!behind->is_stopped) {
        int r;

        if (!behind->is_asked) {
            (void)pthread_cond_wait(&behind->changed, &behind->mutex);
            continue;
        }
        behind->is_asked = false;
        (void)pthread_mutex_unlock(&behind->mutex);
        r = syncfs(behind->fd) < 0 ? -errno : 0;
        (void)pthread_mutex_lock(&behind->mutex);
        if (behind->error == 0)
            behind->error = r;
    }
    (void)pthread_mutex_unlock(&behind->mutex);
    return NULL;
}

static bool start_thread(WriteBehind *behind)
{
    pthread_attr_t attributes;

    if (pthread_attr_init(&attributes) != 0)
        return false;
    behind->has_thread = pthread_attr_setstacksize(&attributes, STACK_SIZE) == 0 &&
                         pthread_create(&behind->thread, &attributes, run, behind) == 0;
    (void)pthread_attr_destroy(&attributes);
    return behind->has_thread;
}

static void tell(WriteBehind *behind, bool *what)
{
    (void)pthread_mutex_lock(&behind->mutex);
    *what = true;
    (void)pthread_cond_signal(&behind->changed);
    (void)pthread_mutex_unlock(&behind->mutex);
}

static void stop(WriteBehind *behind)
{
    if (!behind->has_thread)
        return;
    tell(behind, &behind->is_stopped);
    (void)pthread_join(behind->thread, NULL);
    behind->has_thread = false;
}

void write_behind_free(WriteBehind *behind)
{
    if (!behind)
        return;
    stop(behind);
    (void)pthread_cond_destroy(&behind->changed);
    (void)pthread_mutex_destroy(&behind->mutex);
    free(behind);
}

void write_behind_add(WriteBehind *behind, int64_t bytes)
{
    behind->pending += bytes;
    if (behind->pending < STEP || behind->is_alone)
        return;
    behind->pending = 0;
    if (!behind->has_thread)
        behind->is_alone = !start_thread(behind);
    if (behind->has_thread)
        tell(behind, &behind->is_asked);
}

int write_behind_finish(WriteBehind *behind)
{
    stop(behind);
    if (syncfs(behind->fd) < 0 && behind->error == 0)
        behind->error = -errno;
    return behind->error;
}
