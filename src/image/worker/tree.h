/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The tree that is being filled, by handles: the directories that entries go into are opened below
 * the target without following a single symlink, and the last few stay open, because archives list
 * a directory's entries together. Whatever happens in a directory, its times are put back when it
 * is closed here. The process's umask is 0.
 *
 * The tree belongs to this process alone. It knows overlayfs's marks: a whiteout is a character
 * device 0:0, an opaque directory carries an extended attribute.
 */

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/error.h"

typedef struct Tree Tree;

/* A directory of the tree, the tree's; valid until the next tree_directory(). */
typedef struct TreeDirectory {
    char *path; /* "" is the root */
    int fd;
    struct timespec times[2]; /* access, modification: what it gets back */
    bool has_default_acl;     /* new entries inherit an ACL that the archive did not ask for */
    bool is_plain;            /* new files are root's, with the mode they are made with */
    unsigned long used;
} TreeDirectory;

/* @target_fd stays the caller's. */
int tree_open(int target_fd, Tree **ret, Error *err);
void tree_free(Tree *tree);
DEFINE_CLEANUP(Tree *, tree_free);

/*
 * The directory @path (clean). Missing ones are made, root's, mode 0755, and replace whiteouts.
 * Errors: INVALID (a symlink or another file is in the way), EXHAUSTED (no space), SYSTEM.
 */
int tree_directory(Tree *tree, const char *path, TreeDirectory **ret, Error *err);

/* The directory @path if it is there; NOT_FOUND otherwise. */
int tree_find_directory(Tree *tree, const char *path, TreeDirectory **ret, Error *err);

/* Delete @name in @directory with all below it. */
int tree_remove(Tree *tree, TreeDirectory *directory, const char *name, Error *err);

/* Remember the times that an entry asks for on an open directory. */
void tree_directory_set_times(TreeDirectory *directory, const struct timespec times[2]);

/* Look again what new entries inherit from it, after attributes were set. */
void tree_directory_refresh(TreeDirectory *directory);

/* True when @name in the directory @fd is a whiteout. */
bool tree_is_whiteout(int fd, const char *name);

/* Make a whiteout. Returns 0 or -errno (-EEXIST). */
int tree_make_whiteout(int fd, const char *name);

/* Hide what lower layers have in the directory @fd. Returns 0 or -errno. */
int tree_make_opaque(int fd);

/* Put back all times and close all directories. */
int tree_flush(Tree *tree, Error *err);
