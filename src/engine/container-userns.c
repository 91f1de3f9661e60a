/* SPDX-License-Identifier: Apache-2.0 */

/* Which user namespace a container gets, and its range of the pool; see container-userns.h. */

#include "engine/container-userns.h"

#include <string.h>

#include "base/memory.h"
#include "engine/container-private.h"
#include "engine/engine-settings.h"
#include "engine/userns-mode.h"
#include "sandbox/capabilities.h"

/* Ranges begin at multiples of this where they can, so that ids are easy to read. */
#define ALIGNMENT 65536U

/* Rights that the kernel only knows as those of the host's user namespace. */
static const unsigned host_capabilities[] = {
    CAP_BPF,          CAP_PERFMON,         CAP_AUDIT_CONTROL,  CAP_AUDIT_READ,   CAP_BLOCK_SUSPEND,
    CAP_IPC_LOCK,     CAP_LINUX_IMMUTABLE, CAP_MAC_ADMIN,      CAP_MAC_OVERRIDE, CAP_SYSLOG,
    CAP_SYS_BOOT,     CAP_SYS_MODULE,      CAP_SYS_NICE,       CAP_SYS_PACCT,    CAP_SYS_RAWIO,
    CAP_SYS_RESOURCE, CAP_SYS_TIME,        CAP_SYS_TTY_CONFIG, CAP_WAKE_ALARM,
};

bool container_has_own_ids(const Container *container)
{
    return !id_map_is_identity(&container->spec.ids);
}

static bool adds_host_capability(const ContainerSpec *spec)
{
    for (size_t i = 0; i < spec->capabilities_add.count; i++) {
        int number = capability_from_name(spec->capabilities_add.items[i]);

        for (size_t j = 0; j < ARRAY_SIZE(host_capabilities); j++)
            if (number == (int)host_capabilities[j])
                return true;
    }
    return false;
}

/* Does it share something with the host that only who has the host's ids can have in full? A rule
 * for devices is for mknod(2), and vendors' hooks want to read what only the host's root can. */
static bool shares_with_host(const ContainerSpec *spec)
{
    return container_mode_is(spec->pid_mode, "host") || container_mode_is(spec->ipc_mode, "host") ||
           container_mode_is(spec->network_mode, "host") ||
           container_mode_path(spec->network_mode) || spec->privileged ||
           adds_host_capability(spec) || spec->device_cgroup_rules.count > 0 ||
           spec->cdi_devices.count > 0 || spec->runtime;
}

/* Whose namespaces belong to the host's user namespace, and go with no other one. */
static const char *find_host_namespace(const ContainerSpec *spec)
{
    if (container_mode_is(spec->pid_mode, "host"))
        return "--pid host";
    if (container_mode_path(spec->network_mode)) /* whose it is nobody knows; root may enter it */
        return "--network ns:PATH";
    return container_mode_is(spec->ipc_mode, "host") ? "--ipc host" : NULL;
}

/* The other container of which it joins a namespace; NULL: none. */
static const char *find_joined(const ContainerSpec *spec)
{
    const char *joined = container_mode_joined(spec->pid_mode);

    if (!joined)
        joined = container_mode_joined(spec->ipc_mode);
    return joined ? joined : container_mode_joined(spec->network_mode);
}

static void set_mode(ContainerSpec *spec, char *mode)
{
    free(spec->userns_mode);
    spec->userns_mode = mode;
}

/* Namespaces of another container belong to its user namespace, so that comes along. */
static int decide_as(Engine *engine, ContainerSpec *spec, const char *name, Error *err)
{
    _cleanup_(container_freep) Container *other = NULL;
    int r = container_find(engine, name, &other, err);

    if (r < 0)
        return r;
    set_mode(spec, container_has_own_ids(other) ? memory_printf("container:%s", other->id)
                                                : memory_strdup("host"));
    return 0;
}

static int decide_default(Engine *engine, ContainerSpec *spec, Error *err)
{
    const char *joined = find_joined(spec);
    const EngineSettings *settings;
    int r;

    /* In a user namespace there are no more ids to give away, and nobody may map any. */
    if (shares_with_host(spec) || !id_map_is_initial()) {
        set_mode(spec, memory_strdup("host"));
        return 0;
    }
    if (joined)
        return decide_as(engine, spec, joined, err);
    r = engine_settings(engine, &settings, err);
    if (r >= 0)
        set_mode(spec, memory_strdup(settings->userns));
    return r;
}

/* What was asked for has to go with the namespaces that it shares. */
static int check_shared(Engine *engine, const ContainerSpec *spec, const UsernsMode *mode,
                        Error *err)
{
    const char *host = find_host_namespace(spec), *joined = find_joined(spec);
    _cleanup_(container_freep) Container *other = NULL, *owner = NULL;
    int r;

    if (host && mode->kind != USERNS_HOST)
        return error_set(err, ERROR_CONFLICT,
                         "'--userns %s' does not go with '%s': choose '--userns host'",
                         spec->userns_mode, host);
    if (!joined)
        return 0;
    r = container_find(engine, joined, &other, err);
    if (r >= 0 && mode->kind == USERNS_CONTAINER)
        r = container_find(engine, mode->container, &owner, err);
    if (r < 0)
        return r;
    if (owner ? strcmp(owner->id, other->id) == 0
              : mode->kind == USERNS_HOST && !container_has_own_ids(other))
        return 0;
    return error_set(err, ERROR_CONFLICT,
                     "'--userns %s' does not go with namespaces of container '%s': leave it out, "
                     "or choose '--userns container:%s'",
                     spec->userns_mode, other->name, other->name);
}

static int check_caller(ContainerSpec *spec, const UsernsMode *mode, Error *err)
{
    if (mode->kind != USERNS_KEEP_ID && mode->kind != USERNS_NOMAP)
        return 0;
    if (spec->caller_uid == 0 || spec->caller_gid == 0)
        return error_set(err, ERROR_INVALID,
                         "'--userns %s' is about the ids of whoever calls through sudo(8), and "
                         "that is root: choose auto or host",
                         spec->userns_mode);
    if (mode->kind == USERNS_KEEP_ID && (!spec->user || !*spec->user)) {
        free(spec->user);
        spec->user = memory_printf("%u:%u", mode->has_uid ? mode->uid : spec->caller_uid,
                                   mode->has_gid ? mode->gid : spec->caller_gid);
    }
    return 0;
}

int container_userns_decide(Engine *engine, ContainerSpec *spec, Error *err)
{
    UsernsMode mode;
    int r;

    if (!spec->userns_mode || !*spec->userns_mode)
        return decide_default(engine, spec, err);
    r = userns_mode_parse(spec->userns_mode, &mode, err);
    if (r < 0)
        return error_wrap(err, r, "user namespace");
    r = check_shared(engine, spec, &mode, err);
    if (r < 0 || mode.kind == USERNS_HOST)
        return r;
    if (mode.kind == USERNS_CONTAINER)
        return decide_as(engine, spec, mode.container, err);
    return check_caller(spec, &mode, err);
}

/* Where the range of @size ids behind @after begins, if the pool has it. */
static bool fits(const IdPool *pool, uint64_t after, uint32_t size, uint64_t end, uint32_t *ret)
{
    uint64_t first = after > pool->first ? after : pool->first;
    uint64_t aligned = (first + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

    if (aligned + size <= end)
        first = aligned;
    if (first + size > end)
        return false;
    *ret = (uint32_t)first;
    return true;
}

/* The usual case, in one step: behind the last one that is taken. */
static int find_at_end(Engine *engine, const IdPool *pool, uint32_t size, uint32_t *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *row = NULL;
    int r = database_prepare(engine->database, &row, err,
                             "SELECT first_id + n_ids FROM container WHERE n_ids > 0"
                             " ORDER BY first_id DESC LIMIT 1",
                             "");

    if (r >= 0)
        r = statement_step(row, err);
    if (r < 0)
        return r;
    return fits(pool, r > 0 ? (uint64_t)statement_int(row, 0) : 0, size, (uint64_t)pool->last + 1,
                ret);
}

/* Once the end of the pool was reached: the first gap that is wide enough. */
static int find_gap(Engine *engine, const IdPool *pool, uint32_t size, uint32_t *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *row = NULL;
    uint64_t after = 0;
    int r = database_prepare(engine->database, &row, err,
                             "SELECT first_id, n_ids FROM container WHERE n_ids > 0"
                             " ORDER BY first_id",
                             "");

    if (r < 0)
        return r;
    while ((r = statement_step(row, err)) > 0) {
        uint64_t first = (uint64_t)statement_int(row, 0), end = (uint64_t)pool->last + 1;

        if (fits(pool, after, size, first < end ? first : end, ret))
            return 1;
        if (first + (uint64_t)statement_int(row, 1) > after)
            after = first + (uint64_t)statement_int(row, 1);
    }
    return r;
}

static int find_range(Engine *engine, uint32_t size, IdRange *ret, Error *err)
{
    const EngineSettings *settings;
    int r = engine_settings(engine, &settings, err);

    if (r < 0)
        return r;
    ret->size = size;
    r = find_at_end(engine, &settings->id_pool, size, &ret->first, err);
    if (r == 0)
        r = find_gap(engine, &settings->id_pool, size, &ret->first, err);
    if (r == 0)
        return error_set(err, ERROR_EXHAUSTED,
                         "no %u ids are left for a user namespace: remove containers, widen "
                         "'id-pool' in '%s', or choose '--userns host'",
                         size, engine->config_path ? engine->config_path : ENGINE_DEFAULT_CONFIG);
    return r < 0 ? r : 0;
}

#define NO_END UINT64_MAX

/* @own of the host is @inside; the others are of the range, in their order. */
static void keep_id(IdRanges *ret, const IdRange *range, uint32_t inside, uint32_t own)
{
    const IdMapping all = { 0, range->first, range->size };

    id_ranges_add_part(ret, &all, 0, inside);
    *JSON_ARRAY_ADD(ret) = (IdMapping) { inside, own, 1 };
    id_ranges_add_part(ret, &all, (uint64_t)inside + 1, NO_END);
}

/* All but @own. */
static void leave_out(IdRanges *ret, const IdRange *range, uint32_t own)
{
    const IdMapping all = { 0, range->first, range->size };

    id_ranges_add_part(ret, &all, 0, own);
    id_ranges_add_part(ret, &all, (uint64_t)own + 1, NO_END);
}

/* The ids of the container that it is like, which that one's row goes on to hold with ours. */
static int copy_ids(Engine *engine, ContainerSpec *spec, const char *id, IdRange *ret, Error *err)
{
    _cleanup_(container_freep) Container *other = NULL;
    _cleanup_(statement_freep) Statement *row = NULL;
    int r = container_row_load(engine, id, &other, err);

    if (r < 0)
        return r;
    id_map_copy(&spec->ids, &other->spec.ids);
    r = database_prepare(engine->database, &row, err,
                         "SELECT first_id, n_ids FROM container WHERE id = ?", "s", id);
    if (r >= 0)
        r = statement_step(row, err);
    if (r > 0)
        *ret = (IdRange) { (uint32_t)statement_int(row, 0), (uint32_t)statement_int(row, 1) };
    return r < 0 ? r : 0;
}

/* What is needed on top of the range has the ids behind it. */
static void add_needed(IdRanges *ret, const uint32_t *needed, size_t count, uint32_t host_id)
{
    uint32_t outside;

    for (size_t i = 0; i < count; i++)
        if (!id_ranges_to_host(ret, needed[i], &outside)) /* "keep-id" may have it already */
            *JSON_ARRAY_ADD(ret) = (IdMapping) { needed[i], host_id + (uint32_t)i, 1 };
}

static void map_range(ContainerSpec *spec, const UsernsMode *mode, const IdRange *range)
{
    IdMap *ids = &spec->ids;

    if (mode->kind == USERNS_KEEP_ID) {
        keep_id(&ids->uids, range, mode->has_uid ? mode->uid : spec->caller_uid, spec->caller_uid);
        keep_id(&ids->gids, range, mode->has_gid ? mode->gid : spec->caller_gid, spec->caller_gid);
    } else if (mode->kind == USERNS_NOMAP) {
        leave_out(&ids->uids, range, spec->caller_uid);
        leave_out(&ids->gids, range, spec->caller_gid);
    } else {
        id_map_add(ids, 0, range->first, range->size);
    }
}

int container_userns_claim_ids(Engine *engine, ContainerSpec *spec, IdRange *ret, Error *err)
{
    NeededIds needed = {};
    IdRange range;
    UsernsMode mode;
    size_t count;
    int r = userns_mode_parse(spec->userns_mode, &mode, err);

    *ret = (IdRange) {};
    if (r < 0 || mode.kind == USERNS_HOST)
        return r;
    if (mode.kind == USERNS_CONTAINER)
        return copy_ids(engine, spec, mode.container, ret, err);
    if (!mode.has_size)
        container_find_needed_ids(spec, mode.size, &needed);
    count = needed.n_uids > needed.n_gids ? needed.n_uids : needed.n_gids;
    r = find_range(engine, mode.size + (uint32_t)count, ret, err);
    if (r < 0)
        return r;
    range = (IdRange) { ret->first, mode.size };
    map_range(spec, &mode, &range);
    add_needed(&spec->ids.uids, needed.uids, needed.n_uids, range.first + range.size);
    add_needed(&spec->ids.gids, needed.gids, needed.n_gids, range.first + range.size);
    return 0;
}
