/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The helpers are set-user-id programs of the host's, executed by their fixed paths: what PATH says
 * is the caller's. The child that the maps are for is not reaped, so its pid is its own all along.
 */

#include "sandbox/user-namespace-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/string-buffer.h"
#include "sandbox/process-files-private.h"

#define HELPER_OUTPUT_MAX 4096
#define SETGROUPS_SIZE_MAX 64

static const char *const helper_directories[] = { "/usr/bin", "/bin", "/usr/local/bin" };

typedef struct MapFile {
    const char *file;
    const char *helper;
    const char *member;
} MapFile;

static const MapFile uid_map = { "uid_map", "newuidmap", "linux.uidMappings" };
static const MapFile gid_map = { "gid_map", "newgidmap", "linux.gidMappings" };

bool id_mappings_are_self(const LinuxIdMappings *mappings, uint32_t own)
{
    return mappings->count == 1 && mappings->items[0].size == 1 &&
           mappings->items[0].host_id == own;
}

void id_mappings_to_arguments(const LinuxIdMappings *mappings, const char *program, pid_t pid,
                              StringList *ret)
{
    string_list_add(ret, program);
    string_list_printf(ret, "%d", pid);
    for (size_t i = 0; i < mappings->count; i++) {
        string_list_printf(ret, "%u", mappings->items[i].container_id);
        string_list_printf(ret, "%u", mappings->items[i].host_id);
        string_list_printf(ret, "%u", mappings->items[i].size);
    }
}

bool user_namespace_denies_groups(const LinuxConfig *config)
{
    _cleanup_close_ int own_fd = process_files_open(getpid());
    _cleanup_free_ char *text = NULL;

    if (geteuid() != 0 && id_mappings_are_self(&config->gid_mappings, getegid()))
        return true;
    return own_fd >= 0 && file_read_at(own_fd, "setgroups", SETGROUPS_SIZE_MAX, &text, NULL) >= 0 &&
           strncmp(text, "deny", 4) == 0;
}

static int write_directly(int process_fd, const MapFile *map, const LinuxIdMappings *mappings,
                          Error *err)
{
    _cleanup_string_buffer_ StringBuffer text = {};
    int r;

    for (size_t i = 0; i < mappings->count; i++) {
        const LinuxIdMapping *mapping = &mappings->items[i];

        string_buffer_printf(&text, "%u %u %u\n", mapping->container_id, mapping->host_id,
                             mapping->size);
    }
    r = file_poke_at(process_fd, map->file, string_buffer_get(&text));
    return r < 0 ? error_result(err, r, "%s: write the user namespace's %s", map->member, map->file)
                 : 0;
}

static char *find_helper(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(helper_directories); i++) {
        _cleanup_free_ char *path = memory_printf("%s/%s", helper_directories[i], name);

        if (access(path, X_OK) == 0)
            return TAKE_PTR(path);
    }
    return NULL;
}

/* What the helper had to say, as one line. */
static int report_helper(const MapFile *map, int output_fd, Error *err)
{
    _cleanup_free_ char *output = NULL;
    size_t length = 0;

    if (fd_read_all(output_fd, HELPER_OUTPUT_MAX, &output, &length) < 0)
        length = 0; /* its status alone has to do */
    while (length > 0 && (unsigned char)output[length - 1] <= ' ')
        length--;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)output[i] < ' ' || output[i] == 0x7f)
            output[i] = ' ';
    return error_set(err, ERROR_DENIED, "%s: %s refused: %.*s", map->member, map->helper,
                     (int)length, length > 0 ? output : "");
}

static int write_by_helper(pid_t pid, const MapFile *map, const LinuxIdMappings *mappings,
                           Error *err)
{
    static const char *const no_environment[] = { NULL };
    _cleanup_string_list_ StringList arguments = {};
    _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
    _cleanup_process_ Process process = PROCESS_INIT;
    _cleanup_free_ char *helper = find_helper(map->helper);
    int pipes[2], status, r;

    if (!helper)
        return error_set(err, ERROR_UNAVAILABLE,
                         "%s: to map more than itself an ordinary user needs '%s', of the package "
                         "uidmap",
                         map->member, map->helper);
    if (pipe2(pipes, O_CLOEXEC) < 0)
        return error_errno(err, "make a pipe");
    read_fd = pipes[0];
    write_fd = pipes[1];
    id_mappings_to_arguments(mappings, helper, pid, &arguments);
    r = process_spawn(&(SpawnOptions) { .program = helper,
                                        .arguments = (const char *const *)arguments.items,
                                        .environment = no_environment,
                                        .stdio = { -EBADF, write_fd, write_fd } },
                      &process, err);
    if (r < 0)
        return error_wrap(err, r, "%s", map->member);
    write_fd = fd_close(write_fd);
    r = process_wait(&process, &status); /* a line or two: the pipe has room */
    if (r < 0)
        return error_result(err, r, "%s: wait for '%s'", map->member, helper);
    return status == 0 ? 0 : report_helper(map, read_fd, err);
}

/* Root may map what it likes, whoever maps itself needs nobody. */
static int write_map(pid_t pid, int process_fd, const MapFile *map, const LinuxIdMappings *mappings,
                     Error *err)
{
    bool is_own = id_mappings_are_self(mappings, map == &uid_map ? geteuid() : getegid());
    int r;

    if (geteuid() != 0 && !is_own)
        return write_by_helper(pid, map, mappings, err);
    if (geteuid() != 0 && map == &gid_map) {
        r = file_poke_at(process_fd, "setgroups", "deny");
        if (r < 0)
            return error_result(err, r, "%s: deny setgroups in the user namespace", map->member);
    }
    return write_directly(process_fd, map, mappings, err);
}

int user_namespace_write_maps(pid_t pid, const LinuxConfig *config, Error *err)
{
    _cleanup_close_ int process_fd = process_files_open(pid);
    int r;

    if (process_fd < 0)
        return error_result(err, process_fd, "open the files of process %d in /proc", pid);
    r = write_map(pid, process_fd, &uid_map, &config->uid_mappings, err);
    return r < 0 ? r : write_map(pid, process_fd, &gid_map, &config->gid_mappings, err);
}
