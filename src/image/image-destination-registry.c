/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository at a registry. What this machine knows to be in another repository there, since an
 * image of it was pulled or pushed under that name, need not be sent.
 */

#include <errno.h>
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
    char *source;      /* path of the repository from which all comes; NULL: from elsewhere */
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

/* Where the registry may have the blob; the caller frees it. */
static char *find_elsewhere(const RegistryDestination *registry, const Digest *digest)
{
    if (registry->source)
        return memory_strdup(registry->source);
    return registry->store ? image_store_find_other_repository(registry->store, digest,
                                                               registry->domain, registry->path)
                           : NULL;
}

static int upload(ImageDestination *destination, const Descriptor *blob, int file_fd,
                  RegistryTransfer **ret, Error *err)
{
    RegistryDestination *registry = of(destination);
    _cleanup_free_ char *mount_from = NULL;
    RegistryUpload request = { .size = blob->size, .file_fd = file_fd };

    (void)digest_parse(blob->digest, &request.digest); /* checked when it was read */
    mount_from = find_elsewhere(registry, &request.digest);
    request.mount_from = mount_from;
    return registry_client_upload(registry->client, &request, ret, err);
}

static int mount(ImageDestination *destination, const Descriptor *blob, RegistryTransfer **ret,
                 Error *err)
{
    RegistryDestination *registry = of(destination);
    RegistryUpload request = { .size = blob->size,
                               .file_fd = -EBADF,
                               .mount_from = registry->source };
    int r;

    if (!registry->source)
        return 0;
    (void)digest_parse(blob->digest, &request.digest); /* checked when it was read */
    r = registry_client_upload(registry->client, &request, ret, err);
    return r < 0 ? r : 1;
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
    free(registry->source);
    free(registry);
}

static const ImageDestinationOps ops = {
    .has_blob = has_blob,
    .upload = upload,
    .client = client_of,
    .mount = mount,
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

void image_destination_registry_mount_from(ImageDestination *destination,
                                           const ImageLocation *source)
{
    _cleanup_reference_ Reference reference = {};
    RegistryDestination *registry;

    if (destination->ops != &ops || source->transport != IMAGE_TRANSPORT_REGISTRY ||
        reference_parse(source->name, &reference, NULL) < 0)
        return;
    registry = of(destination);
    free(TAKE_PTR(registry->source));
    if (strcmp(reference.domain, registry->domain) == 0 &&
        strcmp(reference.path, registry->path) != 0)
        registry->source = TAKE_PTR(reference.path);
}
