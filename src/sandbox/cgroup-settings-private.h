/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is to be written to a cgroup's control files, collected first, and then written in whatever
 * order the kernel takes it.
 */

#include "base/error.h"
#include "sandbox/cgroup-private.h"

/* The controller of settings that are v2's whatever they say. */
#define CGROUP_UNIFIED _CGROUP_CONTROLLER_MAX

typedef enum SettingFlags {
    /* The kernel may take the value and do nothing with it: it must read the same afterwards. */
    SETTING_IS_READ_BACK = 1 << 0,
    /* Nobody asked for it: where there is no such file, there is nothing to do. */
    SETTING_IS_OPTIONAL = 1 << 1,
} SettingFlags;

typedef struct Setting {
    const char *field; /* below linux.resources, for errors */
    CgroupController controller;
    const char *file; /* NULL: this version cannot do it */
    const char *text;
    const char *other_file; /* where @file does not exist; NULL: nowhere */
    const char *other_text; /* NULL: as @text */
    unsigned flags;
} Setting;

/* `Settings settings = { .cgroup = cgroup }` is none. */
typedef struct Settings {
    Cgroup *cgroup;
    Setting *items; /* with strings of its own */
    size_t count;
    size_t capacity;
} Settings;

void settings_done(Settings *settings);

/* The strings are copied, but for the field. */
void settings_add(Settings *settings, Setting setting);

/* Add what the lists of @resources ask for (cgroup-limit-lists.c). */
void settings_add_lists(Settings *settings, const LinuxResources *resources);

/* Whether the controller's files are those of v2. Where the host does not have it, the error comes
 * when it is written; until then it is as in v2. */
bool settings_is_v2(const Settings *settings, CgroupController controller);

/* A weight from 10 to 1000, as v1 and the scheduler BFQ have it, in io.weight's 1 to 10000. */
int64_t settings_io_weight(int64_t weight);

/* Write them all. Errors: as of cgroup_limits_apply(). */
int settings_write(Settings *settings, Error *err);

/* The same, and on failure each file has again what it had. */
int settings_replace(Settings *settings, Error *err);
