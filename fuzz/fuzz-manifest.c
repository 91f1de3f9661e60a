/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary text to the parsers of an image's documents: manifest, index, configuration. What
 * is accepted has only proper digests, written out it is accepted again, and no text is both a
 * manifest and an index.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "image/image-config.h"
#include "image/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_descriptors(const DescriptorArray *array)
{
    Digest digest;

    for (size_t i = 0; i < array->count; i++)
        if (digest_parse(array->items[i].digest, &digest) < 0 || array->items[i].size < 0)
            abort();
}

static bool is_manifest(const char *text, size_t size)
{
    _cleanup_manifest_ Manifest manifest = {};
    _cleanup_manifest_ Manifest again = {};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *written = NULL;

    if (manifest_parse(text, size, &manifest, NULL) < 0)
        return false;
    check_descriptors(&manifest.layers);
    json = json_struct_write(&manifest_json, &manifest);
    written = json_to_text(json);
    if (manifest_parse(written, strlen(written), &again, NULL) < 0)
        abort();
    return true;
}

static bool is_index(const char *text, size_t size)
{
    _cleanup_manifest_index_ ManifestIndex index = {};

    if (manifest_index_parse(text, size, &index, NULL) < 0)
        return false;
    check_descriptors(&index.manifests);
    return true;
}

static void check_config(const char *text, size_t size)
{
    _cleanup_image_config_ ImageConfig config = {};
    _cleanup_image_config_ ImageConfig again = {};
    _cleanup_free_ Digest *chain_ids = NULL;
    _cleanup_free_ char *written = NULL;

    if (image_config_parse(text, size, &config, NULL) < 0)
        return;
    chain_ids = image_config_chain_ids(&config);
    written = image_config_to_text(&config);
    if (image_config_parse(written, strlen(written), &again, NULL) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data; /* of exactly this size: what is read beyond is seen */
    bool manifest = is_manifest(text, size), index = is_index(text, size);

    if (manifest && index)
        abort();
    check_config(text, size);
    return 0;
}
