/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay-oci ps`: the processes of a container, as JSON their pids alone, as a table those lines of
 * the host's ps(1) that are theirs.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/string-buffer.h"
#include "base/string-list.h"
#include "oci/commands.h"
#include "oci/container.h"

#define PS_OUTPUT_MAX (16U << 20)

typedef struct PsOptions {
    char *format;
} PsOptions;

static const Option ps_options[] = {
    { "format", 'f', .type = OPTION_STRING, .argument = "table|json",
      .offset = offsetof(PsOptions, format), .help = "How to list (default \"table\")" },
};

const OptionTable ps_option_table = {
    OPTION_TABLE(ps_options),
    .stop_at_positional = true,
};

typedef struct Pids {
    pid_t *items;
    size_t count;
} Pids;

static void pids_done(Pids *pids)
{
    free(pids->items);
}

static int print_json(const Pids *pids, Error *err)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    string_buffer_add_char(&text, '[');
    for (size_t i = 0; i < pids->count; i++)
        string_buffer_printf(&text, "%s%d", i > 0 ? "," : "", pids->items[i]);
    string_buffer_add(&text, "]\n");
    return output_text(string_buffer_get(&text), err);
}

static int run_ps(char *const *arguments, char **ret, Error *err)
{
    _cleanup_string_list_ StringList command = {};
    _cleanup_process_ Process process = PROCESS_INIT;
    _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
    int pipe_fds[2], status, r;

    string_list_add(&command, "ps");
    for (size_t i = 0; arguments[i]; i++)
        string_list_add(&command, arguments[i]);
    if (command.count == 1)
        string_list_add(&command, "-ef");
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return error_errno(err, "make a pipe");
    read_fd = pipe_fds[0];
    write_fd = pipe_fds[1];

    const SpawnOptions options = {
        .program = "ps",
        .search = true,
        .arguments = (const char *const *)command.items,
        .stdio = { -EBADF, write_fd, STDERR_FILENO },
        .die_with_parent = true,
    };
    r = process_spawn(&options, &process, err);
    if (r < 0)
        return error_wrap(err, r, "list processes");
    fd_closep(&write_fd);
    r = fd_read_all(read_fd, PS_OUTPUT_MAX, ret, NULL);
    if (r >= 0)
        r = process_wait(&process, &status);
    if (r < 0)
        return error_result(err, r, "read what 'ps' lists");
    if (status != 0)
        return error_set(err, ERROR_INVALID, "'ps' does not take these arguments");
    return 0;
}

/* The @number-th word of @line, or a parse error's -EINVAL. */
static int word_to_pid(const char *line, size_t number, int32_t *ret)
{
    static const char blanks[] = " \t";

    for (;;) {
        size_t length;

        line += strspn(line, blanks);
        length = strcspn(line, blanks);
        if (number == 0) {
            _cleanup_free_ char *word = memory_strndup(line, length);

            return parse_i32(word, ret);
        }
        if (length == 0)
            return -EINVAL;
        line += length;
        number--;
    }
}

/* Which column of @title has the pid. */
static int find_column(const char *title, size_t *ret)
{
    _cleanup_free_ char *words = memory_strdup(title);
    size_t column = 0;

    for (char *rest = words, *word; (word = strsep(&rest, " \t"));) {
        if (strcmp(word, "PID") == 0) {
            *ret = column;
            return 0;
        }
        column += *word != '\0';
    }
    return -ENOENT;
}

static bool has_pid(const Pids *pids, pid_t pid)
{
    for (size_t i = 0; i < pids->count; i++)
        if (pids->items[i] == pid)
            return true;
    return false;
}

static int print_table(const Pids *pids, char *const *arguments, Error *err)
{
    _cleanup_string_buffer_ StringBuffer text = {};
    _cleanup_string_list_ StringList lines = {};
    _cleanup_free_ char *listed = NULL;
    size_t column;
    int r = run_ps(arguments, &listed, err);

    if (r < 0)
        return r;
    string_list_split(&lines, listed, '\n');
    if (find_column(lines.items[0], &column) < 0)
        return error_set(err, ERROR_INVALID, "'ps' with these arguments lists no pids");
    string_buffer_printf(&text, "%s\n", lines.items[0]);
    for (size_t i = 1; i < lines.count; i++) {
        int32_t pid;

        if (word_to_pid(lines.items[i], column, &pid) >= 0 && has_pid(pids, pid))
            string_buffer_printf(&text, "%s\n", lines.items[i]);
    }
    return output_text(string_buffer_get(&text), err);
}

/* Without a cgroup, nobody knows of more than the first process. */
static int find_pids(Container *container, Pids *ret, Error *err)
{
    Cgroup *cgroup;
    int r = container_open_cgroup(container, &cgroup, err);

    if (r < 0)
        return r;
    if (cgroup)
        return cgroup_list_pids(cgroup, &ret->items, &ret->count, err);
    if (container_status(container) != RUNTIME_STOPPED) {
        ret->items = memory_dup(&container->record.pid, sizeof(pid_t));
        ret->count = 1;
    }
    return 0;
}

int oci_ps(Invocation *invocation, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_(pids_done) Pids pids = {};
    PsOptions options = {};
    int r = invocation_parse(invocation, &options, err);
    _cleanup_free_ char *format = options.format;
    bool as_json = format && strcmp(format, "json") == 0;

    if (r >= 0 && format && !as_json && strcmp(format, "table") != 0)
        r = error_set(err, ERROR_INVALID, "invalid format '%s': write 'table' or 'json'", format);
    if (r >= 0)
        r = container_open_argument(invocation, &container, err);
    if (r >= 0)
        r = find_pids(container, &pids, err);
    if (r < 0)
        return r;
    return as_json ? print_json(&pids, err) : print_table(&pids, invocation->arguments + 1, err);
}
