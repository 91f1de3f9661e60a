/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who a container runs as: "name|uid[:group|gid]" looked up in the passwd and group files of its
 * own root file system, by Docker's rules. The files are data from outside: they are only read as
 * text.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/string-list.h"

/* A larger passwd or group file is refused. */
#define USER_FILE_LIMIT (4U << 20)

typedef struct ContainerUser {
    uint32_t uid;
    uint32_t gid;
    char *home;       /* never NULL */
    uint32_t *groups; /* supplementary, ascending, without gid */
    size_t n_groups;
} ContainerUser;

void container_user_done(ContainerUser *user);
#define _cleanup_container_user_ _cleanup_(container_user_done)

/*
 * @user NULL or empty is root. A number without an entry is taken as it is. Without a group the
 * entry's group and its memberships count; @extra_groups (names or numbers) are added.
 * @passwd and @group are the files' text, "" where there is none.
 * Errors: INVALID (malformed, no such user or group, id out of range).
 */
int container_user_resolve(const char *user, const StringList *extra_groups, const char *passwd,
                           const char *group, ContainerUser *ret, Error *err);

/* The same with the files of the root file system @rootfs_fd. Errors also: EXHAUSTED (file too
 * large). */
int container_user_look_up(int rootfs_fd, const char *user, const StringList *extra_groups,
                           ContainerUser *ret, Error *err);
