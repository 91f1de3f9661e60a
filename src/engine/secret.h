/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Secrets: contents that containers get as files and nobody else gets to see. What is kept is a row
 * with the content encrypted (secret-cipher.h) under the installation's key, which lies beside the
 * database, in secrets/key, or where its administrator says: a copy of the database alone gives
 * nothing away. Content is only ever in locked memory and in a container's tmpfs.
 */

#include <jansson.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/locked-memory.h"
#include "base/string-list.h"
#include "engine/container-spec.h"
#include "engine/engine.h"

#define SECRET_ID_LENGTH 25
#define SECRET_SIZE_MAX ((size_t)512000) /* Docker's */
#define SECRET_DIRECTORY "/run/secrets"
#define SECRET_DEFAULT_MODE 0444

typedef struct Secret {
    char id[SECRET_ID_LENGTH + 1];
    char *name;
    StringMap labels;
    int64_t version;    /* how many contents it has had */
    int64_t created_at; /* nanoseconds since 1970, as the next one */
    int64_t updated_at;
} Secret;

void secret_free(Secret *secret);
DEFINE_CLEANUP(Secret *, secret_free);

typedef struct SecretList {
    Secret **items;
    size_t count;
    size_t capacity;
} SecretList;

void secret_list_done(SecretList *list);
#define _cleanup_secret_list_ _cleanup_(secret_list_done)

typedef struct SecretRequest {
    const char *name;
    const StringMap *labels;
    bool replace; /* one that exists gets this content and these labels, and keeps its id */
} SecretRequest;

/* Docker's rule: 1 to 64 of [a-zA-Z0-9-_.], at both ends a letter or digit. Errors: INVALID. */
int secret_name_validate(const char *name, Error *err);

/*
 * Keep @content. Makes the installation's key if there is none yet. Errors: INVALID (name, size),
 * CONFLICT (it exists), UNAVAILABLE (the key is missing), DENIED (others can read it), EXHAUSTED.
 */
int secret_create(Engine *engine, const SecretRequest *request, const LockedMemory *content,
                  char ret_id[static SECRET_ID_LENGTH + 1], Error *err);

/* By id, name, or the beginning of an id, in this order. Errors: NOT_FOUND, CONFLICT (several). */
int secret_find(Engine *engine, const char *name, Secret **ret, Error *err);

/* All by name. */
int secret_list(Engine *engine, SecretList *ret, Error *err);

/* Errors: NOT_FOUND, CONFLICT (in use; names the containers). */
int secret_remove(Engine *engine, const char *name, Error *err);

/* Engine API: Secret. The caller owns the reference. */
json_t *secret_to_inspect(const Secret *secret);

/* --- what containers do with secrets --- */

/*
 * Parse one --secret: "NAME" or "source=NAME", and "target=", "uid=", "gid=", "mode=".
 * Errors: INVALID (named field), UNSUPPORTED (podman's type=env).
 */
int secret_spec_parse(const char *text, ContainerSecret *ret, Error *err);

/* Check those of one container: a part of container_spec_validate(). Errors: INVALID. */
int secret_specs_validate(const ContainerSpec *spec, Error *err);

/* The file's place in the container: absolute and cleaned. The caller frees it. */
char *secret_spec_path(const ContainerSecret *secret);

/*
 * Record that container @id uses the secrets of @spec, and name those in it that were named by
 * their ids: inside the transaction that inserts the container's row. Ends with the row.
 * Errors: NOT_FOUND, CONFLICT, INVALID.
 */
int secret_refer(Engine *engine, const char *id, ContainerSpec *spec, Error *err);

/* The content of the secret @name. Errors: NOT_FOUND, UNAVAILABLE, DENIED (as above), CORRUPT. */
int secret_read(Engine *engine, const char *name, LockedMemory *ret, Error *err);
