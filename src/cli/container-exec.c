/* SPDX-License-Identifier: Apache-2.0 */

/* `cay exec`: one more program in a container that runs. */

#include "engine/container-exec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/environment-file.h"
#include "cli/open-engine.h"

typedef struct ExecOptions {
    ContainerExecOptions exec;
    StringList environment_files;
    StringList environment; /* as given */
    char *detach_keys;
    bool detach;
} ExecOptions;

static void exec_options_done(ExecOptions *options)
{
    container_exec_options_done(&options->exec);
    string_list_done(&options->environment_files);
    string_list_done(&options->environment);
    free(options->detach_keys);
}

#define EXEC(member) .offset = offsetof(ExecOptions, exec.member)
#define OWN(member) .offset = offsetof(ExecOptions, member)
#define FLAG .type = OPTION_BOOL
#define TEXT(placeholder) .type = OPTION_STRING, .argument = (placeholder)
#define LIST .type = OPTION_STRING_LIST, .argument = "list"

static const Option exec_options[] = {
    { "detach", 'd', FLAG, OWN(detach), .help = "Do not wait for the program's end" },
    { "detach-keys", TEXT("string"), OWN(detach_keys),
      .help = "Keys that leave the program to itself (default \"" DETACH_KEYS_DEFAULT "\")" },
    { "env", 'e', LIST, OWN(environment), .help = "Set environment variables" },
    { "env-file", LIST, OWN(environment_files), .help = "Read environment variables from a file" },
    { "interactive", 'i', FLAG, EXEC(open_stdin), .help = "Keep standard input open" },
    { "privileged", FLAG, EXEC(privileged), .help = "Give all capabilities to the program" },
    { "tty", 't', FLAG, EXEC(tty), .help = "Allocate a pseudo-terminal" },
    { "user", 'u', TEXT("string"), EXEC(user),
      .help = "User name or UID (format: <name|uid>[:<group|gid>])" },
    { "workdir", 'w', TEXT("string"), EXEC(working_directory),
      .help = "Working directory inside the container" },
};

const OptionTable container_exec_option_table = {
    OPTION_TABLE(exec_options),
    .stop_at_positional = true,
};

/* Files first: the command line wins. "NAME" alone takes the value it has here. */
static int collect_environment(ExecOptions *options, Error *err)
{
    StringList *variables = &options->exec.environment;

    for (size_t i = 0; i < options->environment_files.count; i++) {
        int r = environment_file_read(options->environment_files.items[i], getenv, variables, err);

        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < options->environment.count; i++) {
        const char *variable = options->environment.items[i];
        const char *value = strchr(variable, '=') ? NULL : getenv(variable);

        if (*variable == '\0' || *variable == '=')
            return error_set(err, ERROR_INVALID, "invalid environment variable '%s'", variable);
        if (value)
            string_list_printf(variables, "%s=%s", variable, value);
        else
            string_list_add(variables, variable);
    }
    return 0;
}

static int parse(Invocation *invocation, ExecOptions *options, RelayOptions *relay, Error *err)
{
    int r = invocation_parse(invocation, options, err);

    if (r < 0)
        return r;
    for (size_t i = 1; i < invocation->n_arguments; i++)
        string_list_add(&options->exec.command, invocation->arguments[i]);
    if (options->detach)
        options->exec.open_stdin = false; /* nobody would ever write to it */
    if (options->exec.tty)
        options->exec.terminal_fd = isatty(STDIN_FILENO) ? STDIN_FILENO : STDOUT_FILENO;
    *relay = (RelayOptions) {
        .stdio = { options->exec.open_stdin ? STDIN_FILENO : -EBADF, STDOUT_FILENO, STDERR_FILENO },
        .terminal = options->exec.tty,
    };
    if (options->exec.tty && options->exec.open_stdin && !isatty(STDIN_FILENO))
        return error_set(err, ERROR_INVALID,
                         "the input device is not a TTY: leave '-t' out, or run it in a terminal");
    r = detach_keys_parse(options->detach_keys, &relay->detach_keys, err);
    if (r >= 0)
        r = collect_environment(options, err);
    return invocation_misuse(invocation, r);
}

int cli_container_exec(Invocation *invocation, Error *err)
{
    _cleanup_(exec_options_done) ExecOptions options = { .exec = { .terminal_fd = -EBADF } };
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_(container_exec_freep) ContainerExec *exec = NULL;
    _cleanup_shim_exit_ ShimExit exit = {};
    RelayOptions relay;
    int r = parse(invocation, &options, &relay, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = container_exec_start(engine, invocation->arguments[0], &options.exec, &exec, err);
    if (r < 0 || options.detach)
        return r;
    r = container_exec_relay(exec, &relay, &exit, err);
    if (r == SHIM_RELAY_DETACHED)
        return error_set(err, ERROR_CONFLICT, "read escape sequence");
    return r < 0 ? r : exit.code;
}
