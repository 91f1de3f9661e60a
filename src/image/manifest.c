/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests and indexes: the field tables, and the checks that make a document from outside safe to
 * work with. A document that has both "manifests" and "config" or "layers" says two things at once:
 * one reader would take it for an index, another for a manifest, and see different images.
 */

#include "image/manifest.h"

#include <string.h>

#include "base/memory.h"

#define SCHEMA_VERSION 2

static const JsonField descriptor_fields[] = {
    JSON_FIELD(Descriptor, media_type, "mediaType", JSON_TYPE_STRING),
    JSON_FIELD_FLAGS(Descriptor, digest, "digest", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(Descriptor, size, "size", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD(Descriptor, urls, "urls", JSON_TYPE_STRING_LIST),
    JSON_FIELD(Descriptor, annotations, "annotations", JSON_TYPE_STRING_MAP),
    JSON_FIELD_OF(Descriptor, platform, "platform", JSON_TYPE_STRUCT_POINTER, &platform_json),
};
const JsonStruct descriptor_json = JSON_STRUCT(Descriptor, descriptor_fields);

static const JsonField manifest_fields[] = {
    JSON_FIELD_FLAGS(Manifest, schema_version, "schemaVersion", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD(Manifest, media_type, "mediaType", JSON_TYPE_STRING),
    { .name = "config",
      .type = JSON_TYPE_STRUCT,
      .offset = offsetof(Manifest, config),
      .flags = JSON_REQUIRED,
      .type_of = &descriptor_json },
    { .name = "layers",
      .type = JSON_TYPE_STRUCT_ARRAY,
      .offset = offsetof(Manifest, layers),
      .flags = JSON_REQUIRED,
      .type_of = &descriptor_json },
    JSON_FIELD(Manifest, annotations, "annotations", JSON_TYPE_STRING_MAP),
};
const JsonStruct manifest_json = JSON_STRUCT(Manifest, manifest_fields);

static const JsonField manifest_index_fields[] = {
    JSON_FIELD_FLAGS(ManifestIndex, schema_version, "schemaVersion", JSON_TYPE_INT64,
                     JSON_REQUIRED),
    JSON_FIELD(ManifestIndex, media_type, "mediaType", JSON_TYPE_STRING),
    { .name = "manifests",
      .type = JSON_TYPE_STRUCT_ARRAY,
      .offset = offsetof(ManifestIndex, manifests),
      .flags = JSON_REQUIRED,
      .type_of = &descriptor_json },
    JSON_FIELD(ManifestIndex, annotations, "annotations", JSON_TYPE_STRING_MAP),
};
const JsonStruct manifest_index_json = JSON_STRUCT(ManifestIndex, manifest_index_fields);

void manifest_done(Manifest *manifest)
{
    json_struct_done(&manifest_json, manifest);
}

void manifest_index_done(ManifestIndex *index)
{
    json_struct_done(&manifest_index_json, index);
}

bool media_type_is_manifest(const char *media_type)
{
    return strcmp(media_type, MEDIA_TYPE_OCI_MANIFEST) == 0 ||
           strcmp(media_type, MEDIA_TYPE_DOCKER_MANIFEST) == 0;
}

bool media_type_is_index(const char *media_type)
{
    return strcmp(media_type, MEDIA_TYPE_OCI_INDEX) == 0 ||
           strcmp(media_type, MEDIA_TYPE_DOCKER_INDEX) == 0;
}

static int check_descriptor(const Descriptor *descriptor, const char *what, Error *err)
{
    Digest digest;

    if (digest_parse(descriptor->digest, &digest) < 0)
        return error_set(err, ERROR_INVALID, "%s: '%.80s' is not a sha256 digest", what,
                         descriptor->digest);
    if (descriptor->size < 0)
        return error_set(err, ERROR_INVALID, "%s: the size is negative", what);
    return 0;
}

static int check_descriptors(const DescriptorArray *array, size_t limit, const char *what,
                             Error *err)
{
    int r;

    if (array->count > limit)
        return error_set(err, ERROR_INVALID, "%s: %zu entries, at most %zu are accepted", what,
                         array->count, limit);
    for (size_t i = 0; i < array->count; i++) {
        r = check_descriptor(&array->items[i], what, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_header(int64_t schema_version, const char *media_type,
                        bool (*type_is_right)(const char *), const char *what, Error *err)
{
    if (schema_version != SCHEMA_VERSION)
        return error_set(err, ERROR_UNSUPPORTED,
                         "%s: schema version %lld is not supported, only version 2 is", what,
                         (long long)schema_version);
    if (media_type && !type_is_right(media_type))
        return error_set(err, ERROR_INVALID, "%s: it says to be '%.80s'", what, media_type);
    return 0;
}

static int parse_document(const char *data, size_t size, const char *what, json_t **ret, Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    int r;

    if (size > IMAGE_JSON_MAX_SIZE)
        return error_set(err, ERROR_INVALID, "%s: longer than %d bytes", what, IMAGE_JSON_MAX_SIZE);
    r = json_parse(data, size, &json, err);
    if (r < 0)
        return error_wrap(err, r, "%s", what);
    if (json_object_get(json, "manifests") &&
        (json_object_get(json, "config") || json_object_get(json, "layers")))
        return error_set(err, ERROR_INVALID,
                         "%s: it is a manifest and an index at once, which is ambiguous", what);
    *ret = TAKE_PTR(json);
    return 0;
}

int manifest_parse(const char *data, size_t size, Manifest *ret, Error *err)
{
    static const char what[] = "image manifest";
    _cleanup_manifest_ Manifest manifest = {};
    _cleanup_json_ json_t *json = NULL;
    int r;

    r = parse_document(data, size, what, &json, err);
    if (r < 0)
        return r;
    r = json_struct_read(&manifest_json, json, &manifest, err);
    if (r < 0)
        return error_wrap(err, r, "%s", what);
    r = check_header(manifest.schema_version, manifest.media_type, media_type_is_manifest, what,
                     err);
    if (r < 0)
        return r;
    r = check_descriptor(&manifest.config, "image manifest: config", err);
    if (r < 0)
        return r;
    r = check_descriptors(&manifest.layers, IMAGE_MAX_LAYERS, "image manifest: layers", err);
    if (r < 0)
        return r;
    *ret = manifest;
    manifest = (Manifest) {};
    return 0;
}

int manifest_index_parse(const char *data, size_t size, ManifestIndex *ret, Error *err)
{
    static const char what[] = "image index";
    _cleanup_manifest_index_ ManifestIndex index = {};
    _cleanup_json_ json_t *json = NULL;
    int r;

    r = parse_document(data, size, what, &json, err);
    if (r < 0)
        return r;
    r = json_struct_read(&manifest_index_json, json, &index, err);
    if (r < 0)
        return error_wrap(err, r, "%s", what);
    r = check_header(index.schema_version, index.media_type, media_type_is_index, what, err);
    if (r < 0)
        return r;
    r = check_descriptors(&index.manifests, IMAGE_MAX_INDEX_ENTRIES, "image index: manifests", err);
    if (r < 0)
        return r;
    *ret = index;
    index = (ManifestIndex) {};
    return 0;
}

Descriptor *descriptor_array_add(DescriptorArray *array, const char *media_type,
                                 const Digest *digest, int64_t size)
{
    Descriptor *descriptor = JSON_ARRAY_ADD(array);

    descriptor->media_type = memory_strdup(media_type);
    descriptor->digest = memory_strdup(digest->text);
    descriptor->size = size;
    return descriptor;
}
