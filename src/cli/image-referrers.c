/* SPDX-License-Identifier: Apache-2.0 */

/* `cay image referrers`: what a registry has about an image: signatures, lists of materials. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "cli/commands.h"
#include "cli/manifest-command.h"
#include "cli/row-writer.h"

typedef struct ReferrersOptions {
    char *artifact_type;
    char *format;
    bool insecure;
    bool quiet;
} ReferrersOptions;

static const Option referrers_options[] = {
    { "artifact-type", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(ReferrersOptions, artifact_type),
      .help = "List nothing but artifacts of this type" },
    { "format", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(ReferrersOptions, format),
      .help = "'table', 'table TEMPLATE', 'json', or a Go template for each artifact" },
    { "insecure", .type = OPTION_BOOL, .offset = offsetof(ReferrersOptions, insecure),
      .help = "Accept any certificate of a registry, or none" },
    { "quiet", 'q', .type = OPTION_BOOL, .offset = offsetof(ReferrersOptions, quiet),
      .help = "Show digests only" },
};

const OptionTable image_referrers_option_table = { OPTION_TABLE(referrers_options) };

static const RowColumn columns[] = {
    { "ArtifactType", "TYPE" }, { "Digest", "DIGEST" },           { "MediaType", "MEDIA TYPE" },
    { "Size", "SIZE" },         { "Annotations", "ANNOTATIONS" },
};

static const RowLayout layout = {
    .table = "table {{.Digest}}\t{{.ArtifactType}}\t{{.Size}}",
    .quiet = "{{.Digest}}",
    .columns = columns,
    .n_columns = ARRAY_SIZE(columns),
};

static void referrers_options_done(ReferrersOptions *options)
{
    free(options->artifact_type);
    free(options->format);
}

/* One entry of the index of referrers: a descriptor that says what it is. */
typedef struct Referrer {
    char *media_type;
    char *artifact_type;
    char *digest;
    int64_t size;
    StringMap annotations;
} Referrer;

typedef struct Referrers {
    JSON_ARRAY_OF(Referrer) manifests;
} Referrers;

static const JsonField referrer_fields[] = {
    JSON_FIELD(Referrer, media_type, "mediaType", JSON_TYPE_STRING),
    JSON_FIELD(Referrer, artifact_type, "artifactType", JSON_TYPE_STRING),
    JSON_FIELD_FLAGS(Referrer, digest, "digest", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(Referrer, size, "size", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD(Referrer, annotations, "annotations", JSON_TYPE_STRING_MAP),
};
static const JsonStruct referrer_json = JSON_STRUCT(Referrer, referrer_fields);

static const JsonField referrers_fields[] = {
    JSON_FIELD_OF(Referrers, manifests, "manifests", JSON_TYPE_STRUCT_ARRAY, &referrer_json),
};
static const JsonStruct referrers_json = JSON_STRUCT(Referrers, referrers_fields);

static void referrers_done(Referrers *referrers)
{
    json_struct_done(&referrers_json, referrers);
}

/* "KEY=VALUE,..." */
static char *join_annotations(const StringMap *annotations)
{
    _cleanup_string_list_ StringList parts = {};

    for (size_t i = 0; i < annotations->count; i++)
        string_list_printf(&parts, "%s=%s", annotations->items[i].key, annotations->items[i].value);
    return parts.count > 0 ? string_list_join(&parts, ",") : memory_strdup("");
}

static int add_row(RowWriter *writer, const Referrer *referrer, Error *err)
{
    _cleanup_free_ char *size = size_to_human(referrer->size);
    _cleanup_free_ char *annotations = join_annotations(&referrer->annotations);
    _cleanup_json_ json_t *row =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "ArtifactType",
                  referrer->artifact_type ? referrer->artifact_type : "", "Digest",
                  referrer->digest, "MediaType", referrer->media_type ? referrer->media_type : "",
                  "Size", size, "Annotations", annotations);

    return row_writer_add(writer, row, NULL, err);
}

static int write_rows(RowWriter *writer, const RegistryDocument *document, const char *type,
                      Error *err)
{
    _cleanup_(referrers_done) Referrers referrers = {};
    _cleanup_json_ json_t *json = NULL;
    int r = json_parse(document->text, document->size, &json, err);

    if (r >= 0)
        r = json_struct_read(&referrers_json, json, &referrers, err);
    if (r < 0)
        return error_wrap(err, r, "referrers");
    for (size_t i = 0; r >= 0 && i < referrers.manifests.count; i++) {
        const Referrer *referrer = &referrers.manifests.items[i];

        /* a registry may leave the choice to who asks */
        if (type && (!referrer->artifact_type || strcmp(referrer->artifact_type, type) != 0))
            continue;
        r = add_row(writer, referrer, err);
    }
    return r < 0 ? r : row_writer_finish(writer, stdout, err);
}

static int list_referrers(RowWriter *writer, const ImageTransports *transports, const char *text,
                          const ReferrersOptions *options, Error *err)
{
    const ImageLocation location = { .transport = IMAGE_TRANSPORT_REGISTRY, .name = (char *)text };
    _cleanup_(image_source_freep) ImageSource *source = NULL;
    _cleanup_registry_document_ RegistryDocument top = {};
    _cleanup_registry_document_ RegistryDocument referrers = {};
    int r = image_location_open_source(&location, transports, &source, err);

    if (r >= 0)
        r = source->ops->read_manifest(source, NULL, &top, err);
    if (r >= 0)
        r = registry_client_list_referrers(source->ops->client(source), &top.digest,
                                           options->artifact_type, &referrers, err);
    return r < 0 ? r : write_rows(writer, &referrers, options->artifact_type, err);
}

int cli_image_referrers(Invocation *invocation, Error *err)
{
    _cleanup_(referrers_options_done) ReferrersOptions options = {};
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    _cleanup_(engine_closep) Engine *engine = NULL;
    ImageTransports transports;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = row_writer_new(&layout, options.format, options.quiet, &writer, err);
    if (r >= 0)
        r = open_transports(invocation, options.insecure, &engine, &transports, err);
    if (r >= 0)
        r = list_referrers(writer, &transports, invocation->arguments[0], &options, err);
    return r;
}
