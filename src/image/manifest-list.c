/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of manifests in the database: one row each, its entries as JSON. */

#include "image/manifest-list.h"

#include <string.h>

#include "base/memory.h"
#include "image/image-store-private.h"

static const JsonField entry_fields[] = {
    JSON_FIELD_FLAGS(ManifestListEntry, reference, "reference", JSON_TYPE_STRING, JSON_REQUIRED),
    { .name = "descriptor",
      .type = JSON_TYPE_STRUCT,
      .offset = offsetof(ManifestListEntry, descriptor),
      .flags = JSON_REQUIRED,
      .type_of = &descriptor_json },
};
static const JsonStruct entry_json = JSON_STRUCT(ManifestListEntry, entry_fields);

static const JsonField list_fields[] = {
    JSON_FIELD_FLAGS(ManifestList, name, "name", JSON_TYPE_STRING, JSON_REQUIRED),
    { .name = "entries",
      .type = JSON_TYPE_STRUCT_ARRAY,
      .offset = offsetof(ManifestList, entries),
      .flags = JSON_REQUIRED,
      .type_of = &entry_json },
};
static const JsonStruct list_json = JSON_STRUCT(ManifestList, list_fields);

void manifest_list_done(ManifestList *list)
{
    json_struct_done(&list_json, list);
}

int manifest_list_name(const char *text, char **ret, Error *err)
{
    _cleanup_reference_ Reference reference = {};
    int r = reference_parse(text, &reference, err);

    if (r < 0)
        return r;
    if (digest_is_set(&reference.digest))
        return error_set(err, ERROR_INVALID, "'%s': a manifest list is named by a tag", text);
    reference_set_default_tag(&reference);
    *ret = reference_to_string(&reference);
    return 0;
}

int manifest_list_read(ImageStore *store, const char *name, ManifestList *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    _cleanup_manifest_list_ ManifestList list = {};
    _cleanup_json_ json_t *json = NULL;
    const char *text;
    int r = database_prepare(store->database, &statement, err,
                             "SELECT list FROM manifest_list WHERE name = ?", "s", name);

    if (r >= 0)
        r = statement_step(statement, err);
    if (r < 0)
        return r;
    if (r == 0)
        return error_set(err, ERROR_NOT_FOUND, "no such manifest: '%s'", name);
    text = statement_text(statement, 0);
    r = json_parse(text, strlen(text), &json, err);
    if (r >= 0)
        r = json_struct_read(&list_json, json, &list, err);
    if (r < 0)
        return error_wrap(err, r, "the manifest list '%s' is damaged", name);
    *ret = list;
    list = (ManifestList) {};
    return 0;
}

int manifest_list_write(ImageStore *store, const ManifestList *list, Error *err)
{
    _cleanup_json_ json_t *json = json_struct_write(&list_json, list);
    _cleanup_free_ char *text = json_to_text(json);

    return database_execute(store->database, NULL, err,
                            "INSERT INTO manifest_list (name, list) VALUES (?, ?) "
                            "ON CONFLICT (name) DO UPDATE SET list = excluded.list",
                            "ss", list->name, text);
}

int manifest_list_remove(ImageStore *store, const char *name, Error *err)
{
    int64_t changes;
    int r = database_execute(store->database, &changes, err,
                             "DELETE FROM manifest_list WHERE name = ?", "s", name);

    if (r >= 0 && changes == 0)
        return error_set(err, ERROR_NOT_FOUND, "no such manifest: '%s'", name);
    return r;
}

ManifestListEntry *manifest_list_find(ManifestList *list, const char *reference)
{
    for (size_t i = 0; i < list->entries.count; i++)
        if (strcmp(list->entries.items[i].reference, reference) == 0)
            return &list->entries.items[i];
    return NULL;
}

static const char *index_type(const ManifestList *list)
{
    for (size_t i = 0; i < list->entries.count; i++)
        if (strcmp(list->entries.items[i].descriptor.media_type, MEDIA_TYPE_DOCKER_MANIFEST) != 0)
            return MEDIA_TYPE_OCI_INDEX;
    return list->entries.count > 0 ? MEDIA_TYPE_DOCKER_INDEX : MEDIA_TYPE_OCI_INDEX;
}

void manifest_list_document(const ManifestList *list, RegistryDocument *ret)
{
    _cleanup_json_ json_t *json =
        json_pack("{s:i, s:s}", "schemaVersion", 2, "mediaType", index_type(list));
    json_t *manifests = json_array();

    for (size_t i = 0; i < list->entries.count; i++)
        json_array_append_new(
            manifests, json_struct_write(&descriptor_json, &list->entries.items[i].descriptor));
    json_object_set_new(json, "manifests", manifests);
    *ret = (RegistryDocument) { .text = json_to_text(json) };
    ret->size = strlen(ret->text);
    ret->digest = digest_of(ret->text, ret->size);
    ret->media_type = memory_strdup(index_type(list));
}
