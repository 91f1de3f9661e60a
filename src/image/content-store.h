/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Blobs by digest in an OCI image layout: `content/` below the state directory, readable by any
 * tool that knows the layout. A blob appears under its digest only when complete, verified and on
 * the disk. Half-written blobs live in staging directories that their owner holds a lock on, so
 * that whatever a killed process left is told from what a living one is about to finish.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "image/digest-set.h"

typedef struct ContentStore ContentStore;

/* Open or create the layout below @state_fd (not kept). Errors: UNSUPPORTED (a layout version that
 * is not 1.0.0), SYSTEM. */
int content_store_open(int state_fd, ContentStore **ret, Error *err);
void content_store_close(ContentStore *store);
DEFINE_CLEANUP(ContentStore *, content_store_close);

/*
 * Hold the store against collection: shared by everybody who adds, exclusive for who removes.
 * Waits for the lock, or returns -EAGAIN without recording an error when @wait is false.
 * The lock lasts until *ret_fd is closed.
 */
typedef enum ContentLock {
    CONTENT_LOCK_ADD,
    CONTENT_LOCK_REMOVE,
} ContentLock;
int content_store_lock(ContentStore *store, ContentLock mode, bool wait, int *ret_fd, Error *err);

/* A directory for unfinished things; removed with all it holds when the handle is freed. */
typedef struct ContentStaging ContentStaging;
int content_staging_begin(ContentStore *store, ContentStaging **ret, Error *err);
void content_staging_free(ContentStaging *staging);
DEFINE_CLEANUP(ContentStaging *, content_staging_free);
int content_staging_fd(const ContentStaging *staging);

/* A new empty file in the staging directory, for content_staging_commit(). */
int content_staging_create(ContentStaging *staging, const char *name, int *ret_fd, Error *err);

/*
 * Make the staged file @name the blob @expected: hashed here, whoever wrote it, synced and renamed.
 * *ret_size (may be NULL) is its length in bytes. Errors: CORRUPT (another digest), SYSTEM.
 */
int content_staging_commit(ContentStaging *staging, const char *name, const Digest *expected,
                           int64_t *ret_size, Error *err);

/*
 * The same for a file that the caller has written itself from beginning to end, and hashed on the
 * way: it is not read again.
 */
int content_staging_commit_hashed(ContentStaging *staging, const char *name, const Digest *digest,
                                  Error *err);

/*
 * A blob that is being fetched: a file of its digest's name which survives whoever fetches it, so
 * that the next one goes on where it ended. One process has it at a time. What nobody has taken up
 * for a week goes with the next sweep.
 */
typedef struct ContentPartial ContentPartial;

/*
 * Take the partial blob @digest, made empty if there is none. Waits for who has it, or returns
 * -EAGAIN without recording an error when @wait is false. Whoever waited looks again whether the
 * blob is there by now.
 */
int content_partial_open(ContentStore *store, const Digest *digest, bool wait, ContentPartial **ret,
                         Error *err);
int content_partial_fd(const ContentPartial *partial); /* read and write; stays the partial's */

/* Make it the blob: the caller has hashed every byte of it. Synced before, unless @is_synced: by a
 * sync of the whole file system since it was written. */
int content_partial_commit(ContentPartial *partial, bool is_synced, Error *err);

/* What has come turned out to be something else: begin anew. */
int content_partial_discard(ContentPartial *partial, Error *err);

/* It is of no use to a next one: its name goes, and with it the file, unless that has another name
 * or is open. */
void content_partial_remove(ContentPartial *partial);

/* Leave it to the next one, unless it was committed or removed. */
void content_partial_free(ContentPartial *partial);
DEFINE_CLEANUP(ContentPartial *, content_partial_free);

/* Remove all partial blobs that nobody has, however old they are. */
int content_store_drop_partials(ContentStore *store, Error *err);

/* Store @data; returns its digest. */
int content_store_put(ContentStore *store, const void *data, size_t size, Digest *ret, Error *err);

/* The longest blob that is read whole: documents, not layers. */
#define CONTENT_READ_MAX_SIZE (4 * 1024 * 1024)

/*
 * Read and verify a document. Errors: NOT_FOUND, CORRUPT (its digest is wrong, or it is longer than
 * CONTENT_READ_MAX_SIZE).
 */
int content_store_read(ContentStore *store, const Digest *digest, char **ret_data, size_t *ret_size,
                       Error *err);

/* Is the blob there, and @size bytes long? Its bytes are not looked at. */
bool content_store_has(ContentStore *store, const Digest *digest, int64_t size);

/* Open for reading, unverified. Errors: NOT_FOUND, SYSTEM. */
int content_store_open_blob(ContentStore *store, const Digest *digest, int *ret_fd, Error *err);

/*
 * True when the blob is there and intact: hashed completely, so that a damaged one is written anew
 * by whoever has the right bytes at hand. ret_size may be NULL.
 */
bool content_store_verify(ContentStore *store, const Digest *digest, int64_t *ret_size);

/* Replace index.json as a whole. */
int content_store_write_index(ContentStore *store, const char *text, Error *err);

/*
 * Remove all blobs but those in @kept, staging directories without an owner, and partial blobs that
 * were left for a week.
 * The caller holds CONTENT_LOCK_REMOVE.
 */
int content_store_sweep(ContentStore *store, DigestSet *kept, Error *err);
