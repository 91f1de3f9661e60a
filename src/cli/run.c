/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay run` and `cay create`. In the foreground the exit status is the program's; 125, 126 and 127
 * say that it did not get that far.
 */

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/commands.h"
#include "cli/id-file.h"
#include "cli/open-engine.h"
#include "cli/run-options.h"
#include "engine/container.h"

static int check_pull_policy(PullPolicy pull, Error *err)
{
    if (pull == PULL_ALWAYS)
        return error_set(err, ERROR_UNSUPPORTED,
                         "'--pull always' is not supported by this version: it has no registry "
                         "client yet, use 'cay load', 'cay import' or 'cay image bootstrap'");
    return 0;
}

/* Make the container, and tell who asked for it by file. */
static int make_container(Engine *engine, RunOptions *options, ContainerClaim **ret, Error *err)
{
    _cleanup_(container_claim_freep) ContainerClaim *claim = NULL;
    _cleanup_id_file_ IdFile id_file = { .fd = -EBADF };
    int r = id_file_open(&id_file, options->cidfile, err);

    if (r >= 0)
        r = container_create(engine, &options->spec, &claim, err);
    if (r >= 0)
        r = id_file_write(&id_file, container_claim_get(claim)->id, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(claim);
    return 0;
}

static int run_in_foreground(ContainerClaim *claim, const RunOptions *options, unsigned streams,
                             Error *err)
{
    _cleanup_shim_exit_ ShimExit exit = {};
    RelayOptions relay = {
        .terminal = container_claim_get(claim)->spec.tty,
        .proxy_signals = options->sig_proxy,
    };
    int r;

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        relay.stdio[fd] = streams & (1U << fd) ? fd : -EBADF;
    r = detach_keys_parse(options->detach_keys, &relay.detach_keys, err);
    if (r >= 0)
        r = container_start(claim, true, relay.terminal ? STDOUT_FILENO : -EBADF, err);
    if (r >= 0)
        r = container_relay(claim, &relay, &exit, err);
    if (r == SHIM_RELAY_DETACHED)
        return 0;
    return r < 0 ? r : exit.code;
}

static int run_in_background(ContainerClaim *claim, Error *err)
{
    int r = container_start(claim, false, -EBADF, err);

    if (r >= 0)
        printf("%s\n", container_claim_get(claim)->id);
    return r;
}

/* What both commands begin with. */
static int prepare(Invocation *invocation, RunOptions *options, Engine **ret, Error *err)
{
    int r = run_options_parse(invocation, options, err);

    if (r < 0)
        return r;
    r = check_pull_policy(options->pull, err);
    return r < 0 ? r : open_engine(invocation, ret, err);
}

int cli_run(Invocation *invocation, Error *err)
{
    _cleanup_run_options_ RunOptions options = RUN_OPTIONS_INIT;
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_(container_claim_freep) ContainerClaim *claim = NULL;
    unsigned streams;
    int r = prepare(invocation, &options, &engine, err);

    if (r < 0)
        return r;
    streams = run_options_streams(&options);
    r = run_options_check_terminal(&options, isatty(STDIN_FILENO), err);
    if (r < 0)
        return r;
    options.spec.stdin_once = streams & 1U; /* its input ends with ours */
    r = make_container(engine, &options, &claim, err);
    if (r < 0)
        return r;
    return options.detach ? run_in_background(claim, err)
                          : run_in_foreground(claim, &options, streams, err);
}

int cli_container_create(Invocation *invocation, Error *err)
{
    _cleanup_run_options_ RunOptions options = RUN_OPTIONS_INIT;
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_(container_claim_freep) ContainerClaim *claim = NULL;
    int r = prepare(invocation, &options, &engine, err);

    if (r < 0)
        return r;
    options.spec.stdin_once = options.spec.open_stdin && options.attach & 1U;
    r = make_container(engine, &options, &claim, err);
    if (r >= 0)
        r = container_claim_keep(claim, err);
    if (r >= 0)
        printf("%s\n", container_claim_get(claim)->id);
    return r;
}
