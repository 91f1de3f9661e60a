/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Making and removing a volume touches its directory and its row, which no single step changes
 * together. So whoever does it holds a file of the volume's name in the runtime directory first: it
 * keeps others of the same name waiting, and when its holder was killed it tells where to look. The
 * row decides: a directory without one is debris. Nobody ever looks through all volumes, but once
 * after a boot, when the runtime directory knows nothing.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "engine/volume-private.h"

/* In the runtime directory: stands for a look at the volumes' directories since the last boot. */
#define SCANNED_NAME "../volumes-scanned"

/* A lock counts only while its file is still the one that the name leads to. */
static bool lock_is_current(const Engine *engine, const char *name, int lock_fd)
{
    struct stat locked, current;

    return fstat(lock_fd, &locked) == 0 &&
           fstatat(engine->changes_fd, name, &current, AT_SYMLINK_NOFOLLOW) == 0 &&
           locked.st_ino == current.st_ino && locked.st_dev == current.st_dev;
}

/* Returns the locked file, or -errno: -EWOULDBLOCK unless it was to @wait. */
static int take_lock(const Engine *engine, const char *name, bool wait)
{
    for (;;) { /* again only when the holder before us has removed the file */
        _cleanup_close_ int fd =
            openat(engine->changes_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
            return -errno;
        if (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0) {
            if (errno != EINTR)
                return -errno;
        } else if (lock_is_current(engine, name, fd)) {
            return TAKE_FD(fd);
        }
    }
}

/* The volume's directory, where nobody lives who made or removes it, is as its row says. */
static int settle(Engine *engine, const char *name, Error *err)
{
    int r;

    if (volume_row_exists(engine, name))
        return 0;
    volume_release_limit(engine, name);
    r = path_remove_tree(engine->volumes_fd, name);
    return r < 0 ? error_result(err, r, "remove the files of volume '%s'", name) : 0;
}

int volume_change_begin(Engine *engine, const char *name, VolumeChange *ret, Error *err)
{
    _cleanup_volume_change_ VolumeChange change = VOLUME_CHANGE_INIT;
    int r;

    change.lock_fd = take_lock(engine, name, true);
    if (change.lock_fd < 0)
        return error_result(err, change.lock_fd, "lock volume '%s'", name);
    change.engine = engine;
    change.name = memory_strdup(name);
    r = settle(engine, name, err);
    change.is_open = r < 0;
    if (r < 0)
        return r;

    *ret = change;
    change = VOLUME_CHANGE_INIT;
    return 0;
}

void volume_change_end(VolumeChange *change)
{
    /* Under the lock, so that nobody holds another file of this name. */
    if (change->lock_fd >= 0 && !change->is_open)
        (void)unlinkat(change->engine->changes_fd, change->name, 0); /* else recovery does */
    fd_close(change->lock_fd);
    free(change->name);
    *change = VOLUME_CHANGE_INIT;
}

static void recover_one(Engine *engine, const char *name)
{
    _cleanup_volume_change_ VolumeChange change = VOLUME_CHANGE_INIT;
    _cleanup_error_ Error problem = {};
    int fd = take_lock(engine, name, false);

    if (fd < 0)
        return; /* it is being changed */
    change = (VolumeChange) { .engine = engine, .name = memory_strdup(name), .lock_fd = fd };
    /* One that cannot be recovered now must not keep the command from going on. */
    if (settle(engine, name, &problem) < 0) {
        change.is_open = true;
        log_warning("recover volume '%s': %s", name, error_message(&problem));
    }
}

static int list_names(int dir_fd, StringList *names, Error *err)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    int r = directory_open_at(dir_fd, ".", &directory);

    while (r >= 0 && (r = directory_read(directory, &entry)) > 0)
        string_list_add(names, entry->d_name);
    return r < 0 ? error_result(err, r, "list volumes") : 0;
}

/* Directories without a row that nobody tells of: a boot has interrupted a change. */
static int recover_orphans(Engine *engine, Error *err)
{
    _cleanup_string_list_ StringList names = {};
    int r;

    if (faccessat(engine->changes_fd, SCANNED_NAME, F_OK, 0) == 0)
        return 0;
    r = list_names(engine->volumes_fd, &names, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < names.count; i++)
        if (!volume_row_exists(engine, names.items[i]))
            recover_one(engine, names.items[i]);
    (void)mkdirat(engine->changes_fd, SCANNED_NAME, 0700); /* else the next one looks again */
    return 0;
}

int volume_recover_all(Engine *engine, Error *err)
{
    _cleanup_string_list_ StringList names = {};
    int r = recover_orphans(engine, err);

    if (r >= 0)
        r = list_names(engine->changes_fd, &names, err);
    for (size_t i = 0; i < names.count && r >= 0; i++)
        recover_one(engine, names.items[i]);
    return r;
}
