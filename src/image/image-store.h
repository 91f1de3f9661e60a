/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The images of this machine: names and relations in the database, documents and layer blobs in the
 * content store, unpacked layers in the layer store. An image exists from the moment its row is
 * committed; everything it needs is there before, and is collected after it is gone.
 *
 * Any number of processes work on one store at the same time. Adding holds a shared lock, removing
 * an exclusive one; looking up takes none.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/database.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/json-fields.h"
#include "base/string-list.h"
#include "image/content-store.h"
#include "image/image-config.h"
#include "image/manifest.h"
#include "image/reference.h"
#include "storage/layer-store.h"

typedef struct ImageStore ImageStore;

extern const DatabaseSchema image_schema;

/* @database (opened with image_schema) and @layers stay the caller's and outlive the store. */
int image_store_open(int state_fd, Database *database, LayerStore *layers, ImageStore **ret,
                     Error *err);
void image_store_close(ImageStore *store);
DEFINE_CLEANUP(ImageStore *, image_store_close);

ContentStore *image_store_content(ImageStore *store);

typedef struct Image {
    Digest id;       /* of the configuration */
    Digest manifest; /* of the manifest */
    ImageConfig config;
    Digest *chain_ids; /* bottom to top */
    size_t n_layers;
    int64_t size;       /* bytes of all its layers' files */
    int64_t created;    /* nanoseconds since 1970, 0: the image does not say */
    int64_t tagged_at;  /* when it last got a name here, 0: never */
    StringList names;   /* familiar, "debian:bookworm", sorted */
    StringList digests; /* familiar, "debian@sha256:...": what was pulled from each repository, else
                           its manifest under each that it has a name in */
} Image;

void image_free(Image *image);
DEFINE_CLEANUP(Image *, image_free);

/* Docker's "dangling": no tag leads to it. */
bool image_is_dangling(const Image *image);
/* Nor does a digest of what was pulled: it has an id and nothing else. */
bool image_is_nameless(const Image *image);

/*
 * Find by name, name:tag, name@digest, id, or the beginning of an id, with or without "sha256:", in
 * Docker's precedence: names come before ids. Two indexed queries and one small file.
 * Errors: NOT_FOUND, INVALID (malformed), CONFLICT (several ids begin so), CORRUPT.
 */
int image_store_find(ImageStore *store, const char *name, Image **ret, Error *err);

/* Only its id, of which nothing is read: one indexed query. Errors: as image_store_find(). */
int image_store_resolve(ImageStore *store, const char *name, Digest *ret, Error *err);

/*
 * Chain IDs of the layers of the image @id, bottom to top; free the array. Also of one that was
 * removed by force while a container needs it. Errors: NOT_FOUND, CORRUPT.
 */
int image_store_read_layers(ImageStore *store, const Digest *id, Digest **ret_chain_ids,
                            size_t *ret_count, Error *err);

/* Is @image, which the user calls @name, for @platform (text; NULL: any)? Errors: NOT_FOUND,
 * INVALID. */
int image_check_platform(const Image *image, const char *name, const char *platform, Error *err);

typedef struct ImageList {
    Image **items;
    size_t count;
    size_t capacity;
} ImageList;

void image_list_done(ImageList *list);
#define _cleanup_image_list_ _cleanup_(image_list_done)

/* All images, newest first. One whose documents are damaged is listed without configuration. */
int image_store_list(ImageStore *store, ImageList *ret, Error *err);

/*
 * Give @image the name @reference, taking it from whatever had it. A reference without a tag means
 * "latest". Errors: INVALID (a digest was given), NOT_FOUND (the image is gone by now).
 */
int image_store_tag(ImageStore *store, const Digest *id, const Reference *reference, Error *err);

/* Note that the repository of @reference has the image under its digest, as after a pull. */
int image_store_note_digest(ImageStore *store, const Digest *id, const Reference *reference,
                            Error *err);

/* Who uses images; the engine knows. */
typedef struct ImageUser {
    Digest image;
    char *container;   /* id */
    char *mount_point; /* instead of a container: where it is mounted on the host */
    bool is_running;   /* or mounted */
} ImageUser;

typedef struct ImageUsers {
    ImageUser *items;
    size_t count;
    size_t capacity;
} ImageUsers;

void image_users_add(ImageUsers *users, const Digest *image, const char *container,
                     bool is_running);
void image_users_add_mount(ImageUsers *users, const Digest *image, const char *mount_point);
void image_users_done(ImageUsers *users);
#define _cleanup_image_users_ _cleanup_(image_users_done)

/*
 * Adds every container, running or not, and every mount to @users. Called inside the store's write
 * transaction: whoever creates a container in a write transaction that also finds its image can
 * never be missed.
 */
typedef int (*ImageUsersFunction)(void *data, ImageUsers *users, Error *err);

/* Without one, no image counts as used. */
void image_store_set_users(ImageStore *store, ImageUsersFunction function, void *data);

/* One line of what a removal did; exactly one of the two is set. */
typedef struct ImageRemoval {
    char *untagged; /* familiar name */
    char *deleted;  /* digest of an image or chain ID of a layer */
} ImageRemoval;

typedef struct ImageRemovals {
    JSON_ARRAY_OF(ImageRemoval) removals;
} ImageRemovals;

void image_removals_done(ImageRemovals *removals);
#define _cleanup_image_removals_ _cleanup_(image_removals_done)

/* `[{"Untagged": ..}, {"Deleted": ..}]` (Engine API: ImageDeleteResponseItem). */
json_t *image_removals_to_json(const ImageRemovals *removals);

/*
 * Remove the name @name, and the image with its last name, by Docker's rules: an id removes all
 * names of one repository; several repositories, or a stopped container, need @force; a running
 * container or a mount forbids. With the last tag in a repository the digests go that the image has
 * there. Layers that nobody needs are removed at once, or by the next collection when something is
 * being added meanwhile. A stopped container keeps the layers it needs. Errors: NOT_FOUND,
 * CONFLICT.
 */
int image_store_remove(ImageStore *store, const char *name, bool force, ImageRemovals *ret,
                       Error *err);

/*
 * Remove blobs and layers that no image and no container needs, and what killed processes left
 * behind. Without @wait, returns -EAGAIN (no error recorded) while something is being added.
 * Crash-only: a removal cut short is finished by the next.
 */
int image_store_collect(ImageStore *store, bool wait, Error *err);

/* Engine API: ImageInspect. The caller owns the reference. */
json_t *image_to_inspect(const Image *image);

/* Engine API: ImageSummary; "Containers" is -1. */
json_t *image_to_summary(const Image *image);

/* Newest first, as `docker history` shows it (Engine API: HistoryResponseItem). */
typedef struct ImageHistoryItem {
    char *id;        /* of the image for the newest, else "<missing>" */
    int64_t created; /* seconds since 1970 */
    char *created_by;
    StringList tags;
    int64_t size; /* bytes */
    char *comment;
} ImageHistoryItem;

typedef struct ImageHistory {
    JSON_ARRAY_OF(ImageHistoryItem) items;
} ImageHistory;

void image_history_done(ImageHistory *history);
#define _cleanup_image_history_ _cleanup_(image_history_done)

int image_store_history(ImageStore *store, const Image *image, ImageHistory *ret, Error *err);
json_t *image_history_to_json(const ImageHistory *history);
