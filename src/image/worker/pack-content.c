/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A file's content, as much of it as its size was when it was opened: one that grows meanwhile is
 * cut there, one that shrinks is filled up with zeros, because the header went before.
 */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "image/worker/pack-private.h"

#define STAT_BLOCK_SIZE 512 /* the unit of st_blocks (stat(3type)) */

/* Readers keep the list in memory, and Go's takes no longer one than a megabyte: from here on, what
 * is left of the file is one extent, zeros and all. */
#define MAX_EXTENTS 16384

typedef struct Extents {
    TarExtent *items;
    size_t count;
    size_t capacity;
} Extents;

static void extents_done(Extents *extents)
{
    free(extents->items);
}

static void add_extent(Extents *extents, int64_t offset, int64_t end)
{
    extents->items = memory_grow(extents->items, &extents->capacity, extents->count + 1,
                                 sizeof(*extents->items));
    extents->items[extents->count++] = (TarExtent) { offset, end - offset };
}

/* Find the holes. A file that ends with one has an empty extent there, as GNU tar writes it. */
static int find_extents(int fd, int64_t size, Extents *ret)
{
    off_t data = 0, hole = 0;

    while (hole < size && (data = lseek(fd, hole, SEEK_DATA)) >= 0 && data < size) {
        hole = lseek(fd, data, SEEK_HOLE);
        if (hole < 0)
            return -errno;
        if (hole > size || ret->count == MAX_EXTENTS - 1)
            hole = size;
        add_extent(ret, data, hole);
    }
    if (data < 0 && errno != ENXIO)
        return -errno;
    if (hole < size)
        add_extent(ret, size, size);
    return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

/* Copy @size bytes from where the file stands. */
static int copy(Pack *pack, int fd, int64_t size, Error *err)
{
    size_t room;
    void *target;
    ssize_t n;
    int r;

    while (size > 0) {
        r = pack_sink_room(pack->sink, &target, &room, err);
        if (r < 0)
            return r;
        do
            n = read(fd, target, (int64_t)room < size ? room : (size_t)size);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            return error_errno(err, "read '%s'", string_buffer_get(&pack->path));
        if (n == 0) {
            pack_warn(pack, "has become shorter while it was read");
            return pack_sink_add_zeros(pack->sink, size, err);
        }
        pack_sink_filled(pack->sink, (size_t)n);
        size -= n;
    }
    return 0;
}

static int copy_extents(Pack *pack, const TarMember *member, int fd, Error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < member->n_extents; i++) {
        const TarExtent *extent = &member->extents[i];

        if (lseek(fd, extent->offset, SEEK_SET) < 0)
            return error_errno(err, "read '%s'", member->path);
        r = copy(pack, fd, extent->size, err);
    }
    return r;
}

int pack_write_file(Pack *pack, TarMember *member, int fd, const struct stat *status, Error *err)
{
    _cleanup_(extents_done) Extents extents = {};
    int64_t size;
    int r = 0;

    if (status->st_size > 0 && status->st_blocks * STAT_BLOCK_SIZE < status->st_size) {
        r = find_extents(fd, status->st_size, &extents);
        if (r < 0)
            return error_result(err, r, "look for holes in '%s'", member->path);
        member->is_sparse =
            extents.count != 1 || extents.items[0].size < status->st_size; /* or compressed */
        member->extents = extents.items;
        member->n_extents = extents.count;
    }

    r = tar_writer_add(pack->sink, member, &size, err);
    if (r >= 0)
        r = member->is_sparse ? copy_extents(pack, member, fd, err) : copy(pack, fd, size, err);
    return r < 0 ? r : tar_writer_pad(pack->sink, err);
}
