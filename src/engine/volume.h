/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Volumes: what containers keep beyond their own lives. A row says that one exists, a driver has
 * its files. Which containers use it is a relation in the database, never a count.
 */

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/string-list.h"
#include "engine/container-spec.h"
#include "engine/engine.h"

#define VOLUME_DRIVER_LOCAL "local"
/* What Docker marks anonymous volumes with. */
#define VOLUME_LABEL_ANONYMOUS "com.docker.volume.anonymous"

typedef struct Volume {
    char *name;
    char *driver;      /* VOLUME_DRIVER_LOCAL, or a plug-in's name */
    StringMap options; /* the driver's, as they were given */
    StringMap labels;
    int64_t created_at; /* nanoseconds since 1970 */
    uint32_t project;   /* of its files, for their limit (storage/project-quota.h); 0: none */
    bool is_anonymous;  /* made for a container, under a random name */
    int64_t n_users;    /* containers that use it, at the time of reading */
    char *mount_point;  /* absolute path of its files on the host; NULL: only its driver knows */
    char *scope;        /* "local", "global"; NULL: "local" */
    json_t *status;     /* what its driver tells about it; NULL: nothing */
} Volume;

void volume_free(Volume *volume);
DEFINE_CLEANUP(Volume *, volume_free);

typedef struct VolumeList {
    Volume **items;
    size_t count;
    size_t capacity;
} VolumeList;

void volume_list_done(VolumeList *list);
#define _cleanup_volume_list_ _cleanup_(volume_list_done)

typedef struct VolumeRequest {
    const char *name;   /* NULL: a random one of 64 hexadecimal digits, which makes it anonymous */
    const char *driver; /* NULL: VOLUME_DRIVER_LOCAL */
    const StringMap *options; /* NULL: none; as labels */
    const StringMap *labels;
    bool is_anonymous;     /* it was not its user who has chosen its name */
    const char *container; /* id of a container that uses it from the moment it exists; NULL: none
                            */
} VolumeRequest;

/* Docker's rule: [a-zA-Z0-9][a-zA-Z0-9_.-]+, and a file name's length. Errors: INVALID. */
int volume_name_validate(const char *name, Error *err);

/* A random one, as anonymous volumes have. Free it. */
char *volume_name_generate(void);

/*
 * Make a volume. One that exists by that name is taken as it is. Errors: INVALID (name, option),
 * CONFLICT (it exists with another driver or other options), NOT_FOUND (driver), UNSUPPORTED.
 */
int volume_create(Engine *engine, const VolumeRequest *request, Volume **ret, Error *err);

/* Errors: NOT_FOUND "no such volume: 'x'". */
int volume_find(Engine *engine, const char *name, Volume **ret, Error *err);

/*
 * Ask its driver for what only that knows: mount point, scope and status. Errors: NOT_FOUND (no
 * such driver), UNAVAILABLE (it does not answer), what it says itself.
 */
int volume_describe(Volume *volume, Error *err);

/* Add the names of all drivers that there are. */
void volume_list_drivers(StringList *names);

/* All volumes by name. */
int volume_list(Engine *engine, VolumeList *ret, Error *err);

/*
 * Remove it with all it holds. Errors: NOT_FOUND (not with @force), CONFLICT (in use; names the
 * containers).
 */
int volume_remove(Engine *engine, const char *name, bool force, Error *err);

/*
 * Bytes that its files occupy on disk; -1: they lie elsewhere, or are gone. Takes time in
 * proportion to their number.
 */
int64_t volume_measure(Engine *engine, const Volume *volume);

/* --- what containers do with volumes --- */

/*
 * Record that container @id uses @names: inside the transaction that inserts the container's row.
 * Ends with the row. Errors: NOT_FOUND (one was removed meanwhile).
 */
int volume_refer(Engine *engine, const char *id, const StringList *names, Error *err);

/* Container @id uses no volume any more, though its row is still there. */
int volume_unrefer(Engine *engine, const char *id, Error *err);

/* Add the ids of the containers that use the volume. */
int volume_list_users(Engine *engine, const char *name, StringList *ids, Error *err);

/* Remove the anonymous volumes among @names that no container uses any more. */
int volume_remove_anonymous(Engine *engine, const StringList *names, Error *err);

/* A volume's files, for one container. */
typedef struct VolumeMount {
    int fd;     /* O_PATH: the root directory of the volume's files */
    char *path; /* of the same on the host; NULL: @fd is a detached mount */
} VolumeMount;

#define VOLUME_MOUNT_INIT                                                                          \
    (VolumeMount)                                                                                  \
    {                                                                                              \
        .fd = -EBADF                                                                               \
    }

void volume_mount_done(VolumeMount *mount);
#define _cleanup_volume_mount_ _cleanup_(volume_mount_done)

/*
 * Have the driver of the volume that is @mount's source bring its files up for container @id.
 * Errors: NOT_FOUND, UNAVAILABLE (a plug-in does not answer), UNSUPPORTED, DENIED, SYSTEM.
 */
int volume_mount(Engine *engine, const ContainerMount *mount, const char *id, VolumeMount *ret,
                 Error *err);

/*
 * Where on the host the files are that container @id has: for people to read. NULL: nowhere that is
 * known. The caller frees it.
 */
char *volume_source_path(Engine *engine, const char *name, const char *id);

/* Container @id has ended: tell the drivers of the volumes that it uses. May be repeated. */
void volume_release(Engine *engine, const char *id);

/*
 * Whoever looks whether a volume is empty, and fills it, holds this lock: until *ret_fd is closed
 * nobody else does. (First use of one volume by two containers at once.)
 */
int volume_lock(Engine *engine, const char *name, int *ret_fd, Error *err);

/* Engine API: Volume. The caller owns the reference. */
json_t *volume_to_inspect(const Volume *volume);
