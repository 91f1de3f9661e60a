/* SPDX-License-Identifier: Apache-2.0 */

/*
 * All layers of a pull at once: workers for all cores, within bounds, and a few downloads, which
 * may be ahead of them. Everything is driven by what transfers and workers report; while there is
 * nothing to report, there is nothing to do.
 *
 * Two pulls may want the same blobs in different order. A pull that holds a blob never waits for
 * another's: it goes on with its other layers, and waits only when it has nothing left to do, and
 * so holds nothing that anybody could wait for.
 */

#include <errno.h>
#include <poll.h>

#include "base/memory.h"
#include "image/image-pull-private.h"

#define MAX_DOWNLOADS 4

typedef struct Counts {
    size_t downloads;
    size_t workers;
    size_t unfinished;
} Counts;

static Counts count(const Pull *pull)
{
    Counts counts = {};

    for (size_t i = 0; i < pull->n_layers; i++) {
        const PullLayer *layer = &pull->layers[i];

        counts.downloads += layer->transfer != NULL;
        counts.workers += layer->worker != NULL;
        counts.unfinished += layer->state != PULL_DONE;
    }
    return counts;
}

/* Begin with whatever may begin. Returns 1 when something has changed. */
static int advance(Pull *pull, PullLayer *layer, Error *err)
{
    Counts counts = count(pull);
    bool is_first = layer == pull->layers;
    int r = 0;

    switch (layer->state) {
    case PULL_WAITING:
        if (counts.downloads >= MAX_DOWNLOADS)
            return 0;
        r = pull_layer_fetch(pull, layer, false, err);
        if (r == -EAGAIN)
            return 0; /* it is somebody else's for now */
        return r < 0 ? r : 1;
    case PULL_FETCHING:
        if (layer->is_unpacked && !layer->transfer)
            r = pull_layer_store_blob(pull, layer, err);
        else if (!layer->is_unpacked && counts.workers < image_worker_count())
            r = pull_layer_unpack(pull, layer, err);
        else
            return 0;
        return r < 0 ? r : 1;
    case PULL_UNPACKED:
        if (!is_first && layer[-1].state != PULL_DONE)
            return 0;
        r = pull_layer_commit(pull, layer, err);
        return r < 0 ? r : 1;
    default:
        return 0;
    }
}

static int advance_all(Pull *pull, Error *err)
{
    bool has_changed = true;

    while (has_changed) {
        has_changed = false;
        for (size_t i = 0; i < pull->n_layers; i++) {
            int r = advance(pull, &pull->layers[i], err);

            if (r < 0)
                return r;
            has_changed |= r > 0;
        }
    }
    return 0;
}

/* Nothing of ours goes on: all that is left is with others. */
static int wait_for_others(Pull *pull, Error *err)
{
    for (size_t i = 0; i < pull->n_layers; i++)
        if (pull->layers[i].state == PULL_WAITING)
            return pull_layer_fetch(pull, &pull->layers[i], true, err);
    return error_set(err, ERROR_SYSTEM, "the pull has come to a standstill");
}

/* Take what the transfers, and the workers whose @fds are readable, have to tell. */
static int take_news(Pull *pull, const struct pollfd *fds, RegistryClient *client, Error *err)
{
    int r = 0;

    if (client && fds[0].revents)
        r = registry_client_dispatch(client, err);
    for (size_t i = 0; r >= 0 && i < pull->n_layers; i++)
        if (pull->layers[i].worker && fds[1 + i].revents)
            r = pull_layer_end_unpacking(pull, &pull->layers[i], err);
    /* all of them: whoever waited for one transfer has heard of others */
    for (size_t i = 0; r >= 0 && i < pull->n_layers; i++)
        r = pull_layer_check_transfer(pull, &pull->layers[i], err);
    return r;
}

static int wait_for_news(Pull *pull, Error *err)
{
    _cleanup_free_ struct pollfd *fds = NEW_ARRAY(struct pollfd, pull->n_layers + 1);
    RegistryClient *client =
        pull->source->ops->client ? pull->source->ops->client(pull->source) : NULL;
    int r;

    fds[0] = (struct pollfd) { .fd = client ? registry_client_fd(client) : -1, .events = POLLIN };
    for (size_t i = 0; i < pull->n_layers; i++) {
        const ImageWorker *worker = pull->layers[i].worker;

        fds[1 + i] =
            (struct pollfd) { .fd = worker ? image_worker_fd(worker) : -1, .events = POLLIN };
    }
    do
        r = poll(fds, pull->n_layers + 1, -1);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return error_errno(err, "wait for layers");
    return take_news(pull, fds, client, err);
}

/* Which layers there are, and how each begins. */
static int begin(Pull *pull, Error *err)
{
    size_t wanted = 0;

    for (size_t i = 0; i < pull->n_layers; i++) {
        PullLayer *layer = &pull->layers[i];
        int r = pull_layer_look(pull, layer, err);

        if (r < 0)
            return r;
        pull_tell(pull, layer->id,
                  layer->state == PULL_DONE ? "Already exists" : "Pulling fs layer");
        if (layer->state != PULL_DONE && wanted++ >= MAX_DOWNLOADS)
            pull_tell(pull, layer->id, "Waiting");
    }
    return 0;
}

int pull_layers_run(Pull *pull, Error *err)
{
    int r = begin(pull, err);

    while (r >= 0) {
        Counts counts;

        r = advance_all(pull, err);
        counts = count(pull);
        if (r < 0 || counts.unfinished == 0)
            break;
        r = counts.downloads + counts.workers > 0 ? wait_for_news(pull, err)
                                                  : wait_for_others(pull, err);
    }
    return r < 0 ? r : 0;
}
