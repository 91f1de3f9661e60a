/* SPDX-License-Identifier: Apache-2.0 */

/* The configuration of an image that is pulled: small, so it is read into memory and checked. */

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/image-checks.h"
#include "image/image-pull-private.h"

/* Its blob, open for reading. */
static int open_config(Pull *pull, const Descriptor *descriptor, int *ret_fd, Error *err)
{
    _cleanup_(registry_transfer_freep) RegistryTransfer *transfer = NULL;
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (pull->source->ops->open_blob)
        return pull->source->ops->open_blob(pull->source, descriptor, ret_fd, err);
    fd = memfd_create("image-config", MFD_CLOEXEC);
    if (fd < 0)
        return error_errno(err, "make a file for the image configuration");
    r = pull->source->ops->fetch(pull->source, descriptor, fd, &transfer, err);
    if (r >= 0)
        r = registry_transfer_wait(transfer, err);
    if (r < 0)
        return r;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return error_errno(err, "read the image configuration");
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int read_document(Pull *pull, const Descriptor *descriptor, const Digest *digest,
                         RegistryDocument *ret, Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (descriptor->size > IMAGE_JSON_MAX_SIZE)
        return error_set(err, ERROR_INVALID, "image configuration: longer than %d bytes",
                         IMAGE_JSON_MAX_SIZE);
    if (content_store_has(pull->store->content, digest, descriptor->size) &&
        content_store_read(pull->store->content, digest, &ret->text, &ret->size, NULL) >= 0)
        return 0; /* verified by reading it */

    r = open_config(pull, descriptor, &fd, err);
    if (r < 0)
        return r;
    r = fd_read_all(fd, IMAGE_JSON_MAX_SIZE, &ret->text, &ret->size);
    if (r < 0)
        return error_result(err, r, "read the image configuration");
    if ((int64_t)ret->size != descriptor->size)
        return error_set(err, ERROR_CORRUPT, "blob '%s' has %zu bytes, its descriptor says %lld",
                         descriptor->digest, ret->size, (long long)descriptor->size);
    ret->digest = digest_of(ret->text, ret->size);
    if (!digest_equal(&ret->digest, digest))
        return error_set(err, ERROR_CORRUPT, "digest mismatch: blob '%s' has the digest '%s'",
                         descriptor->digest, ret->digest.text);
    return 0;
}

static int check_platform(const Pull *pull, Error *err)
{
    const Platform image = { .os = pull->config.os,
                             .architecture = pull->config.architecture,
                             .variant = pull->config.variant };
    _cleanup_free_ char *wanted = platform_to_string(&pull->platform);
    _cleanup_free_ char *offered = platform_to_string(&image);

    if (pull->options->platform && !platform_matches(&pull->platform, &image))
        return error_set(err, ERROR_NOT_FOUND, "no image for platform '%s', there are: %s", wanted,
                         offered);
    return 0;
}

int pull_read_config(Pull *pull, Error *err)
{
    const Descriptor *descriptor = &pull->selection.manifest.config;
    Digest digest;
    int r;

    (void)digest_parse(descriptor->digest, &digest); /* checked when it was read */
    r = read_document(pull, descriptor, &digest, &pull->config_document, err);
    if (r < 0)
        return r;
    r = image_config_parse(pull->config_document.text, pull->config_document.size, &pull->config,
                           err);
    if (r >= 0)
        r = image_check_config(&pull->selection.manifest, &pull->config, err);
    if (r >= 0)
        r = check_platform(pull, err);
    return r;
}
