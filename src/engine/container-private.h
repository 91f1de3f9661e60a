/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files about containers share: rows, claims, directories. */

#include "engine/container-userns.h"
#include "engine/container.h"
#include "engine/engine-private.h"
#include "sandbox/runtime-config.h"
#include "storage/overlay-changes.h"
#include "supervisor/shim-protocol.h"
#include "supervisor/shim-settings.h"

#define CONTAINER_CONFIG_NAME "config.json"
#define CONTAINER_LOCK_NAME "lock"
#define CONTAINER_CGROUP_PREFIX "/cay-"

/* Handles that a configuration names: namespaces and mounts of other containers. */
typedef struct ConfigFds {
    int fds[SHIM_CONFIG_FDS_MAX];
    size_t count;
} ConfigFds;

struct ContainerClaim {
    char id[CONTAINER_ID_LENGTH + 1];
    Engine *engine;
    Container *container;
    int lock_fd;      /* flock(2)ed; the shim shares it */
    int runtime_fd;   /* the container's directory below the runtime directory */
    int directory_fd; /* its directory below the state directory; -EBADF while there is none */
    int rootfs_fd;    /* detached mount of its root; -EBADF while not mounted */
    int id_map_fd;    /* with rootfs_fd: a user namespace with its ids; -EBADF: it has the host's */
    ConfigFds config_fds; /* what its configuration names, for its shim */
    ShimClient *shim;     /* NULL while it does not run */
    bool undo;            /* remove it when the claim is freed */
};

/* --- rows (container-store.c) --- */

/* Claim the name: insert the row, which holds @ids, in state creating. CONFLICT when the name is
 * taken. */
int container_row_insert(Engine *engine, const Container *container, const IdRange *ids,
                         Error *err);
/* Write state, times, exit code, pid and error of @container. */
int container_row_update(Engine *engine, const Container *container, Error *err);
/* Move it to running, unless it is in a state by now that does not lead there. */
int container_row_record_start(Engine *engine, const char *id, int64_t pid, int64_t started_at,
                               Error *err);
/* CONFLICT when the name is taken. */
int container_row_rename(Engine *engine, const char *id, const char *name, Error *err);
/* The spec that an update is on its way to; NULL: it is on its way to none. */
int container_row_set_pending(Engine *engine, const char *id, const ContainerSpec *spec,
                              Error *err);
/* NOT_FOUND: there is none. */
int container_row_read_pending(Engine *engine, const char *id, ContainerSpec *ret, Error *err);
/* Make it the spec. */
int container_row_take_pending(Engine *engine, const char *id, Error *err);
/* Add the ids of the containers that have one. */
int container_row_list_pending(Engine *engine, StringList *ids, Error *err);
/* Mark it as being removed, with its anonymous volumes: in memory, too. */
int container_row_mark_removal(Engine *engine, Container *container, Error *err);
int container_row_delete(Engine *engine, const char *id, Error *err);
/* In doubt it does: nothing is to be removed for an error's sake. */
bool container_row_exists(Engine *engine, const char *id);
/* NOT_FOUND when there is no such row. */
int container_row_load(Engine *engine, const char *id, Container **ret, Error *err);

/* --- claims (container-claim.c) --- */

/*
 * Take the lock of container @id, making its runtime directory. Returns 0, or -EWOULDBLOCK (no
 * error recorded) when somebody else holds it and @wait is false. claim->container stays NULL.
 */
int container_claim_take(Engine *engine, const char *id, bool wait, ContainerClaim **ret,
                         Error *err);

/*
 * The same, but whoever has the claim of a container that is not up is waited for, for some
 * seconds: it gives it up in a moment, or the container is up then. Returns 0, or -EWOULDBLOCK (no
 * error recorded) when the container is up, or another command keeps it. (container-claim-wait.c)
 */
int container_claim_await(Engine *engine, const char *id, ContainerClaim **ret, Error *err);

/* The container's cgroup, in every hierarchy. The caller frees it. */
char *container_cgroup_path(const Container *container);

/* Move to @state if the state machine allows it; memory only. */
int container_set_state(Container *container, ContainerState state, Error *err);

/* Delete directory, row and runtime directory. The container must not run. */
int container_claim_remove(ContainerClaim *claim, Error *err);

/*
 * Record the end of the container as its shim has @told it; NULL: as its exit record has it or,
 * without one, as killed with its shim.
 */
int container_claim_record_exit(ContainerClaim *claim, const ShimExit *told, Error *err);

/*
 * Tell the event log. Labels are attributes of every event, @attributes (may be NULL) of this one.
 * (container-events.c)
 */
void container_tell(Engine *engine, const Container *container, const char *action,
                    const StringMap *attributes);

/* --- root file system (container-rootfs.c) --- */

/* Prepare a new container's directory for it, and mount it as claim->rootfs_fd. */
int container_rootfs_create(ContainerClaim *claim, Error *err);

/* Mount that of a container that exists. */
int container_rootfs_mount(ContainerClaim *claim, Error *err);

/* The same for whoever looks at its files and is not the container: with ids as they are stored. */
int container_rootfs_mount_as_stored(ContainerClaim *claim, Error *err);

/* What the container has changed, as its overlay keeps it. CONFLICT: it is being removed, as in the
 * next two. */
int container_rootfs_open_changes(Engine *engine, const Container *container, int *ret_fd,
                                  Error *err);
int container_rootfs_list_changes(Engine *engine, const Container *container, OverlayChanges *ret,
                                  Error *err);

/*
 * Its root file system as it is stored, read-only, whether it runs or not: what is mounted in it is
 * not there, and owners are as images have them. A detached mount, the caller's.
 */
int container_rootfs_view(Engine *engine, const Container *container, int *ret_fd, Error *err);

/* --- the limit of its files' size (container-quota.c) --- */

/* Errors: INVALID, UNSUPPORTED (another option than "size"). */
int container_quota_validate(const ContainerSpec *spec, Error *err);

/* Choose a project for one that is to have a limit, in the transaction that inserts its row. */
int container_quota_choose(Engine *engine, Container *container, Error *err);

/* Before and after its files are mounted: limit them. Errors: UNSUPPORTED, SYSTEM. */
int container_quota_prepare(const ContainerClaim *claim, Error *err);
int container_quota_apply(const ContainerClaim *claim, Error *err);

/* Its files are gone: take the limit back. */
void container_quota_release(Engine *engine, const Container *container);

/* --- control (container-control.c) --- */

/* Connect to its shim. CONFLICT: it does not run. */
int container_connect(Engine *engine, const Container *container, ShimClient **ret, Error *err);

/* --- its first process (container-process.c) --- */

/* A pidfd of the first process of a refreshed container that is up. CONFLICT: it has ended. */
int container_process_open(const Container *container, int *ret_pidfd, Error *err);
/* The same of one that is not up yet, or again: @pid is what its shim says. */
int container_process_open_pid(const Container *container, pid_t pid, int *ret_pidfd, Error *err);

/* The root that it has made for itself (O_PATH). What lies below is only ever data. */
int container_process_open_root(const Container *container, int pidfd, int *ret_fd, Error *err);
bool container_process_is_alive(int pidfd);

/* --- its files, whether it runs or not (container-root.c) --- */

/* A container's root directory with all that is mounted below it. */
typedef struct ContainerRoot {
    const Container *container;
    Container *live;       /* the same, of one that runs; else NULL */
    ContainerClaim *claim; /* of one that does not: nobody starts it meanwhile; else NULL */
    int fd;                /* O_PATH: names are resolved below it (path_open_in_root()) */
    int namespace_fd;      /* the mount namespace that holds the mounts together; or -EBADF */
    IdMap ids;             /* through which its files are seen */
} ContainerRoot;

#define CONTAINER_ROOT_INIT                                                                        \
    (ContainerRoot)                                                                                \
    {                                                                                              \
        .fd = -EBADF, .namespace_fd = -EBADF                                                       \
    }

/*
 * Open that of a container in any state. That of one that runs is what its first process sees; that
 * of one that does not is mounted with its volumes and binds, in a mount namespace of its own, and
 * its claim is held. What it has on tmpfs exists only while it runs: an empty one, read-only,
 * stands for it. Errors: NOT_FOUND, CONFLICT (it restarts, or another command has it).
 */
int container_root_open(Engine *engine, const char *name, ContainerRoot *ret, Error *err);
void container_root_done(ContainerRoot *root);
#define _cleanup_container_root_ _cleanup_(container_root_done)
/* --- what others take of one that runs (container-mount-clone.c) --- */

/*
 * Open @file ("ns/pid") of the first process of @other, in procfs, so that it is that one's
 * whatever becomes of its pid. Errors: CONFLICT (it does not run), SYSTEM.
 */
int container_open_process_file(const Container *other, const char *file, int *ret_fd, Error *err);

/*
 * Clone the mount that @other has at @path, without the attributes @clear (MOUNT_ATTR_*), as a
 * detached mount. Its file system is its own to arrange: what comes may be any mount that it sees.
 * Errors: as above.
 */
int container_clone_mount(const Container *other, const char *path, uint64_t clear, int *ret_fd,
                          Error *err);

/*
 * Clone the detached mount *fd and all that is mounted below it. Before Linux 6.15 it ends with
 * that, and another clone takes its place in *fd: nothing that was made of it before may still be
 * needed. Returns 0 or -errno.
 */
int mount_clone_detached(int *fd, int *ret_fd);

/* --- recovery (container-recover.c) --- */

/* Load the row into the claim, and the container's directory if it is there. */
int container_claim_load(ContainerClaim *claim, const char *id, Error *err);

/* Settle the claimed container, whose owner has died or just ended; it may be gone afterwards. */
int container_claim_recover(ContainerClaim *claim, Error *err);

/* container_recover_all() but for those that run as their rows say. */
int container_recover_others(Engine *engine, Error *err);

/* Recover the container that has the name @name, if there is one that something goes on with. */
int container_recover_name(Engine *engine, const char *name, Error *err);

/* Finish the update of a container that whoever began it has not lived to finish. What cannot be
 * done is undone, with a warning. (container-update.c) */
int container_update_finish(Engine *engine, const char *id, Error *err);

/*
 * Keep updates of the claimed container waiting until *ret_lock_fd is closed: one may have begun
 * when it still ran. Its spec is read again.
 */
int container_update_hold(ContainerClaim *claim, int *ret_lock_fd, Error *err);

/* Kill what is left in its cgroup and remove that. */
int container_kill_remains(const ContainerClaim *claim, Error *err);

/* --- configuration (container-config.c and what it is made of) --- */

/* What a configuration is made from. */
typedef struct ConfigSource {
    Engine *engine;
    const Container *container;
    int rootfs_fd;         /* to look users up */
    int id_map_fd;         /* the claim's; 0 or less: none */
    ConfigFds *fds;        /* where the configuration's handles go */
    const char *directory; /* absolute path of the container's directory */
    int directory_fd;      /* the same */
} ConfigSource;

int container_config_build(const ConfigSource *source, RuntimeConfig **ret, Error *err);

/*
 * The files of @image for the container to read: a detached mount of its own (container-rootfs.c).
 * Errors: NOT_FOUND, UNSUPPORTED, SYSTEM.
 */
int container_image_mount(const ConfigSource *source, const Digest *image, int *ret_fd, Error *err);

/*
 * Hand @fd, which is the configuration's from here on, to the shim. *ret_path is what the
 * configuration has for it; free it. Errors: UNSUPPORTED (there are too many).
 */
int config_inherit_fd(const ConfigSource *source, int fd, char **ret_path, Error *err);

/* Build it for the claimed container, whose root is mounted, and write it into its directory. */
int container_config_write(ContainerClaim *claim, Error *err);

/*
 * Write what the shim has to know (shim-settings.h) into the container's directory @directory_fd:
 * at its creation, and whenever its name or its spec has changed. Errors: EXHAUSTED, SYSTEM.
 */
int container_settings_write(const Engine *engine, int directory_fd, const Container *container,
                             Error *err);

/*
 * Of these settings: the log's driver, its options and what its entries bear (container-log-tag.c).
 * Errors: INVALID (a tag that names something unknown).
 */
int container_log_settings(const Container *container, ShimSettings *settings, Error *err);

/* Expand "{{.Name}}" and the like. Without a container the tag is only checked and *ret, which may
 * be NULL, is of no use. Errors: INVALID. */
int container_log_tag_expand(const char *tag, const Container *container, char **ret, Error *err);
/* The same by its id, for who has no claim on it: its row is being changed in a transaction. */
int container_settings_rewrite(Engine *engine, const Container *container, Error *err);

/* Check its limits: a part of container_spec_validate(). (container-limits-validate.c) */
int container_limits_validate(const ContainerSpec *spec, Error *err);

/* --- mounts and volumes (container-mounts.c, container-volumes.c) --- */

/*
 * Decide the mount points of a container whose specification is complete: all that its user and its
 * image have asked for. Inside the transaction that inserts its row. Names are made for anonymous
 * volumes and added to @anonymous; those of volumes that exist are added to @existing. Errors:
 * INVALID, NOT_FOUND (an image, a container that volumes come from), CONFLICT.
 */
int container_mounts_resolve(Engine *engine, ContainerSpec *spec, StringList *anonymous,
                             StringList *existing, Error *err);

/* The same for one that was written before specifications had mount points. It has none where what
 * was accepted then is refused now. */
void container_mounts_upgrade(ContainerSpec *spec);

/*
 * Make the volumes of a container whose row is there, those that do not exist. @anonymous are the
 * names that were made for it; those of @existing are what it asks for, or not. Errors: those of
 * volume_create().
 */
int container_volumes_create(Engine *engine, const Container *container,
                             const StringList *anonymous, const StringList *existing, Error *err);

/*
 * Give each of its volumes that is empty what the image has in its place, as Docker does. A volume
 * is seen empty or whole, whoever is killed; two containers that begin with one at once see it
 * filled once. (volume-fill.c) Errors: INVALID (a file is in its place), EXHAUSTED, SYSTEM.
 */
int container_volumes_fill(ContainerClaim *claim, Error *err);

/* Remove the anonymous volumes that only this container has used: before its row is deleted. */
int container_volumes_remove(Engine *engine, const Container *container, Error *err);

/* Delete what a filling that was cut short has left beside the files of volume @name. */
void volume_fill_forget(Engine *engine, const char *name);

/* Fill in what the image says and the caller left open. */
void container_spec_complete(ContainerSpec *spec, const Image *image);

/* Process: arguments, environment, user, limits (config-process.c). */
int config_add_process(RuntimeConfig *config, const ConfigSource *source, Error *err);
/*
 * Namespaces: its own, the host's, those of another container, which has to run (
 * config-namespaces.c).
 */
int config_add_namespaces(RuntimeConfig *config, const ConfigSource *source, Error *err);

/* The /dev/shm of the container whose ipc namespace is shared, to be mounted: a path for @mount's
 * source. NOT_FOUND, CONFLICT (it runs not, or shares it with nobody). */
int config_open_shared_memory(const ConfigSource *source, char **ret_path, Error *err);

/*
 * Show what @bind, a bind of a file or directory of the host's, has with the ids that it is stored
 * with; or as @mount (may be NULL) wants it. Its source is opened. Errors: UNSUPPORTED (its file
 * system cannot), NOT_FOUND. (config-ids.c)
 */
int config_map_mount_ids(const RuntimeConfig *config, const ConfigSource *source,
                         const ContainerMount *mount, RuntimeMount *bind, Error *err);

/* The same for one that lies where the container's root does: what works there works here. */
void config_map_own_file(const ConfigSource *source, RuntimeMount *bind);

/* The ids of its user namespace. */
void config_add_ids(RuntimeConfig *config, const ConfigSource *source);

/* Are user and groups among the container's ids? Errors: INVALID. */
int config_check_user(const RuntimeUser *user, const ConfigSource *source, Error *err);

/* Device nodes and what may be opened (config-devices.c). */
int config_add_devices(RuntimeConfig *config, const ContainerSpec *spec, Error *err);
/* Mounts: the standard ones, the container's files, those of its user (config-mounts.c). */
int config_add_mounts(RuntimeConfig *config, const ConfigSource *source, Error *err);
/* Of these its user's: the specification's mount points (config-user-mounts.c). */
int config_add_user_mounts(RuntimeConfig *config, const ConfigSource *source, Error *err);
/* One more, with @options as of mount(8). Valid until the next one. */
RuntimeMount *config_add_mount(RuntimeConfig *config, const char *destination, const char *type,
                               const char *source, const char *options);
/* Files with secrets: written here and now (config-secrets.c). Errors: those of secret_read(). */
int config_add_secrets(RuntimeConfig *config, const ConfigSource *source, Error *err);
/* Capabilities, seccomp, masked and read-only paths, devices (config-security.c). */
int config_add_security(RuntimeConfig *config, const ConfigSource *source, Error *err);
/* What of /proc and /sys a container of @spec does not see, and does not write; empty for one that
 * is not kept from it. */
void config_list_hidden_paths(const ContainerSpec *spec, StringList *masked, StringList *read_only);
