/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files about volumes share: rows, changes, drivers. */

#include "engine/engine-private.h"
#include "engine/volume.h"

/* --- rows (volume-store.c) --- */

/* NOT_FOUND when there is no such row. */
int volume_row_load(Engine *engine, const char *name, Volume **ret, Error *err);
int volume_row_insert(Engine *engine, const Volume *volume, Error *err);
int volume_row_delete(Engine *engine, const char *name, Error *err);
/* In doubt it does: nothing is to be removed for an error's sake. */
bool volume_row_exists(Engine *engine, const char *name);

/* --- changes (volume-change.c) --- */

/*
 * A volume that is being made or removed: a locked file of its name in the runtime directory. As
 * long as that is there, the volume's directory and its row need not agree.
 */
typedef struct VolumeChange {
    Engine *engine;
    char *name;
    int lock_fd;
    bool is_open; /* row and directory do not agree: left to recovery */
} VolumeChange;

#define VOLUME_CHANGE_INIT                                                                         \
    (VolumeChange)                                                                                 \
    {                                                                                              \
        .lock_fd = -EBADF                                                                          \
    }

/* Wait until nobody else changes the volume @name, and finish what was left by who died. */
int volume_change_begin(Engine *engine, const char *name, VolumeChange *ret, Error *err);
void volume_change_end(VolumeChange *change);
#define _cleanup_volume_change_ _cleanup_(volume_change_end)

/* Finish the changes of those who died. Takes no longer for more volumes, but once after a boot. */
int volume_recover_all(Engine *engine, Error *err);

/* --- drivers --- */

/* Whom a volume is mounted for. */
typedef struct VolumeUse {
    const char *container; /* id */
    bool is_mounted;       /* for it, somewhere else */
    int mark_fd;           /* as long as it is, the driver's to write to; empty at first */
} VolumeUse;

typedef struct VolumeDriver {
    /* Before anything is made. Errors: INVALID, UNSUPPORTED, each naming the option. */
    int (*check)(const Volume *volume, Error *err);
    /*
     * Make its files. @directory_fd is the volume's own directory, which goes with it. Returns 0,
     * or 1 when they were there already, and are not to be removed for a failure's sake.
     */
    int (*create)(Engine *engine, const Volume *volume, int directory_fd, Error *err);
    /* Delete what is not in its directory; NULL: there is no such thing. */
    int (*remove)(Engine *engine, const Volume *volume, Error *err);
    int (*mount)(Engine *engine, const Volume *volume, const VolumeUse *use, VolumeMount *ret,
                 Error *err);
    void (*release)(Engine *engine, const Volume *volume, const char *container);
    /* Fill in what only the driver knows; NULL: nothing is. */
    int (*describe)(Volume *volume, Error *err);
} VolumeDriver;

extern const VolumeDriver volume_local_driver;
extern const VolumeDriver volume_plugin_driver;

/* In a volume's own directory: its files, where the local driver has them itself. */
#define VOLUME_DATA_NAME "_data"

/* Choose a project for one of the local driver's that is to have a limit. Errors: UNSUPPORTED. */
int volume_choose_project(Engine *engine, Volume *volume, Error *err);

/* A limit of the volume @name, which has no row, is taken back: its files are about to go. */
void volume_release_limit(Engine *engine, const char *name);

/* Where the local driver has the files of the volume @name. The caller frees it. */
char *volume_local_path(Engine *engine, const char *name);

/* Any name but that of our own driver may be a plug-in's. */
const VolumeDriver *volume_driver_find(const char *name);

/*
 * Open what the driver wrote when it mounted the volume for container @id. Returns the descriptor,
 * or -errno when it is not mounted.
 */
int volume_open_mark(Engine *engine, const char *name, const char *id);

/* --- tmpfs (volume-tmpfs.c) --- */

typedef struct VolumeOptions VolumeOptions;

/* One that another container has is shown to this one too. */
int volume_tmpfs_mount(Engine *engine, const Volume *volume, const VolumeUse *use,
                       const VolumeOptions *options, VolumeMount *ret, Error *err);
void volume_tmpfs_release(Engine *engine, const Volume *volume, const char *container);
