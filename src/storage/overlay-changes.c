/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One directory after the other, each opened anew below the top of upper and of the layers that
 * have it: so no more than one descriptor for each layer is open, however deep the tree is. Parents
 * come before their children in the list of directories, so what has changed in a directory is told
 * to its parent on the way back through it.
 */

#include "storage/overlay-changes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/xattr.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"

#define OPAQUE_XATTR "trusted.overlay.opaque"
#define CAPABILITY_MAX 64
#define NO_PARENT SIZE_MAX

/* A directory of upper. */
typedef struct ChangedDirectory {
    char *path; /* below the top; "" is the top */
    size_t parent;
    size_t *layers; /* those in which it shows through, or would if upper did not hide them */
    size_t n_layers;
    bool hides;       /* what is below is not seen through it */
    bool is_listed;   /* as a change itself */
    bool has_changes; /* it or what is in it */
} ChangedDirectory;

typedef struct Walk {
    int upper_fd;
    const int *layer_fds;
    ChangedDirectory *directories;
    size_t count;
    size_t capacity;
    int *lower_fds; /* the current directory in its layers */
    size_t n_lower;
    OverlayChanges changes;
} Walk;

void overlay_changes_done(OverlayChanges *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        free(changes->items[i].path);
    free(changes->items);
    *changes = (OverlayChanges) {};
}

static void close_lower(Walk *walk)
{
    while (walk->n_lower > 0)
        fd_close(walk->lower_fds[--walk->n_lower]);
}

static void walk_done(Walk *walk)
{
    close_lower(walk);
    free(walk->lower_fds);
    for (size_t i = 0; i < walk->count; i++) {
        free(walk->directories[i].path);
        free(walk->directories[i].layers);
    }
    free(walk->directories);
    overlay_changes_done(&walk->changes);
}

static char *join(const char *directory, const char *name)
{
    return memory_printf("%s%s%s", directory, *directory ? "/" : "", name);
}

static void add_change(Walk *walk, OverlayChangeKind kind, const char *path)
{
    OverlayChanges *changes = &walk->changes;

    changes->items = memory_grow(changes->items, &changes->capacity, changes->count + 1,
                                 sizeof(*changes->items));
    changes->items[changes->count++] =
        (OverlayChange) { .kind = kind, .path = memory_printf("/%s", path) };
}

static ChangedDirectory *add_directory(Walk *walk, size_t parent, const char *path)
{
    ChangedDirectory *directory;

    walk->directories = memory_grow(walk->directories, &walk->capacity, walk->count + 1,
                                    sizeof(*walk->directories));
    directory = &walk->directories[walk->count++];
    *directory = (ChangedDirectory) { .path = memory_strdup(path), .parent = parent };
    return directory;
}

static bool is_whiteout(const struct stat *status)
{
    return S_ISCHR(status->st_mode) && status->st_rdev == makedev(0, 0);
}

static bool is_opaque(int fd)
{
    char value;

    return fgetxattr(fd, OPAQUE_XATTR, &value, sizeof(value)) == 1 && value == 'y';
}

/* Find @name in the layers of the current directory. Returns false where it shows in none; else
 * *ret_layer is the index of the topmost that has it. */
static bool find_lower(const Walk *walk, const char *name, size_t *ret_layer, struct stat *ret)
{
    for (size_t i = 0; i < walk->n_lower; i++) {
        if (fstatat(walk->lower_fds[i], name, ret, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        *ret_layer = i;
        return !is_whiteout(ret);
    }
    return false;
}

/* Docker's file systems may know no nanoseconds, which then are 0. */
static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec &&
           (a->tv_nsec == b->tv_nsec || a->tv_nsec == 0 || b->tv_nsec == 0);
}

static ssize_t read_capability(int directory_fd, const char *name, char *value)
{
    _cleanup_close_ int fd =
        openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : fgetxattr(fd, XATTR_NAME_CAPS, value, CAPABILITY_MAX);

    return size < 0 ? 0 : size;
}

static bool has_same_capability(int upper_fd, int lower_fd, const char *name)
{
    char upper[CAPABILITY_MAX], lower[CAPABILITY_MAX];
    ssize_t size = read_capability(upper_fd, name, upper);

    return read_capability(lower_fd, name, lower) == size &&
           memcmp(upper, lower, (size_t)size) == 0;
}

static bool is_equal(const struct stat *upper, const struct stat *lower)
{
    if (upper->st_mode != lower->st_mode || upper->st_uid != lower->st_uid ||
        upper->st_gid != lower->st_gid || upper->st_rdev != lower->st_rdev)
        return false;
    return S_ISDIR(upper->st_mode) ||
           (upper->st_size == lower->st_size && is_same_time(&upper->st_mtim, &lower->st_mtim));
}

/* An entry of the current directory of upper. */
typedef struct ChangedEntry {
    const char *name;
    int directory_fd;
    struct stat status;
} ChangedEntry;

/* List the entry if it is one, and the directory as one that has changes. */
static bool list_entry(Walk *walk, size_t index, const ChangedEntry *entry, const char *path,
                       const struct stat *lower, size_t layer)
{
    if (!lower)
        add_change(walk, OVERLAY_ADDED, path);
    else if (!is_equal(&entry->status, lower) ||
             (S_ISREG(lower->st_mode) &&
              !has_same_capability(entry->directory_fd, walk->lower_fds[layer], entry->name)))
        add_change(walk, OVERLAY_CHANGED, path);
    else
        return false;
    walk->directories[index].has_changes = true;
    return true;
}

/* A whiteout of what is in no layer hides nothing. */
static void list_whiteout(Walk *walk, size_t index, const ChangedEntry *entry, const char *path)
{
    struct stat lower;
    size_t layer;

    if (walk->directories[index].hides || !find_lower(walk, entry->name, &layer, &lower))
        return;
    add_change(walk, OVERLAY_DELETED, path);
    walk->directories[index].has_changes = true;
}

static void look_at_entry(Walk *walk, size_t index, const ChangedEntry *entry)
{
    _cleanup_free_ char *path = join(walk->directories[index].path, entry->name);
    ChangedDirectory *parent, *directory;
    bool has_lower, is_listed;
    struct stat lower;
    size_t layer = 0;

    if (is_whiteout(&entry->status)) {
        list_whiteout(walk, index, entry, path);
        return;
    }
    has_lower = find_lower(walk, entry->name, &layer, &lower);
    is_listed = list_entry(walk, index, entry, path, has_lower ? &lower : NULL, layer);
    if (!S_ISDIR(entry->status.st_mode))
        return;

    directory = add_directory(walk, index, path);
    parent = &walk->directories[index];
    directory->is_listed = is_listed;
    directory->hides = parent->hides;
    if (!has_lower || !S_ISDIR(lower.st_mode))
        return;
    directory->layers = NEW_ARRAY(size_t, parent->n_layers);
    for (; layer < walk->n_lower; layer++)
        directory->layers[directory->n_layers++] = parent->layers[layer];
}

/* Open the current directory in those of its layers that have it, down to what hides the rest. */
static int open_lower(Walk *walk, ChangedDirectory *directory)
{
    size_t count = 0;

    for (size_t i = 0; i < directory->n_layers; i++) {
        const char *path = *directory->path ? directory->path : ".";
        int fd = path_open_beneath(walk->layer_fds[directory->layers[i]], path,
                                   O_RDONLY | O_DIRECTORY, 0);

        if (fd == -ENOENT)
            continue;
        if (fd == -ENOTDIR || fd == -ELOOP)
            break;
        if (fd < 0)
            return fd;
        walk->lower_fds[walk->n_lower++] = fd;
        directory->layers[count++] = directory->layers[i];
        if (is_opaque(fd))
            break;
    }
    directory->n_layers = count;
    return 0;
}

/* Names of the current directory in its layers, each as often as there are layers with it. */
typedef struct LowerName {
    char *name;
    size_t layer;
} LowerName;

typedef struct LowerNames {
    LowerName *items;
    size_t count;
    size_t capacity;
} LowerNames;

static void lower_names_done(LowerNames *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i].name);
    free(names->items);
}

static int compare_lower_names(const void *a, const void *b)
{
    return strcmp(((const LowerName *)a)->name, ((const LowerName *)b)->name);
}

static int read_lower_names(const Walk *walk, LowerNames *names)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < walk->n_lower; i++) {
        _cleanup_directory_ DIR *directory = NULL;
        const struct dirent *entry;

        r = directory_open_at(walk->lower_fds[i], ".", &directory);
        while (r >= 0 && (r = directory_read(directory, &entry)) > 0) {
            names->items = memory_grow(names->items, &names->capacity, names->count + 1,
                                       sizeof(*names->items));
            names->items[names->count++] = (LowerName) { memory_strdup(entry->d_name), i };
        }
    }
    if (names->count > 1)
        qsort(names->items, names->count, sizeof(*names->items), compare_lower_names);
    return r;
}

/* What an opaque directory hides and does not have itself is deleted without a whiteout. */
static int list_hidden(Walk *walk, size_t index, int upper_fd)
{
    _cleanup_(lower_names_done) LowerNames names = {};
    int r = read_lower_names(walk, &names);

    for (size_t i = 0; r >= 0 && i < names.count; i++) {
        const char *name = names.items[i].name;
        struct stat status;
        size_t layer;

        if (i > 0 && strcmp(name, names.items[i - 1].name) == 0)
            continue;
        if (fstatat(upper_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && !is_whiteout(&status))
            continue;
        if (!find_lower(walk, name, &layer, &status))
            continue;
        _cleanup_free_ char *path = join(walk->directories[index].path, name);
        add_change(walk, OVERLAY_DELETED, path);
        walk->directories[index].has_changes = true;
    }
    return r;
}

/*
 * In a directory that no layer has all is new, and its type says all there is to know: unless it
 * may be a whiteout, or the file system does not tell types.
 */
static bool is_known_by_type(const Walk *walk, const struct dirent *found, ChangedEntry *entry)
{
    if (walk->n_lower > 0 || found->d_type == DT_CHR || found->d_type == DT_UNKNOWN)
        return false;
    entry->status = (struct stat) { .st_mode = DTTOIF(found->d_type) };
    return true;
}

static int look_at_directory(Walk *walk, size_t index)
{
    ChangedDirectory *current = &walk->directories[index];
    const char *path = *current->path ? current->path : ".";
    _cleanup_close_ int fd = path_open_beneath(walk->upper_fd, path, O_RDONLY | O_DIRECTORY, 0);
    _cleanup_directory_ DIR *stream = NULL;
    const struct dirent *found;
    int r;

    if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
        return 0; /* gone, or replaced, since its parent was looked at */
    if (fd < 0)
        return fd;
    r = open_lower(walk, current);
    if (r < 0)
        return r;
    current->hides = current->hides || (walk->n_lower > 0 && is_opaque(fd));
    r = directory_open_at(fd, ".", &stream);
    while (r >= 0 && (r = directory_read(stream, &found)) > 0) {
        ChangedEntry entry = { .name = found->d_name, .directory_fd = fd };

        if (is_known_by_type(walk, found, &entry) ||
            fstatat(fd, entry.name, &entry.status, AT_SYMLINK_NOFOLLOW) == 0)
            look_at_entry(walk, index, &entry);
    }
    if (r >= 0 && walk->n_lower > 0 && walk->directories[index].hides)
        r = list_hidden(walk, index, fd);
    close_lower(walk);
    return r;
}

/* Directories in which something has changed are changed themselves, all but the top. */
static void list_parents(Walk *walk)
{
    for (size_t i = walk->count; i-- > 1;) {
        ChangedDirectory *directory = &walk->directories[i];

        if (!directory->has_changes)
            continue;
        if (!directory->is_listed)
            add_change(walk, OVERLAY_CHANGED, directory->path);
        walk->directories[directory->parent].has_changes = true;
    }
}

static int compare_changes(const void *a, const void *b)
{
    return strcmp(((const OverlayChange *)a)->path, ((const OverlayChange *)b)->path);
}

int overlay_changes_list(int upper_fd, const int *layer_fds, size_t n_layers, OverlayChanges *ret,
                         Error *err)
{
    _cleanup_(walk_done) Walk walk = { .upper_fd = upper_fd, .layer_fds = layer_fds };
    ChangedDirectory *top = add_directory(&walk, NO_PARENT, "");
    int r = 0;

    walk.lower_fds = NEW_ARRAY(int, n_layers + 1);
    top->layers = NEW_ARRAY(size_t, n_layers + 1);
    for (; top->n_layers < n_layers; top->n_layers++)
        top->layers[top->n_layers] = top->n_layers;

    for (size_t i = 0; r >= 0 && i < walk.count; i++) {
        r = look_at_directory(&walk, i);
        if (r < 0)
            return error_result(err, r, "look for changes in '/%s'", walk.directories[i].path);
    }
    list_parents(&walk);
    if (walk.changes.count > 1)
        qsort(walk.changes.items, walk.changes.count, sizeof(*walk.changes.items), compare_changes);

    *ret = walk.changes;
    walk.changes = (OverlayChanges) {};
    return 0;
}
