/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `docker save` writes: manifest.json lists images by the names of their members. Since
 * version 25 an OCI layout is there as well, whose manifest is taken for what it is; else one is
 * made of the configuration and the layers.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/docker-manifest.h"
#include "image/image-layout.h"
#include "image/image-source-private.h"
#include "image/reference.h"

typedef struct DockerSource {
    ImageSource source;
    ImageFiles *files;
    RegistryDocument document; /* the manifest */
    StringMap paths;           /* of blobs, by digest; empty: those of the layout */
} DockerSource;

static bool has_name(const DockerImage *image, const Reference *wanted)
{
    _cleanup_free_ char *wanted_text = reference_to_string(wanted);

    for (size_t i = 0; i < image->names.count; i++) {
        _cleanup_reference_ Reference reference = {};
        _cleanup_free_ char *text = NULL;

        if (reference_parse(image->names.items[i], &reference, NULL) < 0)
            continue;
        text = reference_to_string(&reference);
        if (strcmp(text, wanted_text) == 0)
            return true;
    }
    return false;
}

static char *list_names(const DockerImages *images)
{
    _cleanup_string_list_ StringList names = {};

    for (size_t i = 0; i < images->images.count; i++)
        for (size_t j = 0; j < images->images.items[i].names.count; j++)
            string_list_printf(&names, "'%.200s'", images->images.items[i].names.items[j]);
    return names.count > 0 ? string_list_join(&names, ", ") : memory_strdup("none with a name");
}

static int choose(const DockerImages *images, const char *name, const DockerImage **ret, Error *err)
{
    _cleanup_reference_ Reference wanted = {};
    _cleanup_free_ char *names = list_names(images);
    int r;

    if (images->images.count == 0)
        return error_set(err, ERROR_NOT_FOUND, "the archive has no image");
    if (!name && images->images.count > 1)
        return error_set(err, ERROR_INVALID, "the archive has several images: name one of %s",
                         names);
    *ret = &images->images.items[0];
    if (!name)
        return 0;
    r = reference_parse(name, &wanted, err);
    if (r < 0)
        return r;
    reference_set_default_tag(&wanted);
    for (size_t i = 0; i < images->images.count; i++) {
        *ret = &images->images.items[i];
        if (has_name(*ret, &wanted))
            return 0;
    }
    return error_set(err, ERROR_NOT_FOUND, "the archive has no image '%.200s': there is %s", name,
                     names);
}

/* The manifest that the archive's layout has for the configuration @config. Returns 1 or 0. */
static int find_original(DockerSource *docker, const Digest *config, Error *err)
{
    _cleanup_manifest_index_ ManifestIndex index = {};
    _cleanup_registry_document_ RegistryDocument top = {};
    int r;

    if (!image_files_have(docker->files, "index.json"))
        return 0;
    r = image_files_read(docker->files, "index.json", &top, err);
    if (r < 0)
        return r;
    r = manifest_index_parse(top.text, top.size, &index, err);
    if (r < 0)
        return error_wrap(err, r, "index.json");
    for (size_t i = 0; i < index.manifests.count; i++) {
        const Descriptor *descriptor = &index.manifests.items[i];
        _cleanup_registry_document_ RegistryDocument document = {};
        _cleanup_free_ char *path = layout_blob_path(descriptor->digest);
        _cleanup_manifest_ Manifest manifest = {};

        if (!descriptor->media_type || !media_type_is_manifest(descriptor->media_type))
            continue;
        r = image_files_read(docker->files, path, &document, err);
        if (r >= 0)
            r = descriptor_check_document(descriptor, &document, err);
        if (r >= 0)
            r = manifest_parse(document.text, document.size, &manifest, err);
        if (r < 0)
            return r;
        if (strcmp(manifest.config.digest, config->text) != 0)
            continue;
        registry_document_set_type(&document, descriptor->media_type);
        docker->document = document;
        document = (RegistryDocument) {};
        return 1;
    }
    return 0;
}

/* What the file begins with says how it is compressed. */
static int layer_type(const ImageFiles *files, const char *path, const char **ret, Error *err)
{
    static const struct {
        const char *magic;
        size_t length;
        const char *type; /* NULL: OCI has none */
    } kinds[] = {
        { "\x1f\x8b", 2, MEDIA_TYPE_OCI_LAYER "+gzip" },
        { "\x28\xb5\x2f\xfd", 4, MEDIA_TYPE_OCI_LAYER "+zstd" },
        { "\xfd"
          "7zXZ",
          5, NULL },
        { "BZh", 3, NULL },
    };
    _cleanup_close_ int fd = -EBADF;
    char start[8] = {};
    ssize_t n;
    int r = image_files_open(files, path, &fd, NULL, err);

    if (r < 0)
        return r;
    n = fd_read_full(fd, start, sizeof(start));
    if (n < 0)
        return error_result(err, (int)n, "read '%.200s'", path);
    *ret = MEDIA_TYPE_OCI_LAYER;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (memcmp(start, kinds[i].magic, kinds[i].length) == 0)
            *ret = kinds[i].type;
    if (!*ret)
        return error_set(err, ERROR_UNSUPPORTED,
                         "layer '%.200s' is compressed in a way that images cannot name: load the "
                         "archive, and copy what was loaded",
                         path);
    return 0;
}

static int add_layer(DockerSource *docker, const char *path, Manifest *manifest, Error *err)
{
    const char *type;
    Digest digest = {};
    int64_t size;
    int r = image_files_digest(docker->files, path, &digest, &size, err);

    if (r >= 0)
        r = layer_type(docker->files, path, &type, err);
    if (r < 0)
        return r;
    descriptor_array_add(&manifest->layers, type, &digest, size);
    string_map_set(&docker->paths, digest.text, path);
    return 0;
}

/* Equal archives give equal manifests, and those of `cay load`. */
static int make_manifest(DockerSource *docker, const DockerImage *image,
                         const RegistryDocument *config, Error *err)
{
    _cleanup_manifest_ Manifest manifest = { .schema_version = 2 };
    _cleanup_json_ json_t *json = NULL;
    int r;

    if (image->layers.count > IMAGE_MAX_LAYERS)
        return error_set(err, ERROR_INVALID, "manifest.json: %zu layers, at most %d are accepted",
                         image->layers.count, IMAGE_MAX_LAYERS);
    manifest.media_type = memory_strdup(MEDIA_TYPE_OCI_MANIFEST);
    manifest.config.media_type = memory_strdup(MEDIA_TYPE_OCI_CONFIG);
    manifest.config.digest = memory_strdup(config->digest.text);
    manifest.config.size = (int64_t)config->size;
    string_map_set(&docker->paths, config->digest.text, image->config);
    for (size_t i = 0; i < image->layers.count; i++) {
        r = add_layer(docker, image->layers.items[i], &manifest, err);
        if (r < 0)
            return r;
    }
    json = json_struct_write(&manifest_json, &manifest);
    docker->document.text = json_to_text(json);
    docker->document.size = strlen(docker->document.text);
    docker->document.digest = digest_of(docker->document.text, docker->document.size);
    docker->document.media_type = memory_strdup(MEDIA_TYPE_OCI_MANIFEST);
    return 0;
}

static int docker_read_manifest(ImageSource *source, const Digest *digest, RegistryDocument *ret,
                                Error *err)
{
    const DockerSource *docker = (const DockerSource *)source;
    const RegistryDocument *document = &docker->document;

    if (digest && !digest_equal(digest, &document->digest))
        return error_set(err, ERROR_NOT_FOUND, "the archive has no manifest '%s'", digest->text);
    *ret = (RegistryDocument) { .text = memory_dup(document->text, document->size + 1),
                                .size = document->size,
                                .media_type = memory_strdup(document->media_type),
                                .digest = document->digest };
    return 0;
}

static int docker_open_blob(ImageSource *source, const Descriptor *blob, int *ret_fd, Error *err)
{
    const DockerSource *docker = (const DockerSource *)source;
    _cleanup_free_ char *in_layout = layout_blob_path(blob->digest);
    const char *path = string_map_get(&docker->paths, blob->digest);

    return image_files_open(docker->files, path ? path : in_layout, ret_fd, NULL, err);
}

static void docker_free(ImageSource *source)
{
    DockerSource *docker = (DockerSource *)source;

    image_files_free(docker->files);
    registry_document_done(&docker->document);
    string_map_done(&docker->paths);
    free(docker);
}

static const ImageSourceOps docker_ops = {
    .read_manifest = docker_read_manifest,
    .open_blob = docker_open_blob,
    .free = docker_free,
};

static int read_image(DockerSource *docker, const char *name, Error *err)
{
    _cleanup_docker_images_ DockerImages images = {};
    _cleanup_registry_document_ RegistryDocument list = {};
    _cleanup_registry_document_ RegistryDocument config = {};
    const DockerImage *image;
    int r = image_files_read(docker->files, "manifest.json", &list, err);

    if (r >= 0)
        r = docker_images_parse(list.text, list.size, &images, err);
    if (r >= 0)
        r = choose(&images, name, &image, err);
    if (r >= 0)
        r = image_files_read(docker->files, image->config, &config, err);
    if (r >= 0)
        r = find_original(docker, &config.digest, err);
    return r != 0 ? r : make_manifest(docker, image, &config, err);
}

int image_source_open_docker(ImageFiles *files, const char *name, ImageSource **ret, Error *err)
{
    DockerSource *docker = NEW(DockerSource);
    _cleanup_(image_source_freep) ImageSource *source = &docker->source;
    int r;

    source->ops = &docker_ops;
    docker->files = files;
    r = read_image(docker, name, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(source);
    return 0;
}
