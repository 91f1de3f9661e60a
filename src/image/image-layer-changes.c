/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A container's changes become a layer. One worker packs them, another one unpacks the stream, as
 * it does with a layer from elsewhere; between the two we write the blob and hash it. So what the
 * container changes meanwhile is in the blob and in the unpacked layer, or in neither, and the
 * digest is that of bytes which we have seen ourselves.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/image-store-private.h"
#include "image/worker-client.h"

#define BLOB_FILE "layer-blob"

#define PIPE_SIZE (1 << 20) /* what an ordinary user may have (pipe(7)) */

typedef struct Pipe {
    int read_fd;
    int write_fd;
} Pipe;

static void pipe_done(Pipe *pipe_)
{
    fd_close(pipe_->read_fd);
    fd_close(pipe_->write_fd);
}

static int pipe_open(Pipe *ret, Error *err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return error_errno(err, "make a pipe");
    (void)fcntl(fds[1], F_SETPIPE_SZ, PIPE_SIZE); /* a smaller one is only slower */
    *ret = (Pipe) { fds[0], fds[1] };
    return 0;
}

/* The stream on its way from the packer to the unpacker. */
typedef struct Relay {
    Pipe in;
    Pipe out;
    int blob_fd;
    uint8_t *buffer;
    DigestState digest;
    int64_t size;
} Relay;

static void relay_done(Relay *relay)
{
    pipe_done(&relay->in);
    pipe_done(&relay->out);
    fd_close(relay->blob_fd);
    free(relay->buffer);
}

/* Write to the blob what the unpacker was given too. */
static int keep(Relay *relay, size_t size, Error *err)
{
    int r;

    if (fd_read_full(relay->in.read_fd, relay->buffer, size) != (ssize_t)size)
        return error_set(err, ERROR_SYSTEM, "the layer that is being packed cannot be read");
    digest_add(&relay->digest, relay->buffer, size);
    r = fd_write_all(relay->blob_fd, relay->buffer, size);
    if (r == -ENOSPC || r == -EDQUOT)
        return error_set(err, ERROR_EXHAUSTED, "no space left to write the blob");
    if (r < 0)
        return error_result(err, r, "write the blob");
    fd_write_behind(relay->blob_fd, relay->size, relay->size + (int64_t)size);
    relay->size += (int64_t)size;
    return 0;
}

/* Until the packer has ended. Returns -EPIPE, with no error recorded, when the unpacker has. */
static int relay_run(Relay *relay, Error *err)
{
    ssize_t n;
    int r = 0;

    while (r >= 0) {
        n = tee(relay->in.read_fd, relay->out.write_fd, PIPE_SIZE, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EPIPE ? -EPIPE : error_errno(err, "pass on the layer");
        if (n == 0)
            break;
        r = keep(relay, (size_t)n, err);
    }
    return r;
}

/* A worker that has ended reads no more: that is an answer, and not our end. */
static int relay_run_without_signal(Relay *relay, Error *err)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct sigaction before;
    int r;

    if (sigaction(SIGPIPE, &ignore, &before) < 0)
        return error_errno(err, "ignore a signal");
    r = relay_run(relay, err);
    (void)sigaction(SIGPIPE, &before, NULL); /* it was like that */
    return r;
}

/* Is the root directory itself not the parent's any more? */
static int compare_root(ImageStore *store, const Digest *parent, int changes_fd, bool *ret,
                        Error *err)
{
    struct stat above = { .st_mode = S_IFDIR | 0755 }, status;
    _cleanup_close_ int parent_fd = -EBADF;
    int r = parent ? layer_store_open_layer(store->layers, parent, &parent_fd, err) : 0;

    if (r < 0)
        return r;
    if ((parent_fd >= 0 && fstat(parent_fd, &above) < 0) || fstat(changes_fd, &status) < 0)
        return error_errno(err, "look at the root directory");
    *ret = status.st_mode != above.st_mode || status.st_uid != above.st_uid ||
           status.st_gid != above.st_gid;
    return 0;
}

static int begin_packing(ImageStore *store, const LayerSource *source, int changes_fd,
                         int output_fd, ImageWorker **ret, Error *err)
{
    PackOptions options = { .source_fd = changes_fd, .output_fd = output_fd, .is_layer = true };
    bool has_root;
    int r = compare_root(store, source->parent, changes_fd, &has_root, err);

    if (r < 0)
        return r;
    options.as = has_root ? "" : NULL;
    return image_worker_pack_begin(&options, ret, err);
}

static int begin_unpacking(ImageStore *store, const LayerSource *source, int input_fd,
                           int target_fd, ImageWorker **ret, Error *err)
{
    const UnpackOptions options = { .input_fd = input_fd,
                                    .target_fd = target_fd,
                                    .blob_fd = -EBADF,
                                    .apply_whiteouts = true,
                                    .caller_finishes = true };
    int r = source->parent ? image_layer_inherit_root(store, source->parent, target_fd, err) : 0;

    return r < 0 ? r : image_worker_unpack_begin(&options, ret, err);
}

/*
 * What has failed first is told: a packer that nobody reads from fails for that alone, and an
 * unpacker whose stream ends too early does.
 */
static int end_workers(ImageWorker *packer, ImageWorker *unpacker, int relayed, UnpackResult *ret,
                       StringList *warnings, Error *err)
{
    _cleanup_error_ Error packing = {}, unpacking = {};
    _cleanup_pack_result_ PackResult packed = {};
    int unpack_result = image_worker_unpack_end(unpacker, ret, &unpacking);
    int pack_result = image_worker_pack_end(packer, &packed, &packing);

    if (relayed < 0 && relayed != -EPIPE)
        return relayed; /* recorded */
    if (pack_result < 0 && packing.errnum != EPIPE) {
        error_move(err, &packing);
        return pack_result;
    }
    if (unpack_result < 0) {
        error_move(err, &unpacking);
        return unpack_result;
    }
    if (relayed < 0 || pack_result < 0)
        return error_set(err, ERROR_UNAVAILABLE, "the layer has more than was unpacked of it");
    for (size_t i = 0; i < packed.warnings.count; i++)
        string_list_add(warnings, packed.warnings.items[i]);
    return 0;
}

static int stream_layer(ImageStore *store, const LayerSource *source, int changes_fd, int target_fd,
                        Relay *relay, UnpackResult *ret, StringList *warnings, Error *err)
{
    _cleanup_(image_worker_freep) ImageWorker *packer = NULL, *unpacker = NULL;
    int r = pipe_open(&relay->in, err);

    if (r >= 0)
        r = pipe_open(&relay->out, err);
    if (r >= 0)
        r = begin_packing(store, source, changes_fd, relay->in.write_fd, &packer, err);
    if (r >= 0)
        r = begin_unpacking(store, source, relay->out.read_fd, target_fd, &unpacker, err);
    if (r < 0)
        return r;
    /* Each pipe ends with the worker that has its other end. */
    relay->in.write_fd = fd_close(relay->in.write_fd);
    relay->out.read_fd = fd_close(relay->out.read_fd);
    r = relay_run_without_signal(relay, err);
    relay->in.read_fd = fd_close(relay->in.read_fd);
    relay->out.write_fd = fd_close(relay->out.write_fd);
    return end_workers(packer, unpacker, r, ret, warnings, err);
}

int image_store_add_changes(ImageStore *store, const LayerSource *source, int changes_fd,
                            ImageLayer *ret, StringList *warnings, Error *err)
{
    _cleanup_(layer_staging_freep) LayerStaging *layer_staging = NULL;
    _cleanup_(relay_done) Relay relay = { { -EBADF, -EBADF }, { -EBADF, -EBADF }, -EBADF };
    _cleanup_unpack_result_ UnpackResult result = {};
    _cleanup_image_layer_ ImageLayer layer = {};
    int r = layer_staging_begin(store->layers, &layer_staging, err);

    if (r >= 0)
        r = content_staging_create(source->staging, BLOB_FILE, &relay.blob_fd, err);
    if (r < 0)
        return r;
    relay.buffer = memory_new(1, PIPE_SIZE);
    digest_begin(&relay.digest);
    r = stream_layer(store, source, changes_fd, layer_staging_fd(layer_staging), &relay, &result,
                     warnings, err);
    if (r < 0)
        return r;

    layer.diff_id = digest_end(&relay.digest);
    layer.chain_id = image_chain_id(source->parent, &layer.diff_id);
    layer.blob = layer.diff_id;
    layer.blob_size = relay.size;
    layer.media_type = memory_strdup(MEDIA_TYPE_OCI_LAYER);
    layer.size = result.tree_size;
    r = content_staging_commit_hashed(source->staging, BLOB_FILE, &layer.blob, err);
    if (r >= 0)
        r = layer_staging_commit(layer_staging, &layer.chain_id, err);
    if (r >= 0)
        r = image_layer_record(store, &layer, err);
    if (r < 0)
        return r;
    *ret = layer;
    layer = (ImageLayer) {};
    return 0;
}
