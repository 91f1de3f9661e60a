/* SPDX-License-Identifier: Apache-2.0 */

/* What is accepted as an image, whoever brings it. */

#include "image/image-checks.h"

#include <string.h>

static const char *const layer_types[] = {
    MEDIA_TYPE_OCI_LAYER,
    MEDIA_TYPE_OCI_LAYER "+gzip",
    MEDIA_TYPE_OCI_LAYER "+zstd",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    MEDIA_TYPE_DOCKER_LAYER,
    MEDIA_TYPE_DOCKER_LAYER ".gzip",
    MEDIA_TYPE_DOCKER_LAYER ".zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
};

static const char *const config_types[] = { MEDIA_TYPE_OCI_CONFIG, MEDIA_TYPE_DOCKER_CONFIG };

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; text && i < count; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

int image_check_type(const char *digest, const char *said, const char *own, Error *err)
{
    if (said && own && strcmp(said, own) != 0)
        return error_set(err, ERROR_INVALID,
                         "image manifest '%s': it says to be '%.100s', its descriptor '%.100s'",
                         digest, own, said);
    return 0;
}

int image_check_manifest(const Manifest *manifest, Error *err)
{
    const char *type = manifest->config.media_type;

    if (!is_one_of(type, config_types, ARRAY_SIZE(config_types)))
        return error_set(err, ERROR_UNSUPPORTED,
                         "it is no image, but an artifact of the type '%.100s'", type ? type : "");
    for (size_t i = 0; i < manifest->layers.count; i++) {
        const Descriptor *layer = &manifest->layers.items[i];

        if (!is_one_of(layer->media_type, layer_types, ARRAY_SIZE(layer_types)))
            return error_set(err, ERROR_UNSUPPORTED, "layer '%s' has the unknown type '%.100s'",
                             layer->digest, layer->media_type ? layer->media_type : "");
    }
    return 0;
}

int image_check_config(const Manifest *manifest, const ImageConfig *config, Error *err)
{
    if (config->rootfs.diff_ids.count != manifest->layers.count)
        return error_set(err, ERROR_INVALID,
                         "image manifest: %zu layers, but the configuration has %zu",
                         manifest->layers.count, config->rootfs.diff_ids.count);
    if (strcmp(config->os, "linux") != 0)
        return error_set(err, ERROR_UNSUPPORTED, "an image for '%.40s/%.40s' cannot run on linux",
                         config->os, config->architecture);
    return 0;
}

static bool is_readable(const Descriptor *descriptor)
{
    return descriptor->media_type && (media_type_is_manifest(descriptor->media_type) ||
                                      media_type_is_index(descriptor->media_type));
}

const Descriptor *image_index_choose(const ManifestIndex *index, const Platform *platform)
{
    const Descriptor *best = NULL;
    int best_rank = 0;

    for (size_t i = 0; i < index->manifests.count; i++) {
        const Descriptor *descriptor = &index->manifests.items[i];
        int rank = is_readable(descriptor) && descriptor->platform
                       ? platform_rank(platform, descriptor->platform)
                       : 0;

        if (rank > best_rank) {
            best = descriptor;
            best_rank = rank;
        }
    }
    return best;
}

const Descriptor *image_index_next_unsaid(const ManifestIndex *index, const Descriptor *previous)
{
    size_t i = previous ? (size_t)(previous - index->manifests.items) + 1 : 0;

    for (; i < index->manifests.count; i++)
        if (is_readable(&index->manifests.items[i]) && !index->manifests.items[i].platform)
            return &index->manifests.items[i];
    return NULL;
}
