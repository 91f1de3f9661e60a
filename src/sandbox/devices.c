/* SPDX-License-Identifier: Apache-2.0 */

/* Device nodes by handle: /dev in an image may be a symlink, and so may anything in it. */

#include "sandbox/devices-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/string-list.h"
#include "sandbox/mounts-private.h"

/* A device's attributes, as sysfs tells them. */
#define UEVENT_SIZE_MAX 65536
#define DEVICE_NAME "DEVNAME="

static const struct {
    const char *name;
    unsigned major;
    unsigned minor;
} default_devices[] = {
    { "null", 1, 3 },   { "zero", 1, 5 },    { "full", 1, 7 },
    { "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

static const struct {
    const char *name;
    const char *target;
} default_links[] = {
    { "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
    { "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
    { "core", "/proc/kcore" },       { "ptmx", "pts/ptmx" },
};

static DeviceEntry *add_device(DeviceTable *table, const char *path)
{
    _cleanup_free_ char *clean = path_clean(path);
    char *slash = strrchr(clean, '/');
    DeviceEntry *entry;

    table->items =
        memory_grow(table->items, &table->capacity, table->count + 1, sizeof(*table->items));
    entry = &table->items[table->count++];
    *entry = (DeviceEntry) {
        .directory =
            slash == clean ? memory_strdup("/") : memory_strndup(clean, (size_t)(slash - clean)),
        .name = memory_strdup(slash + 1),
        .fd = -EBADF,
    };
    return entry;
}

void device_table_done(DeviceTable *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->items[i].directory);
        free(table->items[i].name);
        table->items[i].fd = fd_close(table->items[i].fd);
    }
    free(table->items);
    *table = (DeviceTable) {};
}

static bool has_device(const DeviceTable *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->items[i].directory, "/dev") == 0 &&
            strcmp(table->items[i].name, name) == 0)
            return true;

    return false;
}

static mode_t device_type(const char *type)
{
    switch (type[0]) {
    case 'b':
        return S_IFBLK;
    case 'p':
        return S_IFIFO;
    default: /* c and u */
        return S_IFCHR;
    }
}

static bool is_device(const struct stat *st, mode_t mode, dev_t number)
{
    return (st->st_mode & S_IFMT) == (mode & S_IFMT) && (S_ISFIFO(mode) || st->st_rdev == number);
}

/* Where the kernel says that the host's node of that number is; NULL: nowhere. The caller frees it.
 */
static char *find_host_node(const DeviceEntry *entry)
{
    _cleanup_free_ char *path =
        memory_printf("/sys/dev/%s/%u:%u/uevent", S_ISBLK(entry->mode) ? "block" : "char",
                      major(entry->number), minor(entry->number));
    _cleanup_string_list_ StringList lines = {};
    _cleanup_free_ char *text = NULL;

    if (file_read_at(AT_FDCWD, path, UEVENT_SIZE_MAX, &text, NULL) < 0)
        return NULL;
    string_list_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++)
        if (strncmp(lines.items[i], DEVICE_NAME, strlen(DEVICE_NAME)) == 0)
            return memory_printf("/dev/%s", lines.items[i] + strlen(DEVICE_NAME));
    return NULL;
}

/* Returns 1 when it is the device that was asked for, 0 when it is another one, or -errno. */
static int clone_node(DeviceEntry *entry, const char *path)
{
    _cleanup_close_ int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!is_device(&st, entry->mode, entry->number))
        return 0;
    entry->fd = TAKE_FD(fd);
    return 1;
}

/* A user namespace may not make nodes; a bind of the host's works as well, once it was checked: the
 * one of the same name, else the one of the same number. */
static int clone_device(DeviceEntry *entry, Error *err)
{
    _cleanup_free_ char *path = memory_printf("%s/%s", entry->directory, entry->name);
    _cleanup_free_ char *other = NULL;
    int r = clone_node(entry, path);

    if (r > 0)
        return 0;
    other = find_host_node(entry);
    if (other && clone_node(entry, other) > 0)
        return 0;
    if (r < 0)
        return error_result(err, r, "open the host's device '%s'", path);
    return error_set(err, ERROR_INVALID, "the host's '%s' is not the device that was asked for",
                     path);
}

static int add_configured(DeviceTable *table, const LinuxDevice *device, Error *err)
{
    DeviceEntry *entry = add_device(table, device->path);

    if (!path_is_name(entry->name))
        return error_set(err, ERROR_INVALID, "device '%s' is not a valid path", device->path);
    entry->mode = device_type(device->type) |
                  (device->file_mode.is_set ? (mode_t)device->file_mode.value & ALLPERMS : 0666);
    entry->number = makedev((unsigned)device->major, (unsigned)device->minor);
    entry->uid = (uid_t)device->uid.value;
    entry->gid = (gid_t)device->gid.value;
    return 0;
}

static void add_default(DeviceTable *table, size_t i)
{
    _cleanup_free_ char *path = memory_printf("/dev/%s", default_devices[i].name);
    DeviceEntry *entry = add_device(table, path);

    entry->mode = S_IFCHR | 0666;
    entry->number = makedev(default_devices[i].major, default_devices[i].minor);
}

bool device_is_in_dev(const DeviceEntry *entry)
{
    return strncmp(entry->directory, "/dev", 4) == 0 &&
           (entry->directory[4] == '\0' || entry->directory[4] == '/');
}

int device_table_plan(DeviceTable *table, const RuntimeConfig *config, bool has_own_dev, Error *err)
{
    const LinuxConfig *settings = &config->linux_config;

    for (size_t i = 0; i < settings->devices.count; i++) {
        int r = add_configured(table, &settings->devices.items[i], err);

        if (r < 0)
            return r;
    }
    for (size_t i = 0; has_own_dev && i < ARRAY_SIZE(default_devices); i++)
        if (!has_device(table, default_devices[i].name))
            add_default(table, i);
    for (size_t i = 0; i < table->count; i++)
        table->items[i].must_exist = !has_own_dev && device_is_in_dev(&table->items[i]);
    return 0;
}

int device_table_clone(DeviceTable *table, Error *err)
{
    for (size_t i = 0; i < table->count; i++) {
        DeviceEntry *entry = &table->items[i];
        int r = entry->must_exist || S_ISFIFO(entry->mode) ? 0 : clone_device(entry, err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int report_device(Report *report, int r, const DeviceEntry *entry)
{
    return report_result(report, r, "make device '", entry->directory, "/", entry->name, "'");
}

/* Where the image brought a node of that name along, it must be the same one. */
static int check_existing(const DeviceEntry *entry, int directory_fd, Report *report)
{
    struct stat st;

    if (fstatat(directory_fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return report_device(report, -errno, entry);
    if (is_device(&st, entry->mode, entry->number))
        return 0;
    return report_set(report, ERROR_INVALID, "make device '", entry->directory, "/", entry->name,
                      entry->must_exist ? "': what is mounted at /dev has something else there"
                                        : "': the image has something else there");
}

static int make_node(const DeviceEntry *entry, int directory_fd, Report *report)
{
    if (mknodat(directory_fd, entry->name, entry->mode, entry->number) < 0) {
        if (errno == EEXIST)
            return check_existing(entry, directory_fd, report);
        return report_device(report, -errno, entry);
    }
    if ((entry->uid != 0 || entry->gid != 0) &&
        fchownat(directory_fd, entry->name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return report_device(report, -errno, entry);
    return 0;
}

static int bind_node(const DeviceEntry *entry, int directory_fd, Report *report)
{
    _cleanup_close_ int fd = openat(directory_fd, entry->name,
                                    O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    int r;

    if (fd < 0 && errno == EEXIST)
        return check_existing(entry, directory_fd, report);
    if (fd < 0)
        return report_device(report, -errno, entry);
    r = mount_attach(entry->fd, fd);
    return r < 0 ? report_device(report, r, entry) : 0;
}

static int open_directory(int root_fd, const char *path, Report *report)
{
    int fd = mount_point_resolve(root_fd, path, O_PATH | O_DIRECTORY);

    if (fd == -ENOENT) {
        fd_close(path_make_directories(root_fd, path, 0755, 0, 0)); /* the next line tells */
        fd = mount_point_resolve(root_fd, path, O_PATH | O_DIRECTORY);
    }
    if (fd == -ELOOP)
        return report_set(report, ERROR_INVALID, "open '", path,
                          "': a symbolic link is in the way");
    return fd < 0 ? report_result(report, fd, "open '", path, "'") : fd;
}

/* In a /dev that was bound, which may be the host's own. */
static int check_bound(const DeviceEntry *entry, int root_fd, Report *report)
{
    _cleanup_close_ int directory_fd =
        mount_point_resolve(root_fd, entry->directory, O_PATH | O_DIRECTORY);

    if (directory_fd < 0)
        return report_device(report, directory_fd, entry);
    return check_existing(entry, directory_fd, report);
}

static int make_device(const DeviceEntry *entry, int directory_fd, Report *report)
{
    return entry->fd >= 0 ? bind_node(entry, directory_fd, report)
                          : make_node(entry, directory_fd, report);
}

int device_table_make(const DeviceTable *table, int root_fd, Report *report)
{
    _cleanup_close_ int directory_fd = -EBADF;
    const char *directory = NULL; /* that @directory_fd is */

    for (size_t i = 0; i < table->count; i++) {
        const DeviceEntry *entry = &table->items[i];
        int r;

        if (entry->must_exist) {
            r = check_bound(entry, root_fd, report);
            if (r < 0)
                return r;
            continue;
        }
        if (!directory || strcmp(entry->directory, directory) != 0) {
            fd_close(directory_fd);
            directory_fd = open_directory(root_fd, entry->directory, report);
            directory = entry->directory;
        }
        if (directory_fd < 0)
            return directory_fd;
        r = make_device(entry, directory_fd, report);
        if (r < 0)
            return r;
    }
    return 0;
}

int device_links_make(int root_fd, Report *report)
{
    _cleanup_close_ int directory_fd = open_directory(root_fd, "/dev", report);

    if (directory_fd < 0)
        return directory_fd;

    for (size_t i = 0; i < ARRAY_SIZE(default_links); i++)
        if (symlinkat(default_links[i].target, directory_fd, default_links[i].name) < 0 &&
            errno != EEXIST) /* what the image put there only concerns the container */
            return report_errno(report, "make symbolic link '/dev/", default_links[i].name, "'");
    return 0;
}

int device_open_null(int root_fd, Report *report)
{
    _cleanup_close_ int fd = mount_point_resolve(root_fd, "/dev/null", O_PATH | O_NOFOLLOW);
    struct stat st;

    if (fd < 0)
        return report_result(report, fd, "open '/dev/null' in the container");
    if (fstat(fd, &st) < 0)
        return report_errno(report, "examine '/dev/null' in the container");
    if (!is_device(&st, S_IFCHR, makedev(1, 3)))
        return report_set(report, ERROR_INVALID,
                          "'/dev/null' in the container is not the null device");
    return TAKE_FD(fd);
}
