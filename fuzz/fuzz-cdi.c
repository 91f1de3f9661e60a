/* SPDX-License-Identifier: Apache-2.0 */

/* Feeds arbitrary text to the reader of CDI specifications. Each device of one that is accepted is
 * found by its name. */

#include <stdint.h>
#include <stdlib.h>

#include "base/yaml-json.h"
#include "engine/cdi-spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(cdi_spec_freep) CdiSpec *spec = NULL;
    _cleanup_json_ json_t *json = NULL;

    if (yaml_parse((const char *)data, size, &json, NULL) < 0 ||
        cdi_spec_parse(json, &spec, NULL) < 0)
        return 0;
    for (size_t i = 0; i < spec->devices.count; i++)
        if (cdi_spec_find(spec, spec->devices.items[i].name) != &spec->devices.items[i])
            abort();
    return 0;
}
