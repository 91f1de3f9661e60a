/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive: a layout is made in a staging directory, of hard links to the store's blobs, and
 * packed by the worker at the end. Docker, podman and skopeo all read what is made for Docker: its
 * own manifest.json leads to the same blobs as the layout's index.
 */

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/output-file.h"
#include "image/docker-manifest.h"
#include "image/image-destination-private.h"
#include "image/layout-writer.h"
#include "image/reference.h"
#include "image/worker-client.h"

typedef struct ArchiveDestination {
    ImageDestination destination;
    ContentStaging *staging;
    LayoutWriter *writer;
    char *path; /* NULL: standard output */
    OutputFile file;
    ImageArchiveFormat format;
    StringList names;    /* of the next image */
    DockerImages images; /* for manifest.json */
} ArchiveDestination;

static int archive_has_blob(ImageDestination *destination, const Descriptor *blob, Error *err)
{
    const ArchiveDestination *archive = (const ArchiveDestination *)destination;

    (void)err;
    return layout_writer_has_blob(archive->writer, blob);
}

static int archive_put_blob(ImageDestination *destination, const Descriptor *blob, int file_fd,
                            Error *err)
{
    ArchiveDestination *archive = (ArchiveDestination *)destination;

    return layout_writer_put_blob(archive->writer, blob, file_fd, err);
}

static char *member_of(const Descriptor *blob)
{
    return memory_printf("blobs/sha256/%s", blob->digest + strlen(DIGEST_PREFIX));
}

static void add_familiar_name(StringList *names, const char *name)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *familiar = NULL;

    if (reference_parse(name, &reference, NULL) < 0)
        return;
    familiar = reference_to_familiar(&reference);
    if (!string_list_contains(names, familiar))
        string_list_take(names, TAKE_PTR(familiar));
}

/* The image's entry in manifest.json, or the one that leads to the same. */
static int add_docker_image(ArchiveDestination *archive, const RegistryDocument *document,
                            Error *err)
{
    _cleanup_manifest_ Manifest manifest = {};
    _cleanup_free_ char *config = NULL;
    DockerImage *image = NULL;
    int r;

    if (media_type_is_index(document->media_type))
        return error_set(
            err, ERROR_UNSUPPORTED,
            "Docker's archives have no indexes: choose one image with '--platform', or "
            "use 'oci-archive:'");
    r = manifest_parse(document->text, document->size, &manifest, err);
    if (r < 0)
        return r;
    config = member_of(&manifest.config);
    for (size_t i = 0; i < archive->images.images.count; i++)
        if (strcmp(archive->images.images.items[i].config, config) == 0)
            image = &archive->images.images.items[i];
    if (!image) {
        image = JSON_ARRAY_ADD(&archive->images.images);
        image->config = TAKE_PTR(config);
        for (size_t i = 0; i < manifest.layers.count; i++)
            string_list_take(&image->layers, member_of(&manifest.layers.items[i]));
    }
    for (size_t i = 0; i < archive->names.count; i++)
        add_familiar_name(&image->names, archive->names.items[i]);
    return 0;
}

/* As Docker has it: the complete name, and its tag. */
static void annotate_docker_name(const char *name, StringMap *annotations)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *complete = NULL;

    if (reference_parse(name, &reference, NULL) < 0)
        return;
    complete = reference_to_string(&reference);
    string_map_set(annotations, ANNOTATION_IMAGE_NAME, complete);
    if (reference.tag)
        string_map_set(annotations, ANNOTATION_REF_NAME, reference.tag);
}

static void add_named(ArchiveDestination *archive, const RegistryDocument *manifest,
                      const char *name)
{
    _cleanup_string_map_ StringMap annotations = {};

    if (name && archive->format == IMAGE_ARCHIVE_DOCKER)
        annotate_docker_name(name, &annotations);
    else if (name)
        string_map_set(&annotations, ANNOTATION_REF_NAME, name);
    layout_writer_add_image(archive->writer, manifest, &annotations);
}

static int archive_put_manifest(ImageDestination *destination, const RegistryDocument *manifest,
                                bool is_top, Error *err)
{
    ArchiveDestination *archive = (ArchiveDestination *)destination;
    int r = layout_writer_put_document(archive->writer, manifest, err);

    if (r < 0 || !is_top)
        return r;
    if (archive->format == IMAGE_ARCHIVE_DOCKER) {
        r = add_docker_image(archive, manifest, err);
        if (r < 0)
            return r;
    }
    if (archive->names.count == 0)
        add_named(archive, manifest, NULL);
    for (size_t i = 0; i < archive->names.count; i++)
        add_named(archive, manifest, archive->names.items[i]);
    string_list_done(&archive->names);
    return 0;
}

static int archive_commit(ImageDestination *destination, Error *err)
{
    ArchiveDestination *archive = (ArchiveDestination *)destination;
    _cleanup_pack_result_ PackResult result = {};
    PackOptions options = { .source_fd = content_staging_fd(archive->staging),
                            .output_fd = archive->file.fd };
    int r = layout_writer_finish(archive->writer, false, err);

    if (r >= 0 && archive->format == IMAGE_ARCHIVE_DOCKER) {
        _cleanup_free_ char *text = docker_images_to_text(&archive->images);

        r = layout_writer_put_file(archive->writer, "manifest.json", text, err);
    }
    if (r < 0)
        return r;
    r = image_worker_pack(&options, &result, err);
    return r < 0 ? r : output_file_finish(&archive->file, err);
}

static void archive_free(ImageDestination *destination)
{
    ArchiveDestination *archive = (ArchiveDestination *)destination;

    layout_writer_free(archive->writer);
    if (archive->staging)
        content_staging_free(archive->staging);
    string_list_done(&archive->names);
    docker_images_done(&archive->images);
    output_file_done(&archive->file);
    free(archive->path);
    free(archive);
}

static const ImageDestinationOps archive_ops = {
    .has_blob = archive_has_blob,
    .put_blob = archive_put_blob,
    .put_manifest = archive_put_manifest,
    .commit = archive_commit,
    .free = archive_free,
};

int image_destination_open_archive(ContentStore *content, const char *path,
                                   ImageArchiveFormat format, ImageDestination **ret, Error *err)
{
    ArchiveDestination *archive = NEW(ArchiveDestination);
    _cleanup_(image_destination_freep) ImageDestination *destination = &archive->destination;
    _cleanup_close_ int lock_fd = -EBADF;
    int r;

    *archive = (ArchiveDestination) { .destination.ops = &archive_ops,
                                      .path = memory_strdup(path),
                                      .file = { .fd = -EBADF, .directory_fd = -EBADF },
                                      .format = format };
    r = output_file_open(archive->path, &archive->file, err);
    if (r < 0)
        return r;
    r = content_store_lock(content, CONTENT_LOCK_ADD, true, &lock_fd, err);
    if (r >= 0)
        r = content_staging_begin(content, &archive->staging, err);
    if (r >= 0)
        r = layout_writer_open(content_staging_fd(archive->staging), true, &archive->writer, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(destination);
    return 0;
}

void image_destination_archive_name(ImageDestination *destination, const StringList *names)
{
    ArchiveDestination *archive = (ArchiveDestination *)destination;

    string_list_done(&archive->names);
    string_list_copy(&archive->names, names);
}
