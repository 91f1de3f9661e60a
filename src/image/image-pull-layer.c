/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One layer of a pull. Its bytes come to lie in a partial blob, and go from there, as they come,
 * through a pipe into the worker, which hashes, inflates, unpacks and syncs. When the worker is
 * content, the partial blob is the blob and the directory becomes the layer.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/image-pull-private.h"

#define PIPE_SIZE (1024 * 1024)
#define COPY_SIZE (64 * 1024 * 1024)
#define HASH_BUFFER_SIZE (256 * 1024)
#define TELL_PARTS 100 /* a message each time so much of a blob has come */

void pull_layer_done(PullLayer *layer)
{
    /* the worker first: it holds the directory and the pipe */
    if (layer->worker)
        image_worker_free(layer->worker);
    if (layer->transfer)
        registry_transfer_free(layer->transfer);
    if (layer->staging)
        layer_staging_free(layer->staging);
    if (layer->partial)
        content_partial_free(layer->partial);
    error_done(&layer->failure);
    image_layer_done(&layer->layer);
}

static void end_transfer(PullLayer *layer)
{
    registry_transfer_free(TAKE_PTR(layer->transfer));
}

int pull_layer_look(Pull *pull, PullLayer *layer, Error *err)
{
    ImageLayer recorded = { .chain_id = layer->layer.chain_id };
    int r;

    if (!layer_store_has(pull->store->layers, &recorded.chain_id))
        return 0;
    r = image_layer_read_record(pull->store, &recorded, err);
    free(recorded.media_type);
    if (r <= 0) /* stored by a process that was killed before it could say how large it is */
        return r;
    layer->is_unpacked = true;
    layer->layer.size = recorded.size;
    if (content_store_has(pull->store->content, &layer->layer.blob, layer->layer.blob_size))
        layer->state = PULL_DONE;
    return 0;
}

/* Bytes in the file @fd, not counting holes at its end. */
static int64_t bytes_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 ? st.st_size : 0;
}

/* The whole of @from into @to, by the file system itself where it can share blocks. */
static int copy_blob(int from, int to, int64_t size)
{
    loff_t in = 0, out = 0;

    while (in < size) {
        ssize_t n = copy_file_range(from, &in, to, &out, COPY_SIZE, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -ENODATA;
    }
    return 0;
}

/* What is on this machine is copied first and then read from the copy: nobody can change that. */
static int take_local_blob(Pull *pull, PullLayer *layer, Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    int r = content_partial_discard(layer->partial, err);

    if (r >= 0)
        r = pull->source->ops->open_blob(pull->source, layer->descriptor, &fd, err);
    if (r < 0)
        return r;
    if (bytes_of(fd) != layer->descriptor->size)
        return error_set(err, ERROR_CORRUPT, "blob '%s' has %lld bytes, its descriptor says %lld",
                         layer->descriptor->digest, (long long)bytes_of(fd),
                         (long long)layer->descriptor->size);
    r = copy_blob(fd, content_partial_fd(layer->partial), layer->descriptor->size);
    return r < 0 ? error_result(err, r, "copy blob '%s'", layer->descriptor->digest) : 0;
}

/* Have the blob come into the partial one, which is ours. */
static int begin_fetch(Pull *pull, PullLayer *layer, Error *err)
{
    int fd = content_partial_fd(layer->partial), r;

    layer->told = 0;
    if (!pull->source->ops->fetch)
        return take_local_blob(pull, layer, err);
    if (bytes_of(fd) > layer->descriptor->size) {
        r = content_partial_discard(layer->partial, err);
        if (r < 0)
            return r;
    }
    layer->has_old_bytes = bytes_of(fd) > 0;
    return pull->source->ops->fetch(pull->source, layer->descriptor, fd, &layer->transfer, err);
}

/* The blob is in the content store, and nothing is known against it. */
static bool take_stored_blob(Pull *pull, PullLayer *layer)
{
    if (layer->is_damaged ||
        !content_store_has(pull->store->content, &layer->layer.blob, layer->layer.blob_size))
        return false;
    layer->has_old_bytes = true;
    layer->state = PULL_FETCHING;
    return true;
}

int pull_layer_fetch(Pull *pull, PullLayer *layer, bool wait, Error *err)
{
    int r;

    if (take_stored_blob(pull, layer))
        return 0;
    r = content_partial_open(pull->store->content, &layer->layer.blob, wait, &layer->partial, err);
    if (r < 0)
        return r;
    /* whoever had it may have finished it */
    r = pull_layer_look(pull, layer, err);
    if (r < 0)
        return r;
    if (layer->state == PULL_DONE || take_stored_blob(pull, layer)) {
        content_partial_free(TAKE_PTR(layer->partial));
        return 0;
    }
    r = begin_fetch(pull, layer, err);
    if (r >= 0)
        layer->state = PULL_FETCHING;
    return r;
}

/* Where the worker reads the blob: from a pipe while it comes, else from where it is. */
static int open_input(Pull *pull, PullLayer *layer, int *ret_fd, Error *err)
{
    _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
    int pipe_fds[2], r;

    if (!layer->partial)
        return content_store_open_blob(pull->store->content, &layer->layer.blob, ret_fd, err);
    if (!layer->transfer) {
        read_fd = fcntl(content_partial_fd(layer->partial), F_DUPFD_CLOEXEC, 0);
        if (read_fd < 0 || lseek(read_fd, 0, SEEK_SET) < 0)
            return error_errno(err, "read the partial blob '%s'", layer->descriptor->digest);
        *ret_fd = TAKE_FD(read_fd);
        return 0;
    }
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return error_errno(err, "make a pipe for a layer");
    read_fd = pipe_fds[0];
    write_fd = pipe_fds[1];
    (void)fcntl(write_fd, F_SETPIPE_SZ, PIPE_SIZE); /* a smaller one is as good, but slower */
    r = registry_transfer_feed(layer->transfer, write_fd, err);
    if (r < 0)
        return r;
    *ret_fd = TAKE_FD(read_fd);
    return 0;
}

int pull_layer_unpack(Pull *pull, PullLayer *layer, Error *err)
{
    _cleanup_close_ int input_fd = -EBADF;
    UnpackOptions options = {
        .blob_fd = -EBADF,
        .apply_whiteouts = true,
        .expected_blob = layer->layer.blob,
        .expected_diff_id = layer->layer.diff_id,
        .limits = pull->options->limits,
    };
    int r = layer_staging_begin(pull->store->layers, &layer->staging, err);

    if (r >= 0)
        r = open_input(pull, layer, &input_fd, err);
    if (r < 0)
        return r;
    options.input_fd = input_fd;
    options.target_fd = layer_staging_fd(layer->staging);
    r = image_worker_unpack_begin(&options, &layer->worker, err);
    if (r < 0)
        return r;
    layer->state = PULL_UNPACKING;
    if (!layer->transfer)
        pull_tell_amount(pull, layer->id, "Extracting", layer->descriptor->size,
                         layer->descriptor->size);
    return 0;
}

static int fail(const PullLayer *layer, int r, Error *err)
{
    return error_wrap(err, r, "layer '%s'", layer->descriptor->digest);
}

/*
 * The blob is not what it should be. If some of it was here before, that may be to blame: it is
 * fetched anew, once. Returns 1 then, else 0.
 */
static int begin_anew(Pull *pull, PullLayer *layer, Error *err)
{
    int r;

    if (!layer->has_old_bytes)
        return 0;
    if (layer->transfer)
        end_transfer(layer);
    if (layer->staging)
        layer_staging_free(TAKE_PTR(layer->staging));
    error_done(&layer->failure);
    layer->has_failed = layer->has_old_bytes = false;
    if (!layer->partial) {
        layer->is_damaged = true;
        layer->state = PULL_WAITING;
        return 1;
    }
    r = content_partial_discard(layer->partial, err);
    if (r >= 0)
        r = begin_fetch(pull, layer, err);
    if (r < 0)
        return r;
    layer->state = PULL_FETCHING;
    return 1;
}

static void tell_transfer(const Pull *pull, PullLayer *layer, const RegistryTransferState *state)
{
    int64_t step = layer->descriptor->size / TELL_PARTS;

    if (state->is_over) {
        pull_tell(pull, layer->id, "Verifying Checksum");
        pull_tell(pull, layer->id, "Download complete");
        if (layer->state == PULL_UNPACKING)
            pull_tell_amount(pull, layer->id, "Extracting", layer->descriptor->size,
                             layer->descriptor->size);
    } else if (state->done > layer->told + step) {
        pull_tell_amount(pull, layer->id, "Downloading", state->done, layer->descriptor->size);
        layer->told = state->done;
    }
}

int pull_layer_check_transfer(Pull *pull, PullLayer *layer, Error *err)
{
    RegistryTransferState state;
    int r;

    if (!layer->transfer)
        return 0;
    state = registry_transfer_state(layer->transfer);
    if (!state.is_over) {
        tell_transfer(pull, layer, &state);
        return 0;
    }
    r = registry_transfer_result(layer->transfer, err);
    if (r < 0)
        return fail(layer, r, err);
    tell_transfer(pull, layer, &state);
    end_transfer(layer);
    return layer->has_failed ? pull_layer_end_failed(pull, layer, err) : 0;
}

int pull_layer_end_failed(Pull *pull, PullLayer *layer, Error *err)
{
    ErrorKind kind = layer->failure.kind;
    int r, failure = -layer->failure.errnum;

    if (kind == ERROR_CORRUPT) {
        r = begin_anew(pull, layer, err);
        if (r != 0)
            return r < 0 ? fail(layer, r, err) : 0;
    }
    error_move(err, &layer->failure);
    return fail(layer, failure, err);
}

/* Blob and tree were synced by the worker, if they are on one file system. */
static bool are_synced(const PullLayer *layer)
{
    struct stat tree, blob;

    return fstat(layer_staging_fd(layer->staging), &tree) == 0 &&
           fstat(content_partial_fd(layer->partial), &blob) == 0 && tree.st_dev == blob.st_dev;
}

int pull_layer_end_unpacking(Pull *pull, PullLayer *layer, Error *err)
{
    _cleanup_unpack_result_ UnpackResult result = {};
    int r = image_worker_unpack_end(layer->worker, &result, &layer->failure);

    image_worker_free(TAKE_PTR(layer->worker));
    if (r < 0) {
        /* a stream cut short is the transfer's fault, which may tell so a moment later */
        layer->has_failed = true;
        return layer->transfer && layer->failure.kind == ERROR_CORRUPT
                   ? 0
                   : pull_layer_end_failed(pull, layer, err);
    }
    if (layer->transfer) {
        r = registry_transfer_wait(layer->transfer, err); /* all of it has come */
        if (r < 0)
            return fail(layer, r, err);
        r = pull_layer_check_transfer(pull, layer, err);
        if (r < 0)
            return r;
    }
    if (result.blob_size != layer->descriptor->size)
        return error_set(err, ERROR_CORRUPT, "layer '%s' has %lld bytes, its descriptor says %lld",
                         layer->descriptor->digest, (long long)result.blob_size,
                         (long long)layer->descriptor->size);
    layer->layer.size = result.tree_size;
    layer->has_root = result.has_root;
    if (layer->partial) {
        r = content_partial_commit(layer->partial, are_synced(layer), err);
        if (r < 0)
            return r;
        content_partial_free(TAKE_PTR(layer->partial));
    }
    layer->state = PULL_UNPACKED;
    return 0;
}

int pull_layer_commit(Pull *pull, PullLayer *layer, Error *err)
{
    int r = image_layer_publish(pull->store, layer->staging, layer->has_root ? NULL : layer->parent,
                                &layer->layer, err);

    if (r < 0)
        return fail(layer, r, err);
    layer_staging_free(TAKE_PTR(layer->staging));
    layer->state = PULL_DONE;
    pull_tell(pull, layer->id, "Pull complete");
    return 0;
}

static int hash_blob(int fd, Digest *ret)
{
    _cleanup_free_ char *buffer = memory_new(1, HASH_BUFFER_SIZE);
    DigestState state;
    ssize_t n;

    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    digest_begin(&state);
    while ((n = fd_read_full(fd, buffer, HASH_BUFFER_SIZE)) > 0)
        digest_add(&state, buffer, (size_t)n);
    *ret = digest_end(&state);
    return n < 0 ? (int)n : 0;
}

int pull_layer_store_blob(Pull *pull, PullLayer *layer, Error *err)
{
    Digest digest;
    int r;

    if (layer->partial) {
        r = hash_blob(content_partial_fd(layer->partial), &digest);
        if (r < 0)
            return error_result(err, r, "read the partial blob '%s'", layer->descriptor->digest);
        if (!digest_equal(&digest, &layer->layer.blob)) {
            r = begin_anew(pull, layer, err);
            if (r != 0)
                return r < 0 ? fail(layer, r, err) : 0;
            return error_set(err, ERROR_CORRUPT, "digest mismatch: layer '%s' has the digest '%s'",
                             layer->descriptor->digest, digest.text);
        }
        r = content_partial_commit(layer->partial, false, err);
        if (r < 0)
            return r;
        content_partial_free(TAKE_PTR(layer->partial));
    }
    layer->state = PULL_DONE;
    pull_tell(pull, layer->id, "Pull complete");
    return 0;
}
