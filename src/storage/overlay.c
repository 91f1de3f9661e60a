/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An overlay as a detached mount, made with handles.
 *
 * Layers are named by descriptor only: the paths of 100 layers do not fit mount(2)'s one page of
 * options, and a path can be swapped. Options are chosen so that an upper directory depends on
 * nothing but its own files and can later become a layer; see overlay_settings.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs-ids.h"
#include "base/id-map.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/process.h"
#include "base/socket.h"
#include "base/string-buffer.h"
#include "base/string-list.h"
#include "base/syscalls.h"
#include "storage/snapshot-private.h"

#define OVERLAY_TYPE "overlay"

/* Nothing in procfs has this name. */
#define MISSING_DIRECTORY "/proc/self/missing"

/* mount(2) copies one page of options at most. */
#define MOUNT_DATA_SIZE 4096

/*
 * What a distribution's kernel may default to otherwise. Extended attributes stay in trusted.*,
 * which a container cannot write: userxattr is for overlays mounted without privilege.
 */
static const struct {
    const char *key;
    const char *value;
} overlay_settings[] = {
    /* a lower file's data must come from its own layer: an image could point elsewhere */
    { "metacopy", "off" },
    /* the same for directories; renaming a lower directory copies it, or says EXDEV */
    { "redirect_dir", "nofollow" },
    /* no file handles of the lower file system in upper: it survives a copied or restored store */
    { "index", "off" },
};

/* Only the host's root can write trusted.* attributes: in a user namespace user.* have to do. */
#define USER_XATTRS "userxattr"

/* What overlay says when it will not have these layers or directories, whatever is asked again. */
static bool overlay_is_unable(int errnum)
{
    return errnum == EINVAL || errnum == ENODEV || errnum == EOPNOTSUPP;
}

/* Add the kernel's own explanation, of which a file system context keeps a log. */
static int overlay_error(int fs_fd, int errnum, size_t n_lower, Error *err)
{
    char line[256], reason[sizeof(line) + sizeof(" ()")] = "";
    ssize_t size;

    /* one message per read(2), the last is the one that matters; "e " marks errors */
    while ((size = read(fs_fd, line, sizeof(line) - 1)) > 0) {
        line[size] = '\0';
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "e ", 2) == 0)
            (void)snprintf(reason, sizeof(reason), " (%s)", line + 2);
    }
    if (overlay_is_unable(errnum))
        return error_set(err, ERROR_UNSUPPORTED, "mount overlay of %zu layers: %s%s", n_lower,
                         strerror(errnum), reason);
    return error_result(err, -errnum, "mount overlay of %zu layers%s", n_lower, reason);
}

/*
 * Name a directory by its descriptor; where the kernel wants text (before 6.13; before 6.15 for
 * O_PATH descriptors), through procfs.
 */
static int overlay_add_directory(int fs_fd, const char *key, int fd)
{
    char path[32];

    if (fsconfig(fs_fd, FSCONFIG_SET_FD, key, NULL, fd) == 0)
        return 0;
    if (errno != EINVAL && errno != EBADF)
        return -errno;
    if (fsconfig(fs_fd, FSCONFIG_SET_STRING, key, path_of_fd(path, fd), 0) < 0)
        return -errno;
    return 0;
}

static const char *source_of(const Overlay *overlay)
{
    return overlay->source ? overlay->source : OVERLAY_TYPE;
}

static int overlay_configure(int fs_fd, const Overlay *overlay)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < overlay->n_lower; i++)
        r = overlay_add_directory(fs_fd, "lowerdir+", overlay->lower_fds[i]);
    if (r == 0 && overlay->upper_fd >= 0)
        r = overlay_add_directory(fs_fd, "upperdir", overlay->upper_fd);
    if (r == 0 && overlay->upper_fd >= 0)
        r = overlay_add_directory(fs_fd, "workdir", overlay->work_fd);
    if (r < 0)
        return r;

    for (size_t i = 0; i < ARRAY_SIZE(overlay_settings); i++) {
        if (fsconfig(fs_fd, FSCONFIG_SET_STRING, overlay_settings[i].key, overlay_settings[i].value,
                     0) < 0)
            return -errno;
    }
    if (!id_map_is_initial() && fsconfig(fs_fd, FSCONFIG_SET_FLAG, USER_XATTRS, NULL, 0) < 0)
        return -errno;
    if (overlay->volatile_ && fsconfig(fs_fd, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0)
        return -errno;
    /* what mount(8) and df(1) show in the container */
    if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", source_of(overlay), 0) < 0)
        return -errno;
    if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    return 0;
}

static int overlay_open_context(int *ret_fd, Error *err)
{
    int fd = fsopen(OVERLAY_TYPE, FSOPEN_CLOEXEC);
    if (fd < 0 && errno == ENODEV)
        return error_set(err, ERROR_UNSUPPORTED,
                         "this kernel has no overlay file system (modprobe overlay)");
    if (fd < 0)
        return error_errno(err, "open an overlay");

    *ret_fd = fd;
    return 0;
}

/* An overlay whose directories are clones of another one's, with ids mapped. */
typedef struct MappedOverlay {
    Overlay overlay;
    int *fds;
    size_t count;
} MappedOverlay;

static void mapped_overlay_done(MappedOverlay *mapped)
{
    for (size_t i = 0; i < mapped->count; i++)
        fd_close(mapped->fds[i]);
    free(mapped->fds);
}

/* A detached mount of the directory @fd with mapped ids. Returns a descriptor or -errno. */
static int clone_mapped(int fd, int id_map_fd)
{
    struct mount_attr change = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)id_map_fd };
    _cleanup_close_ int clone =
        open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

    if (clone < 0 || mount_setattr(clone, "", AT_EMPTY_PATH, &change, sizeof(change)) < 0)
        return -errno;
    return TAKE_FD(clone);
}

static int mapped_overlay_add(MappedOverlay *mapped, int fd)
{
    if (fd >= 0)
        mapped->fds[mapped->count++] = fd;
    return fd;
}

/* Upper and work have to lie on one mount. */
static int map_upper(MappedOverlay *mapped, const Overlay *overlay)
{
    static const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int parent_fd =
        mapped_overlay_add(mapped, clone_mapped(overlay->parent_fd, overlay->id_map_fd));

    if (parent_fd < 0)
        return parent_fd;
    mapped->overlay.upper_fd =
        mapped_overlay_add(mapped, openat(parent_fd, UPPER_DIRECTORY, flags));
    mapped->overlay.work_fd = mapped_overlay_add(mapped, openat(parent_fd, WORK_DIRECTORY, flags));
    return mapped->overlay.upper_fd < 0 || mapped->overlay.work_fd < 0 ? -errno : 0;
}

static int overlay_map(const Overlay *overlay, MappedOverlay *ret)
{
    int r = 0;

    ret->overlay = *overlay;
    ret->fds = NEW_ARRAY(int, overlay->n_lower + 3);
    for (size_t i = 0; r >= 0 && i < overlay->n_lower; i++)
        r = mapped_overlay_add(ret, clone_mapped(overlay->lower_fds[i], overlay->id_map_fd));
    ret->overlay.lower_fds = ret->fds;
    if (r >= 0 && overlay->upper_fd >= 0)
        r = map_upper(ret, overlay);
    return r < 0 ? r : 0;
}

static int refuse_mapping(int r, Error *err)
{
    if (overlay_is_unable(-r))
        return error_set(err, ERROR_UNSUPPORTED,
                         "the file system of the containers and images cannot map ids");
    return error_result(err, r, "map the ids of an overlay's layers");
}

/* An overlay makes files in its directories as who has mounted it. */
static int become_root(const Overlay *overlay, FsIds *previous, Error *err)
{
    int r =
        overlay->id_map_fd > 0 ? fs_ids_assume(overlay->root_uid, overlay->root_gid, previous) : 0;

    return r < 0 ? error_result(err, r, "become root of the container, for its files") : 0;
}

int overlay_mount_by_handle(const Overlay *overlay, int *ret_mount_fd, Error *err)
{
    _cleanup_(mapped_overlay_done) MappedOverlay mapped = {};
    _cleanup_close_ int fs_fd = -EBADF;
    _cleanup_fs_ids_ FsIds previous = {};
    int r = become_root(overlay, &previous, err);

    if (r < 0)
        return r;
    if (overlay->id_map_fd > 0) {
        r = overlay_map(overlay, &mapped);
        if (r < 0)
            return refuse_mapping(r, err);
        overlay = &mapped.overlay;
    }
    r = overlay_open_context(&fs_fd, err);
    if (r < 0)
        return r;
    r = overlay_configure(fs_fd, overlay);
    if (r < 0)
        return overlay_error(fs_fd, -r, overlay->n_lower, err);

    /* without an upper directory the kernel makes the file system itself read-only */
    _cleanup_close_ int mount_fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, 0);
    if (mount_fd < 0)
        return overlay_error(fs_fd, errno, overlay->n_lower, err);

    *ret_mount_fd = TAKE_FD(mount_fd);
    return 0;
}

/*
 * Does this kernel take layers one by one? One that does looks for each at once and misses this
 * one; one that does not (before 6.5) keeps every option unread until the end.
 */
static bool overlay_takes_single_layers(void)
{
    _cleanup_close_ int fs_fd = fsopen(OVERLAY_TYPE, FSOPEN_CLOEXEC);

    return fs_fd >= 0 &&
           fsconfig(fs_fd, FSCONFIG_SET_STRING, "lowerdir+", MISSING_DIRECTORY, 0) < 0;
}

int overlay_mount(const Overlay *overlay, int *ret_mount_fd, Error *err)
{
    _cleanup_error_ Error refusal = {};

    int r = overlay_mount_by_handle(overlay, ret_mount_fd, &refusal);
    if (r >= 0)
        return 0;
    /* Before Linux 6.15 it takes no layer from a detached mount, which a mapped one is. */
    if (overlay->id_map_fd <= 0 && overlay_takes_single_layers()) {
        error_move(err, &refusal);
        return r;
    }
    return overlay_mount_in_child(overlay, ret_mount_fd, err);
}

/* What the child does, in order, for its report. */
typedef enum ChildStep {
    CHILD_PRIVATE,
    CHILD_REOPEN,
    CHILD_MAP,
    CHILD_MOUNT,
    CHILD_CLONE,
    CHILD_DONE,
} ChildStep;

static const char *const child_steps[] = {
    [CHILD_PRIVATE] = "make a private mount namespace",
    [CHILD_REOPEN] = "open its directories again",
    [CHILD_MAP] = "map ids",
    [CHILD_MOUNT] = "mount",
    [CHILD_CLONE] = "clone the mount",
};

typedef struct ChildReport {
    ChildStep step; /* that failed, with errnum, or CHILD_DONE, with a descriptor */
    int errnum;
} ChildReport;

/* All that the child needs, prepared by the parent: the child does not allocate. */
typedef struct ChildPlan {
    int *fds;             /* the overlay's directories */
    StringList fd_paths;  /* where each of them is */
    StringBuffer options; /* for mount(2), naming them as /proc/self/fd/N */
    const char *source;
    int id_map_fd; /* as in Overlay */
    int socket_fd;
} ChildPlan;

static void child_plan_done(ChildPlan *plan)
{
    free(plan->fds);
    string_list_done(&plan->fd_paths);
    string_buffer_done(&plan->options);
}

static _Noreturn void child_finish(const ChildPlan *plan, ChildStep step, int errnum, int fd)
{
    ChildReport report = { .step = step, .errnum = errnum };

    /* the parent sees the end of the stream if this fails */
    (void)socket_send(plan->socket_fd, &report, sizeof(report), &fd, fd >= 0 ? 1 : 0);
    _exit(step == CHILD_DONE ? EXIT_SUCCESS : EXIT_FAILURE);
}

/*
 * A layer must be of the mount namespace in which it is mounted, so each directory is opened again
 * in ours, where the same path leads to the same place, and put under its old number. That it is
 * the same directory is checked: a path can be swapped, an inode number cannot.
 */
static int child_reopen(const char *path, int fd)
{
    struct stat expected, found;

    int new_fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (new_fd < 0)
        return -errno;
    if (fstat(fd, &expected) < 0 || fstat(new_fd, &found) < 0)
        return -errno;
    if (expected.st_dev != found.st_dev || expected.st_ino != found.st_ino)
        return -ESTALE;
    if (dup3(new_fd, fd, O_CLOEXEC) < 0)
        return -errno;
    (void)close(new_fd);
    return 0;
}

/* Cover the directory @fd with a clone of its own that has mapped ids; @fd is that one then. */
static int child_map(int fd, int id_map_fd)
{
    _cleanup_close_ int clone = clone_mapped(fd, id_map_fd);

    if (clone < 0)
        return clone;
    if (move_mount(clone, "", fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0 ||
        dup3(clone, fd, O_CLOEXEC) < 0)
        return -errno;
    return 0;
}

/* Runs between clone and exit: nothing that allocates. */
static _Noreturn void child_run(const ChildPlan *plan)
{
    const char *target = plan->fd_paths.items[0];

    /* or the host would get a copy of what is mounted here */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        child_finish(plan, CHILD_PRIVATE, errno, -EBADF);

    for (size_t i = 0; i < plan->fd_paths.count; i++) {
        int r = child_reopen(plan->fd_paths.items[i], plan->fds[i]);
        if (r < 0)
            child_finish(plan, CHILD_REOPEN, -r, -EBADF);
    }
    for (size_t i = 0; plan->id_map_fd > 0 && i < plan->fd_paths.count; i++) {
        int r = child_map(plan->fds[i], plan->id_map_fd);
        if (r < 0)
            child_finish(plan, CHILD_MAP, -r, -EBADF);
    }

    /* any directory will do: nobody else sees what covers it */
    if (mount(plan->source, target, OVERLAY_TYPE, 0, plan->options.data) < 0)
        child_finish(plan, CHILD_MOUNT, errno, -EBADF);

    int fd = open_tree(AT_FDCWD, target, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0)
        child_finish(plan, CHILD_CLONE, errno, -EBADF);
    child_finish(plan, CHILD_DONE, 0, fd);
}

static int plan_add_handle(ChildPlan *plan, int fd)
{
    char link[32], path[PATH_MAX];

    ssize_t length = readlink(path_of_fd(link, fd), path, sizeof(path));
    if (length < 0)
        return -errno;
    if (length == sizeof(path))
        return -ENAMETOOLONG;

    plan->fds[plan->fd_paths.count] = fd;
    string_list_take(&plan->fd_paths, memory_strndup(path, (size_t)length));
    return 0;
}

static int plan_add_directory(ChildPlan *plan, const char *separator, int fd)
{
    char link[32];

    string_buffer_printf(&plan->options, "%s%s", separator, path_of_fd(link, fd));
    return plan_add_handle(plan, fd);
}

/* Mapped, they are found by their names on the mount that both have to lie on. */
static int plan_add_upper(ChildPlan *plan, const Overlay *overlay)
{
    char link[32];
    int r;

    if (overlay->id_map_fd > 0) {
        (void)path_of_fd(link, overlay->parent_fd);
        string_buffer_printf(&plan->options,
                             ",upperdir=%s/" UPPER_DIRECTORY ",workdir=%s/" WORK_DIRECTORY, link,
                             link);
        return plan_add_handle(plan, overlay->parent_fd);
    }
    r = plan_add_directory(plan, ",upperdir=", overlay->upper_fd);
    return r < 0 ? r : plan_add_directory(plan, ",workdir=", overlay->work_fd);
}

static int plan_make(ChildPlan *plan, const Overlay *overlay)
{
    int r = 0;

    plan->fds = NEW_ARRAY(int, overlay->n_lower + 2);
    for (size_t i = 0; r == 0 && i < overlay->n_lower; i++)
        r = plan_add_directory(plan, i == 0 ? "lowerdir=" : ":", overlay->lower_fds[i]);
    if (r == 0 && overlay->upper_fd >= 0)
        r = plan_add_upper(plan, overlay);
    if (r < 0)
        return r;

    plan->source = source_of(overlay);
    plan->id_map_fd = overlay->id_map_fd;
    for (size_t i = 0; i < ARRAY_SIZE(overlay_settings); i++)
        string_buffer_printf(&plan->options, ",%s=%s", overlay_settings[i].key,
                             overlay_settings[i].value);
    if (!id_map_is_initial())
        string_buffer_add(&plan->options, "," USER_XATTRS);
    if (overlay->volatile_)
        string_buffer_add(&plan->options, ",volatile");
    return plan->options.length < MOUNT_DATA_SIZE ? 0 : -E2BIG;
}

static int child_spawn(const ChildPlan *plan, Process *process)
{
    struct clone_args arguments = {
        .flags = CLONE_NEWNS | CLONE_PIDFD,
        .pidfd = (uintptr_t)&process->pidfd,
        .exit_signal = SIGCHLD,
    };

    pid_t pid = sys_clone3(&arguments);
    if (pid < 0)
        return -errno;
    if (pid == 0)
        child_run(plan);
    process->pid = pid;
    return 0;
}

int overlay_mount_in_child(const Overlay *overlay, int *ret_mount_fd, Error *err)
{
    _cleanup_(child_plan_done) ChildPlan plan = { .socket_fd = -EBADF };
    _cleanup_process_ Process process = PROCESS_INIT; /* reaped on every way out */
    _cleanup_close_ int ours = -EBADF, theirs = -EBADF, mount_fd = -EBADF;
    _cleanup_fs_ids_ FsIds previous = {};
    ChildReport report = { 0 };
    int sockets[2];

    int r = become_root(overlay, &previous, err);
    if (r < 0)
        return r;
    r = plan_make(&plan, overlay);
    if (r == -E2BIG)
        return error_set(err, ERROR_UNSUPPORTED,
                         "mount overlay of %zu layers: too many for this kernel", overlay->n_lower);
    if (r < 0)
        return error_result(err, r, "find the directories of an overlay");

    r = socket_pair(sockets);
    if (r < 0)
        return error_result(err, r, "make a socket pair");
    ours = sockets[0];
    plan.socket_fd = theirs = sockets[1];
    r = child_spawn(&plan, &process);
    if (r < 0)
        return error_result(err, r, "start a child in a mount namespace");

    theirs = fd_close(theirs); /* so that a child that dies is the end of the stream */
    ssize_t size = socket_receive(ours, &report, sizeof(report), &mount_fd, 1);
    if (size != sizeof(report) || report.step > CHILD_DONE)
        return error_set(err, ERROR_SYSTEM, "mount overlay of %zu layers: the child died",
                         overlay->n_lower);
    if (report.step == CHILD_MOUNT && overlay_is_unable(report.errnum))
        return error_set(err, ERROR_UNSUPPORTED,
                         "mount overlay of %zu layers: %s (the kernel's log says why)",
                         overlay->n_lower, strerror(report.errnum));
    if (report.step == CHILD_MAP)
        return refuse_mapping(-report.errnum, err);
    if (report.step != CHILD_DONE)
        return error_result(err, -report.errnum, "mount overlay of %zu layers: %s",
                            overlay->n_lower, child_steps[report.step]);

    *ret_mount_fd = TAKE_FD(mount_fd);
    return 0;
}
