/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay run` and `cay create`. In the foreground the exit status is the program's; 125, 126 and 127
 * say that it did not get that far.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/commands.h"
#include "cli/id-file.h"
#include "cli/open-engine.h"
#include "cli/run-options.h"
#include "cli/transfer-display.h"
#include "engine/container.h"
#include "engine/engine-pull.h"
#include "image/reference.h"

/* The container is made of what was found under the name @name (taken). */
static void use_image(RunOptions *options, char *name)
{
    free(options->spec.image);
    options->spec.image = name;
}

static int pull_image(Engine *engine, RunOptions *options, Error *err)
{
    _cleanup_(transfer_display_freep) TransferDisplay *display =
        transfer_display_new(stderr, options->quiet);
    EnginePull pull = {
        .name = options->spec.image,
        .platform = options->spec.platform,
        .progress = transfer_display_show,
        .progress_data = display,
    };
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *complete = NULL;
    int r = engine_pull(engine, &pull, &complete, err);

    if (r >= 0)
        r = reference_parse(complete, &reference, err);
    if (r >= 0)
        use_image(options, reference_to_familiar(&reference));
    return r;
}

/* "debian" is looked for as "debian:latest", and that is what is said. */
static void tell_missing(const char *name)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *whole = NULL;

    if (reference_parse(name, &reference, NULL) < 0)
        return; /* the pull tells why */
    reference_set_default_tag(&reference);
    whole = reference_to_familiar(&reference);
    fprintf(stderr, "Unable to find image '%s' locally\n", whole);
}

/* Have the image that the container is to be made of, by the policy of --pull. */
static int get_image(Engine *engine, RunOptions *options, Error *err)
{
    char *found = NULL;
    int r;

    if (options->pull == PULL_ALWAYS)
        return pull_image(engine, options, err);
    r = engine_has_image(engine, options->spec.image, options->spec.platform, &found, err);
    if (r < 0)
        return r;
    if (found)
        use_image(options, found);
    if (r > 0 || options->pull == PULL_NEVER)
        return 0;
    if (!options->quiet)
        tell_missing(options->spec.image);
    return pull_image(engine, options, err);
}

/* Make the container, and tell who asked for it by file. */
static int make_container(Engine *engine, RunOptions *options, ContainerClaim **ret, Error *err)
{
    _cleanup_(container_claim_freep) ContainerClaim *claim = NULL;
    _cleanup_id_file_ IdFile id_file = { .fd = -EBADF };
    int r = id_file_open(&id_file, options->cidfile, err);

    if (r >= 0)
        r = get_image(engine, options, err);
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
