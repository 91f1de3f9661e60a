/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and images go by Docker's rules, decided and written in one transaction; content goes
 * afterwards, by collecting whatever nothing refers to any more. A removal that is killed between
 * the two is finished by the next collection.
 */

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/digest-set.h"
#include "image/image-store-private.h"

#define SHORT_ID_LENGTH 12

static const JsonField removal_fields[] = {
    JSON_FIELD(ImageRemoval, untagged, "Untagged", JSON_TYPE_STRING),
    JSON_FIELD(ImageRemoval, deleted, "Deleted", JSON_TYPE_STRING),
};
static const JsonStruct removal_json = JSON_STRUCT(ImageRemoval, removal_fields);

static const JsonField removals_fields[] = {
    { .name = "removals",
      .type = JSON_TYPE_STRUCT_ARRAY,
      .offset = offsetof(ImageRemovals, removals),
      .flags = JSON_KEEP_EMPTY,
      .type_of = &removal_json },
};
static const JsonStruct removals_json = JSON_STRUCT(ImageRemovals, removals_fields);

void image_removals_done(ImageRemovals *removals)
{
    json_struct_done(&removals_json, removals);
}

json_t *image_removals_to_json(const ImageRemovals *removals)
{
    _cleanup_json_ json_t *json = json_struct_write(&removals_json, removals);

    return json_incref(json_object_get(json, "removals"));
}

/* Exactly one of the texts; both are owned by the list from here on. */
static void add_removal(ImageRemovals *list, char *untagged, char *deleted)
{
    *JSON_ARRAY_ADD(&list->removals) = (ImageRemoval) { .untagged = untagged, .deleted = deleted };
}

void image_users_add(ImageUsers *users, const Digest *image, const char *container, bool is_running)
{
    users->items =
        memory_grow(users->items, &users->capacity, users->count + 1, sizeof(*users->items));
    users->items[users->count++] = (ImageUser) { .image = *image,
                                                 .container = memory_strdup(container),
                                                 .is_running = is_running };
}

void image_users_add_mount(ImageUsers *users, const Digest *image, const char *mount_point)
{
    image_users_add(users, image, NULL, true);
    users->items[users->count - 1].mount_point = memory_strdup(mount_point);
}

void image_users_done(ImageUsers *users)
{
    for (size_t i = 0; i < users->count; i++) {
        free(users->items[i].container);
        free(users->items[i].mount_point);
    }
    free(users->items);
    *users = (ImageUsers) {};
}

void image_store_set_users(ImageStore *store, ImageUsersFunction function, void *data)
{
    store->users = function;
    store->users_data = data;
}

static int list_users(ImageStore *store, ImageUsers *ret, Error *err)
{
    return store->users ? store->users(store->users_data, ret, err) : 0;
}

/* One removal while it is decided. */
typedef struct Removal {
    ImageStore *store;
    const char *name; /* as the user wrote it */
    bool force;
    Digest id;
    ImageUsers users;
    StringList repositories; /* of the image's names, in step with tags */
    StringList tags;         /* "latest", or a digest */
    size_t n_tags;           /* how many are no digests */
    ImageRemovals *done;
} Removal;

static void removal_done(Removal *removal)
{
    image_users_done(&removal->users);
    string_list_done(&removal->repositories);
    string_list_done(&removal->tags);
}

/* A user of the image: any, or a running one; NULL when there is none. */
static const ImageUser *find_user(const Removal *removal, bool running)
{
    for (size_t i = 0; i < removal->users.count; i++) {
        const ImageUser *user = &removal->users.items[i];

        if (digest_equal(&user->image, &removal->id) && (!running || user->is_running))
            return user;
    }
    return NULL;
}

static int read_names(Removal *removal, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r;

    string_list_done(&removal->repositories);
    string_list_done(&removal->tags);
    removal->n_tags = 0;
    r = database_prepare(removal->store->database, &statement, err,
                         "SELECT repository, tag, 0 AS is_digest FROM image_name WHERE image = ?1 "
                         "UNION ALL SELECT repository, digest, 1 FROM image_digest "
                         "WHERE image = ?1 ORDER BY is_digest, 1, 2",
                         "s", removal->id.text);
    if (r < 0)
        return r;
    while ((r = statement_step(statement, err)) > 0) {
        string_list_add(&removal->repositories, statement_text(statement, 0));
        string_list_add(&removal->tags, statement_text(statement, 1));
        removal->n_tags += statement_int(statement, 2) == 0;
    }
    return r;
}

static bool names_are_in_one_repository(const Removal *removal)
{
    for (size_t i = 1; i < removal->repositories.count; i++)
        if (strcmp(removal->repositories.items[0], removal->repositories.items[i]) != 0)
            return false;
    return true;
}

/* @tag is a tag or a digest. */
static int untag(Removal *removal, const char *repository, const char *tag, Error *err)
{
    _cleanup_reference_ Reference reference = {};
    bool is_digest;
    int r;

    r = reference_parse(repository, &reference, err);
    if (r < 0)
        return r;
    is_digest = digest_parse(tag, &reference.digest) >= 0;
    if (!is_digest)
        reference.tag = memory_strdup(tag);
    r = database_execute(removal->store->database, NULL, err,
                         is_digest ? "DELETE FROM image_digest WHERE repository = ? AND digest = ?"
                                   : "DELETE FROM image_name WHERE repository = ? AND tag = ?",
                         "ss", repository, tag);
    if (r < 0)
        return r;
    add_removal(removal->done, reference_to_familiar(&reference), NULL);
    return 0;
}

/* Where the image has no tag in @repository any more, its digests there go, too. */
static int untag_digests(Removal *removal, const char *repository, Error *err)
{
    int r = read_names(removal, err);

    for (size_t i = 0; r >= 0 && i < removal->n_tags; i++)
        if (strcmp(removal->repositories.items[i], repository) == 0)
            return 0;
    for (size_t i = removal->n_tags; r >= 0 && i < removal->tags.count; i++)
        if (strcmp(removal->repositories.items[i], repository) == 0)
            r = untag(removal, repository, removal->tags.items[i], err);
    return r < 0 ? r : read_names(removal, err);
}

static int untag_all(Removal *removal, Error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < removal->repositories.count; i++)
        r = untag(removal, removal->repositories.items[i], removal->tags.items[i], err);
    if (r < 0)
        return r;
    return read_names(removal, err);
}

static int conflict(const Removal *removal, const char *way_out, const char *reason,
                    const char *container, Error *err)
{
    return error_set(err, ERROR_CONFLICT, "unable to delete %.*s (%s) - %s%.*s", SHORT_ID_LENGTH,
                     digest_hex(&removal->id), way_out, reason, SHORT_ID_LENGTH, container);
}

static int check_users(const Removal *removal, Error *err)
{
    const ImageUser *user = find_user(removal, true);

    if (user && user->mount_point)
        return error_set(err, ERROR_CONFLICT,
                         "unable to delete %.*s (cannot be forced) - image is mounted at '%s', see "
                         "'cay image unmount'",
                         SHORT_ID_LENGTH, digest_hex(&removal->id), user->mount_point);
    if (user)
        return conflict(removal, "cannot be forced", "image is being used by running container ",
                        user->container, err);
    user = find_user(removal, false);
    if (user && !removal->force)
        return conflict(removal, "must be forced", "image is being used by stopped container ",
                        user->container, err);
    return 0;
}

/* Does the user mean the image itself, not one of its names? */
static bool is_by_id(const Removal *removal)
{
    const char *name = removal->name;

    if (strncmp(name, DIGEST_PREFIX, strlen(DIGEST_PREFIX)) == 0)
        name += strlen(DIGEST_PREFIX);
    if (strncmp(digest_hex(&removal->id), name, strlen(name)) != 0)
        return false;
    /* a name may look like the beginning of the id; names come first */
    for (size_t i = 0; i < removal->tags.count; i++) {
        _cleanup_reference_ Reference reference = {};
        _cleanup_free_ char *repository = NULL;

        if (reference_parse(removal->name, &reference, NULL) < 0)
            return true;
        reference_set_default_tag(&reference);
        repository = reference_repository(&reference);
        if (reference.tag && strcmp(repository, removal->repositories.items[i]) == 0 &&
            strcmp(reference.tag, removal->tags.items[i]) == 0)
            return false;
    }
    return true;
}

/* An id stands for all names of one repository; more than one must be forced. */
static int remove_by_id(Removal *removal, Error *err)
{
    int r;

    if (!names_are_in_one_repository(removal) && !removal->force)
        return conflict(removal, "must be forced", "image is referenced in multiple repositories",
                        "", err);
    r = check_users(removal, err);
    if (r < 0)
        return r;
    return untag_all(removal, err);
}

/* Is the digest written down as one of the image's own names? */
static bool has_digest(const Removal *removal, const char *repository, const Digest *digest)
{
    for (size_t i = removal->n_tags; i < removal->tags.count; i++)
        if (strcmp(removal->repositories.items[i], repository) == 0 &&
            strcmp(removal->tags.items[i], digest->text) == 0)
            return true;
    return false;
}

/* Without its last name the image of a container would be left dangling. */
static int check_last_name(const Removal *removal, Error *err)
{
    const ImageUser *user = find_user(removal, false);

    if (!user || removal->force || removal->n_tags > 1 || !names_are_in_one_repository(removal))
        return 0;
    if (user->mount_point)
        return error_set(err, ERROR_CONFLICT,
                         "unable to remove repository reference '%s' (must force) - its image is "
                         "mounted at '%s', see 'cay image unmount'",
                         removal->name, user->mount_point);
    return error_set(err, ERROR_CONFLICT,
                     "unable to remove repository reference '%s' (must force) - container "
                     "%.*s is using its referenced image %.*s",
                     removal->name, SHORT_ID_LENGTH, user->container, SHORT_ID_LENGTH,
                     digest_hex(&removal->id));
}

static int remove_by_name(Removal *removal, Error *err)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *repository = NULL;
    bool by_digest;
    int r;

    r = reference_parse(removal->name, &reference, err);
    if (r < 0)
        return r;
    repository = reference_repository(&reference);
    by_digest = digest_is_set(&reference.digest);
    if (by_digest && !has_digest(removal, repository, &reference.digest))
        return remove_by_id(removal, err);
    r = check_last_name(removal, err);
    if (r < 0)
        return r;
    reference_set_default_tag(&reference);
    r = untag(removal, repository, by_digest ? reference.digest.text : reference.tag, err);
    if (r < 0)
        return r;
    return by_digest ? read_names(removal, err) : untag_digests(removal, repository, err);
}

/* Chain IDs of what a container needs although its image may have been removed by force. */
static void add_users_layers(ImageStore *store, const ImageUsers *users, DigestSet *chain_ids)
{
    for (size_t i = 0; i < users->count; i++) {
        _cleanup_image_config_ ImageConfig config = {};
        _cleanup_free_ Digest *needed = NULL;

        /* of an image that is damaged nothing can be kept on its account */
        if (image_store_read_config(store, &users->items[i].image, &config, NULL) < 0)
            continue;
        needed = image_config_chain_ids(&config);
        for (size_t j = 0; j < config.rootfs.diff_ids.count; j++)
            digest_set_add(chain_ids, &needed[j]);
    }
}

/* The row, and the names of the layers that go with it, from the top. */
static int delete_image(Removal *removal, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    _cleanup_digest_set_ DigestSet needed = {};
    Digest chain_id;
    int r;

    add_users_layers(removal->store, &removal->users, &needed);
    add_removal(removal->done, NULL, memory_strdup(removal->id.text));
    r = database_prepare(removal->store->database, &statement, err,
                         "SELECT chain_id FROM image_layer l WHERE image = ?1 AND NOT EXISTS "
                         "(SELECT 1 FROM image_layer WHERE chain_id = l.chain_id AND image <> ?1) "
                         "ORDER BY position DESC",
                         "s", removal->id.text);
    if (r < 0)
        return r;
    while ((r = statement_step(statement, err)) > 0)
        if (digest_parse(statement_text(statement, 0), &chain_id) == 0 &&
            !digest_set_contains(&needed, &chain_id))
            add_removal(removal->done, NULL, memory_strdup(chain_id.text));
    if (r < 0)
        return r;
    return database_execute(removal->store->database, NULL, err, "DELETE FROM image WHERE id = ?",
                            "s", removal->id.text);
}

/* Inside a transaction. */
static int decide(Removal *removal, Error *err)
{
    bool by_id;
    int r;

    r = image_store_resolve(removal->store, removal->name, &removal->id, err);
    if (r < 0)
        return r;
    r = list_users(removal->store, &removal->users, err);
    if (r < 0)
        return r;
    r = read_names(removal, err);
    if (r < 0)
        return r;

    by_id = is_by_id(removal);
    r = by_id ? remove_by_id(removal, err) : remove_by_name(removal, err);
    if (r < 0)
        return r;
    if (removal->tags.count > 0)
        return 0; /* other names keep it */
    /* the name is gone by force, but a container keeps the image */
    if (!by_id && check_users(removal, NULL) < 0)
        return 0;
    return delete_image(removal, err);
}

int image_store_remove(ImageStore *store, const char *name, bool force, ImageRemovals *ret,
                       Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    _cleanup_image_removals_ ImageRemovals done = {};
    _cleanup_(removal_done)
        Removal removal = { .store = store, .name = name, .force = force, .done = &done };
    _cleanup_close_ int lock_fd = -EBADF;
    int r;

    r = content_store_lock(store->content, CONTENT_LOCK_ADD, true, &lock_fd, err);
    if (r < 0)
        return r;
    r = database_begin(store->database, &transaction, err);
    if (r < 0)
        return r;
    r = decide(&removal, err);
    if (r < 0)
        return r;
    r = image_store_rebuild_index(store, err);
    if (r < 0)
        return r;
    r = database_commit(&transaction, err);
    if (r < 0)
        return r;

    lock_fd = fd_close(lock_fd);
    (void)image_store_collect(store, false, NULL); /* else the next collection does it */
    *ret = done;
    done = (ImageRemovals) {};
    return 0;
}

static int add_column(ImageStore *store, const char *sql, DigestSet *set, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(store->database, &statement, err, sql, "");

    if (r < 0)
        return r;
    while ((r = statement_step(statement, err)) > 0)
        digest_set_add_text(set, statement_text(statement, 0));
    return r;
}

/* What must stay, as of one transaction that also forgets the layers that go. */
static int find_needed(ImageStore *store, DigestSet *blobs, DigestSet *chain_ids, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    _cleanup_image_users_ ImageUsers users = {};
    int r;

    r = database_begin(store->database, &transaction, err);
    if (r < 0)
        return r;
    r = list_users(store, &users, err);
    if (r < 0)
        return r;
    add_users_layers(store, &users, chain_ids);
    for (size_t i = 0; i < users.count; i++)
        digest_set_add(blobs, &users.items[i].image);
    r = add_column(store,
                   "SELECT id FROM image UNION SELECT manifest FROM image "
                   "UNION SELECT blob FROM image_layer",
                   blobs, err);
    if (r < 0)
        return r;
    r = add_column(store, "SELECT DISTINCT chain_id FROM image_layer", chain_ids, err);
    if (r < 0)
        return r;
    r = database_execute(store->database, NULL, err,
                         "DELETE FROM layer WHERE chain_id NOT IN "
                         "(SELECT chain_id FROM image_layer)",
                         "");
    if (r < 0)
        return r;
    return database_commit(&transaction, err);
}

static int remove_layers(ImageStore *store, DigestSet *needed, Error *err)
{
    _cleanup_free_ Digest *layers = NULL;
    size_t count = 0;
    int r;

    r = layer_store_list(store->layers, &layers, &count, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        if (digest_set_contains(needed, &layers[i]))
            continue;
        r = layer_store_remove(store->layers, &layers[i], err);
        if (r < 0)
            return r;
    }
    return layer_store_collect_staging(store->layers, err);
}

int image_store_collect(ImageStore *store, bool wait, Error *err)
{
    _cleanup_digest_set_ DigestSet chain_ids = {};
    _cleanup_digest_set_ DigestSet blobs = {};
    _cleanup_close_ int lock_fd = -EBADF;
    int r;

    r = content_store_lock(store->content, CONTENT_LOCK_REMOVE, wait, &lock_fd, err);
    if (r < 0)
        return r;
    r = find_needed(store, &blobs, &chain_ids, err);
    if (r < 0)
        return r;
    /* Commits are not synced one by one: without this, a power loss could bring back the row of an
     * image whose content is gone. Where readers are in the way, it is merely likely no more. */
    (void)database_execute(store->database, NULL, NULL, "PRAGMA wal_checkpoint(PASSIVE)", "");
    r = remove_layers(store, &chain_ids, err);
    if (r < 0)
        return r;
    return content_store_sweep(store->content, &blobs, err);
}
