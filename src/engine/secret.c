/* SPDX-License-Identifier: Apache-2.0 */

/* Making, reading and removing secrets. Each is one transaction, and the key comes before it. */

#include "engine/secret.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "base/random-id.h"
#include "base/time-format.h"
#include "engine/secret-private.h"
#include "supervisor/event-log.h"

#define NAME_LENGTH_MAX 64

int secret_name_validate(const char *name, Error *err)
{
    size_t length = strlen(name);
    bool is_valid = length > 0 && length <= NAME_LENGTH_MAX && isalnum((unsigned char)name[0]) &&
                    isalnum((unsigned char)name[length - 1]);

    for (size_t i = 0; i < length && is_valid; i++)
        is_valid = isalnum((unsigned char)name[i]) || strchr("-_.", name[i]);
    if (!is_valid)
        return error_set(err, ERROR_INVALID,
                         "invalid secret name '%s': only 1 to 64 of [a-zA-Z0-9-_.] are allowed, "
                         "with a letter or digit at both ends",
                         name);
    return 0;
}

static int check_size(size_t size, Error *err)
{
    if (size == 0)
        return error_set(err, ERROR_INVALID, "a secret cannot be empty");
    if (size > SECRET_SIZE_MAX)
        return error_set(err, ERROR_INVALID, "a secret has at most %zu bytes", SECRET_SIZE_MAX);
    return 0;
}

static void tell(Engine *engine, const Secret *secret, const char *action)
{
    _cleanup_event_ Event event = {
        .type = memory_strdup("secret"),
        .action = memory_strdup(action),
        .actor = memory_strdup(secret->id),
    };

    string_map_set(&event.attributes, "name", secret->name);
    (void)event_log_append(engine->events_fd, &event); /* what it tells of has happened */
}

/* Only the first secret may bring a key: a new one would pretend that the others can be read. */
static int open_key(Engine *engine, SecretKey *key, Error *err)
{
    int r = secret_row_exist_any(engine, err);

    return r < 0 ? r : secret_key_open(engine, r == 0, key, err);
}

/* The secret that will get the content: a new one, or one that is to be replaced. */
static int choose(Engine *engine, const SecretRequest *request, Secret **ret, Error *err)
{
    _cleanup_(secret_freep) Secret *secret = NULL;
    _cleanup_error_ Error problem = {};
    int r = secret_find(engine, request->name, &secret, &problem);

    if (r >= 0 && strcmp(secret->name, request->name) != 0) {
        secret_free(TAKE_PTR(secret)); /* the name is the beginning of another one's id */
    } else if (r >= 0 && !request->replace) {
        return error_set(err, ERROR_CONFLICT,
                         "secret '%s' already exists: remove it, or use '--replace'",
                         request->name);
    } else if (r < 0 && problem.kind != ERROR_NOT_FOUND && problem.kind != ERROR_CONFLICT) {
        error_move(err, &problem);
        return r;
    }
    if (!secret) {
        secret = NEW(Secret);
        random_hex(secret->id, SECRET_ID_LENGTH);
        secret->name = memory_strdup(request->name);
        secret->created_at = time_now();
    }
    string_map_done(&secret->labels);
    string_map_copy(&secret->labels, request->labels);
    secret->updated_at = secret->version == 0 ? secret->created_at : time_now();

    *ret = TAKE_PTR(secret);
    return 0;
}

int secret_create(Engine *engine, const SecretRequest *request, const LockedMemory *content,
                  char ret_id[static SECRET_ID_LENGTH + 1], Error *err)
{
    size_t size = content->size + SECRET_SEAL_OVERHEAD;
    _cleanup_(database_rollback) Transaction transaction = {};
    _cleanup_(secret_freep) Secret *secret = NULL;
    _cleanup_secret_key_ SecretKey key = {};
    _cleanup_free_ uint8_t *sealed = NULL;
    int r = secret_name_validate(request->name, err);

    if (r >= 0)
        r = check_size(content->size, err);
    if (r >= 0)
        r = open_key(engine, &key, err);
    if (r >= 0)
        r = database_begin(engine->database, &transaction, err);
    if (r >= 0)
        r = choose(engine, request, &secret, err);
    if (r < 0)
        return r;
    sealed = NEW_ARRAY(uint8_t, size);
    r = secret_seal(key.memory.data, secret->id, content, sealed);
    if (r < 0)
        return error_result(err, r, "encrypt secret '%s'", request->name);
    r = secret_row_put(engine, secret, &key, sealed, size, err);
    if (r >= 0)
        r = database_commit(&transaction, err);
    if (r < 0)
        return r;

    tell(engine, secret, secret->version == 0 ? "create" : "update");
    memcpy(ret_id, secret->id, SECRET_ID_LENGTH + 1);
    return 0;
}

static int is_in_use(const Secret *secret, const StringList *users, Error *err)
{
    _cleanup_free_ char *names = string_list_join(users, "', '");

    return error_set(err, ERROR_CONFLICT, "secret '%s' is in use by %s '%s': remove %s first",
                     secret->name, users->count > 1 ? "containers" : "container", names,
                     users->count > 1 ? "them" : "it");
}

int secret_remove(Engine *engine, const char *name, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    _cleanup_(secret_freep) Secret *secret = NULL;
    _cleanup_string_list_ StringList users = {};
    int r = database_begin(engine->database, &transaction, err);

    if (r >= 0)
        r = secret_find(engine, name, &secret, err);
    if (r >= 0)
        r = secret_list_users(engine, secret->id, &users, err);
    if (r >= 0 && users.count > 0)
        r = is_in_use(secret, &users, err);
    if (r >= 0)
        r = secret_row_delete(engine, secret->id, err);
    if (r >= 0)
        r = database_commit(&transaction, err);
    if (r < 0)
        return r;

    tell(engine, secret, "remove");
    return 0;
}

/* Which of two things is wrong, where the user can do something about one of them. */
static int cannot_unseal(const Secret *secret, const SecretKey *key, const char *key_id, int r,
                         Error *err)
{
    if (r != -EBADMSG)
        return error_result(err, r, "decrypt secret '%s'", secret->name);
    if (strcmp(key_id, key->id) != 0)
        return error_set(err, ERROR_UNAVAILABLE,
                         "secret '%s' is encrypted under another key than '%s'", secret->name,
                         key->path);
    return error_set(err, ERROR_CORRUPT, "secret '%s' has been changed in the state database",
                     secret->name);
}

int secret_read(Engine *engine, const char *name, LockedMemory *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *row = NULL;
    _cleanup_(secret_freep) Secret *secret = NULL;
    _cleanup_secret_key_ SecretKey key = {};
    const uint8_t *sealed;
    size_t size;
    int r = secret_find(engine, name, &secret, err);

    if (r >= 0)
        r = secret_key_open(engine, false, &key, err);
    if (r >= 0)
        r = secret_row_read(engine, secret->id, &row, err);
    if (r < 0)
        return r;
    sealed = statement_bytes(row, 1, &size);
    r = secret_unseal(key.memory.data, secret->id, sealed, size, ret);
    return r < 0 ? cannot_unseal(secret, &key, statement_text(row, 0), r, err) : 0;
}
