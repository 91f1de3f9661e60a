/* SPDX-License-Identifier: Apache-2.0 */

/* passwd(5) and group(5) as text: no NSS, which would load code that the container chooses. */

#include "engine/container-user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/path.h"

#define MAX_FIELDS 7
/* The kernel's NGROUPS_MAX. */
#define MAX_GROUPS 65536

/* One line, cut at its colons. A line with fewer fields than wanted is skipped. */
typedef struct Entry {
    char *line;
    char *fields[MAX_FIELDS];
    size_t count;
} Entry;

static void entry_done(Entry *entry)
{
    free(entry->line);
    *entry = (Entry) {};
}

/* Cut the next line off *@text. Returns false at the end. */
static bool next_entry(const char **text, Entry *entry)
{
    size_t length = strcspn(*text, "\n");
    char *field;

    entry_done(entry);
    if (**text == '\0')
        return false;
    entry->line = memory_strndup(*text, length);
    *text += length + ((*text)[length] == '\n');

    field = entry->line;
    while (field && entry->count < MAX_FIELDS)
        entry->fields[entry->count++] = strsep(&field, ":");
    return true;
}

/* Ids above the signed range collide with "no id" in many interfaces; Docker refuses them too. */
static bool parse_id(const char *text, uint32_t *ret)
{
    return parse_u32(text, ret) == 0 && *ret <= INT32_MAX;
}

void container_user_done(ContainerUser *user)
{
    free(user->home);
    free(user->groups);
    *user = (ContainerUser) {};
}

static int add_group(ContainerUser *user, uint32_t gid, Error *err)
{
    size_t position = 0;

    if (gid == user->gid)
        return 0;
    while (position < user->n_groups && user->groups[position] < gid)
        position++;
    if (position < user->n_groups && user->groups[position] == gid)
        return 0;
    if (user->n_groups == MAX_GROUPS)
        return error_set(err, ERROR_INVALID, "user is in more than %d groups", MAX_GROUPS);

    user->groups = reallocarray(user->groups, user->n_groups + 1, sizeof(uint32_t));
    if (!user->groups)
        abort();
    memmove(user->groups + position + 1, user->groups + position,
            (user->n_groups - position) * sizeof(uint32_t));
    user->groups[position] = gid;
    user->n_groups++;
    return 0;
}

/* The passwd entry of @name, or of the number it is. Yields the entry's name too. */
static int find_user(const char *name, const char *passwd, ContainerUser *user, char **ret_name,
                     Error *err)
{
    _cleanup_(entry_done) Entry entry = {};
    uint32_t number = 0, uid, gid;
    bool is_number = parse_id(name, &number);

    while (next_entry(&passwd, &entry)) {
        if (entry.count < 6 || !parse_id(entry.fields[2], &uid) || !parse_id(entry.fields[3], &gid))
            continue;
        if (strcmp(entry.fields[0], name) != 0 && !(is_number && uid == number))
            continue;
        user->uid = uid;
        user->gid = gid;
        if (*entry.fields[5])
            user->home = memory_strdup(entry.fields[5]);
        *ret_name = memory_strdup(entry.fields[0]);
        return 0;
    }

    if (!is_number)
        return error_set(err, ERROR_INVALID,
                         "unable to find user '%s': no matching entry in the image's passwd file",
                         name);
    user->uid = number;
    return 0;
}

static int find_group(const char *name, const char *group, uint32_t *ret, Error *err)
{
    _cleanup_(entry_done) Entry entry = {};
    uint32_t gid;

    if (parse_id(name, ret))
        return 0;
    while (next_entry(&group, &entry)) {
        if (entry.count >= 3 && strcmp(entry.fields[0], name) == 0 &&
            parse_id(entry.fields[2], &gid)) {
            *ret = gid;
            return 0;
        }
    }

    return error_set(err, ERROR_INVALID,
                     "unable to find group '%s': no matching entry in the image's group file",
                     name);
}

static bool is_member(const char *members, const char *name)
{
    size_t length = strlen(name);

    while (*members) {
        size_t member = strcspn(members, ",");

        if (member == length && strncmp(members, name, length) == 0)
            return true;
        members += member + (members[member] == ',');
    }
    return false;
}

static int add_memberships(ContainerUser *user, const char *name, const char *group, Error *err)
{
    _cleanup_(entry_done) Entry entry = {};
    uint32_t gid;

    while (next_entry(&group, &entry)) {
        int r;

        if (entry.count < 4 || !parse_id(entry.fields[2], &gid) ||
            !is_member(entry.fields[3], name))
            continue;
        r = add_group(user, gid, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int container_user_resolve(const char *user, const StringList *extra_groups, const char *passwd,
                           const char *group, ContainerUser *ret, Error *err)
{
    _cleanup_container_user_ ContainerUser resolved = {};
    _cleanup_free_ char *text = memory_strdup(user && *user ? user : "0");
    _cleanup_free_ char *name = NULL;
    char *group_name = strchr(text, ':');
    int r;

    if (group_name)
        *group_name++ = '\0';
    if (!*text || (group_name && !*group_name))
        return error_set(err, ERROR_INVALID, "user '%s' is not 'user[:group]'", user);

    r = find_user(text, passwd, &resolved, &name, err);
    if (r >= 0 && group_name)
        r = find_group(group_name, group, &resolved.gid, err);
    else if (r >= 0 && name)
        r = add_memberships(&resolved, name, group, err);
    if (r < 0)
        return r;

    for (size_t i = 0; i < extra_groups->count; i++) {
        uint32_t gid;

        r = find_group(extra_groups->items[i], group, &gid, err);
        if (r >= 0)
            r = add_group(&resolved, gid, err);
        if (r < 0)
            return r;
    }
    if (!resolved.home)
        resolved.home = memory_strdup("/");

    *ret = resolved;
    resolved = (ContainerUser) {};
    return 0;
}

/* "" where there is no such file; what is no regular file counts as none. */
static int read_account_file(int rootfs_fd, const char *path, char **ret, Error *err)
{
    _cleanup_close_ int fd =
        path_open_in_root(rootfs_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    struct stat st;
    int r;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        *ret = memory_strdup("");
        return 0;
    }
    r = fd_read_all(fd, USER_FILE_LIMIT, ret, NULL);
    if (r == -EFBIG)
        return error_set(err, ERROR_EXHAUSTED, "the image's '%s' is larger than %u MiB", path,
                         USER_FILE_LIMIT >> 20);
    return r < 0 ? error_result(err, r, "read the image's '%s'", path) : 0;
}

int container_user_look_up(int rootfs_fd, const char *user, const StringList *extra_groups,
                           ContainerUser *ret, Error *err)
{
    _cleanup_free_ char *passwd = NULL, *group = NULL;
    int r = read_account_file(rootfs_fd, "/etc/passwd", &passwd, err);

    if (r >= 0)
        r = read_account_file(rootfs_fd, "/etc/group", &group, err);
    if (r < 0)
        return r;
    return container_user_resolve(user, extra_groups, passwd, group, ret, err);
}
