/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The tree is walked by path from its root and not by recursion: a layer was unpacked by paths
 * below PATH_MAX, so its depth is bounded by those and must be bounded neither by our stack nor by
 * our descriptors.
 */

#include "storage/tree-usage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/string-list.h"

#define BLOCK_SIZE                                                                                 \
    512 /* the unit of st_blocks, whatever the file system's block is (stat(3type)) */

/* A file with several names, seen once per name. */
typedef struct LinkedFile {
    ino_t inode;
    uint64_t bytes;
} LinkedFile;

typedef struct UsageWalk {
    int root_fd;
    StringList pending; /* directories, relative to the root */
    LinkedFile *linked;
    size_t n_linked;
    size_t capacity;
    uint64_t bytes;
} UsageWalk;

static void usage_walk_done(UsageWalk *walk)
{
    string_list_done(&walk->pending);
    free(walk->linked);
}

static void usage_add(UsageWalk *walk, const struct stat *status)
{
    uint64_t bytes = (uint64_t)status->st_blocks * BLOCK_SIZE;

    if (S_ISDIR(status->st_mode) || status->st_nlink == 1) {
        walk->bytes += bytes;
        return;
    }
    walk->linked =
        memory_grow(walk->linked, &walk->capacity, walk->n_linked + 1, sizeof(*walk->linked));
    walk->linked[walk->n_linked++] = (LinkedFile) { .inode = status->st_ino, .bytes = bytes };
}

/* Whoever has the tree goes on with it: what is no more, or is something else by now, takes up
 * nothing. */
static bool has_gone(int r)
{
    return r == -ENOENT || r == -ENOTDIR || r == -ELOOP;
}

static int usage_entry(UsageWalk *walk, DIR *stream, const char *directory, const char *name)
{
    struct stat status;

    if (fstatat(dirfd(stream), name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return has_gone(-errno) ? 0 : -errno;
    usage_add(walk, &status);
    if (S_ISDIR(status.st_mode))
        string_list_printf(&walk->pending, "%s/%s", directory, name);
    return 0;
}

static int usage_directory(UsageWalk *walk, const char *directory)
{
    _cleanup_directory_ DIR *stream = NULL;
    const struct dirent *entry;
    int r = directory_open(path_open_beneath(walk->root_fd, directory, O_RDONLY | O_DIRECTORY, 0),
                           &stream);

    if (has_gone(r))
        return 0;
    while (r >= 0 && (r = directory_read(stream, &entry)) > 0)
        r = usage_entry(walk, stream, directory, entry->d_name);
    return r;
}

static int linked_compare(const void *a, const void *b)
{
    const LinkedFile *left = a, *right = b;

    return (left->inode > right->inode) - (left->inode < right->inode);
}

static uint64_t usage_total(UsageWalk *walk)
{
    uint64_t bytes = walk->bytes;

    if (walk->n_linked > 0)
        qsort(walk->linked, walk->n_linked, sizeof(*walk->linked), linked_compare);
    for (size_t i = 0; i < walk->n_linked; i++) {
        if (i == 0 || walk->linked[i].inode != walk->linked[i - 1].inode)
            bytes += walk->linked[i].bytes;
    }
    return bytes;
}

static int usage_walk(UsageWalk *walk)
{
    struct stat root;
    int r = 0;

    if (fstat(walk->root_fd, &root) < 0)
        return -errno;
    usage_add(walk, &root);
    string_list_add(&walk->pending, ".");

    while (r == 0 && walk->pending.count > 0) {
        _cleanup_free_ char *directory = TAKE_PTR(walk->pending.items[--walk->pending.count]);

        r = usage_directory(walk, directory);
    }
    return r;
}

int tree_usage(int fd, uint64_t *ret_bytes)
{
    _cleanup_(usage_walk_done) UsageWalk walk = { .root_fd = fd };
    int r = usage_walk(&walk);

    if (r >= 0)
        *ret_bytes = usage_total(&walk);
    return r;
}
