/* SPDX-License-Identifier: Apache-2.0 */

/* `cay kill`, `cay pause`, `cay unpause` and `cay rename`: what is done at once. */

#include <signal.h>
#include <stdlib.h>

#include "base/parse.h"
#include "cli/commands.h"
#include "cli/each-argument.h"
#include "cli/open-engine.h"
#include "engine/container.h"

typedef struct KillOptions {
    char *signal; /* NULL: SIGKILL */
} KillOptions;

static const Option kill_options[] = {
    { "signal", 's', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(KillOptions, signal), .help = "Signal to send (default \"KILL\")" },
};

const OptionTable container_kill_option_table = { OPTION_TABLE(kill_options) };

static void kill_options_done(KillOptions *options)
{
    free(options->signal);
}

static int kill_one(Engine *engine, const char *name, void *data, Error *err)
{
    return container_kill(engine, name, *(const int *)data, err);
}

static int take_signal(const KillOptions *options, int *ret, Error *err)
{
    *ret = SIGKILL;
    if (options->signal && parse_signal(options->signal, ret) < 0)
        return error_set(err, ERROR_INVALID, "invalid signal '%s'", options->signal);
    return 0;
}

int cli_container_kill(Invocation *invocation, Error *err)
{
    _cleanup_(kill_options_done) KillOptions options = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    int signal, r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, take_signal(&options, &signal, err));
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    return r < 0 ? r : each_argument(invocation, engine, kill_one, &signal, err);
}

static int set_paused(Engine *engine, const char *name, void *data, Error *err)
{
    return container_set_paused(engine, name, *(const bool *)data, err);
}

static int set_all_paused(Invocation *invocation, bool is_paused, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = invocation_parse(invocation, NULL, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    return r < 0 ? r : each_argument(invocation, engine, set_paused, &is_paused, err);
}

int cli_container_pause(Invocation *invocation, Error *err)
{
    return set_all_paused(invocation, true, err);
}

int cli_container_unpause(Invocation *invocation, Error *err)
{
    return set_all_paused(invocation, false, err);
}

int cli_container_rename(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = invocation_parse(invocation, NULL, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    return r < 0
               ? r
               : container_rename(engine, invocation->arguments[0], invocation->arguments[1], err);
}
