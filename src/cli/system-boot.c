/* SPDX-License-Identifier: Apache-2.0 */

/* `cay system boot`: what the service manager calls when the machine is up. */

#include <stdio.h>

#include "cli/commands.h"
#include "cli/open-engine.h"
#include "engine/container.h"

int cli_system_boot(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_string_list_ StringList started = {};
    size_t n_failed;
    int r = invocation_parse(invocation, NULL, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = container_boot(engine, &started, &n_failed, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < started.count; i++)
        printf("%s\n", started.items[i]);
    if (n_failed > 0)
        return error_set(err, ERROR_UNAVAILABLE, "%zu of %zu containers could not be started",
                         n_failed, n_failed + started.count);
    return 0;
}
