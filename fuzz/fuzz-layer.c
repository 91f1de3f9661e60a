/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary bytes to the reader of layers: decompression, tar, limits, digests. Nothing is
 * unpacked: the fuzzer is not confined. An archive that is accepted keeps within its limits.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/worker/tar-reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int input_of(const uint8_t *data, size_t size)
{
    _cleanup_close_ int fd = memfd_create("layer", MFD_CLOEXEC);

    if (fd < 0 || fd_write_all(fd, data, size) < 0 || lseek(fd, 0, SEEK_SET) < 0)
        abort();
    return TAKE_FD(fd);
}

static int read_member(TarReader *reader, const ImageLimits *limits)
{
    TarBlock block;
    int64_t end = 0;
    int r;

    while ((r = tar_reader_block(reader, &block, NULL)) > 0) {
        if (block.offset < end || block.size > (uint64_t)limits->max_bytes)
            abort();
        end = block.offset + (int64_t)block.size;
    }
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ImageLimits limits = {
        .max_bytes = 1 << 20,
        .max_entries = 100,
        .max_ratio = 100,
        .ratio_floor = 1 << 16,
        .max_path = 4095,
        .max_depth = 100,
        .max_xattr_bytes = 1 << 16,
    };
    _cleanup_close_ int fd = input_of(data, size);
    const LayerStreamOptions options = { .input_fd = fd, .blob_fd = -EBADF, .limits = &limits };
    _cleanup_layer_stream_ LayerStream stream = {};
    _cleanup_(tar_reader_closep) TarReader *reader = NULL;
    struct archive_entry *entry;
    int r;

    if (layer_stream_init(&stream, &options, NULL) < 0 ||
        tar_reader_open(&stream, &reader, NULL) < 0)
        return 0;

    while ((r = tar_reader_next(reader, &entry, NULL)) > 0)
        if (read_member(reader, &limits) < 0)
            return 0;
    if (r == 0 && tar_reader_finish(reader, false, NULL) == 0 &&
        (tar_reader_entries(reader) > limits.max_entries || stream.input.total > limits.max_bytes))
        abort();
    return 0;
}
