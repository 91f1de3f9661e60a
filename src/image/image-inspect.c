/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images as documents of the Engine API: inspect, summary, history. The structs here borrow what
 * they show from an Image, so they are only ever written.
 */

#include <string.h>

#include "base/memory.h"
#include "base/time-format.h"
#include "image/image-store-private.h"

#define MISSING_ID "<missing>"

typedef struct InspectRootfs {
    const char *type;
    StringList layers;
} InspectRootfs;

typedef struct InspectDriver {
    json_t *data;
    const char *name;
} InspectDriver;

typedef struct InspectMetadata {
    const char *last_tag_time;
} InspectMetadata;

typedef struct InspectDocument {
    const char *id;
    StringList names;
    StringList digests;
    const char *parent;
    const char *comment;
    const char *created;
    const char *docker_version;
    const char *author;
    const char *architecture;
    const char *variant;
    const char *os;
    const char *os_version;
    int64_t size;
    InspectDriver driver;
    InspectRootfs rootfs;
    InspectMetadata metadata;
    json_t *config;
} InspectDocument;

static const JsonField rootfs_fields[] = {
    JSON_FIELD_FLAGS(InspectRootfs, type, "Type", JSON_TYPE_STRING, JSON_KEEP_EMPTY),
    JSON_FIELD(InspectRootfs, layers, "Layers", JSON_TYPE_STRING_LIST),
};
static const JsonStruct rootfs_json = JSON_STRUCT(InspectRootfs, rootfs_fields);

static const JsonField driver_fields[] = {
    JSON_FIELD_FLAGS(InspectDriver, data, "Data", JSON_TYPE_RAW, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(InspectDriver, name, "Name", JSON_TYPE_STRING, JSON_KEEP_EMPTY),
};
static const JsonStruct driver_json = JSON_STRUCT(InspectDriver, driver_fields);

static const JsonField metadata_fields[] = {
    JSON_FIELD_FLAGS(InspectMetadata, last_tag_time, "LastTagTime", JSON_TYPE_STRING,
                     JSON_KEEP_EMPTY),
};
static const JsonStruct metadata_json = JSON_STRUCT(InspectMetadata, metadata_fields);

#define KEEP_STRING(member, name)                                                                  \
    JSON_FIELD_FLAGS(InspectDocument, member, name, JSON_TYPE_STRING, JSON_KEEP_EMPTY)
static const JsonField inspect_fields[] = {
    KEEP_STRING(id, "Id"),
    JSON_FIELD_FLAGS(InspectDocument, names, "RepoTags", JSON_TYPE_STRING_LIST, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(InspectDocument, digests, "RepoDigests", JSON_TYPE_STRING_LIST,
                     JSON_KEEP_EMPTY),
    KEEP_STRING(parent, "Parent"),
    KEEP_STRING(comment, "Comment"),
    JSON_FIELD(InspectDocument, created, "Created", JSON_TYPE_STRING),
    KEEP_STRING(docker_version, "DockerVersion"),
    KEEP_STRING(author, "Author"),
    KEEP_STRING(architecture, "Architecture"),
    JSON_FIELD(InspectDocument, variant, "Variant", JSON_TYPE_STRING),
    KEEP_STRING(os, "Os"),
    JSON_FIELD(InspectDocument, os_version, "OsVersion", JSON_TYPE_STRING),
    JSON_FIELD_FLAGS(InspectDocument, size, "Size", JSON_TYPE_INT64, JSON_KEEP_EMPTY),
    JSON_FIELD_OF(InspectDocument, driver, "GraphDriver", JSON_TYPE_STRUCT, &driver_json),
    JSON_FIELD_OF(InspectDocument, rootfs, "RootFS", JSON_TYPE_STRUCT, &rootfs_json),
    JSON_FIELD_OF(InspectDocument, metadata, "Metadata", JSON_TYPE_STRUCT, &metadata_json),
    JSON_FIELD(InspectDocument, config, "Config", JSON_TYPE_RAW),
};
static const JsonStruct inspect_json = JSON_STRUCT(InspectDocument, inspect_fields);

/* Members that API 1.51 shows even where the image says nothing; templates rely on them. */
static const struct {
    const char *name;
    bool is_text; /* "" instead of null */
} config_members[] = {
    { "Cmd", false },     { "Entrypoint", false }, { "Env", false },     { "Labels", false },
    { "OnBuild", false }, { "User", true },        { "Volumes", false }, { "WorkingDir", true },
};

static json_t *config_to_json(const ImageConfig *config)
{
    json_t *json = json_struct_write(&image_defaults_json, &config->config);

    for (size_t i = 0; i < ARRAY_SIZE(config_members); i++)
        if (!json_object_get(json, config_members[i].name))
            json_object_set_new(json, config_members[i].name,
                                config_members[i].is_text ? json_string("") : json_null());
    return json;
}

json_t *image_to_inspect(const Image *image)
{
    const ImageConfig *config = &image->config;
    _cleanup_json_ json_t *defaults = config_to_json(config);
    _cleanup_free_ char *tagged_at = time_to_rfc3339(image->tagged_at);
    _cleanup_free_ char *created =
        config->created ? time_to_rfc3339(image_config_created(config)) : NULL;
    InspectDocument document = {
        .id = image->id.text,
        .names = image->names,
        .digests = image->digests,
        .comment = config->comment,
        .created = created,
        .docker_version = config->docker_version,
        .author = config->author,
        .architecture = config->architecture,
        .variant = config->variant,
        .os = config->os,
        .os_version = config->os_version,
        .size = image->size,
        .driver = { .name = "overlay" },
        .rootfs = { .type = "layers", .layers = config->rootfs.diff_ids },
        .metadata = { .last_tag_time = tagged_at },
        .config = defaults,
    };

    /* what importing or building left in the history is the comment, as Docker has it */
    if (!document.comment && config->history.count > 0)
        document.comment = config->history.items[config->history.count - 1].comment;
    return json_struct_write(&inspect_json, &document);
}

typedef struct SummaryDocument {
    const char *id;
    const char *parent;
    StringList names;
    StringList digests;
    int64_t created; /* seconds */
    int64_t size;
    int64_t shared_size;
    StringMap labels;
    int64_t containers;
} SummaryDocument;

#define SUMMARY_FIELD(member, name, type)                                                          \
    JSON_FIELD_FLAGS(SummaryDocument, member, name, type, JSON_KEEP_EMPTY)
static const JsonField summary_fields[] = {
    SUMMARY_FIELD(containers, "Containers", JSON_TYPE_INT64),
    SUMMARY_FIELD(created, "Created", JSON_TYPE_INT64),
    SUMMARY_FIELD(id, "Id", JSON_TYPE_STRING),
    SUMMARY_FIELD(labels, "Labels", JSON_TYPE_STRING_MAP),
    SUMMARY_FIELD(parent, "ParentId", JSON_TYPE_STRING),
    SUMMARY_FIELD(digests, "RepoDigests", JSON_TYPE_STRING_LIST),
    SUMMARY_FIELD(names, "RepoTags", JSON_TYPE_STRING_LIST),
    SUMMARY_FIELD(shared_size, "SharedSize", JSON_TYPE_INT64),
    SUMMARY_FIELD(size, "Size", JSON_TYPE_INT64),
};
static const JsonStruct summary_json = JSON_STRUCT(SummaryDocument, summary_fields);

json_t *image_to_summary(const Image *image)
{
    SummaryDocument document = {
        .id = image->id.text,
        .names = image->names,
        .digests = image->digests,
        .created = image->created / NANOSECONDS_PER_SECOND,
        .size = image->size,
        .shared_size = -1, /* not calculated */
        .labels = image->config.config.labels,
        .containers = -1,
    };

    return json_struct_write(&summary_json, &document);
}

#define HISTORY_FIELD(member, name, type)                                                          \
    JSON_FIELD_FLAGS(ImageHistoryItem, member, name, type, JSON_KEEP_EMPTY)
static const JsonField item_fields[] = {
    HISTORY_FIELD(comment, "Comment", JSON_TYPE_STRING),
    HISTORY_FIELD(created, "Created", JSON_TYPE_INT64),
    HISTORY_FIELD(created_by, "CreatedBy", JSON_TYPE_STRING),
    HISTORY_FIELD(id, "Id", JSON_TYPE_STRING),
    HISTORY_FIELD(size, "Size", JSON_TYPE_INT64),
    HISTORY_FIELD(tags, "Tags", JSON_TYPE_STRING_LIST),
};
static const JsonStruct item_json = JSON_STRUCT(ImageHistoryItem, item_fields);

static const JsonField history_fields[] = {
    { .name = "items",
      .type = JSON_TYPE_STRUCT_ARRAY,
      .offset = offsetof(ImageHistory, items),
      .flags = JSON_KEEP_EMPTY,
      .type_of = &item_json },
};
static const JsonStruct history_json = JSON_STRUCT(ImageHistory, history_fields);

void image_history_done(ImageHistory *history)
{
    json_struct_done(&history_json, history);
}

json_t *image_history_to_json(const ImageHistory *history)
{
    _cleanup_json_ json_t *json = json_struct_write(&history_json, history);

    return json_incref(json_object_get(json, "items"));
}

/* Sizes of the image's layers, bottom to top; 0 where none is recorded. */
static int read_sizes(ImageStore *store, const Image *image, int64_t *sizes, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r;

    for (size_t i = 0; i < image->n_layers; i++)
        sizes[i] = 0;
    r = database_prepare(store->database, &statement, err,
                         "SELECT position, size FROM image_layer JOIN layer USING (chain_id) "
                         "WHERE image = ?",
                         "s", image->id.text);
    if (r < 0)
        return r;
    while ((r = statement_step(statement, err)) > 0) {
        int64_t position = statement_int(statement, 0);

        if (position >= 0 && (size_t)position < image->n_layers)
            sizes[position] = statement_int(statement, 1);
    }
    return r;
}

static void fill_item(const ImageHistoryEntry *entry, ImageHistoryItem *item)
{
    int64_t created = 0;

    if (entry->created)
        (void)time_from_rfc3339(entry->created, &created); /* an odd time shows as none */
    item->id = memory_strdup(MISSING_ID);
    item->created = created / NANOSECONDS_PER_SECOND;
    item->created_by = memory_strdup(entry->created_by);
    item->comment = memory_strdup(entry->comment);
}

int image_store_history(ImageStore *store, const Image *image, ImageHistory *ret, Error *err)
{
    _cleanup_free_ int64_t *sizes = NEW_ARRAY(int64_t, image->n_layers + 1);
    size_t count = image->config.history.count, layer = 0;
    int r;

    r = read_sizes(store, image, sizes, err);
    if (r < 0)
        return r;
    *ret = (ImageHistory) {};
    if (count == 0)
        return 0;

    ret->items.items = NEW_ARRAY(ImageHistoryItem, count);
    ret->items.count = count;
    for (size_t i = 0; i < count; i++) {
        const ImageHistoryEntry *entry = &image->config.history.items[i];
        ImageHistoryItem *item = &ret->items.items[count - 1 - i];

        fill_item(entry, item);
        if (!entry->empty_layer && layer < image->n_layers)
            item->size = sizes[layer++];
    }
    free(ret->items.items[0].id);
    ret->items.items[0].id = memory_strdup(image->id.text);
    string_list_copy(&ret->items.items[0].tags, &image->names);
    return 0;
}
