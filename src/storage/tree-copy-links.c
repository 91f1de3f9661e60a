/* SPDX-License-Identifier: Apache-2.0 */

/* Files with several names, found by what they are: only those are kept in memory. */

#include <stdlib.h>

#include "base/memory.h"
#include "storage/tree-copy-private.h"

#define CAPACITY_MIN 64

void copied_files_done(CopiedFiles *files)
{
    for (size_t i = 0; i < files->capacity; i++)
        free(files->items[i].path);
    free(files->items);
    *files = (CopiedFiles) {};
}

/* Where the file is, or would be. */
static CopiedFile *slot_of(const CopiedFiles *files, dev_t device, ino_t inode)
{
    size_t index = (size_t)(((uint64_t)inode ^ ((uint64_t)device << 32)) * 0x9e3779b97f4a7c15U);

    for (index ^= index >> 32;; index++) {
        CopiedFile *file = &files->items[index & (files->capacity - 1)];

        if (!file->path || (file->source_device == device && file->source_inode == inode))
            return file;
    }
}

static void grow(CopiedFiles *files)
{
    CopiedFiles larger = { .count = files->count,
                           .capacity = files->capacity ? files->capacity * 2 : CAPACITY_MIN };

    larger.items = NEW_ARRAY(CopiedFile, larger.capacity);
    for (size_t i = 0; i < files->capacity; i++) {
        const CopiedFile *file = &files->items[i];

        if (file->path)
            *slot_of(&larger, file->source_device, file->source_inode) = *file;
    }
    free(files->items);
    *files = larger;
}

const CopiedFile *copied_files_find(const CopiedFiles *files, const struct stat *source)
{
    const CopiedFile *file =
        files->count > 0 ? slot_of(files, source->st_dev, source->st_ino) : NULL;

    return file && file->path ? file : NULL;
}

void copied_files_add(CopiedFiles *files, const struct stat *source, const struct stat *target,
                      char *path)
{
    CopiedFile *file;

    if (files->capacity < (files->count + 1) * 2)
        grow(files);
    file = slot_of(files, source->st_dev, source->st_ino);
    if (!file->path)
        files->count++;
    free(file->path);
    *file = (CopiedFile) {
        .source_device = source->st_dev,
        .source_inode = source->st_ino,
        .target_device = target->st_dev,
        .target_inode = target->st_ino,
        .path = path,
    };
}
