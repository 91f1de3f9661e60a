/* SPDX-License-Identifier: Apache-2.0 */

/* `cay secret rm`. */

#include <stdio.h>

#include "cli/commands.h"
#include "cli/open-engine.h"
#include "engine/container.h"
#include "engine/secret.h"

typedef struct RemoveOptions {
    bool ignore;
} RemoveOptions;

static const Option remove_options[] = {
    { "ignore", 'i', .type = OPTION_BOOL, .offset = offsetof(RemoveOptions, ignore),
      .help = "It is no failure if there is no such secret" },
};

static const UnsupportedOption unsupported_options[] = {
    { "all", 'a', .instead = "name them: 'cay secret rm $(cay secret ls --quiet)'" },
};

const OptionTable secret_remove_option_table = {
    OPTION_TABLE(remove_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
};

/* Each is tried, whatever becomes of the others. */
int cli_secret_remove(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    RemoveOptions options = {};
    int r = invocation_parse(invocation, &options, err), result = 0;

    if (r >= 0) /* a container that was being made or removed uses nothing any more */
        r = open_engine_recovered(invocation, &engine, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < invocation->n_arguments; i++) {
        _cleanup_error_ Error problem = {};

        r = secret_remove(engine, invocation->arguments[i], &problem);
        if (r >= 0)
            printf("%s\n", invocation->arguments[i]);
        else if (!options.ignore || problem.kind != ERROR_NOT_FOUND)
            result = invocation_continue(invocation, result, r, &problem, err);
    }
    return result;
}
