/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the engine share: its directories and its database. */

#include "engine/engine-settings.h"
#include "engine/engine.h"
#include "network/firewall.h"
#include "network/network-link.h"
#include "storage/snapshot.h"

struct Engine {
    char *state_path;      /* absolute */
    char *runtime_path;    /* absolute */
    char *config_path;     /* NULL: the default */
    char *registries_path; /* NULL: beside the configuration */
    char *secret_key_path; /* NULL: that in the state directory */
    int state_fd;
    int containers_fd;        /* "containers" in the state directory */
    int runtime_fd;           /* "containers" in the runtime directory */
    int cache_fd;             /* "cache" in the state directory: what can be computed again */
    int events_fd;            /* "events" in the state directory: the event log */
    int volumes_fd;           /* "volumes" in the state directory */
    int changes_fd;           /* "volumes" in the runtime directory: those that are being changed */
    EngineSettings *settings; /* NULL: nobody has asked for them yet */
    RegistrySettings *registry_settings; /* the same */
    Database *database;
    LayerStore *layers;
    ImageStore *images;
    NetworkLinks *network_links;       /* NULL: nobody has asked for them yet */
    Firewall *firewall;                /* the same */
    char *network_tag;                 /* the same */
    struct TmpfsVolume *tmpfs_volumes; /* that this process has mounted (volume-tmpfs.c) */
};

extern const DatabaseSchema container_schema;

/* The configuration, read with the first use. Stays the engine's. Errors: those of
 * engine_settings_read(). */
int engine_settings(Engine *engine, const EngineSettings **ret, Error *err);
extern const DatabaseSchema volume_schema;
extern const DatabaseSchema secret_schema;
extern const DatabaseSchema published_port_schema;
extern const DatabaseSchema network_schema;

/* The kernel's side of networks, opened with the first use. Stays the engine's. */
int engine_network_links(Engine *engine, NetworkLinks **ret, Error *err);

/* Which images containers use, and which are mounted on the host. */
int container_list_image_users(Engine *engine, ImageUsers *users, Error *err);
int image_mount_list_users(Engine *engine, ImageUsers *users, Error *err);

/*
 * Mount the layers of @image read-only, nothing else in it. @options has who sees them and where an
 * empty layer may be made; it gets the layers while this goes on. Errors: those of
 * snapshot_mount(), NOT_FOUND, CORRUPT.
 */
int engine_mount_image(Engine *engine, const Digest *image, SnapshotOptions *options, int *ret_fd,
                       Error *err);

/* Close the handles of tmpfs volumes. */
void engine_forget_tmpfs_volumes(Engine *engine);
