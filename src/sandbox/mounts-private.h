/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The container's mounts. The parent lays out a table and clones every bind source into a detached
 * mount, so that nothing is resolved by path outside the container later; the child makes file
 * systems in its own namespaces and moves everything to where it belongs, by handle.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "sandbox/cgroup.h"
#include "sandbox/mount-options.h"
#include "sandbox/report-private.h"
#include "sandbox/runtime-config.h"

/* A mount of the host's that is as good as a new file system. */
typedef struct MountSubstitute {
    const char *path;
    uint64_t flags; /* it gets in any case */
} MountSubstitute;

typedef struct MountEntry {
    char *destination; /* absolute and clean */
    char *type;        /* the file system that the child makes; NULL for a bind or remount */
    char *source;      /* what mountinfo will show; may be NULL */
    char *link_target; /* not a mount: a symlink made at the destination */
    MountOptions options;
    int fd;            /* the mount: of a bind from the start, else once the child has made it */
    int passed_fd;     /* the number of a detached mount that the caller has passed and that is used
                          up by this; -EBADF: there is none */
    int spare_fd;      /* such a mount again, as it was; -EBADF: not made */
    int id_map_fd;     /* user namespace whose ids a new file system shows; -EBADF: none */
    const char *label; /* of SELinux, where no mount option takes it; NULL: none */
    const char *foreign_namespace; /* what it shows is not our user namespace's; NULL: it is */
    MountSubstitute substitute;    /* for that case; path NULL: none */
    bool is_directory;
    bool keeps_mode; /* of a directory that was there before */
    bool is_sealed;  /* read-only at last, once other entries were put into it */
} MountEntry;

typedef struct MountTable {
    MountEntry *items;
    size_t count;
    size_t capacity;
    int id_map_fd; /* the ids of the container's user namespace, once something has asked for them;
                      0: nothing has */
    bool keeps_passed; /* what the caller has passed is made again, for the caller */
} MountTable;

/*
 * Lay out the mounts of @config. Relative sources start from @bundle_fd. Errors: NOT_FOUND (a bind
 * source), INVALID, UNSUPPORTED (an option, a file system that cannot map ids, a label without
 * SELinux), SYSTEM.
 */
int mount_table_plan(MountTable *table, const RuntimeConfig *config, int bundle_fd,
                     const Cgroup *cgroup, Error *err);
void mount_table_done(MountTable *table);

/*
 * The user namespace of the container itself, or one that is like it: it is yet to be made. The
 * handle stays the table's. Errors: INVALID (there is none), SYSTEM.
 */
int mount_table_open_ids(MountTable *table, const RuntimeConfig *config, int *ret_fd, Error *err);

#define MOUNT_TABLE_PASSED_MAX 14 /* what a report has room for beside the root and a terminal */

/* How many mounts the caller has passed that are used up and made again, once the table is made. */
size_t mount_table_count_passed(const MountTable *table);

/* A new entry at the end; @destination is copied and cleaned. Valid until the next one. */
MountEntry *mount_table_add(MountTable *table, const char *destination);

/*
 * The entries that show the container its own cgroup, as @mount asks: of type "cgroup" all
 * hierarchies, of type "cgroup2" that of v2 alone.
 */
int mount_table_add_cgroups(MountTable *table, const RuntimeMount *mount,
                            const RuntimeConfig *config, const Cgroup *cgroup, Error *err);

/*
 * Prepare @entry, whose options are sorted, to become the new file system that @mount asks for.
 * Errors: INVALID.
 */
int mount_entry_plan_new(MountEntry *entry, const RuntimeMount *mount, const RuntimeConfig *config,
                         Error *err);

/* True for the kernel's own file systems, which lie on nothing. */
bool mount_type_is_memory(const char *type);

/* linux.mountLabel can only be given to file systems where SELinux is. Errors: UNSUPPORTED. */
int mount_label_check(const RuntimeConfig *config, Error *err);
/* Give it to the file system that @entry will make. */
void mount_label_plan(MountEntry *entry, const RuntimeConfig *config);

/* True when the table binds something of the host's over @destination. */
bool mount_table_has_bind(const MountTable *table, const char *destination);

/* The last mount of the file system @type, -EBADF when there is none. Child only. */
int mount_table_find_fd(const MountTable *table, const char *type);

/* The child's part: none of these allocates. */

/* Make and move all entries into place under @root_fd. */
int mount_table_make(MountTable *table, int root_fd, Report *report);
/* Make those read-only that had to stay writable for a while. */
int mount_table_seal(const MountTable *table, Report *report);

/*
 * Open the place of a mount inside the root, made if it is missing: a directory or an empty file.
 * Below /dev, /proc and /sys no symlink is followed at all.
 */
int mount_point_open(int root_fd, const char *destination, bool is_directory, Report *report);

/* Open @path inside the root as mount_point_open() resolves it. Returns a descriptor or -errno. */
int mount_point_resolve(int root_fd, const char *path, int flags);

/* Put the detached mount @fd, or a mount anywhere in our namespace, on top of @target_fd. */
int mount_attach(int fd, int target_fd);

/* A detached clone of what @fd refers to, which must lie in our own mount namespace. */
int mount_clone(int fd, bool recursive);

/*
 * Copy what the directory @source_fd holds, with its own mode, owner, times and attributes, into
 * @entry's new tmpfs. Nothing that is mounted below it is entered.
 */
int mount_copy_up(const MountEntry *entry, int source_fd, Report *report);

/* A detached mount of a new file system. Returns a descriptor or -errno, recorded. */
int mount_new(const char *type, const char *source, const StringMap *data, uint64_t attributes,
              Report *report);

/* Are the type and all its options known? Options that some file systems (of before Linux 5.17, for
 * ext4) look at only when they are mounted are found out then. Returns 0 or -errno, recorded. */
int mount_check(const char *type, const StringMap *data, Report *report);
