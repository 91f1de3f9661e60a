/* SPDX-License-Identifier: Apache-2.0 */

/* One thing done with each argument; one failure does not keep it from the others. */

#include "cli/each-argument.h"

#include <stdio.h>

int each_argument(const Invocation *invocation, Engine *engine, EachArgumentFunction function,
                  void *data, Error *err)
{
    int result = 0;

    for (size_t i = 0; i < invocation->n_arguments; i++) {
        _cleanup_error_ Error problem = {};
        int r = function(engine, invocation->arguments[i], data, &problem);

        if (r < 0) {
            result = invocation_continue(invocation, result, r, &problem, err);
            continue;
        }
        printf("%s\n", invocation->arguments[i]);
        (void)fflush(stdout); /* main() tells of a full disk */
    }
    return result;
}
