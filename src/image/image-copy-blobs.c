/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs on their way. What the destination has is not moved, what is here is not fetched; the rest
 * comes into a partial blob of the content store, several at once, and an interrupted copy goes on
 * where it ended. A blob that goes to a file is put there in one step; one that goes to a registry
 * is on its way while others are.
 */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/blob-copy.h"
#include "image/image-copy-private.h"

#define MAX_ACTIVE 5

void copy_blob_done(CopyBlob *blob)
{
    if (blob->transfer)
        registry_transfer_free(blob->transfer);
    content_partial_free(blob->partial);
    fd_close(blob->fd);
    json_struct_done(&descriptor_json, &blob->descriptor);
}

static bool is_push(const Copy *copy)
{
    return copy->options->destination->ops->upload != NULL;
}

static void tell_amount(const Copy *copy, const CopyBlob *blob, const char *status, int64_t current,
                        int64_t total)
{
    const TransferProgress progress = {
        .id = blob->id, .status = status, .current = current, .total = total
    };

    if (copy->options->progress && blob->is_layer)
        copy->options->progress(copy->options->progress_data, &progress);
}

static void tell(const Copy *copy, const CopyBlob *blob, const char *status)
{
    tell_amount(copy, blob, status, 0, 0);
}

/* Nothing of it is needed here any more. */
static void finish(const Copy *copy, CopyBlob *blob, const char *status)
{
    if (blob->partial) /* not discarded: the destination may have it by a link */
        content_partial_remove(blob->partial);
    content_partial_free(TAKE_PTR(blob->partial));
    blob->fd = fd_close(blob->fd);
    blob->state = COPY_DONE;
    tell(copy, blob, status);
}

/* The blob is here, in @fd. */
static int send(Copy *copy, CopyBlob *blob, int fd, Error *err)
{
    ImageDestination *destination = copy->options->destination;
    int r;

    if (!is_push(copy)) {
        tell(copy, blob, "Copying");
        r = destination->ops->put_blob(destination, &blob->descriptor, fd, err);
        if (r < 0)
            return r;
        finish(copy, blob, "Copied");
        return 0;
    }
    r = destination->ops->upload(destination, &blob->descriptor, fd, &blob->transfer, err);
    if (r >= 0)
        blob->state = COPY_UPLOADING;
    return r;
}

/* On this machine: at the source, or in the content store. Returns 1 with *ret_fd, or 0. */
static int open_here(Copy *copy, const CopyBlob *blob, int *ret_fd, Error *err)
{
    ImageSource *source = copy->options->source;
    Digest digest = {};
    int r;

    if (source->ops->open_blob) {
        r = source->ops->open_blob(source, &blob->descriptor, ret_fd, err);
        return r < 0 ? r : 1;
    }
    (void)digest_parse(blob->descriptor.digest, &digest); /* checked when it was read */
    if (!content_store_has(copy->options->content, &digest, blob->descriptor.size))
        return 0;
    return content_store_open_blob(copy->options->content, &digest, ret_fd, NULL) >= 0;
}

static int fetch(Copy *copy, CopyBlob *blob, Error *err)
{
    ImageSource *source = copy->options->source;
    int fd = content_partial_fd(blob->partial);
    struct stat status;
    int r;

    blob->has_old_bytes = fstat(fd, &status) == 0 && status.st_blocks > 0;
    r = source->ops->fetch(source, &blob->descriptor, fd, &blob->transfer, err);
    if (r >= 0)
        blob->state = COPY_FETCHING;
    return r;
}

/* Bring it here first. Returns -EAGAIN without an error while somebody else fetches it, unless
 * @wait. */
static int begin_fetch(Copy *copy, CopyBlob *blob, bool wait, Error *err)
{
    Digest digest = {};
    int r;

    (void)digest_parse(blob->descriptor.digest, &digest); /* checked when it was read */
    r = content_partial_open(copy->options->content, &digest, wait, &blob->partial, err);
    if (r < 0)
        return r;
    r = open_here(copy, blob, &blob->fd, err); /* whom it was waited for may have stored it */
    if (r != 0)
        return r < 0 ? r : send(copy, blob, blob->fd, err);
    return fetch(copy, blob, err);
}

/* A layer that may be had from its URLs only: a registry is not given it, as by Docker. */
static bool is_foreign(const Descriptor *blob)
{
    return blob->urls.count > 0 && blob->media_type &&
           (strstr(blob->media_type, "nondistributable") || strstr(blob->media_type, ".foreign."));
}

/* The same where nothing is known of it yet. */
static int begin(Copy *copy, CopyBlob *blob, bool wait, Error *err)
{
    ImageDestination *destination = copy->options->destination;
    bool is_remote = copy->options->source->ops->fetch != NULL;
    int r = 0;

    if (is_push(copy) && is_foreign(&blob->descriptor)) {
        finish(copy, blob, "Skipped foreign layer");
        return 0;
    }
    if (is_remote && destination->ops->mount && !blob->is_not_mounted)
        r = destination->ops->mount(destination, &blob->descriptor, &blob->transfer, err);
    if (r != 0) {
        blob->state = r > 0 ? COPY_MOUNTING : blob->state;
        return r;
    }
    /* a registry is asked by the upload itself, where the blob is at hand */
    if (!blob->is_not_mounted && (!is_push(copy) || is_remote))
        r = destination->ops->has_blob(destination, &blob->descriptor, err);
    if (r < 0)
        return r;
    if (r > 0) {
        finish(copy, blob, is_push(copy) ? "Layer already exists" : "Already exists");
        return 0;
    }
    r = open_here(copy, blob, &blob->fd, err);
    if (r != 0)
        return r < 0 ? r : send(copy, blob, blob->fd, err);
    return begin_fetch(copy, blob, wait, err);
}

/* It has come. What others have left of it may be damaged: then it is fetched whole, once. */
static int check_fetched(Copy *copy, CopyBlob *blob, Error *err)
{
    _cleanup_error_ Error damage = {};
    int fd = content_partial_fd(blob->partial);
    int r = blob_check(&blob->descriptor, fd, &damage);

    if (r >= 0)
        return send(copy, blob, fd, err);
    if (damage.kind == ERROR_CORRUPT) {
        int discarded = content_partial_discard(blob->partial, err);

        if (discarded < 0)
            return discarded;
        if (blob->has_old_bytes)
            return fetch(copy, blob, err);
    }
    error_move(err, &damage);
    return r;
}

/* Returns 1 when it is over. */
static int check_transfer(Copy *copy, CopyBlob *blob, Error *err)
{
    RegistryTransferState state = registry_transfer_state(blob->transfer);
    bool is_fetch = blob->state == COPY_FETCHING;
    _cleanup_free_ char *mounted =
        state.mounted_from ? memory_printf("Mounted from %s", state.mounted_from) : NULL;
    _cleanup_error_ Error failure = {};
    int r;

    if (!state.is_over) {
        if (state.total > 0 && blob->state != COPY_MOUNTING)
            tell_amount(copy, blob, is_fetch ? "Downloading" : "Pushing", state.done, state.total);
        return 0;
    }
    r = registry_transfer_result(blob->transfer, &failure);
    registry_transfer_free(TAKE_PTR(blob->transfer));
    if (r < 0 && blob->state == COPY_MOUNTING && failure.kind == ERROR_NOT_FOUND) {
        blob->is_not_mounted = true;
        blob->state = COPY_WAITING;
        return 1;
    }
    if (r < 0) {
        error_move(err, &failure);
        return r;
    }
    if (is_fetch)
        r = check_fetched(copy, blob, err);
    else if (mounted)
        finish(copy, blob, mounted);
    else
        finish(copy, blob, state.was_there ? "Layer already exists" : "Pushed");
    return r < 0 ? r : 1;
}

static bool is_active(const CopyBlob *blob)
{
    return blob->transfer != NULL;
}

static size_t count_active(const Copy *copy)
{
    size_t count = 0;

    for (size_t i = 0; i < copy->blobs.count; i++)
        count += is_active(&copy->blobs.items[i]);
    return count;
}

static RegistryClient *source_client(const Copy *copy)
{
    ImageSource *source = copy->options->source;

    return source->ops->client ? source->ops->client(source) : NULL;
}

static RegistryClient *destination_client(const Copy *copy)
{
    ImageDestination *destination = copy->options->destination;

    return destination->ops->client ? destination->ops->client(destination) : NULL;
}

/* Returns 1 when one or more are over. */
static int check_transfers(Copy *copy, Error *err)
{
    int result = 0;

    for (size_t i = 0; i < copy->blobs.count; i++) {
        int r =
            is_active(&copy->blobs.items[i]) ? check_transfer(copy, &copy->blobs.items[i], err) : 0;

        if (r < 0)
            return r;
        result |= r;
    }
    return result;
}

/* Wait until one of the transfers has moved, and take in what has arrived. */
static int wait_for_transfers(Copy *copy, Error *err)
{
    RegistryClient *clients[] = { source_client(copy), destination_client(copy) };
    struct pollfd fds[ARRAY_SIZE(clients)];
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
        fds[i] = (struct pollfd) { .fd = clients[i] ? registry_client_fd(clients[i]) : -1,
                                   .events = POLLIN };
    do
        r = poll(fds, ARRAY_SIZE(fds), -1);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return error_errno(err, "wait for the transfers");
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        r = fds[i].revents ? registry_client_dispatch(clients[i], err) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

/* Begin as many as there is room for. Only who holds no partial blob may wait for another's: two
 * copies would else wait for each other. */
static int begin_some(Copy *copy, Error *err)
{
    for (size_t i = 0; i < copy->blobs.count; i++) {
        CopyBlob *blob = &copy->blobs.items[i];
        size_t active = count_active(copy);
        int r;

        if (blob->state != COPY_WAITING)
            continue;
        if (active >= MAX_ACTIVE)
            return 0;
        r = begin(copy, blob, active == 0, err);
        if (r < 0 && (r != -EAGAIN || error_is_set(err)))
            return r;
    }
    return 0;
}

static bool is_all_done(const Copy *copy)
{
    for (size_t i = 0; i < copy->blobs.count; i++)
        if (copy->blobs.items[i].state != COPY_DONE)
            return false;
    return true;
}

int copy_blobs(Copy *copy, Error *err)
{
    int r = 0;

    for (size_t i = copy->blobs.count; is_push(copy) && i-- > 0;)
        tell(copy, &copy->blobs.items[i], "Preparing");
    while (r >= 0 && !is_all_done(copy)) {
        r = begin_some(copy, err);
        if (r >= 0)
            r = check_transfers(copy, err); /* some may have ended while another was begun */
        if (r == 0 && count_active(copy) > 0)
            r = wait_for_transfers(copy, err);
    }
    return r;
}
