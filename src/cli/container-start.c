/* SPDX-License-Identifier: Apache-2.0 */

/* `cay start`: containers that were created or have ended, in the background or attached. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/each-argument.h"
#include "cli/open-engine.h"
#include "engine/container.h"

typedef struct StartOptions {
    bool attach;
    bool interactive;
    char *detach_keys;
} StartOptions;

static const Option start_options[] = {
    { "attach", 'a', .type = OPTION_BOOL, .offset = offsetof(StartOptions, attach),
      .help = "Attach to the container's output and pass signals on" },
    { "detach-keys", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(StartOptions, detach_keys),
      .help = "Keys that leave a container with a terminal (default \"ctrl-p,ctrl-q\")" },
    { "interactive", 'i', .type = OPTION_BOOL, .offset = offsetof(StartOptions, interactive),
      .help = "Attach to the container's input" },
};

static const UnsupportedOption unsupported_options[] = {
    { "checkpoint", .instead = "there are no checkpoints" },
    { "checkpoint-dir", .instead = "there are no checkpoints" },
};

const OptionTable container_start_option_table = {
    OPTION_TABLE(start_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
};

static void start_options_done(StartOptions *options)
{
    free(options->detach_keys);
}

/* Claim it; *ret stays NULL where it runs already, which is as good. */
static int claim(Engine *engine, const char *name, ContainerClaim **ret, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_error_ Error problem = {};
    int r = container_claim_stopped(engine, name, ret, &problem);

    if (r >= 0)
        return 0;
    if (problem.kind == ERROR_CONFLICT &&
        container_find_live(engine, name, &container, NULL) >= 0) {
        if (container->state == CONTAINER_RUNNING)
            return 0;
        if (container->state == CONTAINER_PAUSED)
            return error_set(err, ERROR_CONFLICT,
                             "container '%s' is paused: unpause it instead of starting it", name);
    }
    error_move(err, &problem);
    return r;
}

static int start_in_background(Engine *engine, const char *name, void *data, Error *err)
{
    _cleanup_(container_claim_freep) ContainerClaim *container = NULL;
    int r = claim(engine, name, &container, err);

    (void)data;
    return r < 0 || !container ? r : container_start(container, false, -EBADF, err);
}

static int start_attached(Engine *engine, const char *name, const StartOptions *options, Error *err)
{
    _cleanup_(container_claim_freep) ContainerClaim *container = NULL;
    _cleanup_shim_exit_ ShimExit exit = {};
    RelayOptions relay = {
        .stdio = { -EBADF, STDOUT_FILENO, STDERR_FILENO },
        .proxy_signals = true,
    };
    int r = detach_keys_parse(options->detach_keys, &relay.detach_keys, err);

    if (r >= 0)
        r = claim(engine, name, &container, err);
    if (r < 0)
        return r;
    if (!container) {
        relay.stdio[0] = options->interactive ? STDIN_FILENO : -EBADF;
        r = container_attach(engine, name, &relay, &exit, err);
    } else {
        const ContainerSpec *spec = &container_claim_get(container)->spec;

        relay.terminal = spec->tty;
        relay.stdio[0] = options->interactive && spec->open_stdin ? STDIN_FILENO : -EBADF;
        r = container_start(container, true, spec->tty ? STDOUT_FILENO : -EBADF, err);
        if (r >= 0)
            r = container_relay(container, &relay, &exit, err);
    }
    if (r == SHIM_RELAY_DETACHED)
        return 0;
    return r < 0 ? r : exit.code;
}

int cli_container_start(Invocation *invocation, Error *err)
{
    _cleanup_(start_options_done) StartOptions options = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = invocation_parse(invocation, &options, err);

    if (r < 0)
        return r;
    if ((options.attach || options.interactive) && invocation->n_arguments > 1)
        return invocation_misuse(
            invocation,
            error_set(err, ERROR_INVALID, "only one container can be started and attached to"));
    r = open_engine(invocation, &engine, err);
    if (r < 0)
        return r;
    if (options.attach || options.interactive)
        return start_attached(engine, invocation->arguments[0], &options, err);
    return each_argument(invocation, engine, start_in_background, NULL, err);
}
