/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One function per kind of file, chosen from a table; whiteouts and hard links come before it.
 */

#include "image/worker/extract.h"

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "image/worker/content.h"
#include "image/worker/entry-name.h"
#include "image/worker/failure.h"
#include "image/worker/metadata.h"

#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_META_PREFIX ".wh..wh." /* what aufs kept for itself; the opaque mark is one */
#define WHITEOUT_OPAQUE ".wh..wh..opq"

/* What the kernel's 32-bit device numbers can hold (linux/kdev_t.h). */
#define DEVICE_MAX_MAJOR 0xfff
#define DEVICE_MAX_MINOR 0xfffff

/* What an entry takes on the disk beside its content, more or less. */
#define ENTRY_BYTES 4096

typedef struct Extraction {
    TarReader *reader;
    Tree *tree;
    const ExtractOptions *options;
    ExtractResult result;
} Extraction;

/* One member: where it goes and what it is. */
typedef struct Entry {
    struct archive_entry *header;
    char *path;               /* clean; "" is the root */
    char *quoted;             /* for messages */
    const char *name;         /* last component of path */
    TreeDirectory *directory; /* its parent */
} Entry;

static void entry_done(Entry *entry)
{
    free(entry->path);
    free(entry->quoted);
}

static int refuse(Error *err, const Entry *entry, const char *reason)
{
    return error_set(err, ERROR_INVALID, "archive entry '%s' %s", entry->quoted, reason);
}

static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return memory_strndup(path, slash ? (size_t)(slash - path) : 0);
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Open the parent, making it if need be. */
static int entry_enter(Extraction *extraction, Entry *entry, Error *err)
{
    _cleanup_free_ char *parent = parent_of(entry->path);

    return tree_directory(extraction->tree, parent, &entry->directory, err);
}

/*
 * Make a file by @make (0, a descriptor or -errno). What is in the way is deleted, and then it must
 * work: nobody else is here. Returns what @make returns, with an error recorded when negative.
 */
static int make_replacing(Extraction *extraction, const Entry *entry,
                          int (*make)(const Entry *entry), Error *err)
{
    int r = make(entry);

    if (r == -EEXIST) {
        r = tree_remove(extraction->tree, entry->directory, entry->name, err);
        if (r < 0)
            return r;
        r = make(entry);
    }
    return r < 0 ? failure_write(err, r, "make '%s'", entry->quoted) : r;
}

static int finish_metadata(const Entry *entry, const MetadataTarget *target, Error *err)
{
    int r;

    if (entry->directory->has_default_acl)
        metadata_drop_acl(target);
    r = metadata_apply(target, entry->header, entry->quoted, err);
    if (r < 0)
        return r;
    return metadata_apply_times(target, entry->header, entry->quoted, err);
}

static int finish_by_name(const Entry *entry, Error *err)
{
    MetadataTarget target = {
        .fd = -EBADF,
        .directory_fd = entry->directory->fd,
        .name = entry->name,
    };

    return finish_metadata(entry, &target, err);
}

/* Owner and mode come with the file where nothing else decides over them. What chown(2) would clear
 * again comes after it. */
static MetadataTarget what_file_has(const Entry *entry)
{
    bool is_plain = entry->directory->is_plain;

    return (MetadataTarget) {
        .fd = -EBADF,
        .has_owner = is_plain && archive_entry_uid(entry->header) == 0 &&
                     archive_entry_gid(entry->header) == 0,
        .has_mode = is_plain && !(archive_entry_perm(entry->header) & ~(mode_t)ACCESSPERMS),
    };
}

static int make_file(const Entry *entry)
{
    mode_t mode = what_file_has(entry).has_mode ? archive_entry_perm(entry->header) : 0600;
    int fd = openat(entry->directory->fd, entry->name,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

    return fd < 0 ? -errno : fd;
}

static int extract_file(Extraction *extraction, Entry *entry, Error *err)
{
    int64_t size = archive_entry_size(entry->header);
    MetadataTarget target = what_file_has(entry);
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (size < 0)
        return refuse(err, entry, "has a negative size");
    if (size > extraction->options->limits->max_bytes - extraction->result.size)
        return error_set(err, ERROR_EXHAUSTED,
                         "archive entry '%s' exceeds the limit of %lld unpacked bytes",
                         entry->quoted, (long long)extraction->options->limits->max_bytes);

    fd = make_replacing(extraction, entry, make_file, err);
    if (fd < 0)
        return fd;
    r = content_write(extraction->reader, fd, size, err);
    if (r < 0)
        return error_wrap(err, r, "archive entry '%s'", entry->quoted);
    extraction->result.size += size;
    target.fd = fd;
    return finish_metadata(entry, &target, err);
}

/* Make a directory, or keep one that is there. Returns 1 when it hides a lower one, else 0. */
static int make_directory(Extraction *extraction, const Entry *entry, Error *err)
{
    int parent = entry->directory->fd;
    bool was_whiteout;
    struct stat st;
    int r;

    if (mkdirat(parent, entry->name, 0700) == 0)
        return 0;
    if (errno != EEXIST || fstatat(parent, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return failure_write(err, -errno, "make '%s'", entry->quoted);
    if (S_ISDIR(st.st_mode))
        return 0;

    was_whiteout = tree_is_whiteout(parent, entry->name);
    r = tree_remove(extraction->tree, entry->directory, entry->name, err);
    if (r < 0)
        return r;
    if (mkdirat(parent, entry->name, 0700) < 0)
        return failure_write(err, -errno, "make '%s'", entry->quoted);
    return was_whiteout;
}

static int mark_opaque(const Entry *entry, const TreeDirectory *directory, Error *err)
{
    int r = tree_make_opaque(directory->fd);

    return r < 0 ? failure_write(err, r, "mark '%s' as opaque", entry->quoted) : 0;
}

/* Its times are put back by the tree, after all that happens in it. */
static int extract_directory(Extraction *extraction, Entry *entry, Error *err)
{
    bool is_root = *entry->path == '\0';
    bool inherits = !is_root && entry->directory->has_default_acl;
    TreeDirectory *directory = NULL;
    struct timespec times[2];
    int r, is_opaque = 0;

    extraction->result.has_root |= is_root;
    if (!is_root)
        is_opaque = make_directory(extraction, entry, err);
    if (is_opaque < 0)
        return is_opaque;
    r = tree_directory(extraction->tree, entry->path, &directory, err);
    if (r >= 0 && is_opaque)
        r = mark_opaque(entry, directory, err);
    if (r < 0)
        return r;

    if (inherits)
        metadata_drop_acl(&(MetadataTarget) { .fd = directory->fd });
    r = metadata_apply(&(MetadataTarget) { .fd = directory->fd }, entry->header, entry->quoted,
                       err);
    if (r < 0)
        return r;
    metadata_get_times(entry->header, times);
    tree_directory_set_times(directory, times);
    tree_directory_refresh(directory);
    return 0;
}

static int make_symlink(const Entry *entry)
{
    return symlinkat(archive_entry_symlink(entry->header), entry->directory->fd, entry->name) < 0
               ? -errno
               : 0;
}

static int extract_symlink(Extraction *extraction, Entry *entry, Error *err)
{
    const char *target = archive_entry_symlink(entry->header);
    int r;

    if (!target || *target == '\0')
        return refuse(err, entry, "is a symbolic link to nothing");
    if (strlen(target) >= PATH_MAX)
        return refuse(err, entry, "is a symbolic link with a target longer than the limit");
    r = make_replacing(extraction, entry, make_symlink, err);
    return r < 0 ? r : finish_by_name(entry, err);
}

static int make_node(const Entry *entry)
{
    dev_t device = makedev((unsigned)archive_entry_rdevmajor(entry->header),
                           (unsigned)archive_entry_rdevminor(entry->header));
    mode_t type = archive_entry_filetype(entry->header);

    return mknodat(entry->directory->fd, entry->name, type | 0600, device) < 0 ? -errno : 0;
}

static int extract_device(Extraction *extraction, Entry *entry, Error *err)
{
    uint64_t major_number = archive_entry_rdevmajor(entry->header);
    uint64_t minor_number = archive_entry_rdevminor(entry->header);
    int r;

    if (major_number > DEVICE_MAX_MAJOR || minor_number > DEVICE_MAX_MINOR)
        return refuse(err, entry, "has a device number out of range");
    if (archive_entry_filetype(entry->header) == AE_IFCHR && major_number == 0 && minor_number == 0)
        return refuse(err, entry, "is device 0:0, which is overlayfs's mark for a deleted file");
    r = make_replacing(extraction, entry, make_node, err);
    return r < 0 ? r : finish_by_name(entry, err);
}

static int extract_fifo(Extraction *extraction, Entry *entry, Error *err)
{
    int r = make_replacing(extraction, entry, make_node, err);

    return r < 0 ? r : finish_by_name(entry, err);
}

/* A socket means nothing without the process that made it. */
static int extract_socket(Extraction *extraction, Entry *entry, Error *err)
{
    (void)extraction;
    (void)entry;
    (void)err;
    return 0;
}

static const struct {
    mode_t type;
    int (*extract)(Extraction *extraction, Entry *entry, Error *err);
} kinds[] = {
    { AE_IFREG, extract_file },    { AE_IFDIR, extract_directory }, { AE_IFLNK, extract_symlink },
    { AE_IFCHR, extract_device },  { AE_IFBLK, extract_device },    { AE_IFIFO, extract_fifo },
    { AE_IFSOCK, extract_socket },
};

static int refuse_link(Error *err, const Entry *entry, const char *target, const char *reason)
{
    _cleanup_free_ char *quoted = failure_quote(target);

    return error_set(err, ERROR_INVALID, "archive entry '%s' is a hard link to '%s', which %s",
                     entry->quoted, quoted, reason);
}

/* Replace what is in the way, which may be the very thing that the link is to. */
static int link_replacing(Extraction *extraction, const Entry *entry, int source_fd,
                          const char *source_name, Error *err)
{
    int r;

    if (linkat(source_fd, source_name, entry->directory->fd, entry->name, 0) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    r = tree_remove(extraction->tree, entry->directory, entry->name, err);
    if (r < 0)
        return r;
    return linkat(source_fd, source_name, entry->directory->fd, entry->name, 0) < 0 ? -errno : 0;
}

/* The content that some archives repeat with a link is skipped, and so is its metadata: both are
 * those of the first name. */
static int extract_hard_link(Extraction *extraction, Entry *entry, Error *err)
{
    const char *raw = archive_entry_hardlink(entry->header);
    _cleanup_free_ char *path = NULL, *parent = NULL;
    TreeDirectory *source = NULL;
    int r;

    r = entry_name_clean(raw, extraction->options->limits, &path, err);
    if (r < 0)
        return error_wrap(err, r, "hard link '%s'", entry->quoted);
    if (strcmp(path, entry->path) == 0)
        return refuse_link(err, entry, raw, "is itself");

    parent = parent_of(path);
    r = tree_find_directory(extraction->tree, parent, &source, err);
    if (r == -ENOENT || (r >= 0 && tree_is_whiteout(source->fd, name_of(path))))
        return refuse_link(err, entry, raw, "the archive has not brought before");
    if (r < 0)
        return error_wrap(err, r, "hard link '%s'", entry->quoted);

    r = link_replacing(extraction, entry, source->fd, name_of(path), err);
    if (r == -ENOENT)
        return refuse_link(err, entry, raw, "the archive has not brought before");
    if (r == -EPERM)
        return refuse_link(err, entry, raw, "cannot be linked to");
    return r < 0 ? failure_write(err, r, "link '%s'", entry->quoted) : 0;
}

/* Hide @name of the lower layers. The same layer's own entry of that name stays: a whiteout is
 * about lower layers only. */
static int extract_whiteout(Extraction *extraction, Entry *entry, Error *err)
{
    const char *hidden = entry->name + strlen(WHITEOUT_PREFIX);
    _cleanup_free_ char *path = NULL;
    TreeDirectory *directory = NULL;
    struct stat st;
    int r;

    if (!path_is_name(hidden))
        return refuse(err, entry, "is a whiteout of no file");
    r = tree_make_whiteout(entry->directory->fd, hidden);
    if (r < 0 && r != -EEXIST)
        return failure_write(err, r, "make whiteout '%s'", entry->quoted);
    if (r == 0 || fstatat(entry->directory->fd, hidden, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISDIR(st.st_mode))
        return 0;

    path =
        memory_printf("%s%s%s", entry->directory->path, *entry->directory->path ? "/" : "", hidden);
    r = tree_directory(extraction->tree, path, &directory, err);
    return r < 0 ? r : mark_opaque(entry, directory, err);
}

static bool is_whiteout_name(const char *path)
{
    return strncmp(path, WHITEOUT_PREFIX, strlen(WHITEOUT_PREFIX)) == 0 ||
           strstr(path, "/" WHITEOUT_PREFIX);
}

static int extract_mark(Extraction *extraction, Entry *entry, Error *err)
{
    _cleanup_free_ char *parent = parent_of(entry->path);
    int r;

    if (strncmp(entry->path, WHITEOUT_META_PREFIX, strlen(WHITEOUT_META_PREFIX)) == 0 &&
        strcmp(entry->path, WHITEOUT_OPAQUE) != 0)
        return 0;
    if (is_whiteout_name(parent))
        return refuse(err, entry, "lies below a whiteout");

    r = entry_enter(extraction, entry, err);
    if (r < 0)
        return r;
    if (strcmp(entry->name, WHITEOUT_OPAQUE) == 0)
        return mark_opaque(entry, entry->directory, err);
    if (strncmp(entry->name, WHITEOUT_META_PREFIX, strlen(WHITEOUT_META_PREFIX)) == 0)
        return 0;
    return extract_whiteout(extraction, entry, err);
}

static int extract_entry(Extraction *extraction, Entry *entry, Error *err)
{
    mode_t type = archive_entry_filetype(entry->header);
    int r;

    if (extraction->options->apply_whiteouts && is_whiteout_name(entry->path))
        return extract_mark(extraction, entry, err);
    if (*entry->path == '\0' && type != AE_IFDIR)
        return refuse(err, entry, "is the root and not a directory");
    r = metadata_check(entry->header, entry->quoted, extraction->options->limits->max_xattr_bytes,
                       err);
    if (r >= 0)
        r = entry_enter(extraction, entry, err);
    if (r < 0)
        return r;

    if (archive_entry_hardlink(entry->header))
        return extract_hard_link(extraction, entry, err);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (kinds[i].type == type)
            return kinds[i].extract(extraction, entry, err);
    return refuse(err, entry, "is of a kind that cannot be unpacked");
}

static int extract_next(Extraction *extraction, struct archive_entry *header, Error *err)
{
    const char *raw = archive_entry_pathname(header);
    _cleanup_(entry_done) Entry entry = { .header = header };
    int r = entry_name_clean(raw ? raw : "", extraction->options->limits, &entry.path, err);

    if (r < 0)
        return r;
    entry.quoted = failure_quote(*entry.path ? entry.path : ".");
    entry.name = name_of(entry.path);
    return extract_entry(extraction, &entry, err);
}

int extract(TarReader *reader, Tree *tree, const ExtractOptions *options, ExtractResult *ret,
            Error *err)
{
    Extraction extraction = { .reader = reader, .tree = tree, .options = options };
    struct archive_entry *header;
    int r;

    for (;;) {
        int64_t size = extraction.result.size;

        r = tar_reader_next(reader, &header, err);
        if (r <= 0)
            break;
        r = extract_next(&extraction, header, err);
        if (r < 0)
            break;
        if (options->behind)
            write_behind_add(options->behind, extraction.result.size - size + ENTRY_BYTES);
    }
    if (r >= 0)
        r = tree_flush(tree, err);
    if (r < 0)
        return r;

    *ret = extraction.result;
    return 0;
}
