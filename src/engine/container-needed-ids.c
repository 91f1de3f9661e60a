/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ids beyond the usual range: those of a directory service, mostly. A container that runs as such a
 * user, or gets such a user's directory, has these ids on top of its range.
 */

#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/parse.h"
#include "engine/container-userns.h"

static void add(uint32_t *list, size_t *count, uint32_t id, uint32_t size)
{
    if (id < size || id == UINT32_MAX || *count == NEEDED_IDS_MAX)
        return;
    for (size_t i = 0; i < *count; i++)
        if (list[i] == id)
            return;
    list[(*count)++] = id;
}

/* "uid[:gid]"; who has a name is looked up in the image later, and is small. */
static void add_user(NeededIds *ids, const char *user, uint32_t size)
{
    size_t length = strcspn(user, ":");
    _cleanup_free_ char *name = memory_strndup(user, length);
    uint32_t id;

    if (parse_u32(name, &id) >= 0)
        add(ids->uids, &ids->n_uids, id, size);
    if (user[length] && parse_u32(user + length + 1, &id) >= 0)
        add(ids->gids, &ids->n_gids, id, size);
}

static void add_groups(NeededIds *ids, const StringList *groups, uint32_t size)
{
    uint32_t id;

    for (size_t i = 0; i < groups->count; i++)
        if (parse_u32(groups->items[i], &id) >= 0)
            add(ids->gids, &ids->n_gids, id, size);
}

static void add_owner(NeededIds *ids, const ContainerMount *mount, uint32_t size)
{
    struct stat st;

    if (strcmp(mount->type, "bind") != 0 || stat(mount->source, &st) < 0)
        return;
    add(ids->uids, &ids->n_uids, st.st_uid, size);
    add(ids->gids, &ids->n_gids, st.st_gid, size);
}

void container_find_needed_ids(const ContainerSpec *spec, uint32_t size, NeededIds *ret)
{
    *ret = (NeededIds) {};
    add_user(ret, spec->user ? spec->user : "", size);
    add_groups(ret, &spec->groups_add, size);
    for (size_t i = 0; i < spec->mount_points.count; i++)
        add_owner(ret, &spec->mount_points.items[i], size);
}
