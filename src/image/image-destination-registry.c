/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository at a registry. What this machine knows to be in another repository there, since an
 * image of it was pulled or pushed under that name, need not be sent.
 */

#include <string.h>

#include "base/memory.h"
#include "image/image-destination-private.h"
#include "image/image-store-private.h"
#include "image/image-transport.h"

typedef struct RegistryDestination {
    ImageDestination destination;
    RegistryClient *client;
    char *domain;
    char *path;
    char *reference;
    ImageStore *store; /* NULL: nothing is known */
} RegistryDestination;

static RegistryDestination *of(ImageDestination *destination)
{
    return (RegistryDestination *)destination;
}

static int has_blob(ImageDestination *destination, const Descriptor *blob, Error *err)
{
    Digest digest = {};
    int64_t size = 0;
    int r;

    (void)digest_parse(blob->digest, &digest); /* checked when it was read */
    r = registry_client_has_blob(of(destination)->client, &digest, &size, err);
    return r > 0 && size != blob->size ? 0 : r;
}

static int upload(ImageDestination *destination, const Descriptor *blob, int file_fd,
                  RegistryTransfer **ret, Error *err)
{
    RegistryDestination *registry = of(destination);
    _cleanup_free_ char *mount_from = NULL;
    RegistryUpload request = { .size = blob->size, .file_fd = file_fd };

    (void)digest_parse(blob->digest, &request.digest); /* checked when it was read */
    if (registry->store)
        mount_from = image_store_find_other_repository(registry->store, &request.digest,
                                                       registry->domain, registry->path);
    request.mount_from = mount_from;
    return registry_client_upload(registry->client, &request, ret, err);
}

static RegistryClient *client_of(ImageDestination *destination)
{
    return of(destination)->client;
}

static int put_manifest(ImageDestination *destination, const RegistryDocument *manifest,
                        bool is_top, Error *err)
{
    RegistryDestination *registry = of(destination);

    if (is_top && strncmp(registry->reference, DIGEST_PREFIX, strlen(DIGEST_PREFIX)) == 0 &&
        strcmp(registry->reference, manifest->digest.text) != 0)
        return error_set(err, ERROR_INVALID,
                         "the image has the digest '%s', it cannot be pushed as '%s'",
                         manifest->digest.text, registry->reference);
    return registry_client_put_manifest(
        registry->client, is_top ? registry->reference : manifest->digest.text, manifest, err);
}

static int commit(ImageDestination *destination, Error *err)
{
    (void)destination; /* the last manifest has made it visible */
    (void)err;
    return 0;
}

static void destination_free(ImageDestination *destination)
{
    RegistryDestination *registry = of(destination);

    registry_client_close(registry->client);
    free(registry->domain);
    free(registry->path);
    free(registry->reference);
    free(registry);
}

static const ImageDestinationOps ops = {
    .has_blob = has_blob,
    .upload = upload,
    .client = client_of,
    .put_manifest = put_manifest,
    .commit = commit,
    .free = destination_free,
};

ImageDestination *image_destination_registry(RegistryClient *client, const Reference *repository,
                                             const char *reference, ImageStore *store)
{
    RegistryDestination *registry = NEW(RegistryDestination);

    *registry = (RegistryDestination) { .destination.ops = &ops,
                                        .client = client,
                                        .domain = memory_strdup(repository->domain),
                                        .path = memory_strdup(repository->path),
                                        .reference = memory_strdup(reference),
                                        .store = store };
    return &registry->destination;
}

void image_destination_registry_name(ImageDestination *destination, const char *reference)
{
    RegistryDestination *registry = of(destination);

    free(registry->reference);
    registry->reference = memory_strdup(reference);
}
