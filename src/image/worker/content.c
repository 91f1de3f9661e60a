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

static int write_block(int fd, const TarBlock *block, int64_t position)
{
    if (block->offset != position && lseek(fd, block->offset, SEEK_SET) < 0)
        return -errno;
    return fd_write_all(fd, block->data, block->size);
}

int content_write(TarReader *reader, int fd, int64_t size, Error *err)
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
        r = write_block(fd, &block, position);
        if (r < 0)
            return failure_write(err, r, "write a file's content");
        fd_write_behind(fd, position, block.offset + (int64_t)block.size);
        position = block.offset + (int64_t)block.size;
    }

    if (position < size && ftruncate(fd, size) < 0)
        return failure_write(err, -errno, "write a file's content");
    return 0;
}
