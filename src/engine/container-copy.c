/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Both sides of a copy are roots: that of the container, and that of the host. A path is resolved
 * below its root to a handle, once, and the handle is what is copied, or copied to. What a process
 * in the container swaps meanwhile leads to other files of the same container at worst.
 */

#include "engine/container-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "engine/container-private.h"
#include "image/worker-client.h"
#include "storage/layer-store.h"

#define LINKS_MAX 40 /* the kernel's own limit */

/* Where a path is of. */
typedef struct Side {
    int root_fd;
    const char *container; /* its name; NULL: the host */
} Side;

typedef struct Source {
    int fd; /* O_PATH */
    bool is_directory;
    bool is_content; /* what the directory holds, and not itself */
    char *name;      /* under which it is put into a directory */
} Source;

typedef struct Target {
    int directory_fd; /* the directory that it is; or -EBADF, and */
    int parent_fd;    /* the one that has it, or will have it, as */
    char *name;
    bool exists;
} Target;

static void source_done(Source *source)
{
    fd_close(source->fd);
    free(source->name);
}

static void target_done(Target *target)
{
    fd_close(target->directory_fd);
    fd_close(target->parent_fd);
    free(target->name);
}

/* --- paths --- */

static int fail(const Side *side, int r, const char *path, Error *err)
{
    if (side->container && r == -ENOENT)
        return error_set(err, ERROR_NOT_FOUND, "could not find the file '%s' in container '%s'",
                         path, side->container);
    return error_result(err, r, "%s '%s'", side->container ? "open container path" : "open path",
                        path);
}

static bool has_suffix(const char *path, const char *suffix)
{
    size_t length = strlen(path), end = strlen(suffix);

    return length >= end && strcmp(path + length - end, suffix) == 0;
}

static bool names_content(const char *path)
{
    return strcmp(path, ".") == 0 || has_suffix(path, "/.");
}

static bool names_directory(const char *path)
{
    return names_content(path) || has_suffix(path, "/");
}

/* As Docker, ".." is taken away before any link is looked at; what says "a directory" stays. */
static char *clean(const char *path)
{
    _cleanup_free_ char *plain = path_clean(path);

    if (strcmp(plain, "/") == 0 || !names_directory(path))
        return TAKE_PTR(plain);
    return memory_printf("%s/%s", plain, names_content(path) ? "." : "");
}

/* A new string: the last component, without what says that it is a directory. */
static char *base_name(const char *path)
{
    _cleanup_free_ char *plain = path_clean(path);

    return memory_strdup(strrchr(plain, '/') + 1);
}

static int source_open(const Side *side, const char *path, bool follow, Source *ret, Error *err)
{
    _cleanup_free_ char *plain = clean(path);
    _cleanup_close_ int fd =
        path_open_in_root(side->root_fd, plain, O_PATH | (follow ? 0 : O_NOFOLLOW), 0);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0)
        return fail(side, fd < 0 ? fd : -errno, path, err);
    if (fd_is_of_kernel(fd))
        return error_set(err, ERROR_UNSUPPORTED,
                         "'%s' is on one of the kernel's own file systems, of which nothing is "
                         "copied",
                         path);
    *ret = (Source) { .fd = TAKE_FD(fd),
                      .is_directory = S_ISDIR(status.st_mode),
                      .is_content = names_content(plain) || strcmp(plain, "/") == 0,
                      .name = base_name(plain) };
    return 0;
}

/* The directory that holds the last component of @path, which is what follows the last slash. */
static int open_parent(const Side *side, const char *path, const char *name)
{
    _cleanup_free_ char *parent = memory_strndup(path, (size_t)(name - path));

    return path_open_in_root(side->root_fd, *parent ? parent : "/", O_PATH | O_DIRECTORY, 0);
}

/* Where the link @fd, whose name is @name in @path, leads to. */
static int read_link(int fd, const char *path, const char *name, char **ret)
{
    char text[PATH_MAX];
    ssize_t length = readlinkat(fd, "", text, sizeof(text));

    if (length <= 0 || length == sizeof(text))
        return length < 0 ? -errno : -ENAMETOOLONG;
    text[length] = '\0';
    *ret = text[0] == '/' ? memory_strdup(text)
                          : memory_printf("%.*s%s", (int)(name - path), path, text);
    return 0;
}

/*
 * One step: look at the last component of *path. Returns 1 if it is a link, with *path what that
 * leads to, 0 if *ret is complete, or -errno.
 */
static int target_step(const Side *side, char **path, Target *ret)
{
    const char *name = strrchr(*path, '/');
    _cleanup_close_ int parent_fd = -EBADF, fd = -EBADF;
    char *link_target = NULL;
    struct stat status;
    int r;

    name = name ? name + 1 : *path;
    if (!path_is_name(name)) { /* nothing to be made, whatever it is */
        ret->directory_fd = path_open_in_root(side->root_fd, *path, O_PATH | O_DIRECTORY, 0);
        ret->exists = true;
        return ret->directory_fd < 0 ? ret->directory_fd : 0;
    }
    parent_fd = open_parent(side, *path, name);
    if (parent_fd < 0)
        return parent_fd;
    fd = openat(parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if ((fd < 0 && errno != ENOENT) || (fd >= 0 && fstat(fd, &status) < 0))
        return -errno;
    if (fd >= 0 && S_ISLNK(status.st_mode)) {
        r = read_link(fd, *path, name, &link_target);
        if (r < 0)
            return r;
        free(*path);
        *path = link_target;
        return 1;
    }
    ret->exists = fd >= 0;
    if (fd >= 0 && S_ISDIR(status.st_mode))
        ret->directory_fd = TAKE_FD(fd);
    else if (fd >= 0 && !S_ISREG(status.st_mode))
        return -ENODEV;
    ret->name = memory_strdup(name);
    ret->parent_fd = TAKE_FD(parent_fd);
    return 0;
}

static int target_open(const Side *side, const char *path, Target *ret, Error *err)
{
    _cleanup_(target_done) Target target = { .directory_fd = -EBADF, .parent_fd = -EBADF };
    _cleanup_free_ char *rest = path_clean(path);
    int r = 1;

    for (int links = 0; r > 0; links++)
        r = links > LINKS_MAX ? -ELOOP : target_step(side, &rest, &target);
    if (r == -ENODEV)
        return error_set(err, ERROR_INVALID,
                         "destination '%s' must be a directory or a regular file", path);
    if (r == -ENOENT && !side->container)
        return error_set(err, ERROR_NOT_FOUND, "the directory of '%s' does not exist", path);
    if (r == 0 && target.exists && target.directory_fd < 0 && names_directory(path))
        r = -ENOTDIR;
    if (r < 0)
        return fail(side, r, path, err);

    *ret = target;
    target = (Target) { .directory_fd = -EBADF, .parent_fd = -EBADF };
    return 0;
}

/* --- what may be written to --- */

static bool is_on_root_mount(const ContainerRoot *root, int fd)
{
    struct statx of_root, of_file;

    return statx(root->fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &of_root) == 0 &&
           statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &of_file) == 0 &&
           of_root.stx_mnt_id == of_file.stx_mnt_id;
}

static bool is_tmpfs_of_idle(const ContainerRoot *root, int fd)
{
    return root->claim && fd_is_on_fs(fd, TMPFS_MAGIC) && !is_on_root_mount(root, fd);
}

static int check_writable(const ContainerRoot *root, const Target *target, const char *path,
                          Error *err)
{
    int fd = target->directory_fd >= 0 ? target->directory_fd : target->parent_fd;
    struct statvfs status;

    if (fd_is_of_kernel(fd))
        return error_set(err, ERROR_UNSUPPORTED,
                         "'%s' is on one of the kernel's own file systems, to which nothing is "
                         "copied",
                         path);
    if (fstatvfs(fd, &status) < 0 || !(status.f_flag & ST_RDONLY))
        return 0;
    if (is_on_root_mount(root, fd))
        return error_set(err, ERROR_DENIED, "container rootfs is marked read-only");
    if (is_tmpfs_of_idle(root, fd))
        return error_set(err, ERROR_CONFLICT,
                         "container '%s' is not running, and what is on a tmpfs exists only while "
                         "it runs: start it before '%s' is copied to",
                         root->container->name, path);
    return error_set(err, ERROR_DENIED, "mounted volume is marked read-only");
}

/* --- copies --- */

/* The table in container-copy.h. */
static int copy(const Source *source, const Target *target, const char *target_path,
                const TreeCopyOptions *options, Error *err)
{
    if (target->directory_fd >= 0 && source->is_directory && source->is_content)
        return tree_copy(source->fd, target->directory_fd, options, err);
    if (target->directory_fd >= 0)
        return tree_copy_handle(source->fd, target->directory_fd, source->name, options, err);
    if (target->exists && source->is_directory)
        return error_set(err, ERROR_CONFLICT, "cannot copy a directory to the file '%s'",
                         target_path);
    if (!source->is_directory && names_directory(target_path))
        return error_set(err, ERROR_NOT_FOUND, "destination directory '%s' must exist",
                         target_path);
    return tree_copy_handle(source->fd, target->parent_fd, target->name, options, err);
}

/* Both sides, opened. */
typedef struct Copy {
    ContainerRoot root;
    int host_fd;
    Source source;
    Target target;
} Copy;

#define COPY_INIT                                                                                  \
    (Copy)                                                                                         \
    {                                                                                              \
        .root = CONTAINER_ROOT_INIT, .host_fd = -EBADF, .source.fd = -EBADF,                       \
        .target.directory_fd = -EBADF, .target.parent_fd = -EBADF,                                 \
    }

static void copy_done(Copy *both)
{
    source_done(&both->source);
    target_done(&both->target);
    fd_close(both->host_fd);
    container_root_done(&both->root);
}

static int copy_open(Copy *both, Engine *engine, const char *name, Error *err)
{
    both->host_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (both->host_fd < 0)
        return error_errno(err, "open the root directory");
    return container_root_open(engine, name, &both->root, err);
}

static int check_path(const char *path, Error *err)
{
    return *path ? 0 : error_set(err, ERROR_INVALID, "the path in the container is empty");
}

int container_copy_in(Engine *engine, const char *name, const char *source, const char *target,
                      const ContainerCopyOptions *options, Error *err)
{
    _cleanup_(copy_done) Copy both = COPY_INIT;
    TreeCopyOptions copy_options = { .flags = options->keep_owners ? TREE_COPY_OWNERS : 0,
                                     .target_ids = &both.root.ids,
                                     .totals = options->totals };
    int r = check_path(target, err);

    if (r >= 0)
        r = copy_open(&both, engine, name, err);
    if (r >= 0)
        r = source_open(&(Side) { .root_fd = both.host_fd }, source, options->follow_link,
                        &both.source, err);
    if (r >= 0)
        r = target_open(&(Side) { both.root.fd, name }, target, &both.target, err);
    if (r >= 0)
        r = check_writable(&both.root, &both.target, target, err);
    if (r >= 0)
        r = copy(&both.source, &both.target, target, &copy_options, err);
    if (r >= 0)
        container_tell(engine, both.root.container, "extract-to-dir", NULL);
    return r;
}

int container_copy_out(Engine *engine, const char *name, const char *source, const char *target,
                       const ContainerCopyOptions *options, Error *err)
{
    _cleanup_(copy_done) Copy both = COPY_INIT;
    TreeCopyOptions copy_options = { .flags = options->keep_owners ? TREE_COPY_OWNERS : 0,
                                     .source_ids = &both.root.ids,
                                     .uid = geteuid(),
                                     .gid = getegid(),
                                     .totals = options->totals };
    int r = check_path(source, err);

    if (r >= 0)
        r = copy_open(&both, engine, name, err);
    if (r >= 0)
        r = target_open(&(Side) { .root_fd = both.host_fd }, target, &both.target, err);
    if (r >= 0)
        r = source_open(&(Side) { both.root.fd, name }, source, options->follow_link, &both.source,
                        err);
    if (r >= 0)
        r = copy(&both.source, &both.target, target, &copy_options, err);
    if (r >= 0)
        container_tell(engine, both.root.container, "archive-path", NULL);
    return r;
}

/* The archive is unpacked where nothing of the container's is within reach of who reads it. */
static int unpack(Engine *engine, int input_fd, LayerStaging **ret, Error *err)
{
    _cleanup_(layer_staging_freep) LayerStaging *staging = NULL;
    _cleanup_unpack_result_ UnpackResult result = {};
    ImageStore *images;
    int r = engine_images(engine, &images, err); /* which opens the store of layers */

    if (r >= 0)
        r = layer_staging_begin(engine->layers, &staging, err);
    if (r >= 0)
        r = image_worker_unpack(&(UnpackOptions) { .input_fd = input_fd,
                                                   .target_fd = layer_staging_fd(staging),
                                                   .blob_fd = -EBADF,
                                                   .caller_finishes = true },
                                &result, err);
    if (r >= 0)
        *ret = TAKE_PTR(staging);
    return r;
}

int container_copy_in_archive(Engine *engine, const char *name, int input_fd, const char *target,
                              Error *err)
{
    _cleanup_(copy_done) Copy both = COPY_INIT;
    _cleanup_(layer_staging_freep) LayerStaging *staging = NULL;
    const TreeCopyOptions options = { .flags = TREE_COPY_OWNERS | TREE_COPY_KEEP_DIRECTORIES,
                                      .target_ids = &both.root.ids };
    int r = check_path(target, err);

    if (r >= 0)
        r = copy_open(&both, engine, name, err);
    if (r >= 0)
        r = target_open(&(Side) { both.root.fd, name }, target, &both.target, err);
    if (r >= 0 && both.target.directory_fd < 0)
        r = error_set(err, ERROR_INVALID, "destination '%s:%s' must be a directory", name, target);
    if (r >= 0)
        r = check_writable(&both.root, &both.target, target, err);
    if (r >= 0)
        r = unpack(engine, input_fd, &staging, err);
    if (r >= 0)
        r = tree_copy(layer_staging_fd(staging), both.target.directory_fd, &options, err);
    if (r >= 0)
        container_tell(engine, both.root.container, "extract-to-dir", NULL);
    return r;
}

/*
 * A directory is packed by its handle, everything else by its name in a directory's: what that
 * means when the worker opens it is of the same container in any case.
 */
static int pack(const Side *side, const char *path, const Source *source, int output_fd,
                const ContainerCopyOptions *options, const IdMap *ids, Error *err)
{
    _cleanup_(target_done) Target file = { .directory_fd = -EBADF, .parent_fd = -EBADF };
    _cleanup_pack_result_ PackResult result = {};
    _cleanup_free_ char *plain = clean(path);
    PackOptions packing = { .source_fd = source->fd,
                            .as = source->is_content ? "" : source->name,
                            .output_fd = output_fd,
                            .with_mounts = true,
                            .ids = ids };
    int r = 0;

    if (!source->is_directory && options->follow_link)
        r = target_open(side, path, &file, err);
    else if (!source->is_directory) {
        file.parent_fd = open_parent(side, plain, strrchr(plain, '/') + 1);
        file.name = base_name(plain);
        r = file.parent_fd < 0 ? fail(side, file.parent_fd, path, err) : 0;
    }
    if (r < 0)
        return r;
    if (!source->is_directory) {
        packing.source_fd = file.parent_fd;
        packing.name = file.name;
    }
    r = image_worker_pack(&packing, &result, err);
    for (size_t i = 0; r >= 0 && i < result.warnings.count; i++)
        log_warning("%s", result.warnings.items[i]);
    return r;
}

int container_copy_out_archive(Engine *engine, const char *name, const char *source, int output_fd,
                               const ContainerCopyOptions *options, Error *err)
{
    _cleanup_(copy_done) Copy both = COPY_INIT;
    const Side *side;
    int r = check_path(source, err);

    if (r >= 0)
        r = copy_open(&both, engine, name, err);
    side = &(Side) { both.root.fd, name };
    if (r >= 0)
        r = source_open(side, source, options->follow_link, &both.source, err);
    if (r >= 0)
        r = pack(side, source, &both.source, output_fd, options, &both.root.ids, err);
    if (r >= 0)
        container_tell(engine, both.root.container, "archive-path", NULL);
    return r;
}
