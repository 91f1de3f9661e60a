/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A command of `cay-oci` as data, and one invocation of it. The command line is runc's, because
 * engines were written for that: see commands.c for the table.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/options.h"

#define ANY_NUMBER UINT_MAX

typedef struct Invocation Invocation;

/* Returns the exit code, or -errno with @err set. */
typedef int (*CommandFunction)(Invocation *invocation, Error *err);

typedef enum CommandFlags {
    COMMAND_SEALED = 1 << 0, /* a copy of us runs inside a container: see self-exe.h */
} CommandFlags;

typedef struct Command {
    const char *name;
    const char *arguments; /* as the usage line shows them after "[OPTIONS]" */
    const char *summary;   /* one sentence without a full stop */
    const OptionTable *options;
    unsigned min_arguments, max_arguments;
    unsigned flags;
    int failure_code; /* exit code of a failure; 0 means 1 */
    CommandFunction execute;
} Command;

/* What stands before the command: `cay-oci --root DIR list`. */
typedef struct GlobalOptions {
    char *root;       /* NULL: the default */
    char *log;        /* file that errors are recorded in; NULL: none */
    char *log_format; /* "text", "json"; NULL: "text" */
    char *rootless;   /* "false": it is an error when no cgroup can be made; NULL: it is not */
    bool debug;
    bool systemd_cgroup;
    bool version;
} GlobalOptions;

struct Invocation {
    const Command *command; /* NULL until it is known */
    const GlobalOptions *global;
    char **arguments; /* NULL-terminated; only the positional ones after invocation_parse() */
    size_t n_arguments;
    bool help_shown; /* --help was asked for and answered: a success */
};

/*
 * Parse options into @target (which holds the defaults) and check the number of arguments. A
 * negative result is returned as it is; it may also mean that help was shown.
 */
int invocation_parse(Invocation *invocation, void *target, Error *err);

/* Print all of @text. Errors: SYSTEM. */
int output_text(const char *text, Error *err);
