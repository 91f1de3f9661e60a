/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The command line of `cay run` (and of `create`) as a ContainerSpec and what only the command
 * itself needs. Options are spelled and behave as Docker's.
 */

#include "base/error.h"
#include "base/string-list.h"
#include "cli/command.h"
#include "engine/container-spec.h"

/* What to do about an image that is, or is not, here already. */
typedef enum PullPolicy {
    PULL_MISSING,
    PULL_ALWAYS,
    PULL_NEVER,
} PullPolicy;

typedef struct RunOptions {
    ContainerSpec spec;
    PullPolicy pull;
    char *cidfile; /* NULL: none */
    bool quiet;
    bool sig_proxy;
    bool no_healthcheck;
    bool detach;
    char *detach_keys; /* NULL: the default */
    unsigned attach;   /* bit per descriptor; 0: nothing was said */

    /* As given; run_options_parse() moves them into the spec. */
    StringList environment_files;
    StringList label_files;
    StringList environment;
    StringMap labels;
    char *entrypoint;
    ContainerNetwork network; /* what is said without a network's name: of the first one */
    StringList net_rates;
    ContainerPortBindings unpublish; /* of `update` */
} RunOptions;

extern const OptionTable run_option_table;
extern const OptionTable create_option_table;

/* The defaults. */
#define RUN_OPTIONS_INIT                                                                           \
    (RunOptions)                                                                                   \
    {                                                                                              \
        .sig_proxy = true                                                                          \
    }

void run_options_done(RunOptions *options);
#define _cleanup_run_options_ _cleanup_(run_options_done)

/*
 * Parse the arguments of @invocation (options, image, command) into @options, which holds the
 * defaults, read the files that they name, and check the result as container_spec_validate() does.
 * A negative result is the command's to return; it may also mean that help was shown.
 * Errors: INVALID, UNSUPPORTED; SYSTEM (a file cannot be read). All count as misuse.
 */
int run_options_parse(Invocation *invocation, RunOptions *options, Error *err);

/*
 * The streams that the command relays, as bits: those of --attach, else, in the foreground, input
 * where it is interactive, and both outputs.
 */
unsigned run_options_streams(const RunOptions *options);

/*
 * A terminal for the container, with input, needs one here: on standard input.
 * Errors: INVALID "the input device is not a TTY".
 */
int run_options_check_terminal(const RunOptions *options, bool stdin_is_terminal, Error *err);
