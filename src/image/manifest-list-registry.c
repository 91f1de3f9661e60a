/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lists of manifests need of registries: the manifest of an image and, for its platform, its
 * configuration; and at the end all images in one repository.
 */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/blob-copy.h"
#include "image/image-copy.h"
#include "image/image-select.h"
#include "image/manifest-list.h"

/* A configuration of a registry, in memory. */
static int read_config(ImageSource *source, const Descriptor *descriptor, ImageConfig *ret,
                       Error *err)
{
    _cleanup_(registry_transfer_freep) RegistryTransfer *transfer = NULL;
    _cleanup_close_ int fd = memfd_create("config", MFD_CLOEXEC);
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    int r;

    if (fd < 0)
        return error_errno(err, "make a file in memory");
    if (descriptor->size > IMAGE_JSON_MAX_SIZE)
        return error_set(err, ERROR_INVALID, "configuration '%s': longer than %d bytes",
                         descriptor->digest, IMAGE_JSON_MAX_SIZE);
    r = source->ops->fetch(source, descriptor, fd, &transfer, err);
    if (r >= 0)
        r = registry_transfer_wait(transfer, err);
    if (r >= 0)
        r = blob_check(descriptor, fd, err);
    if (r < 0)
        return r;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return error_errno(err, "read the configuration");
    r = fd_read_all(fd, IMAGE_JSON_MAX_SIZE, &text, &size);
    if (r < 0)
        return error_result(err, r, "read the configuration");
    return image_config_parse(text, size, ret, err);
}

/* Descriptor and platform of the image that @source leads to. */
static int describe(ImageSource *source, const char *reference, Descriptor *ret, Error *err)
{
    _cleanup_registry_document_ RegistryDocument document = {};
    _cleanup_manifest_ Manifest manifest = {};
    _cleanup_image_config_ ImageConfig config = {};
    int r = source->ops->read_manifest(source, NULL, &document, err);

    if (r < 0)
        return r;
    document.digest = digest_of(document.text, document.size);
    r = image_document_settle_type(NULL, &document, err);
    if (r < 0)
        return r;
    if (media_type_is_index(document.media_type))
        return error_set(err, ERROR_INVALID, "'%s' is a manifest list", reference);
    r = manifest_parse(document.text, document.size, &manifest, err);
    if (r >= 0)
        r = read_config(source, &manifest.config, &config, err);
    if (r < 0)
        return r;
    *ret = (Descriptor) { .media_type = TAKE_PTR(document.media_type),
                          .digest = memory_strdup(document.digest.text),
                          .size = (int64_t)document.size,
                          .platform = NEW(Platform) };
    *ret->platform = (Platform) { .os = TAKE_PTR(config.os),
                                  .architecture = TAKE_PTR(config.architecture),
                                  .variant = TAKE_PTR(config.variant),
                                  .os_version = TAKE_PTR(config.os_version) };
    return 0;
}

int manifest_list_add(ManifestList *list, const ImageTransports *transports, const char *text,
                      Error *err)
{
    _cleanup_(image_source_freep) ImageSource *source = NULL;
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *complete = NULL;
    ImageLocation location = { .transport = IMAGE_TRANSPORT_REGISTRY };
    Descriptor descriptor = {};
    ManifestListEntry *entry;
    int r = reference_parse(text, &reference, err);

    if (r < 0)
        return r;
    reference_set_default_tag(&reference);
    complete = reference_to_string(&reference);
    location.name = complete;
    r = image_location_open_source(&location, transports, &source, err);
    if (r >= 0)
        r = describe(source, text, &descriptor, err);
    if (r < 0)
        return r;
    entry = manifest_list_find(list, complete);
    if (!entry) {
        entry = JSON_ARRAY_ADD(&list->entries);
        entry->reference = TAKE_PTR(complete);
    }
    json_struct_done(&descriptor_json, &entry->descriptor);
    entry->descriptor = descriptor;
    return 0;
}

/* The image as it was when it was added, whatever its tag leads to by now. */
static int copy_entry(const ManifestListEntry *entry, const ImageTransports *transports,
                      ImageDestination *destination, const Reference *target, Error *err)
{
    _cleanup_(image_source_freep) ImageSource *source = NULL;
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *name = NULL, *repository = NULL, *target_repository = NULL;
    ImageLocation location = { .transport = IMAGE_TRANSPORT_REGISTRY };
    ImageCopyOptions options = { .destination = destination,
                                 .content = image_store_content(transports->store) };
    Digest digest;
    int r = reference_parse(entry->reference, &reference, err);

    if (r < 0)
        return r;
    repository = reference_repository(&reference);
    target_repository = reference_repository(target);
    if (strcmp(repository, target_repository) == 0)
        return 0; /* it is there */
    (void)digest_parse(entry->descriptor.digest, &reference.digest);
    name = reference_to_string(&reference);
    location.name = name;
    r = image_location_open_source(&location, transports, &source, err);
    if (r < 0)
        return r;
    options.source = source;
    image_destination_registry_mount_from(destination, &location);
    image_destination_registry_name(destination, entry->descriptor.digest);
    return image_copy_put(&options, &digest, NULL, err);
}

int manifest_list_push(const ManifestList *list, const ImageTransports *transports, Digest *ret,
                       Error *err)
{
    _cleanup_(image_destination_freep) ImageDestination *destination = NULL;
    _cleanup_registry_document_ RegistryDocument document = {};
    _cleanup_reference_ Reference target = {};
    const ImageLocation location = { .transport = IMAGE_TRANSPORT_REGISTRY, .name = list->name };
    int r = reference_parse(list->name, &target, err);

    if (r >= 0)
        r = image_location_open_destination(&location, transports, &destination, err);
    for (size_t i = 0; r >= 0 && i < list->entries.count; i++)
        r = copy_entry(&list->entries.items[i], transports, destination, &target, err);
    if (r < 0)
        return r;
    manifest_list_document(list, &document);
    image_destination_registry_name(destination, target.tag);
    r = destination->ops->put_manifest(destination, &document, true, err);
    if (r >= 0)
        r = destination->ops->commit(destination, err);
    if (r >= 0)
        *ret = document.digest;
    return r;
}
