/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a copy of a tree is made of: identities, content, attributes, hard links. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "storage/tree-copy.h"

/* --- identities (tree-copy-identity.c) --- */

/*
 * Whom files are made by: each gets its owner when it is made, so that none has to be given away
 * by a name that may lead elsewhere by then. Capabilities are kept.
 */
typedef struct CopyIdentity {
    uid_t own_uid;
    gid_t own_gid;
    uid_t uid; /* as which files are made now */
    gid_t gid;
    int secure_bits; /* to be restored; -1: as they are */
    mode_t umask;
    bool has_no_limits; /* when it does not copy */
} CopyIdentity;

/* Returns 0 or -errno. To be left in any case. */
int copy_identity_enter(CopyIdentity *identity);
void copy_identity_leave(CopyIdentity *identity);

void copy_identity_assume(CopyIdentity *identity, uid_t uid, gid_t gid);
void copy_identity_resume(CopyIdentity *identity);

/* What owns the copy of @status, in the target. Returns false for one that has no id there. */
bool copy_owner(const TreeCopyOptions *options, const struct stat *status, uid_t *ret_uid,
                gid_t *ret_gid);

/* --- content (tree-copy-content.c) --- */

/* What was found to be of no use, so that it is not tried for every file. */
typedef struct CopyMethods {
    bool no_clone;
    bool no_range;
    bool no_sendfile;
} CopyMethods;

/* Copy the content that @status says @source_fd has, into an empty file. Returns 0 or -errno. */
int copy_content(CopyMethods *methods, int source_fd, int target_fd, const struct stat *status);

/* --- attributes (tree-copy-attributes.c) --- */

/* A file by handle: what may not be opened for reading (devices, symlinks) by an O_PATH one. */
typedef struct CopyHandle {
    int fd;
    bool is_path;
} CopyHandle;

/* Extended attributes, those that hold ids translated. Returns 0 or -errno. */
int copy_attributes(const TreeCopyOptions *options, CopyHandle source, CopyHandle target);

/* ACLs that come from the directory in which the file was made. Returns 0 or -errno. */
int copy_drop_acls(CopyHandle target, bool is_directory);

/* Does what is made in the directory @fd get ACLs from it? */
bool copy_inherits_acls(int fd);

/* --- hard links (tree-copy-links.c) --- */

/* A file that has more names than one, and where its copy is. */
typedef struct CopiedFile {
    dev_t source_device;
    ino_t source_inode;
    dev_t target_device; /* the copy, to be recognized by */
    ino_t target_inode;
    char *path; /* below the target's top */
} CopiedFile;

/* A hash table with open addressing. */
typedef struct CopiedFiles {
    CopiedFile *items;
    size_t count;
    size_t capacity; /* a power of two, at least twice the count; or 0 */
} CopiedFiles;

void copied_files_done(CopiedFiles *files);
const CopiedFile *copied_files_find(const CopiedFiles *files, const struct stat *source);
/* Takes @path. One that is there already is replaced. */
void copied_files_add(CopiedFiles *files, const struct stat *source, const struct stat *target,
                      char *path);

/* --- the walk (tree-copy-walk.c, tree-copy-entry.c, tree-copy.c) --- */

/* A name that an entry gets once it is whole: made under another one, which is locked. */
#define COPY_STAGED_NAME_SIZE (sizeof(TREE_COPY_PREFIX) + 16)

/* One directory on the way from the top to where the copy is. */
typedef struct CopyLevel {
    int source_fd; /* -EBADF: closed meanwhile, see tree-copy-walk.c */
    int target_fd;
    struct stat source;
    dev_t target_device;
    ino_t target_inode;
    char *name;    /* in the level above; NULL of the top */
    char *entries; /* each its type (d_type) and its name, with a NUL */
    size_t entries_size;
    size_t next;
    bool is_fresh;                           /* made by us: nobody else has put anything there */
    bool is_mount_point;                     /* of the source: it stays empty */
    bool keeps_properties;                   /* it was there, and stays as it is */
    bool inherits_acls;                      /* what is made there gets ACLs from it */
    bool inherits_group;                     /* and this, its group */
    char staged_name[COPY_STAGED_NAME_SIZE]; /* "": it has its own */
} CopyLevel;

typedef struct TreeCopy {
    const TreeCopyOptions *options;
    CopyIdentity identity;
    CopyMethods methods;
    CopiedFiles copied;
    CopyLevel *levels; /* the top first */
    size_t depth;      /* how many there are */
    size_t capacity;
    size_t staged;    /* index of the level that has a staged name; 0: none has */
    dev_t top_device; /* of the target */
    ino_t top_inode;
    Error *err; /* never NULL */
} TreeCopy;

/* What is copied: opened once, and whatever its name means by now, it is that. */
typedef struct CopySource {
    int fd; /* O_PATH, or a directory open for reading */
    struct stat status;
    bool is_mount_point; /* it is copied without what it holds */
} CopySource;

/* Record what failed with the entry @name of the current level. Returns @r. */
int copy_fail(const TreeCopy *copy, int r, const char *name);

/* Path below the top of @name in the current level, and of a level. The caller frees it. */
char *copy_path(const TreeCopy *copy, const char *name);
char *copy_path_of_level(const TreeCopy *copy, size_t index);

/*
 * Enter a directory, whose target has the status @target. Takes the level's descriptors; a negative
 * @r is a failure that came before, and is returned when all is undone.
 */
int copy_level_enter(TreeCopy *copy, CopyLevel *level, const char *name, const struct stat *target,
                     int r);

/* Give the directory its properties and its name. Returns 0 or -errno. */
int copy_level_finish(TreeCopy *copy, CopyLevel *level, const CopyLevel *parent);

/* Copy what is left to copy in the levels entered, and finish all but the top. */
int copy_walk(TreeCopy *copy);

/* Close all levels, and delete the one that has no name of its own. */
void copy_levels_done(TreeCopy *copy);

/* Copy one entry of the current level; a directory is entered. */
int copy_entry(TreeCopy *copy, const char *name, unsigned char type, const char *target_name);

/* The same with a file that was opened already. */
int copy_opened_entry(TreeCopy *copy, CopySource *source, const char *target_name);
