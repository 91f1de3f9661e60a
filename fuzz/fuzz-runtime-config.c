/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary bytes to the parser of config.json. What is accepted must survive being written
 * and read again unchanged.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/runtime-config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
    _cleanup_(runtime_config_freep) RuntimeConfig *again = NULL;
    _cleanup_json_ json_t *once = NULL;
    _cleanup_json_ json_t *twice = NULL;
    _cleanup_free_ char *text = NULL;
    _cleanup_error_ Error err = {};

    if (runtime_config_parse((const char *)data, size, &config, &err) < 0)
        return 0;

    once = runtime_config_to_json(config);
    text = json_to_text(once);
    if (runtime_config_parse(text, strlen(text), &again, NULL) < 0)
        abort();
    twice = runtime_config_to_json(again);
    if (!json_equal(once, twice))
        abort();
    return 0;
}
