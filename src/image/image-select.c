/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Documents are taken for what their descriptor says, then for what they say themselves, and only
 * then for what they look like; and never for two things at once.
 */

#include "image/image-select.h"

#include <string.h>

#include "base/memory.h"
#include "image/image-checks.h"

/* However the indexes of one image lead to each other, no more of them are read. */
#define MAX_DOCUMENTS 32
#define SCHEMA_1_PREFIX "application/vnd.docker.distribution.manifest.v1+"

void image_selection_done(ImageSelection *selection)
{
    registry_document_done(&selection->document);
    manifest_done(&selection->manifest);
}

typedef struct Selecting {
    const ImageSelectOptions *options;
    StringList platforms; /* those that there are */
    unsigned documents;   /* read so far */
    ImageSelection *selection;
} Selecting;

/* What is here already is verified by reading it. */
static bool read_known(const Selecting *selecting, const Descriptor *descriptor,
                       const Digest *digest, RegistryDocument *ret)
{
    RegistryDocument document = { .digest = *digest };

    if (!content_store_has(selecting->options->content, digest, descriptor->size) ||
        content_store_read(selecting->options->content, digest, &document.text, &document.size,
                           NULL) < 0)
        return false;
    *ret = document;
    return true;
}

static int check_document(const Descriptor *descriptor, const RegistryDocument *document,
                          Error *err)
{
    if ((int64_t)document->size != descriptor->size)
        return error_set(err, ERROR_CORRUPT,
                         "manifest '%s' has %zu bytes, its descriptor says %lld",
                         descriptor->digest, document->size, (long long)descriptor->size);
    if (strcmp(document->digest.text, descriptor->digest) != 0)
        return error_set(err, ERROR_CORRUPT, "digest mismatch: manifest '%s' has the digest '%s'",
                         descriptor->digest, document->digest.text);
    return 0;
}

static int read_from_source(const ImageSelectOptions *options, const Digest *digest,
                            RegistryDocument *ret, Error *err)
{
    _cleanup_error_ Error problem = {};
    int r = options->source->ops->read_manifest(options->source, digest, ret, &problem);

    if (r < 0 && !digest && problem.kind == ERROR_NOT_FOUND && options->name)
        return error_set(err, ERROR_NOT_FOUND, "manifest for '%s' not found: %s", options->name,
                         error_message(&problem));
    if (r < 0)
        error_move(err, &problem);
    return r;
}

/* @descriptor NULL: the top. */
static int read_document(Selecting *selecting, const Descriptor *descriptor, RegistryDocument *ret,
                         Error *err)
{
    _cleanup_registry_document_ RegistryDocument document = {};
    Digest digest = {};
    int r;

    if (++selecting->documents > MAX_DOCUMENTS)
        return error_set(err, ERROR_INVALID, "image index: it leads to more than %d documents",
                         MAX_DOCUMENTS);
    if (descriptor)
        (void)digest_parse(descriptor->digest, &digest); /* checked when it was read */
    if (!descriptor || !read_known(selecting, descriptor, &digest, &document)) {
        r = read_from_source(selecting->options, descriptor ? &digest : NULL, &document, err);
        if (r < 0)
            return r;
        document.digest = digest_of(document.text, document.size);
    }
    r = descriptor ? check_document(descriptor, &document, err) : 0;
    if (r < 0)
        return r;
    *ret = document;
    document = (RegistryDocument) {};
    return 0;
}

/* What a document says itself. */
typedef struct DocumentHeader {
    int64_t schema_version;
    char *media_type;
    json_t *manifests;
} DocumentHeader;

static const JsonField header_fields[] = {
    JSON_FIELD(DocumentHeader, schema_version, "schemaVersion", JSON_TYPE_INT64),
    JSON_FIELD(DocumentHeader, media_type, "mediaType", JSON_TYPE_STRING),
    JSON_FIELD(DocumentHeader, manifests, "manifests", JSON_TYPE_RAW),
};
static const JsonStruct header_json = JSON_STRUCT(DocumentHeader, header_fields);

static void header_done(DocumentHeader *header)
{
    json_struct_done(&header_json, header);
}

static bool is_known_type(const char *type)
{
    return type && (media_type_is_manifest(type) || media_type_is_index(type));
}

/* What servers of files say of any document. */
static bool says_nothing(const char *type)
{
    static const char *const types[] = { "application/json", "application/octet-stream",
                                         "binary/octet-stream", "text/plain" };

    for (size_t i = 0; type && i < ARRAY_SIZE(types); i++)
        if (strcmp(types[i], type) == 0)
            return true;
    return !type;
}

static int no_image(const char *type, Error *err)
{
    return error_set(err, ERROR_UNSUPPORTED, "it is no image, but something of the type '%.100s'",
                     type);
}

static int read_header(const RegistryDocument *document, DocumentHeader *ret, Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    int r = json_parse(document->text, document->size, &json, err);

    if (r >= 0)
        r = json_struct_read(&header_json, json, ret, err);
    if (r < 0)
        return error_wrap(err, r, "image manifest");
    return 0;
}

int image_document_settle_type(const Descriptor *descriptor, RegistryDocument *document, Error *err)
{
    const char *said = descriptor ? descriptor->media_type : document->media_type;
    _cleanup_(header_done) DocumentHeader header = {};
    const char *type;
    int r = read_header(document, &header, err);

    if (r < 0)
        return r;
    if (header.schema_version == 1 ||
        (said && strncmp(said, SCHEMA_1_PREFIX, strlen(SCHEMA_1_PREFIX)) == 0))
        return error_set(err, ERROR_UNSUPPORTED,
                         "its manifest has Docker's schema version 1, which is not supported: push "
                         "the image again with a current tool");
    if (!is_known_type(said)) {
        if (!says_nothing(said))
            return no_image(said, err);
        said = NULL;
    }
    r = image_check_type(document->digest.text, said, header.media_type, err);
    if (r < 0)
        return r;
    type = said ? said : header.media_type;
    if (!type)
        type = header.manifests ? MEDIA_TYPE_OCI_INDEX : MEDIA_TYPE_OCI_MANIFEST;
    if (!is_known_type(type))
        return no_image(type, err);
    type = memory_strdup(type);
    free(document->media_type);
    document->media_type = (char *)type;
    return 0;
}

static void note_platforms(Selecting *selecting, const ManifestIndex *index)
{
    for (size_t i = 0; i < index->manifests.count; i++) {
        const Platform *platform = index->manifests.items[i].platform;
        _cleanup_free_ char *text = NULL;

        /* attestations say to be for "unknown/unknown" */
        if (!platform || strcmp(platform->os, "unknown") == 0)
            continue;
        text = platform_to_string(platform);
        if (!string_list_contains(&selecting->platforms, text))
            string_list_add(&selecting->platforms, text);
    }
}

static int select_document(Selecting *selecting, const Descriptor *descriptor, int depth,
                           Error *err);

/* Returns 1 when a manifest was found, 0 when there is none for the platform. */
static int select_of_index(Selecting *selecting, const RegistryDocument *document, int depth,
                           Error *err)
{
    _cleanup_manifest_index_ ManifestIndex index = {};
    const Descriptor *said;
    int r;

    if (depth >= IMAGE_MAX_INDEX_DEPTH)
        return error_set(err, ERROR_INVALID, "image index: nested more than %d times",
                         IMAGE_MAX_INDEX_DEPTH);
    r = manifest_index_parse(document->text, document->size, &index, err);
    if (r < 0)
        return r;
    note_platforms(selecting, &index);
    said = image_index_choose(&index, selecting->options->platform);
    if (said) {
        r = select_document(selecting, said, depth + 1, err);
        if (r != 0)
            return r;
    }
    for (const Descriptor *unsaid = NULL; (unsaid = image_index_next_unsaid(&index, unsaid));) {
        r = select_document(selecting, unsaid, depth + 1, err);
        if (r != 0)
            return r;
    }
    return 0;
}

static int select_document(Selecting *selecting, const Descriptor *descriptor, int depth,
                           Error *err)
{
    _cleanup_registry_document_ RegistryDocument document = {};
    ImageSelection *selection = selecting->selection;
    int r = read_document(selecting, descriptor, &document, err);

    if (r >= 0)
        r = image_document_settle_type(descriptor, &document, err);
    if (r < 0)
        return r;
    if (!descriptor)
        selection->top = document.digest;
    if (media_type_is_index(document.media_type))
        return select_of_index(selecting, &document, depth, err);

    r = manifest_parse(document.text, document.size, &selection->manifest, err);
    if (r < 0)
        return r;
    selection->document = document;
    document = (RegistryDocument) {};
    return 1;
}

static int no_platform(const Selecting *selecting, Error *err)
{
    const char *name = selecting->options->name;
    _cleanup_free_ char *wanted = platform_to_string(selecting->options->platform);
    _cleanup_free_ char *offered = string_list_join(&selecting->platforms, ", ");

    return error_set(err, ERROR_NOT_FOUND,
                     "no image for platform '%s' in the manifest of '%s', there are: %s", wanted,
                     name ? name : "the image", *offered ? offered : "none");
}

int image_select(const ImageSelectOptions *options, ImageSelection *ret, Error *err)
{
    _cleanup_image_selection_ ImageSelection selection = {};
    Selecting selecting = { .options = options, .selection = &selection };
    int r = select_document(&selecting, NULL, 0, err);

    if (r == 0)
        r = no_platform(&selecting, err);
    string_list_done(&selecting.platforms);
    if (r >= 0)
        r = image_check_manifest(&selection.manifest, err);
    if (r < 0)
        return r;
    *ret = selection;
    selection = (ImageSelection) {};
    return 0;
}
