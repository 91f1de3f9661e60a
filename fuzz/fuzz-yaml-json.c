/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as YAML: refused, or a JSON value. */

#include "base/yaml-json.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *json = NULL;

    if (yaml_parse((const char *)data, size, &json, NULL) == 0)
        json_decref(json);
    return 0;
}
