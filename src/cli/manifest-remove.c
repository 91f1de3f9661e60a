/* SPDX-License-Identifier: Apache-2.0 */

/* `cay manifest rm`: lists are forgotten here; nothing happens to what was pushed. */

#include <stdlib.h>

#include "cli/commands.h"
#include "cli/manifest-command.h"

/* Each is tried, whatever becomes of the others. */
int cli_manifest_remove(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    ImageTransports transports;
    int r = invocation_parse(invocation, NULL, err), result = 0;

    if (r >= 0)
        r = open_transports(invocation, false, &engine, &transports, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < invocation->n_arguments; i++) {
        _cleanup_error_ Error problem = {};
        _cleanup_free_ char *name = NULL;

        r = manifest_list_name(invocation->arguments[i], &name, &problem);
        if (r >= 0)
            r = manifest_list_remove(transports.store, name, &problem);
        if (r < 0)
            result = invocation_continue(invocation, result, r, &problem, err);
    }
    return result;
}
