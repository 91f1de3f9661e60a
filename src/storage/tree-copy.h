/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Copies of files and trees by handle: whoever owns the source or the target may swap any name
 * meanwhile, and no symlink is ever followed, nothing outside of either is read or written.
 *
 * What is copied is equal to the source in type, content, holes, mode, times, extended attributes
 * (capabilities and ACLs among them, but not overlayfs's marks and labels of the host's), device
 * numbers and hard links within the tree. Content is shared where the file system can (FICLONE).
 *
 * A file, or a directory with all below it, has its name in the target once it is whole: until then
 * it has none, or one that begins with TREE_COPY_PREFIX. What is left of a copy that was killed
 * goes with the next copy into the same directory.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/id-map.h"

#define TREE_COPY_PREFIX ".cay-copy-"

typedef enum TreeCopyFlags {
    TREE_COPY_OWNERS = 1 << 0,    /* give the copies the owners of what they are copies of; else
                                     they belong to @uid and @gid */
    TREE_COPY_ONE_MOUNT = 1 << 1, /* of what is mounted below the source, copy the mount point */
    TREE_COPY_SKIP_EXISTING = 1 << 2,    /* leave alone what is there; else files are replaced, and
                                            directories are merged */
    TREE_COPY_KEEP_DIRECTORIES = 1 << 3, /* of directories that are there, leave alone owner, mode
                                            and times */
} TreeCopyFlags;

typedef struct TreeCopyTotals {
    uint64_t bytes;         /* of regular files, holes included */
    uint64_t archive_bytes; /* of a tar archive with all of it */
} TreeCopyTotals;

typedef struct TreeCopyOptions {
    unsigned flags;
    const IdMap
        *source_ids; /* through which the source is seen; NULL: ids are as they are stored */
    const IdMap *target_ids; /* the same of the target */
    uint32_t uid, gid;       /* without TREE_COPY_OWNERS, inside of target_ids */
    TreeCopyTotals *totals;  /* what was copied is added, for progress; may be NULL */
} TreeCopyOptions;

/*
 * Copy what the directory @source_fd holds into the directory @target_fd, and its own mode, times,
 * owner and attributes. Both may be O_PATH handles. Files of the kernel's own file systems (procfs
 * and its like) are never read: their mount points are copied as empty directories.
 *
 * The process must have one thread: umask, and the ids with which files are made, are changed
 * meanwhile. Errors: EXHAUSTED (no space, names the entry), CONFLICT (a directory where a file has
 * to be, or the reverse; a directory into itself), INVALID (an owner that has no id in the target),
 * DENIED, SYSTEM. On failure the target holds part of the tree.
 */
int tree_copy(int source_fd, int target_fd, const TreeCopyOptions *options, Error *err);

/*
 * Copy the one entry @name in the directory @source_dir_fd, of any type and with all below it, to
 * @target_name in @target_dir_fd. Errors: as tree_copy(); NOT_FOUND.
 */
int tree_copy_entry(int source_dir_fd, const char *name, int target_dir_fd, const char *target_name,
                    const TreeCopyOptions *options, Error *err);

/*
 * Copy the one file that the handle @source_fd is of, of any type and with all below it, to
 * @target_name in @target_dir_fd. A handle of O_PATH will do, and of O_NOFOLLOW for a symlink.
 * Errors: as tree_copy(); UNSUPPORTED (of the kernel's own file systems).
 */
int tree_copy_handle(int source_fd, int target_dir_fd, const char *target_name,
                     const TreeCopyOptions *options, Error *err);
