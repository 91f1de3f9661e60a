/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary text to the parsers of CNI: as a configuration, as the result of a plug-in and as
 * a chain that was kept. What is accepted must be safe to execute and to write into a file by
 * lines, and a kept chain must read the same again.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "network/cni-private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_config(const char *data, size_t size)
{
    _cleanup_cni_config_ CniConfig config = {};

    if (cni_config_parse(data, size, &config, NULL) < 0)
        return;
    if (!config.versions || !path_is_name(config.name) || json_array_size(config.plugins) == 0)
        abort();
    for (size_t i = 0; i < json_array_size(config.plugins); i++)
        if (!path_is_name(
                json_string_value(json_object_get(json_array_get(config.plugins, i), "type"))))
            abort();
}

static void check_words(const StringList *words)
{
    for (size_t i = 0; i < words->count; i++)
        if (!*words->items[i] || strpbrk(words->items[i], " \t\r\n"))
            abort();
}

static void check_result(const char *data, size_t size)
{
    _cleanup_cni_result_ CniResult result = {};
    _cleanup_json_ json_t *json = NULL;

    if (json_parse(data, size, &json, NULL) < 0 || cni_result_read(json, "eth0", &result, NULL) < 0)
        return;
    check_words(&result.servers);
    check_words(&result.searches);
    check_words(&result.options);
}

static void check_chain(const char *data, size_t size)
{
    _cleanup_(cni_chain_freep) CniChain *chain = NULL, *again = NULL;
    _cleanup_free_ char *text = NULL, *second = NULL;

    if (cni_chain_parse(data, size, &chain, NULL) < 0)
        return;
    text = cni_chain_to_text(chain);
    if (cni_chain_parse(text, strlen(text), &again, NULL) < 0)
        abort();
    second = cni_chain_to_text(again);
    if (strcmp(text, second) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_config((const char *)data, size);
    check_result((const char *)data, size);
    check_chain((const char *)data, size);
    return 0;
}
