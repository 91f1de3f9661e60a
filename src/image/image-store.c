/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and rows. What a container start needs is two indexed queries and one small file; all that
 * can be computed from the configuration (chain IDs) is computed, not stored.
 */

#include "image/image-store.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/string-buffer.h"
#include "base/time-format.h"
#include "image/image-store-private.h"
#include "image/platform.h"

static const char *const schema_steps[] = {
    "CREATE TABLE image ("
    "  id TEXT PRIMARY KEY," /* digest of the configuration */
    "  manifest TEXT NOT NULL,"
    "  manifest_type TEXT NOT NULL,"
    "  manifest_size INTEGER NOT NULL,"
    "  size INTEGER NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  tagged_at INTEGER NOT NULL"
    ") WITHOUT ROWID, STRICT;"
    "CREATE INDEX image_by_manifest ON image (manifest);"
    "CREATE TABLE image_name ("
    "  repository TEXT NOT NULL," /* complete: docker.io/library/debian */
    "  tag TEXT NOT NULL,"
    "  image TEXT NOT NULL REFERENCES image (id) ON DELETE CASCADE,"
    "  PRIMARY KEY (repository, tag)"
    ") WITHOUT ROWID, STRICT;"
    "CREATE INDEX image_name_by_image ON image_name (image);"
    "CREATE TABLE layer (" /* unpacked layers */
    "  chain_id TEXT PRIMARY KEY,"
    "  blob TEXT NOT NULL,"
    "  blob_size INTEGER NOT NULL,"
    "  media_type TEXT NOT NULL,"
    "  size INTEGER NOT NULL"
    ") WITHOUT ROWID, STRICT;"
    "CREATE TABLE image_layer ("
    "  image TEXT NOT NULL REFERENCES image (id) ON DELETE CASCADE,"
    "  position INTEGER NOT NULL,"
    "  chain_id TEXT NOT NULL REFERENCES layer (chain_id),"
    "  blob TEXT NOT NULL,"
    "  PRIMARY KEY (image, position)"
    ") WITHOUT ROWID, STRICT;"
    "CREATE INDEX image_layer_by_chain_id ON image_layer (chain_id);",

    "CREATE TABLE image_digest ("
    "  repository TEXT NOT NULL,"
    "  digest TEXT NOT NULL," /* of what was pulled from there: an index or a manifest */
    "  image TEXT NOT NULL REFERENCES image (id) ON DELETE CASCADE,"
    "  PRIMARY KEY (repository, digest)"
    ") WITHOUT ROWID, STRICT;"
    "CREATE INDEX image_digest_by_image ON image_digest (image);",

    "CREATE TABLE manifest_list (" /* manifest-list.h */
    "  name TEXT PRIMARY KEY,"
    "  list TEXT NOT NULL"
    ") WITHOUT ROWID, STRICT;",
};
const DatabaseSchema image_schema = { .name = "image",
                                      .steps = schema_steps,
                                      .n_steps = ARRAY_SIZE(schema_steps) };

#define IMAGE_COLUMNS "i.id, i.manifest, i.size, i.created, i.tagged_at"

int image_store_open(int state_fd, Database *database, LayerStore *layers, ImageStore **ret,
                     Error *err)
{
    _cleanup_(image_store_closep) ImageStore *store = NEW(ImageStore);
    int r;

    store->database = database;
    store->layers = layers;
    r = content_store_open(state_fd, &store->content, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(store);
    return 0;
}

void image_store_close(ImageStore *store)
{
    if (store->content)
        content_store_close(store->content);
    free(store);
}

ContentStore *image_store_content(ImageStore *store)
{
    return store->content;
}

void image_free(Image *image)
{
    if (!image)
        return;
    image_config_done(&image->config);
    free(image->chain_ids);
    string_list_done(&image->names);
    string_list_done(&image->digests);
    free(image);
}

bool image_is_dangling(const Image *image)
{
    return image->names.count == 0;
}

bool image_is_nameless(const Image *image)
{
    return image->names.count == 0 && image->digests.count == 0;
}

int image_check_platform(const Image *image, const char *name, const char *platform, Error *err)
{
    const Platform own = { .os = image->config.os,
                           .architecture = image->config.architecture,
                           .variant = image->config.variant };
    _cleanup_platform_ Platform wanted = {};
    _cleanup_free_ char *own_text = NULL, *wanted_text = NULL;
    int r = platform ? platform_choose(platform, &wanted, err) : 0;

    if (r < 0)
        return r;
    if (!platform || platform_matches(&wanted, &own))
        return 0;
    own_text = platform_to_string(&own);
    wanted_text = platform_to_string(&wanted);
    return error_set(err, ERROR_NOT_FOUND,
                     "image '%s' is there for platform '%s', not for the specified platform '%s'",
                     name, own_text, wanted_text);
}

void image_list_done(ImageList *list)
{
    for (size_t i = 0; i < list->count; i++)
        image_free(list->items[i]);
    free(list->items);
    *list = (ImageList) {};
}

/*
 * The beginning of an id as a range in the table's order: "sha256:ab" up to "sha256:abg", since "g"
 * comes right after the hex digits. False when @name is no such thing.
 */
static bool id_range(const char *name, char **ret_first, char **ret_beyond)
{
    const char *hex = name;
    size_t length;

    if (strncmp(hex, DIGEST_PREFIX, strlen(DIGEST_PREFIX)) == 0)
        hex += strlen(DIGEST_PREFIX);
    length = strlen(hex);
    if (length == 0 || length > DIGEST_HEX_LENGTH || strspn(hex, "0123456789abcdef") != length)
        return false;
    *ret_first = memory_printf(DIGEST_PREFIX "%s", hex);
    *ret_beyond = memory_printf(DIGEST_PREFIX "%sg", hex);
    return true;
}

static int resolve_by_id(ImageStore *store, const char *name, Statement **ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    _cleanup_free_ char *first = NULL;
    _cleanup_free_ char *beyond = NULL;
    int64_t matches;
    int r;

    if (!id_range(name, &first, &beyond))
        return 0;
    r = database_prepare(store->database, &statement, err,
                         "SELECT " IMAGE_COLUMNS ", count(*) FROM image i WHERE id >= ? AND id < ?",
                         "ss", first, beyond);
    if (r < 0)
        return r;
    r = statement_step(statement, err);
    if (r < 0)
        return r;
    matches = statement_int(statement, 5);
    if (matches > 1)
        return error_set(err, ERROR_CONFLICT,
                         "image id '%s' is ambiguous: %lld images begin with it, give more digits",
                         name, (long long)matches);
    *ret = TAKE_PTR(statement);
    return matches > 0;
}

/* The digest of what was pulled, or else of the manifest, where the repository has the image. */
static int resolve_by_digest(ImageStore *store, const char *repository, const Digest *digest,
                             Statement **ret, Error *err)
{
    return database_prepare(
        store->database, ret, err,
        "SELECT " IMAGE_COLUMNS " FROM image_digest d JOIN image i ON i.id = d.image "
        "WHERE d.repository = ?1 AND d.digest = ?2 "
        "UNION ALL SELECT " IMAGE_COLUMNS " FROM image i WHERE i.manifest = ?2 AND "
        "(EXISTS (SELECT 1 FROM image_name WHERE image = i.id AND repository = ?1) OR "
        "EXISTS (SELECT 1 FROM image_digest WHERE image = i.id AND repository = ?1)) LIMIT 1",
        "ss", repository, digest->text);
}

/* Docker's rule: a name with tag and digest means the digest. */
static int resolve_by_name(ImageStore *store, const Reference *reference, Statement **ret,
                           Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    _cleanup_free_ char *repository = reference_repository(reference);
    int r;

    if (digest_is_set(&reference->digest))
        r = resolve_by_digest(store, repository, &reference->digest, &statement, err);
    else
        r = database_prepare(store->database, &statement, err,
                             "SELECT " IMAGE_COLUMNS " FROM image_name n JOIN image i "
                             "ON i.id = n.image WHERE n.repository = ? AND n.tag = ?",
                             "ss", repository, reference->tag);
    if (r < 0)
        return r;
    r = statement_step(statement, err);
    if (r > 0)
        *ret = TAKE_PTR(statement);
    return r;
}

/* The row that @name means, as a statement positioned on it. Names come before ids. */
static int resolve(ImageStore *store, const char *name, Statement **ret, Error *err)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_error_ Error malformed = {};
    Digest complete_id;
    int r;

    r = reference_parse(name, &reference, &malformed);
    if (r == 0 && digest_parse(name, &complete_id) < 0) {
        reference_set_default_tag(&reference);
        r = resolve_by_name(store, &reference, ret, err);
        if (r != 0)
            return r;
    }
    r = resolve_by_id(store, name, ret, err);
    if (r != 0)
        return r;
    /* 64 hex digits are no reference, but a well-formed id that is not there */
    if (error_is_set(&malformed) && strspn(name, "0123456789abcdef") != strlen(name)) {
        r = error_kind_to_result(malformed.kind);
        error_move(err, &malformed);
        return r;
    }
    return error_set(err, ERROR_NOT_FOUND, "no such image: '%s'", name);
}

int image_store_resolve(ImageStore *store, const char *name, Digest *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = resolve(store, name, &statement, err);

    if (r < 0)
        return r;
    if (digest_parse(statement_text(statement, 0), ret) < 0)
        return error_set(err, ERROR_CORRUPT, "the database holds a malformed image id");
    return 0;
}

int image_store_read_config(ImageStore *store, const Digest *id, ImageConfig *ret, Error *err)
{
    _cleanup_free_ char *text = NULL;
    size_t size;
    int r;

    r = content_store_read(store->content, id, &text, &size, err);
    if (r < 0)
        return r;
    return image_config_parse(text, size, ret, err);
}

/* An image without its configuration, from the current row. */
static int read_row(ImageStore *store, Statement *statement, Image **ret, Error *err)
{
    _cleanup_(image_freep) Image *image = NEW(Image);
    int r;

    if (digest_parse(statement_text(statement, 0), &image->id) < 0 ||
        digest_parse(statement_text(statement, 1), &image->manifest) < 0)
        return error_set(err, ERROR_CORRUPT, "the database holds a malformed image id");
    image->size = statement_int(statement, 2);
    image->created = statement_int(statement, 3);
    image->tagged_at = statement_int(statement, 4);
    r = image_names_read(store, image, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(image);
    return 0;
}

static int read_config(ImageStore *store, Image *image, Error *err)
{
    int r = image_store_read_config(store, &image->id, &image->config, err);

    if (r < 0)
        return r;
    image->chain_ids = image_config_chain_ids(&image->config);
    image->n_layers = image->config.rootfs.diff_ids.count;
    return 0;
}

/* Looking up takes no lock: what was removed between the row and the file was never there. */
static bool row_is_gone(ImageStore *store, const Digest *id)
{
    _cleanup_(statement_freep) Statement *statement = NULL;

    return database_prepare(store->database, &statement, NULL, "SELECT 1 FROM image WHERE id = ?",
                            "s", id->text) == 0 &&
           statement_step(statement, NULL) == 0;
}

int image_store_find(ImageStore *store, const char *name, Image **ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    _cleanup_(image_freep) Image *image = NULL;
    int r;

    r = resolve(store, name, &statement, err);
    if (r < 0)
        return r;
    r = read_row(store, statement, &image, err);
    if (r < 0)
        return r;
    statement_free(TAKE_PTR(statement)); /* ends the read transaction */
    r = read_config(store, image, err);
    if (r < 0 && row_is_gone(store, &image->id))
        return error_set(err, ERROR_NOT_FOUND, "no such image: '%s'", name);
    if (r < 0) {
        _cleanup_error_ Error cause = {};

        error_move(&cause, err);
        return error_set(err, ERROR_CORRUPT, "image '%s' is damaged: %s: load it again", name,
                         error_message(&cause));
    }
    *ret = TAKE_PTR(image);
    return 0;
}

int image_store_list(ImageStore *store, ImageList *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    _cleanup_image_list_ ImageList list = {};
    int r;

    r = database_prepare(store->database, &statement, err,
                         "SELECT " IMAGE_COLUMNS " FROM image i ORDER BY created DESC, id", "");
    if (r < 0)
        return r;
    while ((r = statement_step(statement, err)) > 0) {
        Image *image = NULL;

        r = read_row(store, statement, &image, err);
        if (r < 0)
            return r;
        list.items = memory_grow(list.items, &list.capacity, list.count + 1, sizeof(Image *));
        list.items[list.count++] = image;
        (void)read_config(store, image, NULL); /* a damaged one is listed, so it can be removed */
    }
    if (r < 0)
        return r;
    *ret = list;
    list = (ImageList) {};
    return 0;
}

static int write_layers(ImageStore *store, const Digest *id, const ImageLayers *layers, Error *err)
{
    int r = database_execute(store->database, NULL, err, "DELETE FROM image_layer WHERE image = ?",
                             "s", id->text);

    for (size_t i = 0; r >= 0 && i < layers->count; i++)
        r = database_execute(store->database, NULL, err,
                             "INSERT INTO image_layer (image, position, chain_id, blob) "
                             "VALUES (?, ?, ?, ?)",
                             "siss", id->text, (int64_t)i, layers->items[i].chain_id.text,
                             layers->items[i].blob.text);
    return r;
}

static int write_rows(ImageStore *store, const ImageAddition *addition, const Digest *id,
                      const Digest *manifest, Error *err)
{
    int64_t size = 0;
    int r;

    for (size_t i = 0; i < addition->layers->count; i++)
        size += addition->layers->items[i].size;
    r = database_execute(
        store->database, NULL, err,
        "INSERT INTO image (id, manifest, manifest_type, manifest_size, size, created, tagged_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET manifest = excluded.manifest, "
        "manifest_type = excluded.manifest_type, manifest_size = excluded.manifest_size, "
        "size = excluded.size, tagged_at = max(tagged_at, excluded.tagged_at)",
        "sssiiii", id->text, manifest->text, addition->manifest_media_type,
        (int64_t)addition->manifest_size, size, addition->created,
        addition->n_references > 0 ? time_now() : INT64_C(0));
    if (r < 0)
        return r;
    r = write_layers(store, id, addition->layers, err);
    for (size_t i = 0; r >= 0 && i < addition->n_references; i++)
        r = image_name_write(store, id, &addition->references[i], err);
    return r;
}

/* A manifest for an image that came without one. */
static char *make_manifest(const Digest *id, int64_t config_size, const ImageLayers *layers)
{
    _cleanup_manifest_ Manifest manifest = { .schema_version = 2 };
    _cleanup_json_ json_t *json = NULL;

    manifest.media_type = memory_strdup(MEDIA_TYPE_OCI_MANIFEST);
    manifest.config.media_type = memory_strdup(MEDIA_TYPE_OCI_CONFIG);
    manifest.config.digest = memory_strdup(id->text);
    manifest.config.size = config_size;
    for (size_t i = 0; i < layers->count; i++)
        descriptor_array_add(&manifest.layers, layers->items[i].media_type, &layers->items[i].blob,
                             layers->items[i].blob_size);
    json = json_struct_write(&manifest_json, &manifest);
    return json_to_text(json);
}

int image_store_add(ImageStore *store, const ImageAddition *addition, Digest *ret_id, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    _cleanup_free_ char *made = NULL;
    ImageAddition complete = *addition;
    Digest id, manifest;
    int r;

    r = content_store_put(store->content, addition->config, addition->config_size, &id, err);
    if (r < 0)
        return r;
    if (!complete.manifest) {
        made = make_manifest(&id, (int64_t)addition->config_size, addition->layers);
        complete.manifest = made;
        complete.manifest_size = strlen(made);
        complete.manifest_media_type = MEDIA_TYPE_OCI_MANIFEST;
    }
    r = content_store_put(store->content, complete.manifest, complete.manifest_size, &manifest,
                          err);
    if (r < 0)
        return r;

    r = database_begin(store->database, &transaction, err);
    if (r < 0)
        return r;
    r = write_rows(store, &complete, &id, &manifest, err);
    if (r < 0)
        return r;
    r = image_store_rebuild_index(store, err);
    if (r < 0)
        return r;
    r = database_commit(&transaction, err);
    if (r < 0)
        return r;
    *ret_id = id;
    return 0;
}

static void index_add_row(ManifestIndex *index, Statement *statement)
{
    const char *repository = statement_text(statement, 3), *tag = statement_text(statement, 4);
    Descriptor *descriptor;
    Digest digest;

    if (digest_parse(statement_text(statement, 0), &digest) < 0)
        return; /* not one that was written here */
    descriptor = descriptor_array_add(&index->manifests, statement_text(statement, 1), &digest,
                                      statement_int(statement, 2));
    if (repository) {
        _cleanup_free_ char *name = memory_printf("%s:%s", repository, tag);

        string_map_set(&descriptor->annotations, ANNOTATION_IMAGE_NAME, name);
        string_map_set(&descriptor->annotations, ANNOTATION_REF_NAME, tag);
    }
}

int image_store_rebuild_index(ImageStore *store, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    _cleanup_manifest_index_ ManifestIndex index = { .schema_version = 2 };
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    int r;

    index.media_type = memory_strdup(MEDIA_TYPE_OCI_INDEX);
    r = database_prepare(store->database, &statement, err,
                         "SELECT i.manifest, i.manifest_type, i.manifest_size, n.repository, n.tag "
                         "FROM image i LEFT JOIN image_name n ON n.image = i.id "
                         "ORDER BY n.repository, n.tag, i.id",
                         "");
    if (r < 0)
        return r;
    while ((r = statement_step(statement, err)) > 0)
        index_add_row(&index, statement);
    if (r < 0)
        return r;
    json = json_struct_write(&manifest_index_json, &index);
    text = json_to_text(json);
    return content_store_write_index(store->content, text, err);
}

int image_store_read_layers(ImageStore *store, const Digest *id, Digest **ret_chain_ids,
                            size_t *ret_count, Error *err)
{
    _cleanup_image_config_ ImageConfig config = {};
    int r = image_store_read_config(store, id, &config, err);

    if (r < 0)
        return r;
    *ret_chain_ids = image_config_chain_ids(&config);
    *ret_count = config.rootfs.diff_ids.count;
    return 0;
}
