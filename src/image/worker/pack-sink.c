/* SPDX-License-Identifier: Apache-2.0 */

/* One buffer: whoever makes the archive reads files right into it. */

#include "image/worker/pack-sink.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/worker/failure.h"

#define BUFFER_SIZE ((size_t)512 << 10)

int pack_sink_init(PackSink *sink, int fd, bool is_hashed, bool is_compressed, Error *err)
{
    *sink = (PackSink) { .fd = fd, .is_hashed = is_hashed };
    digest_begin(&sink->digest);
    sink->buffer = memory_new(1, BUFFER_SIZE);
    return is_compressed ? blob_encoder_open(fd, &sink->encoder, err) : 0;
}

void pack_sink_done(PackSink *sink)
{
    blob_encoder_close(sink->encoder);
    free(sink->buffer);
}

static int flush(PackSink *sink, Error *err)
{
    size_t size = sink->used;
    int r;

    sink->used = 0;
    if (sink->is_hashed)
        digest_add(&sink->digest, sink->buffer, size);
    if (sink->encoder)
        return blob_encoder_add(sink->encoder, sink->buffer, size, err);
    r = fd_write_all(sink->fd, sink->buffer, size);
    return r < 0 ? failure_write(err, r, "write the archive") : 0;
}

int pack_sink_room(PackSink *sink, void **ret, size_t *ret_size, Error *err)
{
    int r = sink->used == BUFFER_SIZE ? flush(sink, err) : 0;

    *ret = sink->buffer + sink->used;
    *ret_size = BUFFER_SIZE - sink->used;
    return r;
}

void pack_sink_filled(PackSink *sink, size_t size)
{
    sink->used += size;
    sink->total += (int64_t)size;
}

int pack_sink_add(PackSink *sink, const void *data, size_t size, Error *err)
{
    size_t room, part;
    void *target;
    int r = 0;

    while (r >= 0 && size > 0) {
        r = pack_sink_room(sink, &target, &room, err);
        part = size < room ? size : room;
        memcpy(target, data, part);
        pack_sink_filled(sink, part);
        data = (const char *)data + part;
        size -= part;
    }
    return r;
}

int pack_sink_add_zeros(PackSink *sink, int64_t size, Error *err)
{
    size_t room, part;
    void *target;
    int r = 0;

    while (r >= 0 && size > 0) {
        r = pack_sink_room(sink, &target, &room, err);
        part = size < (int64_t)room ? (size_t)size : room;
        memset(target, 0, part);
        pack_sink_filled(sink, part);
        size -= (int64_t)part;
    }
    return r;
}

int pack_sink_finish(PackSink *sink, Digest *ret_blob, int64_t *ret_blob_size, Error *err)
{
    int r = flush(sink, err);

    if (r < 0)
        return r;
    if (sink->encoder)
        return blob_encoder_finish(sink->encoder, ret_blob, ret_blob_size, err);
    if (sink->is_hashed) {
        DigestState state = sink->digest;

        *ret_blob = digest_end(&state);
    }
    *ret_blob_size = sink->total;
    return 0;
}
