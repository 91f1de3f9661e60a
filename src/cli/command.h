/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A command of the command line as data, and one invocation of it.
 *
 * Errors have two faces. A wrong command line is the caller's: it is reported as
 * `cay run: unknown option ...`. What fails while a well-formed command is carried out is reported
 * as `cay: no such image: ...`. An invocation knows which of the two it is.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/options.h"

#define COMMAND_NAMES_MAX 5
#define ANY_NUMBER UINT_MAX

typedef struct Invocation Invocation;

/* Returns the exit code, or -errno with @err set. */
typedef int (*CommandFunction)(Invocation *invocation, Error *err);

typedef enum CommandFlags {
    COMMAND_COMMON = 1 << 0,   /* among the first in `cay --help` */
    COMMAND_HIDDEN = 1 << 1,   /* works, but is not shown */
    COMMAND_EXECUTES = 1 << 2, /* its exit code is a program's, or says why that was not executed */
} CommandFlags;

typedef struct Command {
    const char *names[COMMAND_NAMES_MAX]; /* all spellings; the first one names the manual page */
    const char *arguments;                /* as the usage line shows them after "[OPTIONS]" */
    const char *summary;                  /* one sentence without a full stop */
    const char *description;              /* more for the manual page; may be NULL */
    const OptionTable *options;
    unsigned min_arguments, max_arguments;
    unsigned flags;
    int failure_code; /* exit code of an ordinary failure; 0 means 1 */
    CommandFunction execute;
} Command;

/* What stands before the command: `cay --state DIR ps`. */
typedef struct GlobalOptions {
    char *state;       /* NULL: the engine's default */
    char *runtime_dir; /* NULL: the engine's default */
    char *config_file; /* the same */
    bool debug;
    bool version;
} GlobalOptions;

struct Invocation {
    const Command *command;
    const char *name; /* the spelling that was used: "images" */
    const GlobalOptions *global;
    char **arguments; /* NULL-terminated; only the positional ones after invocation_parse() */
    size_t n_arguments;
    bool is_misuse;     /* the failure lies in the command line */
    bool wrong_options; /* more precisely, in its options */
    bool help_shown;    /* --help was asked for and answered: a success */
};

/*
 * Parse options into @target (which holds the defaults) and check the number of arguments. A
 * negative result is returned as it is; it may also mean that help was shown.
 */
int invocation_parse(Invocation *invocation, void *target, Error *err);

/* Mark @r, the result of a check of the command line itself, as misuse. Returns @r. */
int invocation_misuse(Invocation *invocation, int r);

/* Report on standard error in one line, its control characters made visible. */
void invocation_report(const Invocation *invocation, const Error *error);

/*
 * For commands that go on after a failure @r: what @err still holds is reported now, and @problem
 * takes its place, to be reported at the end. @so_far is the result until now; the new one is
 * returned.
 */
int invocation_continue(const Invocation *invocation, int so_far, int r, Error *problem,
                        Error *err);
