/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The walk: directories in the order of their names, each entry looked at once by handle. Whoever
 * owns the tree may change it meanwhile: no symlink is followed, nothing is opened that is not a
 * file or a directory, and what is gone when its turn comes is left out.
 */

#include "image/worker/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "image/worker/failure.h"
#include "image/worker/pack-private.h"

#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

/* How often a name may mean something else when it is opened than when it was looked at. */
#define MAX_ATTEMPTS 32

#define MAX_WARNINGS 64

static const char *current_path(const Pack *pack)
{
    return string_buffer_get(&pack->path);
}

static void cut_path(Pack *pack, size_t length)
{
    pack->path.length = length;
    if (pack->path.data)
        pack->path.data[length] = '\0';
}

void pack_warn(Pack *pack, const char *what)
{
    _cleanup_free_ char *quoted = failure_quote(current_path(pack));

    if (pack->result->warnings.count < MAX_WARNINGS)
        string_list_printf(&pack->result->warnings, "'%s' %s", quoted, what);
}

static int fail(const Pack *pack, int r, const char *what, Error *err)
{
    _cleanup_free_ char *quoted = failure_quote(current_path(pack));

    return error_result(err, r, "%s '%s'", what, quoted);
}

static int refuse(const Pack *pack, const char *reason, Error *err)
{
    _cleanup_free_ char *quoted = failure_quote(current_path(pack));

    return error_set(err, ERROR_INVALID, "'%s' %s", quoted, reason);
}

static void level_done(PackLevel *level)
{
    for (size_t i = 0; i < level->count; i++)
        free(level->names[i]);
    free(level->names);
    fd_close(level->fd);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_names(PackLevel *level)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    size_t capacity = 0;
    int r = directory_open_at(level->fd, ".", &directory);

    while (r >= 0 && (r = directory_read(directory, &entry)) > 0) {
        level->names =
            memory_grow(level->names, &capacity, level->count + 1, sizeof(*level->names));
        level->names[level->count++] = memory_strdup(entry->d_name);
    }
    if (level->count > 1)
        qsort(level->names, level->count, sizeof(*level->names), compare_names);
    return r;
}

/* Its entries are next. Takes @fd; the path is that of the directory. */
static int enter(Pack *pack, int fd, Error *err)
{
    PackLevel level = { .fd = fd, .path_length = pack->path.length };
    int r = read_names(&level);

    if (r < 0) {
        level_done(&level);
        return fail(pack, r, "read directory", err);
    }
    pack->levels =
        memory_grow(pack->levels, &pack->capacity, pack->depth + 1, sizeof(*pack->levels));
    pack->levels[pack->depth++] = level;
    return 0;
}

/* What shows inside for who has no id there (fs.overflowuid's default). */
#define OVERFLOW_ID 65534

static bool set_id(const Pack *pack, const IdRanges *ranges, uint32_t outside, uint32_t *ret)
{
    if (id_ranges_to_container(ranges, outside, ret))
        return true;
    *ret = OVERFLOW_ID;
    return pack->options->with_mounts; /* some are of the host's files: its devices, for example */
}

/* Returns false for an owner that is nobody inside, and should be somebody. */
static bool set_owner(const Pack *pack, const struct stat *status, TarMember *member)
{
    const IdMap *ids = pack->options->ids;

    member->uid = status->st_uid;
    member->gid = status->st_gid;
    if (id_map_is_identity(ids))
        return true;
    return set_id(pack, &ids->uids, status->st_uid, &member->uid) &&
           set_id(pack, &ids->gids, status->st_gid, &member->gid);
}

/* All that a header says of a file, but for links and content. */
static int describe(Pack *pack, const PackFile *file, const struct stat *status, TarMember *ret,
                    Error *err)
{
    int r = S_ISLNK(status->st_mode) ? 0 : pack_read_attributes(pack, file);

    if (S_ISLNK(status->st_mode))
        pack->records.length = 0; /* none that would travel */
    if (r == -EINVAL)
        return refuse(pack, "has an attribute that no archive can hold", err);
    if (r < 0)
        return fail(pack, r, "read the attributes of", err);
    *ret = (TarMember) {
        .path = current_path(pack),
        .mode = status->st_mode,
        .size = status->st_size,
        .modified = status->st_mtim,
        .device = status->st_rdev,
        .attributes = &pack->records,
    };
    if (!set_owner(pack, status, ret))
        return refuse(pack, "belongs to somebody who has no id in the container", err);
    return 0;
}

static int add_header(Pack *pack, const TarMember *member, Error *err)
{
    int64_t size;

    pack->result->entries++;
    return tar_writer_add(pack->sink, member, &size, err);
}

/* An empty file whose name says what it does (OCI image specification, layer.md, "Whiteouts"). */
static int add_mark(Pack *pack, size_t directory_length, const char *prefix, const char *name,
                    Error *err)
{
    TarMember member = { .mode = S_IFREG | 0600 };

    cut_path(pack, directory_length);
    string_buffer_add(&pack->path, prefix);
    string_buffer_add(&pack->path, name);
    member.path = current_path(pack);
    return add_header(pack, &member, err);
}

/* Takes @fd. */
static int pack_directory(Pack *pack, int fd, const struct stat *status, Error *err)
{
    PackFile file = { .fd = fd };
    size_t length;
    TarMember member;
    int r;

    string_buffer_add_char(&pack->path, '/');
    length = pack->path.length;
    r = describe(pack, &file, status, &member, err);
    if (r >= 0)
        r = add_header(pack, &member, err);
    if (r >= 0 && pack->options->is_layer && pack_is_opaque(fd)) {
        r = add_mark(pack, length, WHITEOUT_OPAQUE, "", err);
        cut_path(pack, length);
    }
    if (r < 0) {
        fd_close(fd);
        return r;
    }
    return enter(pack, fd, err);
}

/* Where the kernel's state is mounted, which is no files, there is a directory of root's. Takes
 * @fd. */
static int pack_mount_point(Pack *pack, int fd, Error *err)
{
    TarMember member = { .mode = S_IFDIR | 0755 };

    fd_close(fd);
    string_buffer_add_char(&pack->path, '/');
    member.path = current_path(pack);
    return add_header(pack, &member, err);
}

static int pack_file(Pack *pack, int fd, const struct stat *status, Error *err)
{
    PackFile file = { .fd = fd };
    TarMember member;
    int r = describe(pack, &file, status, &member, err);

    if (r < 0)
        return r;
    pack->result->entries++;
    pack->result->tree_size += status->st_size;
    return pack_write_file(pack, &member, fd, status, err);
}

/* Returns -EAGAIN where it is something else by now. */
static int pack_symlink(Pack *pack, int directory_fd, const char *name, const struct stat *status,
                        Error *err)
{
    PackFile file = { -EBADF, directory_fd, name };
    char target[PATH_MAX];
    TarMember member;
    ssize_t n = readlinkat(directory_fd, name, target, sizeof(target) - 1);
    int r;

    if (n < 0)
        return errno == EINVAL || errno == ENOENT ? -EAGAIN : fail(pack, -errno, "read", err);
    target[n] = '\0';
    r = describe(pack, &file, status, &member, err);
    if (r < 0)
        return r;
    member.link = target;
    return add_header(pack, &member, err);
}

static int pack_node(Pack *pack, int directory_fd, const char *name, const struct stat *status,
                     Error *err)
{
    PackFile file = { -EBADF, directory_fd, name };
    TarMember member;
    int r = describe(pack, &file, status, &member, err);

    return r < 0 ? r : add_header(pack, &member, err);
}

static int pack_link(Pack *pack, const struct stat *status, const char *target, Error *err)
{
    TarMember member = {
        .path = current_path(pack),
        .mode = status->st_mode,
        .is_hard_link = true,
        .link = target,
        .modified = status->st_mtim,
    };

    if (!set_owner(pack, status, &member))
        return refuse(pack, "belongs to somebody who has no id in the container", err);
    return add_header(pack, &member, err);
}

/* Is it that it could not be opened because it is something else by now, or gone? */
static bool has_changed(int directory_fd, const char *name, mode_t mode, int errnum)
{
    struct stat now;

    if (errnum == ENOENT || errnum == ELOOP || errnum == ENOTDIR || errnum == ENXIO)
        return true;
    return fstatat(directory_fd, name, &now, AT_SYMLINK_NOFOLLOW) < 0 ||
           (now.st_mode & S_IFMT) != (mode & S_IFMT);
}

/*
 * Open a file or directory and look at what was opened. Returns the descriptor, or -EAGAIN where
 * the name means something else by now. It may be a fifo by now: O_NONBLOCK, so that nobody waits.
 */
static int open_entry(int directory_fd, const char *name, struct stat *status)
{
    int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
    _cleanup_close_ int fd = -EBADF;
    struct stat opened;

    flags |= S_ISDIR(status->st_mode) ? O_DIRECTORY : O_NONBLOCK | O_NOCTTY;
    fd = openat(directory_fd, name, flags);
    if (fd < 0)
        return has_changed(directory_fd, name, status->st_mode, errno) ? -EAGAIN : -errno;
    if (fstat(fd, &opened) < 0)
        return -errno;
    if ((opened.st_mode & S_IFMT) != (status->st_mode & S_IFMT))
        return -EAGAIN;
    *status = opened;
    return TAKE_FD(fd);
}

static bool is_whiteout(const struct stat *status)
{
    return S_ISCHR(status->st_mode) && status->st_rdev == makedev(0, 0);
}

/* A file or directory. Returns -EAGAIN where it is something else by now. */
static int pack_opened(Pack *pack, int directory_fd, const char *name, struct stat *status,
                       Error *err)
{
    _cleanup_close_ int fd = open_entry(directory_fd, name, status);

    if (fd == -EAGAIN)
        return fd;
    if (fd < 0)
        return fail(pack, fd, "open", err);
    if (!S_ISDIR(status->st_mode))
        return pack_file(pack, fd, status, err);
    return fd_is_of_kernel(fd) ? pack_mount_point(pack, TAKE_FD(fd), err)
                               : pack_directory(pack, TAKE_FD(fd), status, err);
}

static int pack_known(Pack *pack, int directory_fd, const char *name, struct stat *status,
                      Error *err)
{
    const char *link = NULL;
    int r;

    if (S_ISSOCK(status->st_mode)) {
        pack_warn(pack, "is a socket and left out");
        return 0;
    }
    if (!S_ISDIR(status->st_mode) && status->st_nlink > 1)
        link = pack_links_find(&pack->links, status);
    if (link)
        return pack_link(pack, status, link, err);

    if (S_ISREG(status->st_mode) || S_ISDIR(status->st_mode))
        r = pack_opened(pack, directory_fd, name, status, err);
    else if (S_ISLNK(status->st_mode))
        r = pack_symlink(pack, directory_fd, name, status, err);
    else
        r = pack_node(pack, directory_fd, name, status, err);
    if (r >= 0 && !S_ISDIR(status->st_mode) && status->st_nlink > 1)
        pack_links_add(&pack->links, status, current_path(pack));
    return r;
}

/* The path is that of the entry. */
static int pack_entry(Pack *pack, int directory_fd, const char *name, Error *err)
{
    size_t length = pack->path.length;
    struct stat status;
    int r = -EAGAIN;

    if (length >= PATH_MAX)
        return refuse(pack, "has a longer path than any archive's member may have", err);
    for (unsigned i = 0; r == -EAGAIN && i < MAX_ATTEMPTS; i++) {
        if (fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
            return errno == ENOENT ? 0 : fail(pack, -errno, "look at", err);
        if (pack->options->is_layer && is_whiteout(&status))
            return add_mark(pack, length - strlen(name), WHITEOUT_PREFIX, name, err);
        if (pack->options->is_layer && strncmp(name, WHITEOUT_PREFIX, strlen(WHITEOUT_PREFIX)) == 0)
            return refuse(pack, "has a name that means a deletion in a layer", err);
        r = pack_known(pack, directory_fd, name, &status, err);
    }
    if (r == -EAGAIN) {
        pack_warn(pack, "has changed all the time and is left out");
        return 0;
    }
    return r;
}

static int walk(Pack *pack, Error *err)
{
    int r = 0;

    while (r >= 0 && pack->depth > 0) {
        PackLevel *level = &pack->levels[pack->depth - 1];

        if (level->next == level->count) {
            level_done(level);
            pack->depth--;
            continue;
        }
        cut_path(pack, level->path_length);
        string_buffer_add(&pack->path, level->names[level->next]);
        r = pack_entry(pack, level->fd, level->names[level->next++], err);
    }
    return r;
}

/* All that the directory holds, and itself where it is called anything. */
static int pack_top(Pack *pack, const char *as, Error *err)
{
    _cleanup_close_ int fd =
        path_open_beneath(pack->options->source_fd, ".", O_RDONLY | O_DIRECTORY, 0);
    struct stat status;
    int r;

    if (fd < 0 || fstat(fd, &status) < 0)
        return error_result(err, fd < 0 ? fd : -errno, "open the directory to be packed");
    if (!as)
        return enter(pack, TAKE_FD(fd), err);
    string_buffer_add(&pack->path, *as ? as : ".");
    r = pack_directory(pack, TAKE_FD(fd), &status, err);
    if (r >= 0 && !*as) /* its entries are called as if it were not there */
        pack->levels[0].path_length = 0;
    return r;
}

static int pack_all(Pack *pack, Error *err)
{
    const PackOptions *options = pack->options;
    struct stat status;
    int r;

    if (!options->name) {
        r = pack_top(pack, options->as, err);
    } else {
        string_buffer_add(&pack->path, options->as ? options->as : options->name);
        if (fstatat(options->source_fd, options->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
            return fail(pack, -errno, "look at", err);
        r = pack_entry(pack, options->source_fd, options->name, err);
    }
    if (r >= 0)
        r = walk(pack, err);
    return r < 0 ? r : tar_writer_end(pack->sink, err);
}

static void pack_done(Pack *pack)
{
    while (pack->depth > 0)
        level_done(&pack->levels[--pack->depth]);
    free(pack->levels);
    pack_links_done(&pack->links);
    string_buffer_done(&pack->path);
    string_buffer_done(&pack->records);
}

int pack(const PackOptions *options, PackResult *ret, Error *err)
{
    _cleanup_pack_result_ PackResult result = {};
    _cleanup_pack_sink_ PackSink sink = {};
    _cleanup_(pack_done) Pack pack = { .options = options, .sink = &sink, .result = &result };
    int r;

    r = pack_sink_init(&sink, options->output_fd, options->wants_digest, options->compress, err);
    if (r >= 0)
        r = pack_all(&pack, err);
    if (r >= 0)
        r = pack_sink_finish(&sink, &result.blob_digest, &result.blob_size, err);
    if (r < 0)
        return r;

    if (options->wants_digest)
        result.diff_id = digest_end(&sink.digest);
    result.diff_size = sink.total;
    *ret = result;
    result = (PackResult) {};
    return 0;
}
