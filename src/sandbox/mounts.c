/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The child's part of the mounts, between clone and exec: nothing allocates. A destination is
 * opened under the root's handle, made there if it is missing, and the mount is moved onto that
 * handle: whoever swaps a path component meanwhile moves a name, not the mount.
 */

#include "sandbox/mounts-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"

/* How many dangling symlinks are followed to the place where a mount point has to be made. */
#define DANGLING_LINKS_MAX 8

int mount_attach(int fd, int target_fd)
{
    return move_mount(fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
               ? -errno
               : 0;
}

int mount_clone(int fd, bool recursive)
{
    int clone = open_tree(fd, "",
                          AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
                              (recursive ? AT_RECURSIVE : 0));

    return clone < 0 ? -errno : clone;
}

/* What the kernel logged about the file system in @fs_fd: "e tmpfs: Bad value for 'size'". */
static int refuse_file_system(int fs_fd, int r, const char *name, Report *report)
{
    char message[256];
    ssize_t length = read(fs_fd, message, sizeof(message) - 1);

    if (length > 2 && message[1] == ' ') {
        message[length] = '\0';
        message[strcspn(message, "\n")] = '\0'; /* some end with one */
        return report_set(report, ERROR_INVALID, "file system ", message + 2);
    }
    return report_result(report, r, "configure the file system '", name, "'");
}

static int set_options(int fs_fd, const char *name, const StringMap *data, Report *report)
{
    for (size_t i = 0; data && i < data->count; i++) {
        const StringPair *option = &data->items[i];

        if (fsconfig(fs_fd, option->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, option->key,
                     option->value, 0) < 0)
            return refuse_file_system(fs_fd, -errno, name, report);
    }
    return 0;
}

/* Pass the options on and have @command done. */
static int configure(int fs_fd, const char *name, const StringMap *data, unsigned command,
                     Report *report)
{
    int r = set_options(fs_fd, name, data, report);

    if (r < 0)
        return r;
    if (fsconfig(fs_fd, command, NULL, NULL, 0) < 0)
        return refuse_file_system(fs_fd, -errno, name, report);
    return 0;
}

static int open_file_system(const char *type, Report *report)
{
    int fs_fd = fsopen(type, FSOPEN_CLOEXEC);

    if (fs_fd < 0 && errno == ENODEV)
        return report_set(report, ERROR_UNSUPPORTED, "the kernel has no file system '", type, "'");
    if (fs_fd < 0)
        return report_errno(report, "open a file system of type '", type, "'");
    return fs_fd;
}

int mount_check(const char *type, const StringMap *data, Report *report)
{
    _cleanup_close_ int fs_fd = open_file_system(type, report);

    return fs_fd < 0 ? fs_fd : set_options(fs_fd, type, data, report);
}

int mount_new(const char *type, const char *source, const StringMap *data, uint64_t attributes,
              Report *report)
{
    _cleanup_close_ int fs_fd = open_file_system(type, report);
    int fd, r;

    if (fs_fd < 0)
        return fs_fd;
    if (source && fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", source, 0) < 0)
        return refuse_file_system(fs_fd, -errno, type, report);
    r = configure(fs_fd, type, data, FSCONFIG_CMD_CREATE, report);
    if (r < 0)
        return r;

    fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned)attributes);
    return fd < 0 ? refuse_file_system(fs_fd, -errno, type, report) : fd;
}

/* The directories where the kernel's own file systems and devices are: an image that has a symlink
 * there would redirect what later steps mask or make by path. */
static bool is_kernel_path(const char *path)
{
    static const char *const roots[] = { "/dev", "/proc", "/sys" };

    for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
        size_t length = strlen(roots[i]);

        if (strncmp(path, roots[i], length) == 0 && (path[length] == '\0' || path[length] == '/'))
            return true;
    }
    return false;
}

int mount_point_resolve(int root_fd, const char *path, int flags)
{
    return is_kernel_path(path) ? path_open_beneath(root_fd, path + 1, flags, 0)
                                : path_open_in_root(root_fd, path, flags, 0);
}

/* The path of @path's directory into @directory (PATH_MAX bytes). Returns the last component. */
static const char *split_path(const char *path, char *directory)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == path ? 1 : (size_t)(slash - path);

    memcpy(directory, path, length);
    directory[length] = '\0';
    return slash + 1;
}

/*
 * Where the symlink @path points to, as a path of its own, into @path (PATH_MAX bytes). Wrong once
 * it is returned, if somebody is racing with us; that is why it is only ever resolved in the root.
 */
static int follow_dangling_link(int root_fd, char *path)
{
    _cleanup_close_ int fd = path_open_in_root(root_fd, path, O_PATH | O_NOFOLLOW, 0);
    char target[PATH_MAX], *slash;
    ssize_t length;
    size_t kept;

    if (fd < 0)
        return fd;
    length = readlinkat(fd, "", target, sizeof(target) - 1);
    if (length < 0)
        return -errno;
    target[length] = '\0';

    slash = strrchr(path, '/');
    kept = target[0] == '/' ? 0 : (size_t)(slash - path) + 1;
    if (kept + (size_t)length >= PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(path + kept, target, (size_t)length + 1);
    return 0;
}

/* An empty file at @destination, in directories that are made as needed. */
static int make_file(int root_fd, const char *destination)
{
    char path[PATH_MAX], directory[PATH_MAX];

    if (strlen(destination) >= sizeof(path))
        return -ENAMETOOLONG;
    memcpy(path, destination, strlen(destination) + 1);

    for (int i = 0; i < DANGLING_LINKS_MAX; i++) {
        const char *name = split_path(path, directory);
        _cleanup_close_ int parent_fd = path_make_directories(root_fd, directory, 0755, 0, 0);
        int fd, r;

        if (parent_fd < 0)
            return parent_fd;
        fd = openat(parent_fd, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd >= 0)
            return fd;
        if (errno != EEXIST)
            return -errno;
        fd = mount_point_resolve(root_fd, destination, O_PATH);
        if (fd != -ENOENT)
            return fd;
        r = follow_dangling_link(root_fd, path);
        if (r < 0)
            return r;
    }
    return -ELOOP;
}

static int make_mount_point(int root_fd, const char *destination, bool is_directory)
{
    _cleanup_close_ int fd = -EBADF;

    if (!is_directory)
        return make_file(root_fd, destination);

    fd = path_make_directories(root_fd, destination, 0755, 0, 0);
    if (fd < 0)
        return fd;
    return mount_point_resolve(root_fd, destination, O_PATH | O_DIRECTORY);
}

int mount_point_open(int root_fd, const char *destination, bool is_directory, Report *report)
{
    _cleanup_close_ int fd = mount_point_resolve(root_fd, destination, O_PATH);
    struct stat st;

    if (fd == -ENOENT)
        fd = make_mount_point(root_fd, destination, is_directory);
    if (fd == -ELOOP)
        return report_set(report, ERROR_INVALID, "mount point '", destination,
                          "': a symbolic link is in the way");
    if (fd < 0)
        return report_result(report, fd, "open mount point '", destination, "'");
    if (fstat(fd, &st) < 0)
        return report_errno(report, "examine mount point '", destination, "'");
    if (S_ISDIR(st.st_mode) != is_directory)
        return report_set(report, ERROR_INVALID, "mount point '", destination,
                          is_directory ? "' is not a directory, but the source is"
                                       : "' is a directory, but the source is not");
    return TAKE_FD(fd);
}

/* What has to stay writable until the end, without the flag. */
static MountAttributes without_readonly(MountAttributes attributes)
{
    if (attributes.value & MOUNT_ATTR_RDONLY) {
        attributes.mask &= ~(uint64_t)MOUNT_ATTR_RDONLY;
        attributes.value &= ~(uint64_t)MOUNT_ATTR_RDONLY;
    }
    return attributes;
}

/* Tell the file system that is mounted there its new options. */
static int reconfigure(const MountEntry *entry, Report *report)
{
    _cleanup_close_ int fs_fd = fspick(entry->fd, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);

    if (fs_fd < 0)
        return report_errno(report, "open the file system at '", entry->destination, "'");
    return configure(fs_fd, entry->destination, &entry->options.data, FSCONFIG_CMD_RECONFIGURE,
                     report);
}

static int change_mount(MountEntry *entry, int root_fd, Report *report)
{
    const MountOptions *options = &entry->options;
    const MountAttributes recursive = without_readonly(options->recursive);
    const MountAttributes own = without_readonly(options->own);
    int r;

    entry->fd = mount_point_resolve(root_fd, entry->destination, O_PATH);
    r = entry->fd < 0 ? entry->fd : 0;
    if (r == 0)
        r = mount_attributes_apply(entry->fd, &recursive, true);
    if (r == 0)
        r = mount_attributes_apply(entry->fd, &own, false);
    if (r < 0)
        return report_result(report, r, "change mount '", entry->destination, "'");

    return options->data.count > 0 ? reconfigure(entry, report) : 0;
}

static int make_link(const MountEntry *entry, int root_fd, Report *report)
{
    char directory[PATH_MAX];
    const char *name = split_path(entry->destination, directory);
    _cleanup_close_ int fd = mount_point_resolve(root_fd, directory, O_PATH | O_DIRECTORY);

    if (fd < 0)
        return report_result(report, fd, "open '", directory, "'");
    if (symlinkat(entry->link_target, fd, name) < 0)
        return report_errno(report, "make symbolic link '", entry->destination, "'");
    return 0;
}

/* A bind of the host's, where only the owner of a namespace may mount what shows it. */
static int bind_substitute(MountEntry *entry, Report *report)
{
    /* Flags are only added: what the host's mounts have is locked, and so are access times. */
    uint64_t flags = (mount_options_merged(&entry->options).value | entry->substitute.flags) &
                     ~(uint64_t)MOUNT_ATTR__ATIME;
    const MountAttributes attributes = { .mask = flags, .value = flags };
    int r;

    entry->fd = open_tree(AT_FDCWD, entry->substitute.path,
                          OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    r = entry->fd < 0 ? -errno : mount_attributes_apply(entry->fd, &attributes, true);
    return r < 0 ? report_result(report, r, "mount the host's '", entry->substitute.path, "' on '",
                                 entry->destination, "'")
                 : 0;
}

static int make_foreign_file_system(MountEntry *entry, Report *report)
{
    if (entry->substitute.path)
        return bind_substitute(entry, report);
    return report_set(report, ERROR_DENIED, "mount '", entry->destination, "': the file system '",
                      entry->type, "' takes the user namespace that owns the ",
                      entry->foreign_namespace, " namespace");
}

/* A directory that lies in the new file system @entry, open for more than to be named. */
static int open_root(const MountEntry *entry)
{
    int fd = openat(entry->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* Unless it was given a mode, a tmpfs is as open as the directory that it covers. */
static int keep_mode(const MountEntry *entry, int target_fd)
{
    _cleanup_close_ int fd = open_root(entry);
    struct stat st;

    if (fd < 0)
        return fd;
    return fstat(target_fd, &st) < 0 || fchmod(fd, st.st_mode & 07777) < 0 ? -errno : 0;
}

static int set_label(const MountEntry *entry)
{
    _cleanup_close_ int fd = open_root(entry);

    if (fd < 0)
        return fd;
    return fsetxattr(fd, "security.selinux", entry->label, strlen(entry->label), 0) < 0 ? -errno
                                                                                        : 0;
}

static int map_ids(const MountEntry *entry, Report *report)
{
    int r = mount_map_ids(entry->fd, entry->id_map_fd, entry->options.map_ids_recursive);

    if (r == -EINVAL)
        return report_set(report, ERROR_UNSUPPORTED, "mount '", entry->destination,
                          "': the file system '", entry->type, "' cannot map ids");
    return r < 0 ? report_result(report, r, "map the ids of mount '", entry->destination, "'") : 0;
}

/* What concerns few file systems, before anybody sees them. */
static int fill_file_system(const MountEntry *entry, int target_fd, Report *report)
{
    int r = 0;

    if (entry->options.copy_up) {
        r = mount_copy_up(entry, target_fd, report);
        if (r < 0)
            return r;
    }
    if (entry->keeps_mode)
        r = keep_mode(entry, target_fd);
    if (r == 0 && entry->label)
        r = set_label(entry);
    if (r < 0)
        return report_result(report, r, "prepare mount '", entry->destination, "'");
    return entry->id_map_fd >= 0 ? map_ids(entry, report) : 0;
}

static int make_file_system(MountEntry *entry, int target_fd, Report *report)
{
    MountAttributes attributes = mount_options_merged(&entry->options);

    if (strcmp(entry->type, "tmpfs") == 0) /* it is empty: sealed once it has been filled */
        attributes = without_readonly(attributes);

    entry->fd =
        mount_new(entry->type, entry->source, &entry->options.data, attributes.value, report);
    if (entry->fd == -EPERM && entry->foreign_namespace)
        return make_foreign_file_system(entry, report);
    return entry->fd < 0 ? entry->fd : fill_file_system(entry, target_fd, report);
}

/* A clone came with its propagation set; what we made here is private until now. */
static int set_propagation(const MountEntry *entry, Report *report)
{
    const MountAttributes propagation = { .propagation =
                                              mount_options_merged(&entry->options).propagation };
    int r = mount_attributes_apply(entry->fd, &propagation, false);

    return r < 0 ? report_result(report, r, "set the propagation of '", entry->destination, "'")
                 : 0;
}

static bool exists(int root_fd, const char *path)
{
    _cleanup_close_ int fd = mount_point_resolve(root_fd, path, O_PATH);

    return fd >= 0;
}

static int make_entry(MountEntry *entry, int root_fd, Report *report)
{
    _cleanup_close_ int target_fd = -EBADF;
    int r;

    if (entry->options.remount)
        return change_mount(entry, root_fd, report);
    if (entry->link_target)
        return make_link(entry, root_fd, report);

    if (entry->keeps_mode)
        entry->keeps_mode = exists(root_fd, entry->destination);
    target_fd = mount_point_open(root_fd, entry->destination, entry->is_directory, report);
    if (target_fd < 0)
        return target_fd;
    r = entry->type ? make_file_system(entry, target_fd, report) : 0;
    if (r < 0)
        return r;
    r = mount_attach(entry->fd, target_fd);
    if (r < 0)
        return report_result(report, r, "mount '", entry->destination, "'");

    return entry->type ? set_propagation(entry, report) : 0;
}

/* Here a clone can be made of it, and nothing is mounted in it yet. */
static int keep_passed(MountEntry *entry, Report *report)
{
    if (entry->passed_fd < 0)
        return 0;
    entry->spare_fd = mount_clone(entry->fd, entry->options.bind_recursive);
    return entry->spare_fd < 0
               ? report_result(report, entry->spare_fd, "clone mount '", entry->destination, "'")
               : 0;
}

int mount_table_make(MountTable *table, int root_fd, Report *report)
{
    for (size_t i = 0; i < table->count; i++) {
        int r = make_entry(&table->items[i], root_fd, report);

        if (r == 0 && table->keeps_passed)
            r = keep_passed(&table->items[i], report);
        if (r < 0)
            return r;
    }
    return 0;
}

int mount_table_seal(const MountTable *table, Report *report)
{
    static const MountAttributes read_only = { .mask = MOUNT_ATTR_RDONLY,
                                               .value = MOUNT_ATTR_RDONLY };

    for (size_t i = 0; i < table->count; i++) {
        const MountEntry *entry = &table->items[i];
        bool recursive = entry->options.recursive.value & MOUNT_ATTR_RDONLY;
        int r = entry->is_sealed ? mount_attributes_apply(entry->fd, &read_only, recursive) : 0;

        if (r < 0)
            return report_result(report, r, "make '", entry->destination, "' read-only");
    }
    return 0;
}
