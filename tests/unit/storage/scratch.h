/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A directory of its own for each test, on disk or on a tmpfs of a wanted size. The test program
 * runs in a private mount namespace, so whatever it mounts ends with it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct Scratch {
    char *path;
    int fd;
    const void *parameter; /* what scratch_setup() was given, for suites run over a table */
} Scratch;

/* cmocka group setup: enter the private mount namespace. */
int scratch_enter_namespace(void **state);

/* On disk (below TMPDIR, else /var/tmp), or on a tmpfs mounted with @tmpfs_options. */
Scratch *scratch_new(const char *tmpfs_options);
void scratch_free(Scratch *scratch);

/* cmocka test setups and teardown; *state is the Scratch. */
int scratch_setup_disk(void **state);
int scratch_setup_memory(void **state);
int scratch_teardown(void **state);

/* Files below a directory. Intermediate directories must exist. */
void scratch_write(int dir_fd, const char *path, const char *text);
char *scratch_read(int dir_fd, const char *path);
void scratch_mkdir(int dir_fd, const char *path, unsigned mode);
int scratch_open(int dir_fd, const char *path);

/* How many entries a directory has, "." and ".." not counted. */
size_t scratch_count(int dir_fd, const char *path);

/* Make files until the file system has no inode left; returns how many. They are named "fill-N". */
size_t scratch_fill(int dir_fd);
