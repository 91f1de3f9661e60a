/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ids in a configuration: the container's user namespace, and mounts that show files of the host
 * with the ids inside that they are stored with. What the kernel makes up has no ids to map.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/syscalls.h"
#include "engine/container-private.h"
#include "engine/container-userns.h"
#include "engine/userns-mode.h"
#include "sandbox/id-mapping.h"

void config_add_ids(RuntimeConfig *config, const ConfigSource *source)
{
    IdMap ids = {};

    id_map_copy(&ids, &source->container->spec.ids);
    config->linux_config.uid_mappings = ids.uids;
    config->linux_config.gid_mappings = ids.gids;
}

static int check_id(const IdRanges *ids, const char *what, uint32_t id, Error *err)
{
    uint32_t outside;

    if (id_ranges_to_host(ids, id, &outside))
        return 0;
    return error_set(err, ERROR_INVALID,
                     "%s %u is none of the ids that the container has: give it more with "
                     "'--userns auto:size=N', or choose '--userns host'",
                     what, id);
}

int config_check_user(const RuntimeUser *user, const ConfigSource *source, Error *err)
{
    const IdMap *ids = &source->container->spec.ids;
    int r = check_id(&ids->uids, "user", user->uid, err);

    if (r >= 0)
        r = check_id(&ids->gids, "group", user->gid, err);
    for (size_t i = 0; r >= 0 && i < user->additional_gids.count; i++)
        r = check_id(&ids->gids, "group", user->additional_gids.items[i], err);
    return r;
}

/* All ids but the last, which is none. */
static const IdMapping every_id = { 0, 0, UINT32_MAX };

/*
 * What is stored as @outside's appears as @inside's, and the other way around; all others are as in
 * the container. @inside is one of its ids.
 */
static void match_ids(IdRanges *ret, const IdRanges *container, uint32_t outside, uint32_t inside)
{
    const uint64_t low = outside < inside ? outside : inside;
    const uint64_t high = outside < inside ? inside : outside;
    size_t count = container->count > 0 ? container->count : 1;
    uint32_t host_id;

    for (size_t i = 0; i < count; i++) {
        const IdMapping *range = container->count > 0 ? &container->items[i] : &every_id;

        id_ranges_add_part(ret, range, 0, low);
        id_ranges_add_part(ret, range, low + 1, high);
        id_ranges_add_part(ret, range, high + 1, UINT64_MAX);
    }
    if (id_ranges_to_host(container, inside, &host_id))
        *JSON_ARRAY_ADD(ret) = (IdMapping) { outside, host_id, 1 };
    if (outside != inside && id_ranges_to_host(container, outside, &host_id))
        *JSON_ARRAY_ADD(ret) = (IdMapping) { inside, host_id, 1 };
}

/* Whose files on the host are the process user's. */
typedef struct Match {
    uint32_t uid;
    uint32_t gid;
    uint32_t inside_uid;
    uint32_t inside_gid;
} Match;

/* With "keep-id" the caller is that user inside, and so are its files on the host. What a volume
 * has is stored with the ids inside whoever calls. */
static bool find_match(const RuntimeConfig *config, const ContainerSpec *spec,
                       const ContainerMount *mount, Match *ret)
{
    UsernsMode mode;

    if (mount && mount->match_user) {
        *ret = (Match) { mount->match_uid, mount->match_gid, config->process->user.uid,
                         config->process->user.gid };
        return true;
    }
    if (!mount || strcmp(mount->type, "bind") != 0 || !spec->userns_mode ||
        userns_mode_parse(spec->userns_mode, &mode, NULL) < 0 || mode.kind != USERNS_KEEP_ID)
        return false;
    *ret = (Match) { spec->caller_uid, spec->caller_gid, mode.has_uid ? mode.uid : spec->caller_uid,
                     mode.has_gid ? mode.gid : spec->caller_gid };
    return ret->uid != ret->inside_uid || ret->gid != ret->inside_gid;
}

/* What the shim gets as a descriptor is one of ours until then; NULL: the source is a path. */
static int *find_descriptor(const ConfigSource *source, const RuntimeMount *bind)
{
    unsigned fd;

    if (sscanf(bind->source, "/proc/self/fd/%u", &fd) == 1 && fd >= SHIM_FD_CONFIG &&
        fd - SHIM_FD_CONFIG < source->fds->count)
        return &source->fds->fds[fd - SHIM_FD_CONFIG];
    return NULL;
}

static bool is_recursive(const RuntimeMount *bind)
{
    return string_list_contains(&bind->options, "rbind");
}

/* Named as its user knows it. */
static int refuse_mapping(const ConfigSource *source, const ContainerMount *mount,
                          const RuntimeMount *bind, Error *err)
{
    bool is_named = find_descriptor(source, bind) && mount && mount->source;

    if (errno != EINVAL)
        return error_errno(err, "map the ids of mount '%s'", bind->destination);
    return error_set(err, ERROR_UNSUPPORTED,
                     "mount '%s': '%s' is on a file system whose ids cannot be mapped into the "
                     "container's user namespace%s: choose '--userns host'",
                     bind->destination, is_named ? mount->source : bind->source,
                     is_recursive(bind) ? ", or has such a one mounted below it" : "");
}

static int open_source(const ConfigSource *source, const RuntimeMount *bind)
{
    const int *descriptor = find_descriptor(source, bind);
    char buffer[32];

    return open(descriptor ? path_of_fd(buffer, *descriptor) : bind->source, O_PATH | O_CLOEXEC);
}

/* A clone to try it with. Before Linux 6.15 a detached mount gives its place to another one. */
static int clone_source(const ConfigSource *source, int source_fd, const RuntimeMount *bind,
                        unsigned flags)
{
    int *descriptor = find_descriptor(source, bind);
    int fd = open_tree(source_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags), r;

    if (fd >= 0 || errno != EINVAL || !descriptor)
        return fd < 0 ? -errno : fd;
    r = mount_clone_detached(descriptor, &fd);
    return r < 0 ? r : fd;
}

/* Try it here, where the user can be told what to do about it. */
static int try_mapping(const ConfigSource *source, int source_fd, const ContainerMount *mount,
                       const RuntimeMount *bind, Error *err)
{
    const unsigned flags = AT_EMPTY_PATH | (is_recursive(bind) ? AT_RECURSIVE : 0);
    const LinuxIdMappings all = { (IdMapping *)&every_id, 1 };
    struct mount_attr change = { .attr_set = MOUNT_ATTR_IDMAP };
    _cleanup_close_ int own_fd = -EBADF, fd = -EBADF;
    int r = 0;

    if (source->id_map_fd <= 0)
        r = id_mapping_open(&all, &all, &own_fd, err);
    if (r < 0)
        return r;
    change.userns_fd = (uint64_t)(own_fd >= 0 ? own_fd : source->id_map_fd);
    fd = clone_source(source, source_fd, bind, flags);
    if (fd < 0)
        return error_result(err, fd, "mount source '%s'", bind->source);
    if (mount_setattr(fd, "", flags, &change, sizeof(change)) < 0)
        return refuse_mapping(source, mount, bind, err);
    return 0;
}

void config_map_own_file(const ConfigSource *source, RuntimeMount *bind)
{
    if (container_has_own_ids(source->container))
        string_list_add(&bind->options, "idmap");
}

int config_map_mount_ids(const RuntimeConfig *config, const ConfigSource *source,
                         const ContainerMount *mount, RuntimeMount *bind, Error *err)
{
    const ContainerSpec *spec = &source->container->spec;
    _cleanup_close_ int fd = -EBADF;
    Match match;
    bool matches = find_match(config, spec, mount, &match);
    int r;

    if (!matches && !container_has_own_ids(source->container))
        return 0;
    if (mount && strcmp(mount->type, "image") == 0)
        return 0; /* an overlay's ids are mapped below it */
    fd = open_source(source, bind);
    if (fd < 0)
        return error_errno(err, "mount source '%s'", bind->source);
    if (!matches && fd_is_of_kernel(fd))
        return 0;
    r = try_mapping(source, fd, mount, bind, err);
    if (r < 0)
        return r;
    if (matches) {
        match_ids(&bind->uid_mappings, &spec->ids.uids, match.uid, match.inside_uid);
        match_ids(&bind->gid_mappings, &spec->ids.gids, match.gid, match.inside_gid);
    }
    string_list_add(&bind->options, is_recursive(bind) ? "ridmap" : "idmap");
    return 0;
}
