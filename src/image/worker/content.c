/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Blocks to a file, holes by seeking over them.
 */

#include "image/worker/content.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/worker/failure.h"

static void digest_hole(DigestState *digest, int64_t size)
{
    static const uint8_t zeros[4096];

    while (digest && size > 0) {
        size_t part = size < (int64_t)sizeof(zeros) ? (size_t)size : sizeof(zeros);

        digest_add(digest, zeros, part);
        size -= (int64_t)part;
    }
}

static int write_block(int fd, const TarBlock *block, int64_t position, DigestState *digest)
{
    if (block->offset != position) {
        digest_hole(digest, block->offset - position);
        if (lseek(fd, block->offset, SEEK_SET) < 0)
            return -errno;
    }
    if (digest)
        digest_add(digest, block->data, block->size);
    return fd_write_all(fd, block->data, block->size);
}

int content_write(TarReader *reader, int fd, int64_t size, DigestState *digest, Error *err)
{
    int64_t position = 0;
    TarBlock block;
    int r;

    for (;;) {
        r = tar_reader_block(reader, &block, err);
        if (r < 0)
            return r;
        if (r == 0)
            break;
        if (block.offset < position || block.offset > size ||
            (int64_t)block.size > size - block.offset)
            return error_set(err, ERROR_CORRUPT, "archive has content outside of a file's size");
        r = write_block(fd, &block, position, digest);
        if (r < 0)
            return failure_write(err, r, "write a file's content");
        fd_write_behind(fd, position, block.offset + (int64_t)block.size);
        position = block.offset + (int64_t)block.size;
    }

    digest_hole(digest, size - position);
    if (position < size && ftruncate(fd, size) < 0)
        return failure_write(err, -errno, "write a file's content");
    return 0;
}
