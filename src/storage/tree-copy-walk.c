/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The way through a tree: a stack of directories, each listed as a whole when it is entered. So a
 * copy that ends up inside of what is copied is not found and copied again.
 *
 * Trees are as deep as whoever made them likes; descriptors are few. Only the lowest levels keep
 * theirs. Those above are reached through ".." again, and have to be the same directories still.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/string-buffer.h"
#include "storage/tree-copy-private.h"

#define OPEN_LEVELS 64 /* two descriptors each */
#define LISTING_SIZE (32 * 1024)

static void level_done(CopyLevel *level)
{
    fd_close(level->source_fd);
    fd_close(level->target_fd);
    free(level->name);
    free(level->entries);
}

/* --- paths, for messages and for hard links --- */

char *copy_path_of_level(const TreeCopy *copy, size_t index)
{
    _cleanup_string_buffer_ StringBuffer path = {};

    for (size_t i = 1; i <= index; i++)
        string_buffer_printf(&path, "%s%s", i > 1 ? "/" : "", copy->levels[i].name);
    return string_buffer_take(&path);
}

char *copy_path(const TreeCopy *copy, const char *name)
{
    _cleanup_free_ char *path = copy_path_of_level(copy, copy->depth - 1);

    return *path ? memory_printf("%s/%s", path, name) : memory_strdup(name);
}

int copy_fail(const TreeCopy *copy, int r, const char *name)
{
    _cleanup_free_ char *path = copy_path(copy, name);

    if (r == -EOVERFLOW)
        return error_set(copy->err, ERROR_INVALID,
                         "copy '%s': its owner has no id in the target's user namespace", path);
    if (r == -EBUSY)
        return error_set(copy->err, ERROR_CONFLICT, "cannot replace '%s', which is a mount point",
                         path);
    return error_result(copy->err, r, "copy '%s'", path);
}

/* --- listings --- */

static void add_entry(CopyLevel *level, size_t *capacity, const struct dirent64 *entry)
{
    size_t size = strlen(entry->d_name) + 1;
    const char *name = entry->d_name;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return;
    level->entries = memory_grow(level->entries, capacity, level->entries_size + 1 + size, 1);
    level->entries[level->entries_size] = (char)entry->d_type;
    memcpy(level->entries + level->entries_size + 1, name, size);
    level->entries_size += 1 + size;
}

static int list_entries(CopyLevel *level)
{
    char buffer[LISTING_SIZE] __attribute__((aligned(8)));
    size_t capacity = 0;
    ssize_t size;

    while ((size = syscall(SYS_getdents64, level->source_fd, buffer, sizeof(buffer))) > 0) {
        const struct dirent64 *entry;

        for (ssize_t offset = 0; offset < size; offset += entry->d_reclen) {
            entry = (const struct dirent64 *)(buffer + offset);
            add_entry(level, &capacity, entry);
        }
    }
    return size < 0 ? -errno : 0;
}

/* --- what copies that were killed have left --- */

static bool is_staged_name(const char *name)
{
    const size_t length = strlen(TREE_COPY_PREFIX);

    return strncmp(name, TREE_COPY_PREFIX, length) == 0 &&
           strlen(name) == COPY_STAGED_NAME_SIZE - 1 &&
           strspn(name + length, "0123456789abcdef") == strlen(name + length);
}

/* Whoever still works on it holds its lock; nodes are without one, and not looked at for long. */
static bool is_left(int dir_fd, const char *name)
{
    _cleanup_close_ int path_fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    _cleanup_close_ int fd = -EBADF;
    struct stat status;
    char path[32];

    if (path_fd < 0 || fstat(path_fd, &status) < 0)
        return false;
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
        return true;
    fd = open(path_of_fd(path, path_fd), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* What cannot be deleted stays: it is in nobody's way. */
static void sweep(int fd)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;

    if (directory_open_at(fd, ".", &directory) < 0)
        return;
    while (directory_read(directory, &entry) > 0) {
        if (is_staged_name(entry->d_name) && is_left(fd, entry->d_name))
            (void)path_remove_tree(fd, entry->d_name);
    }
}

/* --- levels --- */

/* Not those that the copy without a name hangs on, nor the top: hard links begin there. */
static void close_far_level(TreeCopy *copy)
{
    CopyLevel *level;

    if (copy->depth <= OPEN_LEVELS || copy->depth - OPEN_LEVELS <= copy->staged)
        return;
    level = &copy->levels[copy->depth - OPEN_LEVELS];
    level->source_fd = fd_close(level->source_fd);
    level->target_fd = fd_close(level->target_fd);
}

static int reopen(int child_fd, dev_t device, ino_t inode)
{
    _cleanup_close_ int fd = openat(child_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (status.st_dev != device || status.st_ino != inode)
        return -ESTALE; /* somebody has moved what is being copied */
    return TAKE_FD(fd);
}

static int reopen_parent(TreeCopy *copy)
{
    CopyLevel *child = &copy->levels[copy->depth - 1], *parent = child - 1;

    if (parent->target_fd >= 0)
        return 0;
    parent->source_fd = reopen(child->source_fd, parent->source.st_dev, parent->source.st_ino);
    parent->target_fd = reopen(child->target_fd, parent->target_device, parent->target_inode);
    return parent->source_fd < 0   ? parent->source_fd
           : parent->target_fd < 0 ? parent->target_fd
                                   : 0;
}

int copy_level_enter(TreeCopy *copy, CopyLevel *level, const char *name, const struct stat *target,
                     int r)
{
    const bool is_top = copy->depth == 0;

    level->target_device = target->st_dev;
    level->target_inode = target->st_ino;
    level->inherits_group = target->st_mode & S_ISGID;
    level->name = memory_strdup(name);
    copy->levels =
        memory_grow(copy->levels, &copy->capacity, copy->depth + 1, sizeof(*copy->levels));
    copy->levels[copy->depth] = *level;
    level = &copy->levels[copy->depth];
    if (level->staged_name[0])
        copy->staged = copy->depth;
    copy->depth++;
    if (r < 0)
        return r;

    if (!level->is_fresh) {
        sweep(level->target_fd);
        level->inherits_acls = copy_inherits_acls(level->target_fd);
    } else if (!is_top && level[-1].inherits_acls) {
        r = copy_drop_acls((CopyHandle) { level->target_fd, false }, true);
    }
    if (r == 0 && !level->is_mount_point)
        r = list_entries(level);
    close_far_level(copy);
    return r;
}

static int leave_level(TreeCopy *copy)
{
    CopyLevel *level = &copy->levels[copy->depth - 1];
    int r = reopen_parent(copy);

    if (r == 0)
        r = copy_level_finish(copy, level, level - 1);
    if (r < 0) {
        _cleanup_free_ char *path = copy_path_of_level(copy, copy->depth - 1);

        return error_result(copy->err, r, "copy '%s'", path);
    }
    if (copy->staged == copy->depth - 1)
        copy->staged = 0;
    level_done(level);
    copy->depth--;
    return 0;
}

int copy_walk(TreeCopy *copy)
{
    int r = 0;

    while (r == 0) {
        CopyLevel *level = &copy->levels[copy->depth - 1];

        if (level->next < level->entries_size) {
            const char *entry = level->entries + level->next;

            level->next += 1 + strlen(entry + 1) + 1;
            r = copy_entry(copy, entry + 1, (unsigned char)entry[0], entry + 1);
        } else if (copy->depth == 1) {
            return 0;
        } else {
            r = leave_level(copy);
        }
    }
    return r;
}

void copy_levels_done(TreeCopy *copy)
{
    const CopyLevel *staged = copy->staged ? &copy->levels[copy->staged] : NULL;

    if (staged)
        (void)path_remove_tree(staged[-1].target_fd, staged->staged_name); /* the next one sweeps */
    while (copy->depth > 0)
        level_done(&copy->levels[--copy->depth]);
    free(copy->levels);
}
