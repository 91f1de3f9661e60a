/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is done with volumes. One exists when its row does: it is written when the files are whole,
 * and deleted before they are, by who holds the volume's change (volume-change.c).
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/random-id.h"
#include "base/time-format.h"
#include "engine/volume-private.h"
#include "supervisor/event-log.h"

#define DIRECTORY_MODE 0701
#define RANDOM_NAME_LENGTH 64

/* In a container's runtime directory. */
#define MOUNTED_NAME "volumes"
#define MOUNTED_MODE 0700

#define ALPHANUMERICS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static void tell_attributes(Engine *engine, const Volume *volume, const char *action,
                            StringMap *attributes)
{
    _cleanup_event_ Event event = {
        .type = memory_strdup("volume"),
        .action = memory_strdup(action),
        .actor = memory_strdup(volume->name),
    };

    string_map_copy(&event.attributes, attributes);
    string_map_set(&event.attributes, "driver", volume->driver);
    (void)event_log_append(engine->events_fd, &event); /* what it tells of has happened */
}

/* @container (may be NULL) is who it is unmounted from. */
static void tell(Engine *engine, const Volume *volume, const char *action, const char *container)
{
    _cleanup_string_map_ StringMap attributes = {};

    if (container)
        string_map_set(&attributes, "container", container);
    tell_attributes(engine, volume, action, &attributes);
}

static void tell_mount(Engine *engine, const Volume *volume, const ContainerMount *mount,
                       const char *container)
{
    _cleanup_string_map_ StringMap attributes = {};

    string_map_set(&attributes, "container", container);
    string_map_set(&attributes, "destination", mount->target);
    string_map_set(&attributes, "propagation", mount->propagation ? mount->propagation : "");
    string_map_set(&attributes, "read/write", mount->read_only ? "false" : "true");
    tell_attributes(engine, volume, "mount", &attributes);
}

int volume_name_validate(const char *name, Error *err)
{
    size_t length = strlen(name);

    if (length < 2 || !strchr(ALPHANUMERICS, name[0]) ||
        strspn(name, ALPHANUMERICS "_.-") != length)
        return error_set(err, ERROR_INVALID,
                         "invalid volume name '%s': it has to match [a-zA-Z0-9][a-zA-Z0-9_.-]+%s",
                         name, path_is_absolute(name) ? "; a directory is bound by its path" : "");
    if (!path_is_name(name))
        return error_set(err, ERROR_INVALID, "invalid volume name '%s': it is too long", name);
    return 0;
}

static bool maps_equal(const StringMap *a, const StringMap *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const char *other = string_map_get(b, a->items[i].key);

        if (!other || strcmp(other, a->items[i].value) != 0)
            return false;
    }
    return true;
}

/* Is the volume that exists the one that is asked for? */
static int check_existing(const Volume *volume, const VolumeRequest *request, Error *err)
{
    if (request->driver && strcmp(request->driver, volume->driver) != 0)
        return error_set(err, ERROR_CONFLICT,
                         "a volume named '%s' already exists with the '%s' driver: choose a "
                         "different volume name",
                         volume->name, volume->driver);
    if (request->options && request->options->count > 0 &&
        !maps_equal(request->options, &volume->options))
        return error_set(err, ERROR_CONFLICT,
                         "a volume named '%s' already exists with other options: choose a "
                         "different volume name",
                         volume->name);
    return 0;
}

static int refer(Engine *engine, const Volume *volume, const char *container, Error *err)
{
    _cleanup_string_list_ StringList names = {};

    if (!container)
        return 0;
    string_list_add(&names, volume->name);
    return volume_refer(engine, container, &names, err);
}

/* Take the volume that exists by that name. Returns 1, or 0 when there is none. */
static int find_existing(Engine *engine, const VolumeRequest *request, Volume **ret, Error *err)
{
    _cleanup_(volume_freep) Volume *volume = NULL;
    _cleanup_error_ Error problem = {};
    int r = volume_row_load(engine, request->name, &volume, &problem);

    if (r < 0 && problem.kind == ERROR_NOT_FOUND)
        return 0;
    if (r >= 0)
        r = check_existing(volume, request, &problem);
    if (r >= 0)
        r = refer(engine, volume, request->container, &problem);
    if (r < 0 && problem.kind == ERROR_NOT_FOUND)
        return 0; /* removed meanwhile */
    if (r < 0) {
        error_move(err, &problem);
        return r;
    }
    *ret = TAKE_PTR(volume);
    return 1;
}

char *volume_name_generate(void)
{
    char *name = memory_new(1, RANDOM_NAME_LENGTH + 1);

    random_hex(name, RANDOM_NAME_LENGTH);
    return name;
}

static Volume *volume_new(Engine *engine, const VolumeRequest *request)
{
    Volume *volume = NEW(Volume);

    volume->name = request->name ? memory_strdup(request->name) : volume_name_generate();
    volume->is_anonymous = !request->name || request->is_anonymous;
    if (volume->is_anonymous)
        string_map_set(&volume->labels, VOLUME_LABEL_ANONYMOUS, "");
    volume->driver = memory_strdup(request->driver ? request->driver : VOLUME_DRIVER_LOCAL);
    if (request->options)
        string_map_copy(&volume->options, request->options);
    for (size_t i = 0; request->labels && i < request->labels->count; i++)
        string_map_set(&volume->labels, request->labels->items[i].key,
                       request->labels->items[i].value);
    volume->created_at = time_now();
    if (strcmp(volume->driver, VOLUME_DRIVER_LOCAL) == 0)
        volume->mount_point = volume_local_path(engine, volume->name);
    return volume;
}

static int make_files(Engine *engine, const VolumeDriver *driver, const Volume *volume, Error *err)
{
    _cleanup_close_ int directory_fd =
        path_open_directory(engine->volumes_fd, volume->name, DIRECTORY_MODE);

    if (directory_fd < 0)
        return error_result(err, directory_fd, "make the directory of volume '%s'", volume->name);
    return driver->create(engine, volume, directory_fd, err);
}

/* What was made of a volume that has no row. */
static int remove_files(Engine *engine, const VolumeDriver *driver, const Volume *volume,
                        Error *err)
{
    int r = driver->remove ? driver->remove(engine, volume, err) : 0;

    if (r < 0)
        return r;
    volume_release_limit(engine, volume->name);
    r = path_remove_tree(engine->volumes_fd, volume->name);
    return r < 0 ? error_result(err, r, "remove the files of volume '%s'", volume->name) : 0;
}

/* Nobody can remove it before @container (may be NULL) uses it. */
static int insert_row(Engine *engine, const Volume *volume, const char *container, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    int r = database_begin(engine->database, &transaction, err);

    if (r >= 0)
        r = volume_row_insert(engine, volume, err);
    if (r >= 0)
        r = refer(engine, volume, container, err);
    return r < 0 ? r : database_commit(&transaction, err);
}

static int create(Engine *engine, const VolumeDriver *driver, const Volume *volume,
                  const char *container, VolumeChange *change, Error *err)
{
    int made = make_files(engine, driver, volume, err);
    int r = made < 0 ? made : insert_row(engine, volume, container, err);

    if (r < 0) {
        if (made == 0 && driver->remove)
            (void)driver->remove(engine, volume, NULL); /* the first failure counts */
        volume_release_limit(engine, volume->name);
        change->is_open = path_remove_tree(engine->volumes_fd, volume->name) < 0;
        return error_wrap(err, r, "create volume '%s'", volume->name);
    }
    tell(engine, volume, "create", NULL);
    return 0;
}

int volume_create(Engine *engine, const VolumeRequest *request, Volume **ret, Error *err)
{
    _cleanup_volume_change_ VolumeChange change = VOLUME_CHANGE_INIT;
    _cleanup_(volume_freep) Volume *volume = NULL;
    const VolumeDriver *driver;
    int r = 0;

    if (request->name) {
        r = volume_name_validate(request->name, err);
        if (r >= 0)
            r = find_existing(engine, request, ret, err);
        if (r != 0)
            return r < 0 ? r : 0;
    }
    volume = volume_new(engine, request);
    driver = volume_driver_find(volume->driver);
    r = driver->check(volume, err);
    if (r >= 0)
        r = volume_change_begin(engine, volume->name, &change, err);
    if (r < 0)
        return r;
    if (request->name) {
        r = find_existing(engine, request, ret, err); /* made by somebody else meanwhile */
        if (r != 0)
            return r < 0 ? r : 0;
    }
    r = volume_choose_project(engine, volume, err);
    if (r < 0)
        return error_wrap(err, r, "create volume '%s'", volume->name);
    r = create(engine, driver, volume, request->container, &change, err);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(volume);
    return 0;
}

int volume_find(Engine *engine, const char *name, Volume **ret, Error *err)
{
    return volume_row_load(engine, name, ret, err);
}

int volume_describe(Volume *volume, Error *err)
{
    const VolumeDriver *driver = volume_driver_find(volume->driver);

    return driver->describe ? driver->describe(volume, err) : 0;
}

static int check_unused(Engine *engine, const char *name, Error *err)
{
    _cleanup_string_list_ StringList users = {};
    _cleanup_free_ char *text = NULL;
    int r = volume_list_users(engine, name, &users, err);

    if (r < 0 || users.count == 0)
        return r;
    text = string_list_join(&users, ", ");
    return error_set(err, ERROR_CONFLICT, "remove %s: volume is in use - [%s]", name, text);
}

/*
 * Delete the row, in the one transaction that has looked for users: who refers to the volume comes
 * before it or finds no volume. With @files_first these go before it, but within it.
 */
static int delete_row(Engine *engine, const VolumeDriver *driver, const Volume *volume,
                      bool files_first, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    int r = database_begin(engine->database, &transaction, err);

    if (r >= 0)
        r = check_unused(engine, volume->name, err);
    if (r >= 0 && files_first)
        r = remove_files(engine, driver, volume, err);
    if (r >= 0)
        r = volume_row_delete(engine, volume->name, err);
    return r < 0 ? r : database_commit(&transaction, err);
}

/* Row, then files. What keeps its files is not removed, but for what a plug-in has: by @force that
 * is known no more, and the plug-in has to see what becomes of it. */
static int remove_changed(Engine *engine, const Volume *volume, bool force, VolumeChange *change,
                          Error *err)
{
    const VolumeDriver *driver = volume_driver_find(volume->driver);
    _cleanup_error_ Error problem = {};
    int r;

    r = delete_row(engine, driver, volume, false, &problem);
    if (r < 0 && problem.kind == ERROR_EXHAUSTED && !driver->remove) {
        /* Its own files fill the disk: the database has room again without them. */
        error_done(&problem);
        r = delete_row(engine, driver, volume, true, &problem);
    }
    if (r < 0) {
        error_move(err, &problem);
        return r;
    }
    r = remove_files(engine, driver, volume, &problem);
    if (r < 0) {
        error_set(err, problem.kind == ERROR_NOT_FOUND ? ERROR_UNAVAILABLE : problem.kind,
                  "remove %s: %s", volume->name, error_message(&problem));
        change->is_open = (force && driver->remove) || volume_row_insert(engine, volume, NULL) < 0;
    } else
        tell(engine, volume, "destroy", NULL);
    return r;
}

int volume_remove(Engine *engine, const char *name, bool force, Error *err)
{
    _cleanup_volume_change_ VolumeChange change = VOLUME_CHANGE_INIT;
    _cleanup_(volume_freep) Volume *volume = NULL;
    _cleanup_error_ Error problem = {};
    int r = volume_row_load(engine, name, &volume, &problem);

    /* Of what does not exist, and of what is in use, nobody is to be kept from anything. */
    if (r >= 0)
        r = check_unused(engine, name, &problem);
    if (r >= 0)
        r = volume_change_begin(engine, name, &change, &problem);
    if (r >= 0) {
        volume_free(TAKE_PTR(volume));
        r = volume_row_load(engine, name, &volume, &problem);
    }
    if (r >= 0)
        r = remove_changed(engine, volume, force, &change, &problem);
    if (r < 0 && force && problem.kind == ERROR_NOT_FOUND)
        return 0;
    if (r < 0)
        error_move(err, &problem);
    return r;
}

int volume_remove_anonymous(Engine *engine, const StringList *names, Error *err)
{
    int result = 0;

    for (size_t i = 0; i < names->count; i++) {
        _cleanup_(volume_freep) Volume *volume = NULL;
        _cleanup_error_ Error problem = {};
        int r = volume_row_load(engine, names->items[i], &volume, &problem);

        if (r >= 0 && volume->is_anonymous)
            r = volume_remove(engine, names->items[i], true, &problem);
        if (r >= 0 || problem.kind == ERROR_NOT_FOUND || problem.kind == ERROR_CONFLICT)
            continue; /* another container still uses it, or it is gone */
        if (result >= 0)
            error_move(err, &problem);
        result = r;
    }
    return result;
}

void volume_mount_done(VolumeMount *mount)
{
    fd_close(mount->fd);
    free(mount->path);
    *mount = (VolumeMount) { .fd = -EBADF };
}

/*
 * The volumes that are mounted for a container are files in its runtime directory, which knows
 * nothing after a boot, as no driver has anything mounted then.
 */
static int open_mounted(Engine *engine, const char *id, int *ret_fd)
{
    _cleanup_free_ char *path = memory_printf("%s/" MOUNTED_NAME, id);
    int fd = openat(engine->runtime_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

/* Before it is: what is told to be mounted and is not does no harm. */
static int mark_mounted(Engine *engine, const char *name, VolumeUse *use, Error *err)
{
    _cleanup_free_ char *path = memory_printf("%s/" MOUNTED_NAME, use->container);
    _cleanup_close_ int directory_fd = path_open_directory(engine->runtime_fd, path, MOUNTED_MODE);

    if (directory_fd < 0)
        return error_result(err, directory_fd, "make runtime directory '%s'", path);
    use->mark_fd = openat(directory_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    use->is_mounted = use->mark_fd < 0 && errno == EEXIST;
    if (use->is_mounted)
        use->mark_fd = openat(directory_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    return use->mark_fd < 0 ? error_errno(err, "make '%s' in runtime directory '%s'", name, path)
                            : 0;
}

int volume_open_mark(Engine *engine, const char *name, const char *id)
{
    _cleanup_free_ char *path = memory_printf("%s/" MOUNTED_NAME "/%s", id, name);
    int fd = openat(engine->runtime_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    return fd < 0 ? -errno : fd;
}

static void unmark_mounted(Engine *engine, const char *name, const char *id)
{
    _cleanup_free_ char *path = memory_printf("%s/" MOUNTED_NAME "/%s", id, name);

    (void)unlinkat(engine->runtime_fd, path, 0); /* else its driver is told once more */
}

static int mount_marked(Engine *engine, const Volume *volume, const VolumeUse *use,
                        VolumeMount *ret, Error *err)
{
    _cleanup_error_ Error problem = {};
    int r = volume_driver_find(volume->driver)->mount(engine, volume, use, ret, &problem);

    /* Who did not answer may have mounted it. */
    if (r < 0 && !use->is_mounted && problem.kind != ERROR_UNAVAILABLE)
        unmark_mounted(engine, volume->name, use->container);
    if (r < 0)
        error_move(err, &problem);
    return r;
}

int volume_mount(Engine *engine, const ContainerMount *mount, const char *id, VolumeMount *ret,
                 Error *err)
{
    _cleanup_(volume_freep) Volume *volume = NULL;
    VolumeUse use = { .container = id, .mark_fd = -EBADF };
    int r = volume_row_load(engine, mount->source, &volume, err);

    if (r >= 0)
        r = mark_mounted(engine, volume->name, &use, err);
    if (r >= 0)
        r = mount_marked(engine, volume, &use, ret, err);
    if (r >= 0 && !use.is_mounted)
        tell_mount(engine, volume, mount, id);
    fd_close(use.mark_fd);
    return r;
}

/* A plug-in has told when it mounted it. */
char *volume_source_path(Engine *engine, const char *name, const char *id)
{
    _cleanup_(volume_freep) Volume *volume = NULL;
    _cleanup_close_ int fd = -EBADF;
    char *path = NULL;

    if (volume_row_load(engine, name, &volume, NULL) < 0)
        return NULL;
    if (volume->mount_point)
        return TAKE_PTR(volume->mount_point);
    fd = volume_open_mark(engine, name, id);
    return fd < 0 || fd_read_all(fd, PATH_MAX, &path, NULL) < 0 ? NULL : path;
}

static void release(Engine *engine, const char *name, const char *id)
{
    _cleanup_(volume_freep) Volume *volume = NULL;
    const VolumeDriver *driver;

    if (volume_row_load(engine, name, &volume, NULL) < 0)
        return;
    driver = volume_driver_find(volume->driver);
    if (driver->release)
        driver->release(engine, volume, id);
    tell(engine, volume, "unmount", id);
}

void volume_release(Engine *engine, const char *id)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    int fd;

    if (open_mounted(engine, id, &fd) < 0 || directory_open(fd, &directory) < 0)
        return;
    while (directory_read(directory, &entry) > 0) {
        release(engine, entry->d_name, id);
        (void)unlinkat(dirfd(directory), entry->d_name, 0); /* else it is told once more */
    }
}

int volume_lock(Engine *engine, const char *name, int *ret_fd, Error *err)
{
    _cleanup_close_ int fd =
        openat(engine->volumes_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return error_set(err, ERROR_NOT_FOUND, "no such volume: '%s'", name);
    if (fd < 0)
        return error_errno(err, "open the directory of volume '%s'", name);
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return error_errno(err, "lock volume '%s'", name);

    *ret_fd = TAKE_FD(fd);
    return 0;
}
