/* SPDX-License-Identifier: Apache-2.0 */

/* `cay attach`: this terminal, or these pipes, for a container that runs. */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/open-engine.h"
#include "engine/container.h"

typedef struct AttachOptions {
    char *detach_keys;
    bool no_stdin;
    bool sig_proxy;
} AttachOptions;

static const Option attach_options[] = {
    { "detach-keys", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(AttachOptions, detach_keys),
      .help = "Keys that leave a container with a terminal (default \"ctrl-p,ctrl-q\")" },
    { "no-stdin", .type = OPTION_BOOL, .offset = offsetof(AttachOptions, no_stdin),
      .help = "Do not attach to the container's input" },
    { "sig-proxy", .type = OPTION_BOOL, .offset = offsetof(AttachOptions, sig_proxy),
      .help = "Pass received signals on to the process (default true)" },
};

const OptionTable container_attach_option_table = { OPTION_TABLE(attach_options) };

static void attach_options_done(AttachOptions *options)
{
    free(options->detach_keys);
}

int cli_container_attach(Invocation *invocation, Error *err)
{
    _cleanup_(attach_options_done) AttachOptions options = { .sig_proxy = true };
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_shim_exit_ ShimExit exit = {};
    RelayOptions relay = { .stdio = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO } };
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation,
                              detach_keys_parse(options.detach_keys, &relay.detach_keys, err));
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r < 0)
        return r;
    relay.proxy_signals = options.sig_proxy;
    if (options.no_stdin)
        relay.stdio[0] = -EBADF;
    r = container_attach(engine, invocation->arguments[0], &relay, &exit, err);
    if (r == SHIM_RELAY_DETACHED)
        return 0;
    return r < 0 ? r : exit.code;
}
