/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What images are called: tags, and the digests under which repositories have them. A digest is
 * that of what was pulled, which is an index where the image is for several platforms; an image
 * that was not pulled has that of its manifest.
 */

#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "image/image-store-private.h"

static int familiar_repository(const char *repository, char **ret, Error *err)
{
    _cleanup_reference_ Reference reference = {};
    int r = reference_parse(repository, &reference, err);

    if (r < 0)
        return error_wrap(err, r, "the database holds a malformed image name");
    *ret = reference_familiar_repository(&reference);
    return 0;
}

static bool has_digest_of(const Image *image, const char *repository)
{
    size_t length = strlen(repository);

    for (size_t i = 0; i < image->digests.count; i++)
        if (strncmp(image->digests.items[i], repository, length) == 0 &&
            image->digests.items[i][length] == '@')
            return true;
    return false;
}

static int read_digests(ImageStore *store, Image *image, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(store->database, &statement, err,
                             "SELECT repository, digest FROM image_digest WHERE image = ? "
                             "ORDER BY repository, digest",
                             "s", image->id.text);

    if (r < 0)
        return r;
    while ((r = statement_step(statement, err)) > 0) {
        _cleanup_free_ char *repository = NULL;

        r = familiar_repository(statement_text(statement, 0), &repository, err);
        if (r < 0)
            return r;
        string_list_printf(&image->digests, "%s@%s", repository, statement_text(statement, 1));
    }
    return r;
}

int image_names_read(ImageStore *store, Image *image, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = read_digests(store, image, err);

    if (r < 0)
        return r;
    r = database_prepare(store->database, &statement, err,
                         "SELECT repository, tag FROM image_name WHERE image = ? "
                         "ORDER BY repository, tag",
                         "s", image->id.text);
    if (r < 0)
        return r;
    while ((r = statement_step(statement, err)) > 0) {
        _cleanup_free_ char *repository = NULL;

        r = familiar_repository(statement_text(statement, 0), &repository, err);
        if (r < 0)
            return r;
        string_list_printf(&image->names, "%s:%s", repository, statement_text(statement, 1));
        if (!has_digest_of(image, repository))
            string_list_printf(&image->digests, "%s@%s", repository, image->manifest.text);
    }
    return r;
}

static int write_tag(ImageStore *store, const Digest *id, const char *repository, const char *tag,
                     Error *err)
{
    return database_execute(store->database, NULL, err,
                            "INSERT INTO image_name (repository, tag, image) VALUES (?, ?, ?) "
                            "ON CONFLICT (repository, tag) DO UPDATE SET image = excluded.image",
                            "sss", repository, tag, id->text);
}

static int write_digest(ImageStore *store, const Digest *id, const char *repository,
                        const Digest *digest, Error *err)
{
    return database_execute(store->database, NULL, err,
                            "INSERT INTO image_digest (repository, digest, image) "
                            "VALUES (?, ?, ?) "
                            "ON CONFLICT (repository, digest) DO UPDATE SET image = excluded.image",
                            "sss", repository, digest->text, id->text);
}

int image_name_write(ImageStore *store, const Digest *id, const Reference *reference, Error *err)
{
    _cleanup_free_ char *repository = reference_repository(reference);
    bool has_digest = digest_is_set(&reference->digest);
    int r = 0;

    if (has_digest)
        r = write_digest(store, id, repository, &reference->digest, err);
    if (r >= 0 && (reference->tag || !has_digest))
        r = write_tag(store, id, repository,
                      reference->tag ? reference->tag : REFERENCE_DEFAULT_TAG, err);
    return r;
}

int image_store_tag(ImageStore *store, const Digest *id, const Reference *reference, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    _cleanup_close_ int lock_fd = -EBADF;
    int64_t changes;
    int r;

    if (digest_is_set(&reference->digest))
        return error_set(err, ERROR_INVALID,
                         "refusing to create a tag with a digest reference: leave out '@%s'",
                         reference->digest.text);
    r = content_store_lock(store->content, CONTENT_LOCK_ADD, true, &lock_fd, err);
    if (r < 0)
        return r;
    r = database_begin(store->database, &transaction, err);
    if (r < 0)
        return r;
    r = database_execute(store->database, &changes, err,
                         "UPDATE image SET tagged_at = ? WHERE id = ?", "is", time_now(), id->text);
    if (r < 0)
        return r;
    if (changes == 0)
        return error_set(err, ERROR_NOT_FOUND, "no such image: '%s'", id->text);
    r = image_name_write(store, id, reference, err);
    if (r < 0)
        return r;
    r = image_store_rebuild_index(store, err);
    if (r < 0)
        return r;
    return database_commit(&transaction, err);
}

int image_store_note_digest(ImageStore *store, const Digest *id, const Reference *reference,
                            Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    _cleanup_free_ char *repository = reference_repository(reference);
    int r = database_begin(store->database, &transaction, err);

    if (r >= 0)
        r = write_digest(store, id, repository, &reference->digest, err);
    return r < 0 ? r : database_commit(&transaction, err);
}

char *image_store_find_other_repository(ImageStore *store, const Digest *blob, const char *domain,
                                        const char *path)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    _cleanup_free_ char *prefix = memory_printf("%s/", domain);
    _cleanup_free_ char *own = memory_printf("%s/%s", domain, path);

    /* what cannot be found out is sent */
    if (database_prepare(store->database, &statement, NULL,
                         "SELECT substr(d.repository, ?) FROM image_layer l JOIN image_digest d "
                         "ON d.image = l.image WHERE l.blob = ? AND "
                         "substr(d.repository, 1, ?) = ? AND d.repository <> ? LIMIT 1",
                         "isiss", (int64_t)strlen(prefix) + 1, blob->text, (int64_t)strlen(prefix),
                         prefix, own) < 0 ||
        statement_step(statement, NULL) <= 0)
        return NULL;
    return memory_strdup(statement_text(statement, 0));
}
