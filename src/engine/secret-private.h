/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files about secrets share: the installation's key, and rows. */

#include "engine/engine-private.h"
#include "engine/secret-cipher.h"
#include "engine/secret.h"

/* --- the key (secret-key.c) --- */

#define SECRET_KEY_ID_LENGTH 16

typedef struct SecretKey {
    LockedMemory memory;               /* SECRET_KEY_SIZE bytes */
    char id[SECRET_KEY_ID_LENGTH + 1]; /* tells keys apart, and nothing of them */
    char *path;                        /* for messages */
} SecretKey;

void secret_key_done(SecretKey *key);
#define _cleanup_secret_key_ _cleanup_(secret_key_done)

/*
 * Read the key, or make it, where it @may_make one, and where it is not the administrator's to
 * make. Errors: UNAVAILABLE (there is none), DENIED (others can read it), CORRUPT (it is none).
 */
int secret_key_open(Engine *engine, bool may_make, SecretKey *ret, Error *err);

/* --- rows (secret-store.c) --- */

/* Insert it, or give the one that has its id new content and labels. */
int secret_row_put(Engine *engine, const Secret *secret, const SecretKey *key,
                   const uint8_t *sealed, size_t size, Error *err);
/* The id of its key and its content, as columns of *ret. NOT_FOUND. */
int secret_row_read(Engine *engine, const char *id, Statement **ret, Error *err);
int secret_row_delete(Engine *engine, const char *id, Error *err);
/* Are there any? Returns 1, 0 or -errno. */
int secret_row_exist_any(Engine *engine, Error *err);
/* Add the names of the containers that use it. */
int secret_list_users(Engine *engine, const char *id, StringList *names, Error *err);
