/* SPDX-License-Identifier: Apache-2.0 */

/* `cay-oci state`: one container as JSON (runtime.md, "State", and what runc adds). */

#include <jansson.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "oci/commands.h"
#include "oci/container-listing.h"

int oci_state(Invocation *invocation, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL, *line = NULL;
    int r = invocation_parse(invocation, NULL, err);

    if (r >= 0)
        r = container_open_argument(invocation, &container, err);
    if (r < 0)
        return r;
    json = container_listing_to_json(container, "");
    text = json_dumps(json, JSON_INDENT(2));
    line = memory_printf("%s\n", text);
    return output_text(line, err);
}
