/* SPDX-License-Identifier: Apache-2.0 */

/* Cgroups for tests on this host's hierarchies, checked to leave nothing. */

#include "cgroup-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/syscalls.h"

char fixture_parent_path[64]; /* of all cgroups here */

char *fixture_path(const char *name)
{
    return memory_printf("%s/%s", fixture_parent_path, name);
}

/* The layout of this host, or what is of one version in it. */
static void find_layout(Hierarchies which, CgroupLayout *ret)
{
    CgroupLayout found = {};

    assert_int_equal(cgroup_layout_find(&found, NULL), 0);
    *ret = (CgroupLayout) {};
    for (size_t i = 0; i < found.count; i++) {
        if (which == AS_MOUNTED || (which == ONLY_V2) == found.items[i].is_v2)
            ret->items[ret->count++] = found.items[i];
        else
            cgroup_hierarchy_done(&found.items[i]);
    }
    if (ret->count == 0)
        fail_msg("this host has no hierarchy of that version");
}

int fixture_try_create(Hierarchies which, const char *name, const LinuxResources *resources,
                       Cgroup **ret, Error *err)
{
    _cleanup_(cgroup_layout_done) CgroupLayout layout = {};
    _cleanup_free_ char *path = fixture_path(name);

    find_layout(which, &layout);
    return cgroup_create_in(&layout, path, resources, ret, err);
}

Cgroup *fixture_create(Hierarchies which, const char *name, const LinuxResources *resources)
{
    _cleanup_error_ Error err = {};
    Cgroup *cgroup = NULL;

    if (fixture_try_create(which, name, resources, &cgroup, &err) < 0)
        fail_msg("%s", error_message(&err));
    return cgroup;
}

void fixture_remove(Cgroup *cgroup)
{
    _cleanup_error_ Error err = {};

    if (cgroup_remove(cgroup, &err) < 0)
        fail_msg("%s", error_message(&err));
    cgroup_free(cgroup);
}

/* The content of a control file, without the newline. */
static char *read_control(Cgroup *cgroup, CgroupController controller, const char *file)
{
    const CgroupHierarchy *hierarchy = cgroup_find_controller(cgroup, controller);
    char *text = NULL;

    assert_non_null(hierarchy);
    assert_int_equal(file_read_at(hierarchy->fd, file, 65536, &text, NULL), 0);
    text[strcspn(text, "\n")] = '\0';
    return text;
}

void fixture_assert_control(Cgroup *cgroup, CgroupController controller, const char *file,
                            const char *expected)
{
    _cleanup_free_ char *text = read_control(cgroup, controller, file);

    assert_string_equal(text, expected);
}

bool fixture_has_v1(CgroupController controller)
{
    _cleanup_(cgroup_layout_done) CgroupLayout layout = {};
    unsigned controllers = 0;

    assert_int_equal(cgroup_layout_find(&layout, NULL), 0);
    for (size_t i = 0; i < layout.count; i++)
        controllers |= layout.items[i].is_v2 ? 0 : layout.items[i].controllers;
    return controllers & CGROUP_BIT(controller);
}

/* How many hierarchies have a directory at this path. */
size_t fixture_count_places(const char *path)
{
    _cleanup_(cgroup_layout_done) CgroupLayout layout = {};
    size_t count = 0;

    assert_int_equal(cgroup_layout_find(&layout, NULL), 0);
    for (size_t i = 0; i < layout.count; i++)
        count += faccessat(layout.items[i].root_fd, path + 1, F_OK, 0) == 0;
    return count;
}

int fixture_teardown(void **state)
{
    (void)state;
    return fixture_count_places(fixture_parent_path) == 0 ? 0 : -1;
}

/* As the sandbox starts one: cloned into the v2 cgroup, then entering the others by itself. */
pid_t fixture_clone_into(const Cgroup *cgroup, int (*body)(void *data), void *data)
{
    struct clone_args arguments = { .exit_signal = SIGCHLD };
    pid_t pid;

    if (cgroup_unified_fd(cgroup) >= 0) {
        arguments.flags = CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)cgroup_unified_fd(cgroup);
    }
    pid = sys_clone3(&arguments);
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(cgroup_enter(cgroup) < 0 ? 101 : body(data));
    return pid;
}

void fixture_init(void)
{
    (void)snprintf(fixture_parent_path, sizeof(fixture_parent_path), "/cay-test-%d", getpid());
}
