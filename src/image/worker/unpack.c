/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One layer: stream, tree, digests and one sync at the end, in that order.
 */

#include "image/worker/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "image/worker/extract.h"
#include "image/worker/failure.h"
#include "image/worker/layer-stream.h"
#include "image/worker/tar-reader.h"
#include "image/worker/tree.h"
#include "image/worker/write-behind.h"

/* Where the blob is on the file system of the tree, one sync is for both. */
static bool is_synced_with(int fd, int blob_fd)
{
    struct stat tree, blob;

    return fstat(fd, &tree) == 0 && fstat(blob_fd, &blob) == 0 && tree.st_dev == blob.st_dev;
}

/* Everything below the target, and the blob, in one go: cheaper than an fsync per file. */
static int sync_all(const UnpackOptions *options, int fd, WriteBehind *behind, Error *err)
{
    int blob_fd = options->blob_fd, r;

    if (blob_fd >= 0 && !is_synced_with(fd, blob_fd) && fdatasync(blob_fd) < 0)
        return failure_write(err, -errno, "write the blob to disk");
    r = write_behind_finish(behind);
    return r < 0 ? failure_write(err, r, "write the layer to disk") : 0;
}

static int extract_stream(LayerStream *stream, const UnpackOptions *options, WriteBehind *behind,
                          UnpackResult *result, Error *err)
{
    _cleanup_(tar_reader_closep) TarReader *reader = NULL;
    _cleanup_(tree_freep) Tree *tree = NULL;
    ExtractOptions how = {
        .limits = stream->input.limits,
        .apply_whiteouts = options->apply_whiteouts,
        .behind = options->caller_finishes ? NULL : behind,
    };
    ExtractResult extracted;
    bool is_vouched_for =
        digest_is_set(&options->expected_blob) || digest_is_set(&options->expected_diff_id);
    int r;

    r = tar_reader_open(stream, &reader, err);
    if (r >= 0)
        r = tree_open(options->target_fd, &tree, err);
    if (r >= 0)
        r = extract(reader, tree, &how, &extracted, err);
    if (r < 0)
        return r;

    result->tree_size = extracted.size;
    result->has_root = extracted.has_root;
    result->entries = tar_reader_entries(reader);
    return tar_reader_finish(reader, is_vouched_for, err);
}

int unpack(const UnpackOptions *options, UnpackResult *ret, Error *err)
{
    _cleanup_layer_stream_ LayerStream stream = {};
    _cleanup_unpack_result_ UnpackResult result = {};
    _cleanup_close_ int fd = -EBADF;
    _cleanup_(write_behind_freep) WriteBehind *behind = NULL; /* before the handle is closed */
    ImageLimits defaults = image_limits_default();
    LayerStreamOptions how = {
        .input_fd = options->input_fd,
        .blob_fd = options->blob_fd,
        .compress_blob = options->compress_blob,
        .is_unhashed = options->caller_finishes,
        .limits = options->limits ? options->limits : &defaults,
    };
    int r;

    fd = path_open_beneath(options->target_fd, ".", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return error_result(err, fd, "open the target directory");
    behind = write_behind_new(fd);
    r = layer_stream_init(&stream, &how, err);
    if (r >= 0)
        r = extract_stream(&stream, options, behind, &result, err);
    if (r >= 0)
        r = layer_stream_finish(&stream, options, &result, err);
    if (r >= 0 && !options->caller_finishes)
        r = sync_all(options, fd, behind, err);
    if (r < 0)
        return r;

    *ret = result;
    result = (UnpackResult) {};
    return 0;
}
