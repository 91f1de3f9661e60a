/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A container's cgroup in all hierarchies of the host. What differs between v1 and v2 is in the
 * files beside this one; here is what holds for both: the same path in each, made as a whole or not
 * at all.
 */

#include "sandbox/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "sandbox/cgroup-private.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
#define CONTROL_SIZE_MAX 65536

/* What a host with only v2 gets beyond the limits asked for, so that usage can be told. */
#define USUAL_CONTROLLERS                                                                          \
    (CGROUP_BIT(CGROUP_CPU) | CGROUP_BIT(CGROUP_CPUSET) | CGROUP_BIT(CGROUP_IO) |                  \
     CGROUP_BIT(CGROUP_MEMORY) | CGROUP_BIT(CGROUP_PIDS))

CgroupHierarchy *cgroup_find_controller(Cgroup *cgroup, CgroupController controller)
{
    for (size_t i = 0; i < cgroup->layout.count; i++) {
        CgroupHierarchy *hierarchy = &cgroup->layout.items[i];

        if (hierarchy->fd >= 0 && hierarchy->controllers & CGROUP_BIT(controller))
            return hierarchy;
    }
    return NULL;
}

const CgroupHierarchy *cgroup_unified(const Cgroup *cgroup)
{
    for (size_t i = 0; i < cgroup->layout.count; i++) {
        if (cgroup->layout.items[i].is_v2 && cgroup->layout.items[i].fd >= 0)
            return &cgroup->layout.items[i];
    }
    return NULL;
}

const char *cgroup_relative_path(const Cgroup *cgroup)
{
    return cgroup->path + 1;
}

const char *cgroup_path(const Cgroup *cgroup)
{
    return cgroup->path;
}

/* Absolute, clean, and not the root, which is not ours to limit or to kill. */
static int new_cgroup(CgroupLayout *layout, const char *path, Cgroup **ret, Error *err)
{
    _cleanup_free_ char *clean = path_clean(path);

    if (!path_is_absolute(path) || strcmp(clean, "/") == 0 || strstr(path, "/../"))
        return error_set(err, ERROR_INVALID, "'%s' is not an absolute path of a cgroup", path);
    *ret = NEW(Cgroup);
    (*ret)->path = TAKE_PTR(clean);
    (*ret)->layout = *layout;
    layout->count = 0;
    return 0;
}

void cgroup_free(Cgroup *cgroup)
{
    if (!cgroup)
        return;
    cgroup_layout_done(&cgroup->layout);
    cgroup_unit_free(cgroup->unit);
    free(cgroup->path);
    free(cgroup);
}

static void unit_abandon(CgroupUnit *unit)
{
    cgroup_unit_settle(unit);
    (void)cgroup_unit_stop(unit, NULL); /* without processes it ends by itself */
    cgroup_unit_free(unit);
}
DEFINE_CLEANUP(CgroupUnit *, unit_abandon);

/* A new cgroup that is not complete is removed again, where it was made. */
static void cgroup_abandon(Cgroup *cgroup)
{
    if (cgroup->unit)
        unit_abandon(TAKE_PTR(cgroup->unit));
    for (size_t i = 0; i < cgroup->layout.count; i++) {
        if (cgroup->layout.items[i].fd >= 0)
            (void)cgroup_tree_remove(&cgroup->layout.items[i], cgroup_relative_path(cgroup));
    }
    cgroup_free(cgroup);
}
DEFINE_CLEANUP(Cgroup *, cgroup_abandon);

static int prepare(Cgroup *cgroup, CgroupHierarchy *hierarchy, unsigned wanted)
{
    if (!hierarchy->is_v2)
        return cgroup_v1_prepare(hierarchy, hierarchy->fd, false);
    if (cgroup->layout.count == 1)
        wanted |= USUAL_CONTROLLERS;
    for (size_t i = 0; i < cgroup->layout.count; i++)
        wanted &= ~(cgroup->layout.items[i].is_v2 ? 0 : cgroup->layout.items[i].controllers);
    return cgroup_v2_prepare(hierarchy, cgroup_relative_path(cgroup), wanted);
}

/* What systemd has made already is taken as it is. */
static int make_directories(Cgroup *cgroup, unsigned wanted, Error *err)
{
    for (size_t i = 0; i < cgroup->layout.count; i++) {
        CgroupHierarchy *hierarchy = &cgroup->layout.items[i];
        int r = cgroup_tree_make(hierarchy, cgroup_relative_path(cgroup), cgroup->unit != NULL);

        if (cgroup_is_denial(r) && cgroup_is_unprivileged()) {
            hierarchy->is_denied = true;
            continue;
        }
        if (r == -EBUSY)
            return error_set(err, ERROR_CONFLICT, "cgroup '%s' exists and has processes",
                             cgroup->path);
        if (r == 0)
            r = prepare(cgroup, hierarchy, wanted);
        if (r < 0)
            return error_result(err, r, "make cgroup '%s'", cgroup->path);
    }
    return 0;
}

/* Make it where its path says, and set it up. */
static int build(Cgroup *cgroup, const LinuxResources *resources, unsigned wanted, Error *err)
{
    int r = make_directories(cgroup, wanted, err);

    if (r < 0)
        return r;
    if (resources) {
        r = cgroup_limits_apply(cgroup, resources, false, err);
        if (r < 0)
            return r;
    }
    return cgroup_devices_apply(cgroup, resources ? &resources->devices : NULL, err);
}

int cgroup_create_in(CgroupLayout *layout, const char *path, const LinuxResources *resources,
                     Cgroup **ret, Error *err)
{
    unsigned wanted = resources ? cgroup_limits_wanted(resources) : 0;
    _cleanup_free_ char *place = cgroup_place_resolve(layout, path, wanted);
    _cleanup_(cgroup_abandonp) Cgroup *cgroup = NULL;
    int r;

    r = new_cgroup(layout, place, &cgroup, err);
    if (r >= 0)
        r = build(cgroup, resources, wanted, err);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(cgroup);
    return 0;
}

static int create_in_unit(CgroupLayout *layout, const CgroupOptions *options,
                          const LinuxResources *resources, Cgroup **ret, Error *err)
{
    unsigned wanted = resources ? cgroup_limits_wanted(resources) : 0;
    _cleanup_(cgroup_abandonp) Cgroup *cgroup = NULL;
    _cleanup_(unit_abandonp) CgroupUnit *unit = NULL;
    _cleanup_free_ char *path = NULL;
    int r;

    r = cgroup_unit_start(options->path, resources, &unit, &path, err);
    if (r < 0)
        return r;
    r = new_cgroup(layout, path, &cgroup, err);
    if (r < 0)
        return r;
    cgroup->unit = TAKE_PTR(unit);
    r = build(cgroup, resources, wanted, err);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(cgroup);
    return 0;
}

int cgroup_create(const CgroupOptions *options, const LinuxResources *resources, Cgroup **ret,
                  Error *err)
{
    _cleanup_(cgroup_layout_done) CgroupLayout layout = {};
    int r = cgroup_layout_find(&layout, err);

    if (r < 0)
        return r;
    if (options->systemd)
        return create_in_unit(&layout, options, resources, ret, err);
    return cgroup_create_in(&layout, options->path, resources, ret, err);
}

void cgroup_settle(Cgroup *cgroup)
{
    if (cgroup->unit)
        cgroup_unit_settle(cgroup->unit);
}

bool cgroup_is_empty(const Cgroup *cgroup)
{
    for (size_t i = 0; i < cgroup->layout.count; i++) {
        if (cgroup->layout.items[i].fd >= 0)
            return false;
    }
    return true;
}

int cgroup_open_in(CgroupLayout *layout, const char *path, Cgroup **ret, Error *err)
{
    _cleanup_(cgroup_freep) Cgroup *cgroup = NULL;
    bool is_there = false;
    int r;

    r = new_cgroup(layout, path, &cgroup, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < cgroup->layout.count; i++) {
        CgroupHierarchy *hierarchy = &cgroup->layout.items[i];

        hierarchy->fd = openat(hierarchy->root_fd, cgroup_relative_path(cgroup), DIRECTORY_FLAGS);
        if (hierarchy->fd < 0 && errno != ENOENT)
            return error_errno(err, "open cgroup '%s'", path);
        if (hierarchy->fd >= 0 && hierarchy->is_v2) {
            r = cgroup_v2_prepare(hierarchy, cgroup_relative_path(cgroup), 0);
            if (r == -ENOENT || r == -ENODEV) /* removed since it was opened */
                hierarchy->fd = fd_close(hierarchy->fd);
            else if (r < 0)
                return error_result(err, r, "open cgroup '%s'", path);
        }
        is_there |= hierarchy->fd >= 0;
    }
    if (!is_there)
        return error_set(err, ERROR_NOT_FOUND, "no cgroup '%s'", path);

    *ret = TAKE_PTR(cgroup);
    return 0;
}

int cgroup_open(const char *path, Cgroup **ret, Error *err)
{
    _cleanup_(cgroup_layout_done) CgroupLayout layout = {};
    int r = cgroup_layout_find(&layout, err);

    return r < 0 ? r : cgroup_open_in(&layout, path, ret, err);
}

int cgroup_open_unit(const char *path, Cgroup **ret, Error *err)
{
    int r = cgroup_open(path, ret, err);

    if (r == 0)
        (*ret)->unit = cgroup_unit_of(path);
    return r;
}

int cgroup_attach(Cgroup *cgroup, pid_t pid, Error *err)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%d", pid);
    for (size_t i = 0; i < cgroup->layout.count; i++) {
        int r;

        if (cgroup->layout.items[i].fd < 0)
            continue;
        r = file_poke_at(cgroup->layout.items[i].fd, "cgroup.procs", text);
        if (r < 0)
            return error_result(err, r, "move process %d into cgroup '%s'", pid, cgroup->path);
    }
    return 0;
}

/*
 * A thread that moves itself alone through "tasks" needs no lock against forks in the whole system,
 * which is what the kernel waits for otherwise.
 */
int cgroup_enter(const Cgroup *cgroup)
{
    for (size_t i = 0; i < cgroup->layout.count; i++) {
        const CgroupHierarchy *hierarchy = &cgroup->layout.items[i];
        int r;

        if (hierarchy->is_v2 || hierarchy->fd < 0)
            continue;
        r = file_poke_at(hierarchy->fd, "tasks", "0");
        if (r < 0)
            return r;
    }
    return 0;
}

int cgroup_unified_fd(const Cgroup *cgroup)
{
    const CgroupHierarchy *hierarchy = cgroup_unified(cgroup);

    return hierarchy ? hierarchy->fd : -EBADF;
}

int cgroup_update(Cgroup *cgroup, const LinuxResources *resources, Error *err)
{
    int r = cgroup->unit ? cgroup_unit_update(cgroup->unit, resources, err) : 0;

    /* systemd writes some of the same files; what it rounds or does not know is put right here. */
    if (r >= 0)
        r = cgroup_limits_apply(cgroup, resources, true, err);
    if (r == 0 && resources->devices.count > 0)
        r = cgroup_devices_apply(cgroup, &resources->devices, err);
    return r;
}

int cgroup_kill(Cgroup *cgroup, Error *err)
{
    const CgroupHierarchy *unified = cgroup_unified(cgroup);
    int r;

    if (unified) {
        r = cgroup_v2_kill(cgroup, unified);
        if (r < 0)
            return error_result(err, r, "kill the processes of cgroup '%s'", cgroup->path);
        if (r > 0)
            return 0;
    }
    return cgroup_v1_kill(cgroup, err);
}

bool cgroup_is_populated(const Cgroup *cgroup)
{
    const CgroupHierarchy *unified = cgroup_unified(cgroup);

    if (unified)
        return cgroup_v2_is_populated(unified);
    for (size_t i = 0; i < cgroup->layout.count; i++) {
        if (cgroup->layout.items[i].fd >= 0)
            return cgroup_has_processes(cgroup->layout.items[i].fd);
    }
    return false;
}

uint64_t cgroup_read_key(int fd, const char *file, const char *key)
{
    _cleanup_free_ char *text = NULL;
    size_t length = strlen(key);

    if (file_read_at(fd, file, CONTROL_SIZE_MAX, &text, NULL) < 0)
        return 0;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            return strtoull(line + length + 1, NULL, 10);
    }
    return 0;
}

uint64_t cgroup_oom_kills(const Cgroup *cgroup)
{
    const CgroupHierarchy *hierarchy = cgroup_find_controller((Cgroup *)cgroup, CGROUP_MEMORY);

    if (!hierarchy)
        return 0;
    return cgroup_read_key(hierarchy->fd, hierarchy->is_v2 ? "memory.events" : "memory.oom_control",
                           "oom_kill");
}

int cgroup_remove(Cgroup *cgroup, Error *err)
{
    int result = 0;

    if (cgroup->is_borrowed)
        return error_set(err, ERROR_INVALID, "cgroup '%s' is another process's", cgroup->path);
    if (cgroup->unit)
        result = cgroup_unit_stop(cgroup->unit, err);
    /* Go on after a failure: what can go, goes. */
    for (size_t i = 0; i < cgroup->layout.count; i++) {
        CgroupHierarchy *hierarchy = &cgroup->layout.items[i];
        int r;

        if (hierarchy->is_denied)
            continue;
        r = cgroup_tree_remove(hierarchy, cgroup_relative_path(cgroup));
        if (r < 0 && result == 0)
            result = r == -EBUSY
                         ? error_set(err, ERROR_CONFLICT, "cgroup '%s' has processes", cgroup->path)
                         : error_result(err, r, "remove cgroup '%s'", cgroup->path);
        hierarchy->fd = fd_close(hierarchy->fd);
    }
    return result;
}
