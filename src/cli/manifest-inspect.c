/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay manifest inspect`: a list that is kept here, or what a registry has, laid out as Docker lays
 * it out: with a tab for each level.
 */

#include <nettle/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/manifest-command.h"

typedef struct InspectOptions {
    bool insecure;
    bool verbose;
} InspectOptions;

static const Option inspect_options[] = {
    { "insecure", .type = OPTION_BOOL, .offset = offsetof(InspectOptions, insecure),
      .help = "Accept any certificate of a registry, or none" },
    { "verbose", 'v', .type = OPTION_BOOL, .offset = offsetof(InspectOptions, verbose),
      .help = "Show each image's name, platform and manifest" },
};

const OptionTable manifest_inspect_option_table = { OPTION_TABLE(inspect_options) };

/* jansson knows spaces only: one for each level, which become tabs. */
static void print_json(const json_t *json)
{
    _cleanup_free_ char *text = json_dumps(json, JSON_INDENT(1));
    bool is_indent = true;

    for (char *c = text; *c; c++) {
        if (*c == '\n')
            is_indent = true;
        else if (*c != ' ')
            is_indent = false;
        else if (is_indent)
            *c = '\t';
    }
    puts(text);
}

static int parse(const RegistryDocument *document, json_t **ret, Error *err)
{
    int r = json_parse(document->text, document->size, ret, err);

    return r < 0 ? error_wrap(err, r, "manifest '%s'", document->digest.text) : 0;
}

static int open_source(const ImageTransports *transports, const Reference *reference,
                       ImageSource **ret, Error *err)
{
    _cleanup_free_ char *name = reference_to_string(reference);
    const ImageLocation location = { .transport = IMAGE_TRANSPORT_REGISTRY, .name = name };

    return image_location_open_source(&location, transports, ret, err);
}

static json_t *raw_json(const RegistryDocument *document)
{
    _cleanup_free_ char *text = memory_new(1, BASE64_ENCODE_RAW_LENGTH(document->size) + 1);

    base64_encode_raw(text, document->size, (const uint8_t *)document->text);
    return json_string(text);
}

/* One image, as -v shows it. @descriptor: as an index has it, or of the document alone. */
static int describe(const char *name, json_t *descriptor, const RegistryDocument *document,
                    json_t **ret, Error *err)
{
    bool is_docker =
        document->media_type && strcmp(document->media_type, MEDIA_TYPE_DOCKER_MANIFEST) == 0;
    json_t *manifest = NULL;
    int r = parse(document, &manifest, err);

    if (r < 0)
        return r;
    *ret = json_pack("{s:s, s:O, s:o, s:o}", "Ref", name, "Descriptor", descriptor, "Raw",
                     raw_json(document), is_docker ? "SchemaV2Manifest" : "OCIManifest", manifest);
    return 0;
}

/* All images of an index. */
static int describe_all(ImageSource *source, const Reference *reference, json_t *index,
                        json_t **ret, Error *err)
{
    _cleanup_free_ char *name = reference_to_string(reference);
    _cleanup_json_ json_t *list = json_array();
    json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(index, "manifests"), i, entry)
    {
        const char *text = json_string_value(json_object_get(entry, "digest"));
        _cleanup_registry_document_ RegistryDocument document = {};
        _cleanup_free_ char *complete = NULL;
        json_t *described = NULL;
        Digest digest;
        int r;

        if (!text || digest_parse(text, &digest) < 0)
            return error_set(err, ERROR_INVALID, "image index: a digest is malformed");
        complete = memory_printf("%s@%s", name, text);
        r = source->ops->read_manifest(source, &digest, &document, err);
        if (r >= 0)
            r = image_document_settle_type(NULL, &document, err);
        if (r >= 0)
            r = describe(complete, entry, &document, &described, err);
        if (r < 0)
            return r;
        json_array_append_new(list, described);
    }
    *ret = TAKE_PTR(list);
    return 0;
}

static int inspect_registry(const ImageTransports *transports, const char *text,
                            const InspectOptions *options, Error *err)
{
    _cleanup_(image_source_freep) ImageSource *source = NULL;
    _cleanup_registry_document_ RegistryDocument document = {};
    _cleanup_reference_ Reference reference = {};
    _cleanup_json_ json_t *json = NULL, *shown = NULL, *descriptor = NULL;
    _cleanup_free_ char *name = NULL;
    int r = reference_parse(text, &reference, err);

    if (r < 0)
        return r;
    reference_set_default_tag(&reference);
    name = reference_to_string(&reference);
    r = open_source(transports, &reference, &source, err);
    if (r >= 0)
        r = source->ops->read_manifest(source, NULL, &document, err);
    if (r >= 0)
        r = image_document_settle_type(NULL, &document, err);
    if (r >= 0)
        r = parse(&document, &json, err);
    if (r < 0)
        return r;
    if (!options->verbose) {
        print_json(json);
        return 0;
    }
    descriptor = json_pack("{s:s, s:s, s:I}", "mediaType", document.media_type, "digest",
                           document.digest.text, "size", (json_int_t)document.size);
    r = media_type_is_index(document.media_type)
            ? describe_all(source, &reference, json, &shown, err)
            : describe(name, descriptor, &document, &shown, err);
    if (r >= 0)
        print_json(shown);
    return r;
}

/* What is kept of a list is its entries; -v shows each with its name. */
static int inspect_list(const ManifestList *list, bool verbose, Error *err)
{
    _cleanup_registry_document_ RegistryDocument document = {};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_json_ json_t *shown = json_array();
    int r;

    manifest_list_document(list, &document);
    r = parse(&document, &json, err);
    if (r < 0)
        return r;
    for (size_t i = 0; verbose && i < list->entries.count; i++)
        json_array_append_new(
            shown, json_pack("{s:s, s:O}", "Ref", list->entries.items[i].reference, "Descriptor",
                             json_array_get(json_object_get(json, "manifests"), i)));
    print_json(verbose ? shown : json);
    return 0;
}

/* One image of a list that is kept here: asked for as it was when it was added. */
static int inspect_entry(const ImageTransports *transports, ManifestList *list, const char *text,
                         const InspectOptions *options, Error *err)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *complete = NULL, *exact = NULL;
    const ManifestListEntry *entry;
    int r = reference_parse(text, &reference, err);

    if (r < 0)
        return r;
    reference_set_default_tag(&reference);
    complete = reference_to_string(&reference);
    entry = manifest_list_find(list, complete);
    if (!entry)
        return error_set(err, ERROR_NOT_FOUND, "manifest for image '%s' does not exist in '%s'",
                         text, list->name);
    (void)digest_parse(entry->descriptor.digest, &reference.digest);
    exact = reference_to_string(&reference);
    return inspect_registry(transports, exact, options, err);
}

/* A list that is kept here comes before what a registry has under the name. */
static int inspect(const ImageTransports *transports, char *const *arguments, size_t count,
                   const InspectOptions *options, Error *err)
{
    _cleanup_manifest_list_ ManifestList list = {};
    int r = find_list(transports, arguments[0], &list, err);

    if (r < 0)
        return r;
    if (count > 1)
        return r > 0 ? inspect_entry(transports, &list, arguments[1], options, err)
                     : error_set(err, ERROR_NOT_FOUND, "no such manifest: '%s'", arguments[0]);
    return r > 0 ? inspect_list(&list, options->verbose, err)
                 : inspect_registry(transports, arguments[0], options, err);
}

int cli_manifest_inspect(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    InspectOptions options = {};
    ImageTransports transports;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = open_transports(invocation, options.insecure, &engine, &transports, err);
    if (r >= 0)
        r = inspect(&transports, invocation->arguments, invocation->n_arguments, &options, err);
    return r;
}
