/* SPDX-License-Identifier: Apache-2.0 */

/* Directories of resctrl are groups, and writes to their files are orders to the processor. */

#include "sandbox/intel-rdt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/string-buffer.h"
#include "base/string-list.h"

#define MEMBER "linux.intelRdt"
#define RESCTRL_MOUNT "/sys/fs/resctrl"
#define MONITORING_GROUPS "mon_groups"
#define SCHEMATA_SIZE_MAX (64U << 10)

bool intel_rdt_is_enabled(void)
{
    _cleanup_close_ int fd = intel_rdt_open(NULL);

    return fd >= 0;
}

int intel_rdt_open(Error *err)
{
    _cleanup_close_ int fd = open(RESCTRL_MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || !fd_is_on_fs(fd, RDTGROUP_SUPER_MAGIC))
        return error_set(err, ERROR_UNSUPPORTED, MEMBER ": no resctrl is mounted at '%s'",
                         RESCTRL_MOUNT);
    return TAKE_FD(fd);
}

static int check_id(const LinuxIntelRdt *settings, const char *id, Error *err)
{
    if (id ? path_is_name(id) : settings->clos_id && !settings->enable_monitoring)
        return 0;
    return error_set(err, ERROR_INVALID, MEMBER ": the container has no name for a group");
}

static const char *group_name(const LinuxIntelRdt *settings, const char *id)
{
    return settings->clos_id ? settings->clos_id : id;
}

/* The specification: memBwSchema takes the place of MB lines among the cache's. */
static void collect_schemata(const LinuxIntelRdt *settings, StringList *ret)
{
    _cleanup_string_list_ StringList cache = {};

    if (settings->l3_cache_schema)
        string_list_split(&cache, settings->l3_cache_schema, '\n');
    for (size_t i = 0; i < cache.count; i++) {
        bool is_replaced =
            settings->mem_bw_schema && strncmp(cache.items[i], "MB:", strlen("MB:")) == 0;

        if (*cache.items[i] && !is_replaced)
            string_list_add(ret, cache.items[i]);
    }
    if (settings->mem_bw_schema)
        string_list_add(ret, settings->mem_bw_schema);
    for (size_t i = 0; i < settings->schemata.count; i++)
        string_list_add(ret, settings->schemata.items[i]);
}

/* "  L3:0=00ff; 1=F" -> "L3:0=ff;1=f": what the kernel shows is padded. */
static char *normalize(const char *line)
{
    StringBuffer buffer = {};
    char last = '=';

    for (; *line; line++) {
        bool is_padding = *line == '0' && last == '=' && line[1] && line[1] != ';';

        if (*line == ' ' || *line == '\t' || is_padding)
            continue;
        string_buffer_add_char(&buffer, *line);
        last = *line;
    }
    return string_buffer_take(&buffer);
}

/* Split "L3:0=ff;1=f" at the colon, in place. Returns the resource's settings or NULL. */
static char *split_resource(char *line)
{
    char *colon = strchr(line, ':');

    if (colon)
        *colon++ = '\0';
    return colon;
}

/* Whether all that the line @wanted sets is so in the file's @current. */
static bool is_set(const char *wanted, const char *current)
{
    _cleanup_free_ char *wanted_line = normalize(wanted), *line = normalize(current);
    const char *wanted_values = split_resource(wanted_line), *values = split_resource(line);
    _cleanup_string_list_ StringList wanted_list = {}, list = {};
    bool is_same = wanted_values && values && strcmp(wanted_line, line) == 0;

    if (!is_same)
        return false;
    string_list_split(&wanted_list, wanted_values, ';');
    string_list_split(&list, values, ';');
    for (size_t i = 0; is_same && i < wanted_list.count; i++) {
        is_same = false;
        for (size_t j = 0; !is_same && j < list.count; j++)
            is_same = strcasecmp(wanted_list.items[i], list.items[j]) == 0;
    }
    return is_same;
}

/* Others share this group: it is not ours to change. */
static int compare_schemata(int group_fd, const StringList *wanted, Error *err)
{
    _cleanup_string_list_ StringList lines = {};
    _cleanup_free_ char *text = NULL;
    int r;

    if (wanted->count == 0)
        return 0;
    r = file_read_at(group_fd, "schemata", SCHEMATA_SIZE_MAX, &text, NULL);
    if (r < 0)
        return error_result(err, r, MEMBER ": read the group's schemata");
    string_list_split(&lines, text, '\n');
    for (size_t i = 0; i < wanted->count; i++) {
        bool found = false;

        for (size_t j = 0; !found && j < lines.count; j++)
            found = is_set(wanted->items[i], lines.items[j]);
        if (!found)
            return error_set(err, ERROR_CONFLICT,
                             MEMBER ".closID: the group exists, and is not set to '%s'",
                             wanted->items[i]);
    }
    return 0;
}

static int write_schemata(int group_fd, const StringList *wanted, Error *err)
{
    _cleanup_free_ char *joined = string_list_join(wanted, "\n");
    _cleanup_free_ char *text = memory_printf("%s\n", joined);
    int r = wanted->count > 0 ? file_poke_at(group_fd, "schemata", text) : 0;

    return r < 0 ? error_result(err, r, MEMBER ": set '%s'", joined) : 0;
}

/* Returns 1 when the group was made, 0 when it was there. */
static int make_group(int root_fd, const LinuxIntelRdt *settings, const char *name,
                      bool has_schemata, Error *err)
{
    bool must_exist = settings->clos_id && !has_schemata;

    if (!must_exist && mkdirat(root_fd, name, 0755) == 0)
        return 1;
    if (!must_exist && errno == ENOSPC)
        return error_set(err, ERROR_EXHAUSTED, MEMBER ": the processor has no more groups for '%s'",
                         name);
    if (!must_exist && errno != EEXIST)
        return error_errno(err, MEMBER ": make the group '%s'", name);
    if (!settings->clos_id)
        return error_set(err, ERROR_CONFLICT, MEMBER ": the group '%s' exists already", name);
    if (faccessat(root_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return error_set(err, ERROR_NOT_FOUND,
                         MEMBER ".closID: the group '%s' does not exist, and no schema says how to "
                                "make it",
                         name);
    return 0;
}

static int open_monitoring(int group_fd, Error *err)
{
    int fd = openat(group_fd, MONITORING_GROUPS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? error_errno(err, MEMBER ".enableMonitoring: open the monitoring groups") : fd;
}

static int make_monitoring(int group_fd, const char *id, Error *err)
{
    _cleanup_close_ int fd = open_monitoring(group_fd, err);

    if (fd < 0)
        return fd;
    return mkdirat(fd, id, 0755) < 0
               ? error_errno(err, MEMBER ".enableMonitoring: make the group '%s'", id)
               : 0;
}

static int set_up_group(int root_fd, const LinuxIntelRdt *settings, const char *id, bool is_new,
                        Error *err)
{
    _cleanup_close_ int fd =
        path_open_beneath(root_fd, group_name(settings, id), O_RDONLY | O_DIRECTORY, 0);
    _cleanup_string_list_ StringList schemata = {};
    int r;

    if (fd < 0)
        return error_result(err, fd, MEMBER ": open the group '%s'", group_name(settings, id));
    collect_schemata(settings, &schemata);
    r = is_new ? write_schemata(fd, &schemata, err) : compare_schemata(fd, &schemata, err);
    return r == 0 && settings->enable_monitoring ? make_monitoring(fd, id, err) : r;
}

int intel_rdt_create(int root_fd, const LinuxIntelRdt *settings, const char *id, Error *err)
{
    bool has_schemata =
        settings->l3_cache_schema || settings->mem_bw_schema || settings->schemata.count > 0;
    int is_new, r;

    r = check_id(settings, id, err);
    if (r < 0)
        return r;
    is_new = make_group(root_fd, settings, group_name(settings, id), has_schemata, err);
    if (is_new < 0)
        return is_new;
    r = set_up_group(root_fd, settings, id, is_new, err);
    if (r < 0 && is_new)
        (void)unlinkat(root_fd, group_name(settings, id), AT_REMOVEDIR); /* the error tells more */
    return r;
}

int intel_rdt_attach(int root_fd, const LinuxIntelRdt *settings, const char *id, pid_t pid,
                     Error *err)
{
    _cleanup_close_ int fd =
        path_open_beneath(root_fd, group_name(settings, id), O_RDONLY | O_DIRECTORY, 0);
    _cleanup_close_ int groups_fd = -EBADF, monitoring_fd = -EBADF;
    _cleanup_free_ char *text = memory_printf("%d", pid);
    int r = fd < 0 ? fd : file_poke_at(fd, "tasks", text);

    if (r < 0)
        return error_result(err, r, MEMBER ": move process %d to '%s'", pid,
                            group_name(settings, id));
    if (!settings->enable_monitoring)
        return 0;
    groups_fd = open_monitoring(fd, err);
    if (groups_fd < 0)
        return groups_fd;
    monitoring_fd = path_open_beneath(groups_fd, id, O_RDONLY | O_DIRECTORY, 0);
    r = monitoring_fd < 0 ? monitoring_fd : file_poke_at(monitoring_fd, "tasks", text);
    return r < 0
               ? error_result(err, r, MEMBER ".enableMonitoring: move process %d to '%s'", pid, id)
               : 0;
}

int intel_rdt_remove(int root_fd, const LinuxIntelRdt *settings, const char *id, Error *err)
{
    _cleanup_close_ int fd = -EBADF, groups_fd = -EBADF;

    if (!settings->clos_id) {
        if (unlinkat(root_fd, id, AT_REMOVEDIR) < 0 && errno != ENOENT)
            return error_errno(err, MEMBER ": remove the group '%s'", id);
        return 0;
    }
    if (!settings->enable_monitoring)
        return 0;
    fd = path_open_beneath(root_fd, settings->clos_id, O_RDONLY | O_DIRECTORY, 0);
    if (fd == -ENOENT)
        return 0;
    groups_fd = fd < 0 ? fd : open_monitoring(fd, err);
    if (groups_fd < 0)
        return error_wrap(err, groups_fd, MEMBER ": open the group '%s'", settings->clos_id);
    if (unlinkat(groups_fd, id, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return error_errno(err, MEMBER ".enableMonitoring: remove the group '%s'", id);
    return 0;
}
