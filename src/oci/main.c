/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay-oci`: an OCI runtime for engines that know runc. Global options, the command, its exit code.
 * No process of it stays: a container's first process becomes its creator's parent's child.
 */

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "cay-config.h"
#include "oci/commands.h"
#include "oci/help.h"
#include "oci/log-record.h"
#include "sandbox/runtime-config.h"
#include "sandbox/self-exe.h"

static void global_options_done(GlobalOptions *options)
{
    free(options->root);
    free(options->log);
    free(options->log_format);
    free(options->rootless);
}

/* Each value of @allowed is a word between bars: "true|false|auto". NULL stands for the default. */
static int check_word(const char *option, const char *value, const char *allowed, Error *err)
{
    size_t length = value ? strlen(value) : 0;

    if (!value)
        return 0;
    for (const char *word = allowed; word; word = strchr(word, '|')) {
        word += *word == '|';
        if (length > 0 && strcspn(word, "|") == length && strncmp(word, value, length) == 0)
            return 0;
    }
    return error_set(err, ERROR_INVALID, "invalid value '%s' for option '--%s': write '%s'", value,
                     option, allowed);
}

/* In the form that engines read out of runc's. */
static int print_version(Error *err)
{
    const struct scmp_version *library = seccomp_version();
    _cleanup_free_ char *text =
        memory_printf("cay-oci version %s\nspec: %s\nlibseccomp: %u.%u.%u\n", CAY_VERSION,
                      RUNTIME_CONFIG_VERSION, library->major, library->minor, library->micro);

    return output_text(text, err);
}

/* A descriptor that is missing now would be taken by the first file that is opened. */
static int fill_standard_descriptors(Error *err)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO && fd_set_cloexec(fd, false) >= 0);
    if (fd < 0)
        return error_errno(err, "open '/dev/null'");
    fd_close(fd);
    return 0;
}

/* Execute ourselves once more, from where no container can write. Returns only on failure, or when
 * that has happened already. */
static int seal(char **arguments, Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (self_exe_is_sealed())
        return 0;
    r = fill_standard_descriptors(err);
    if (r >= 0)
        r = self_exe_open_sealed("/proc/self/exe", &fd, err);
    if (r < 0)
        return error_wrap(err, r, "protect ourselves from the container");
    (void)execveat(fd, "", arguments, environ, AT_EMPTY_PATH);
    return error_errno(err, "execute ourselves");
}

/* Returns the exit code, or -errno. */
static int execute(Invocation *invocation, char **all_arguments, Error *err)
{
    const Command *command;
    int r = command_find(invocation->arguments[0], &command, err);

    if (r < 0)
        return r;
    invocation->command = command;
    invocation->arguments++;
    if (command->flags & COMMAND_SEALED) {
        r = seal(all_arguments, err);
        if (r < 0)
            return r;
    }
    r = command->execute(invocation, err);
    return invocation->help_shown ? EXIT_SUCCESS : r;
}

static int run(Invocation *invocation, GlobalOptions *global, char **all_arguments, Error *err)
{
    int r = options_parse(&global_option_table, invocation->arguments, global,
                          &invocation->n_arguments, err);

    if (r == OPTIONS_HELP)
        return help_print(err);
    if (r >= 0)
        r = check_word("log-format", global->log_format, "text|json", err);
    if (r >= 0)
        r = check_word("rootless", global->rootless, "true|false|auto", err);
    if (r < 0)
        return r;
    if (global->debug)
        log_set_level(LOG_LEVEL_DEBUG);
    if (global->version)
        return print_version(err);
    if (invocation->n_arguments == 0 || strcmp(invocation->arguments[0], "help") == 0)
        return help_print(err);
    return execute(invocation, all_arguments, err);
}

int main(int argc, char **argv)
{
    size_t count = argc > 0 ? (size_t)argc - 1 : 0; /* argc may be 0: argv[0] is NULL then */
    _cleanup_free_ char **arguments = NEW_ARRAY(char *, count + 1);
    _cleanup_(global_options_done) GlobalOptions global = {};
    _cleanup_error_ Error error = {};
    Invocation invocation = { .global = &global, .arguments = arguments };
    int r;

    memcpy(arguments, argv + (argc > 0), count * sizeof(*arguments));
    r = run(&invocation, &global, argv, &error);
    if (r >= 0)
        return r;
    log_record_report(&global, &error);
    if (invocation.command && invocation.command->failure_code != 0)
        return invocation.command->failure_code;
    return EXIT_FAILURE;
}
