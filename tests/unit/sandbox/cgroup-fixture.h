/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Cgroups for tests: made on this host's hierarchies, or on those of one version, below a parent of
 * the program's own, of which nothing may be left after each test.
 */

#include <sys/types.h>

#include "sandbox/cgroup-private.h"

typedef enum Hierarchies { AS_MOUNTED, ONLY_V1, ONLY_V2 } Hierarchies;

extern char fixture_parent_path[64];

/* Choose the parent's name; to be called first. */
void fixture_init(void);

/* cmocka: fails where a hierarchy still has the parent. */
int fixture_teardown(void **state);

/* The path of the cgroup @name; free it. */
char *fixture_path(const char *name);

/* Make the cgroup @name, on a host that has such a hierarchy. */
int fixture_try_create(Hierarchies which, const char *name, const LinuxResources *resources,
                       Cgroup **ret, Error *err);
/* The same, where failing fails the test. */
Cgroup *fixture_create(Hierarchies which, const char *name, const LinuxResources *resources);

void fixture_remove(Cgroup *cgroup);

/* In how many hierarchies there is a cgroup @path. */
size_t fixture_count_places(const char *path);

/* The first line of a control file is @expected. */
void fixture_assert_control(Cgroup *cgroup, CgroupController controller, const char *file,
                            const char *expected);

/* Whether a v1 hierarchy of this host has the controller. */
bool fixture_has_v1(CgroupController controller);

/* Start @body in the cgroup as the sandbox does: cloned into that of v2, entering the others. */
pid_t fixture_clone_into(const Cgroup *cgroup, int (*body)(void *data), void *data);
