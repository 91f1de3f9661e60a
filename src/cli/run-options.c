/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From parsed options to a ContainerSpec: files are read, variables without a value take this
 * process's, and everything is checked before any work is done.
 */

#include "cli/run-options.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/environment-file.h"
#include "cli/run-network-options.h"
#include "engine/network-request.h"

#define SECCOMP_PROFILE_LIMIT (4U << 20)

void run_options_done(RunOptions *options)
{
    container_spec_done(&options->spec);
    free(options->cidfile);
    free(options->detach_keys);
    string_list_done(&options->environment_files);
    string_list_done(&options->label_files);
    string_list_done(&options->environment);
    string_map_done(&options->labels);
    free(options->entrypoint);
    network_request_done(&options->network);
    string_list_done(&options->net_rates);
    container_port_bindings_done(&options->unpublish);
    *options = (RunOptions) {};
}

static int read_environment_files(RunOptions *options, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < options->environment_files.count && r == 0; i++)
        r = environment_file_read(options->environment_files.items[i], getenv,
                                  &options->spec.environment, err);
    return r;
}

/* "NAME" alone takes the value it has here, or stays, to remove what the image sets. */
static void add_environment(RunOptions *options)
{
    for (size_t i = 0; i < options->environment.count; i++) {
        const char *variable = options->environment.items[i];
        const char *value = strchr(variable, '=') ? NULL : getenv(variable);

        if (value)
            string_list_printf(&options->spec.environment, "%s=%s", variable, value);
        else
            string_list_add(&options->spec.environment, variable);
    }
}

static int read_label_files(RunOptions *options, Error *err)
{
    _cleanup_string_list_ StringList lines = {};
    int r = 0;

    for (size_t i = 0; i < options->label_files.count && r == 0; i++)
        r = environment_file_read(options->label_files.items[i], NULL, &lines, err);
    for (size_t i = 0; i < lines.count && r == 0; i++) {
        char *value = strchr(lines.items[i], '=');

        if (value)
            *value++ = '\0';
        string_map_set(&options->spec.labels, lines.items[i], value ? value : "");
    }
    return r;
}

/* What was given on the command line wins over what files say. */
static void add_labels(RunOptions *options)
{
    for (size_t i = 0; i < options->labels.count; i++)
        string_map_set(&options->spec.labels, options->labels.items[i].key,
                       options->labels.items[i].value);
}

static void set_entrypoint(RunOptions *options)
{
    if (!options->entrypoint)
        return;
    options->spec.entrypoint_is_set = true;
    if (*options->entrypoint != '\0')
        string_list_add(&options->spec.entrypoint, options->entrypoint);
}

/* The engine takes a seccomp profile as text: the file is the user's, here. */
static int read_seccomp_profiles(StringList *security_options, Error *err)
{
    static const char *const prefixes[] = { "seccomp=", "seccomp:" };

    for (size_t i = 0; i < security_options->count; i++) {
        const char *option = security_options->items[i], *value = option + strlen(prefixes[0]);
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *text = NULL;
        int r;

        if ((strncmp(option, prefixes[0], strlen(prefixes[0])) != 0 &&
             strncmp(option, prefixes[1], strlen(prefixes[1])) != 0) ||
            !*value || strcmp(value, "builtin") == 0 || strcmp(value, "unconfined") == 0)
            continue;
        fd = open(value, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
            return error_errno(err, "open seccomp profile '%s'", value);
        r = fd_read_all(fd, SECCOMP_PROFILE_LIMIT, &text, NULL);
        if (r < 0)
            return error_result(err, r, "read seccomp profile '%s'", value);
        free(security_options->items[i]);
        security_options->items[i] = memory_printf("seccomp=%s", text + strspn(text, " \t\r\n"));
    }
    return 0;
}

static int refuse_healthcheck(RunOptions *options, Error *err)
{
    if (!options->no_healthcheck)
        return 0;
    if (options->spec.healthcheck)
        return error_set(err, ERROR_INVALID,
                         "'--no-healthcheck' conflicts with the options '--health-*'");
    options->spec.healthcheck = NEW(ContainerHealthcheck);
    string_list_add(&options->spec.healthcheck->test, "NONE");
    return 0;
}

/* What inspection tells of this command. */
static void tell_about_us(ContainerSpec *spec, const RunOptions *options)
{
    unsigned streams = run_options_streams(options);

    spec->attach_stdin = streams & 1U << 0;
    spec->attach_stdout = streams & 1U << 1;
    spec->attach_stderr = streams & 1U << 2;
    spec->container_id_file = memory_strdup(options->cidfile);
}

static int fill_spec(const Invocation *invocation, RunOptions *options, Error *err)
{
    ContainerSpec *spec = &options->spec;
    int r = read_environment_files(options, err);

    if (r == 0)
        r = read_label_files(options, err);
    if (r == 0)
        r = read_seccomp_profiles(&spec->security_options, err);
    if (r == 0)
        r = refuse_healthcheck(options, err);
    if (r < 0)
        return r;
    add_environment(options);
    add_labels(options);
    set_entrypoint(options);

    spec->image = memory_strdup(invocation->arguments[0]);
    for (size_t i = 1; i < invocation->n_arguments; i++)
        string_list_add(&spec->command, invocation->arguments[i]);
    if (options->detach && options->attach)
        return error_set(err, ERROR_INVALID, "'--detach' and '--attach' contradict each other");
    if (options->attach & 1U)
        spec->open_stdin = true;
    tell_about_us(spec, options);
    r = run_network_options_finish(options, err);
    return r < 0 ? r : container_spec_validate(spec, err);
}

int run_options_parse(Invocation *invocation, RunOptions *options, Error *err)
{
    int r = invocation_parse(invocation, options, err);

    if (r < 0)
        return r;
    r = invocation_misuse(invocation, fill_spec(invocation, options, err));
    if (r >= 0 && options->spec.oom_kill_disable && options->spec.memory == 0)
        log_warning("'--oom-kill-disable' without '--memory' may stop the whole host");
    return r;
}

unsigned run_options_streams(const RunOptions *options)
{
    const unsigned input = 1U << 0, outputs = 1U << 1 | 1U << 2;

    if (options->detach)
        return 0;
    if (options->attach)
        return options->attach;
    return outputs | (options->spec.open_stdin ? input : 0);
}

int run_options_check_terminal(const RunOptions *options, bool stdin_is_terminal, Error *err)
{
    if (options->spec.tty && (run_options_streams(options) & 1U) && !stdin_is_terminal)
        return error_set(err, ERROR_INVALID,
                         "the input device is not a TTY: leave '-t' out, or run it in a terminal");
    return 0;
}
