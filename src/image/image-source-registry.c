/* SPDX-License-Identifier: Apache-2.0 */

/* A repository at a registry as a source. */

#include <errno.h>

#include "base/memory.h"
#include "image/image-source.h"

typedef struct RegistrySource {
    ImageSource source;
    RegistryClient *client;
    char *reference; /* a tag or a digest */
} RegistrySource;

static RegistrySource *of(ImageSource *source)
{
    return (RegistrySource *)source;
}

static int read_manifest(ImageSource *source, const Digest *digest, RegistryDocument *ret,
                         Error *err)
{
    RegistrySource *registry = of(source);

    return registry_client_get_manifest(registry->client,
                                        digest ? digest->text : registry->reference, ret, err);
}

static int fetch(ImageSource *source, const Descriptor *blob, int file_fd, RegistryTransfer **ret,
                 Error *err)
{
    RegistryFetch request = {
        .size = blob->size,
        .file_fd = file_fd,
        .urls = blob->urls.count > 0 ? &blob->urls : NULL,
    };

    (void)digest_parse(blob->digest, &request.digest); /* checked when it was read */
    return registry_client_fetch(of(source)->client, &request, ret, err);
}

static RegistryClient *client_of(ImageSource *source)
{
    return of(source)->client;
}

static void source_free(ImageSource *source)
{
    RegistrySource *registry = of(source);

    registry_client_close(registry->client);
    free(registry->reference);
    free(registry);
}

static const ImageSourceOps ops = {
    .read_manifest = read_manifest,
    .fetch = fetch,
    .client = client_of,
    .free = source_free,
};

ImageSource *image_source_registry(RegistryClient *client, const char *reference)
{
    RegistrySource *registry = NEW(RegistrySource);

    *registry = (RegistrySource) {
        .source = { .ops = &ops },
        .client = client,
        .reference = memory_strdup(reference),
    };
    return &registry->source;
}

void image_source_registry_change(ImageSource *source, const char *reference)
{
    free(of(source)->reference);
    of(source)->reference = memory_strdup(reference);
}
