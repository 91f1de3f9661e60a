/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay top`: the host's ps(1) with whatever options were asked for, and of what it says those lines
 * whose PID is in the container.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/string-buffer.h"
#include "base/string-list.h"
#include "cli/commands.h"
#include "cli/open-engine.h"
#include "cli/table.h"
#include "cli/terminal-text.h"
#include "engine/container-stats.h"

#define OUTPUT_MAX ((size_t)64 * 1024 * 1024)
#define COLUMN_WIDTH 20

/* Options after the container are for ps(1). */
const OptionTable container_top_option_table = { .stop_at_positional = true };

typedef struct PidList {
    pid_t *items;
    size_t count;
} PidList;

static void pid_list_done(PidList *list)
{
    free(list->items);
}

static bool contains(const PidList *pids, pid_t pid)
{
    for (size_t i = 0; i < pids->count; i++)
        if (pids->items[i] == pid)
            return true;
    return false;
}

/* Options may come in one word too: "-o pid,comm". */
static void make_arguments(const Invocation *invocation, StringList *arguments)
{
    string_list_add(arguments, "ps");
    if (invocation->n_arguments == 1)
        string_list_add(arguments, "-ef");
    for (size_t i = 1; i < invocation->n_arguments; i++) {
        _cleanup_string_list_ StringList words = {};

        string_list_split(&words, invocation->arguments[i], ' ');
        for (size_t j = 0; j < words.count; j++)
            if (*words.items[j])
                string_list_add(arguments, words.items[j]);
    }
}

static int open_pipe(int ret[2], Error *err)
{
    return pipe2(ret, O_CLOEXEC) < 0 ? error_errno(err, "make a pipe") : 0;
}

/* As Docker, the first line of what it has to say. */
static int report_failure(int fd, int status, Error *err)
{
    _cleanup_free_ char *text = NULL;

    if (fd_read_all(fd, OUTPUT_MAX, &text, NULL) >= 0 && *text && *text != '\n')
        return error_set(err, ERROR_INVALID, "ps: %.*s", (int)strcspn(text, "\n"), text);
    return error_set(err, ERROR_INVALID, "ps: exit status %d", process_status_to_code(status));
}

static int run_ps(const StringList *arguments, char **ret, Error *err)
{
    _cleanup_process_ Process process = PROCESS_INIT;
    _cleanup_free_ char *text = NULL;
    _cleanup_close_ int errors_fd = memfd_create("errors", MFD_CLOEXEC);
    _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
    int fds[2], status, r;

    if (errors_fd < 0)
        return error_errno(err, "make a file");
    r = open_pipe(fds, err);
    if (r < 0)
        return r;
    read_fd = fds[0];
    write_fd = fds[1];
    r = process_spawn(
        &(SpawnOptions) {
            .program = "ps",
            .search = true,
            .arguments = (const char *const *)arguments->items,
            .stdio = { -EBADF, write_fd, errors_fd },
            .die_with_parent = true,
        },
        &process, err);
    if (r < 0)
        return r;
    write_fd = fd_close(write_fd);
    r = fd_read_all(read_fd, OUTPUT_MAX, &text, NULL);
    if (r >= 0)
        r = process_wait(&process, &status);
    if (r < 0)
        return error_result(err, r, "read from ps");
    if (status != 0)
        return lseek(errors_fd, 0, SEEK_SET) < 0 ? error_errno(err, "read from ps")
                                                 : report_failure(errors_fd, status, err);
    *ret = TAKE_PTR(text);
    return 0;
}

/* Words; the last column takes the rest of the line, whatever is in it. */
static void split_fields(const char *line, size_t n_columns, StringList *fields)
{
    while (*(line += strspn(line, " \t"))) {
        bool is_last = n_columns > 0 && fields->count + 1 == n_columns;
        size_t length = is_last ? strlen(line) : strcspn(line, " \t");
        char *field = memory_strndup(line, length);

        for (size_t i = length; is_last && i > 0 && field[i - 1] == ' '; i--)
            field[i - 1] = '\0';
        string_list_take(fields, field);
        line += length;
    }
}

static void add_line(StringBuffer *text, const StringList *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        _cleanup_string_buffer_ StringBuffer safe = {};
        const char *end = i + 1 < fields->count ? "\t" : "\n";

        terminal_text_add(&safe, fields->items[i]);
        string_buffer_printf(text, "%s%s", string_buffer_get(&safe), end);
    }
}

/* A line without a pid is about a thread of the process in the line before. */
static bool is_wanted(const StringList *fields, size_t column, const PidList *pids, bool is_before)
{
    int32_t pid;

    if (column >= fields->count)
        return false;
    if (strcmp(fields->items[column], "-") == 0)
        return is_before;
    return parse_i32(fields->items[column], &pid) >= 0 && contains(pids, pid);
}

static int choose_lines(const char *output, const PidList *pids, StringBuffer *text, Error *err)
{
    _cleanup_string_list_ StringList lines = {}, titles = {};
    size_t column = 0;
    bool is_shown = false;

    string_list_split(&lines, output, '\n');
    split_fields(lines.items[0], 0, &titles);
    while (column < titles.count && strcmp(titles.items[column], "PID") != 0)
        column++;
    if (column == titles.count)
        return error_set(err, ERROR_INVALID, "couldn't find PID field in ps output");
    add_line(text, &titles);
    for (size_t i = 1; i < lines.count; i++) {
        _cleanup_string_list_ StringList fields = {};

        split_fields(lines.items[i], titles.count, &fields);
        is_shown = is_wanted(&fields, column, pids, is_shown);
        if (is_shown)
            add_line(text, &fields);
    }
    return 0;
}

/*
 * From here on this process, and the ps(1) that it executes, see ids as the container does; those
 * of the host would mean nothing to anybody. It gives rights away, which nothing needs any more.
 * One that has the host's ids, or has just ended, changes nothing.
 */
static void see_ids_of(pid_t pid)
{
    _cleanup_close_ int pidfd = pidfd_open(pid, 0);

    if (pidfd >= 0)
        (void)setns(pidfd, CLONE_NEWUSER);
}

int cli_container_top(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_(pid_list_done) PidList pids = {};
    _cleanup_string_list_ StringList arguments = {};
    _cleanup_string_buffer_ StringBuffer text = {}, table = {};
    _cleanup_free_ char *output = NULL;
    int r = invocation_parse(invocation, NULL, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = container_list_pids(engine, invocation->arguments[0], &pids.items, &pids.count, err);
    if (r < 0)
        return r;
    make_arguments(invocation, &arguments);
    if (pids.count > 0)
        see_ids_of(pids.items[0]);
    r = run_ps(&arguments, &output, err);
    if (r >= 0)
        r = choose_lines(output, &pids, &text, err);
    if (r < 0)
        return r;
    table_add_wide(&table, string_buffer_get(&text), COLUMN_WIDTH);
    fputs(string_buffer_get(&table), stdout); /* main() tells of a full disk */
    return 0;
}
