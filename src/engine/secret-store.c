/* SPDX-License-Identifier: Apache-2.0 */

/* Secrets as rows of the state database, and the relation between them and containers. */

#include <errno.h>
#include <string.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "engine/secret-private.h"

static const char *const schema_steps[] = {
    "CREATE TABLE secret ("
    " id TEXT PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE,"
    " labels TEXT NOT NULL,"
    " version INTEGER NOT NULL DEFAULT 1,"
    " created_at INTEGER NOT NULL,"
    " updated_at INTEGER NOT NULL,"
    /* Which key it is encrypted under, and the content as secret_seal() makes it. */
    " key TEXT NOT NULL,"
    " sealed BLOB NOT NULL"
    ") STRICT;"
    /* Who uses which. */
    "CREATE TABLE container_secret ("
    " secret TEXT NOT NULL,"
    " container TEXT NOT NULL,"
    " PRIMARY KEY (secret, container)"
    ") WITHOUT ROWID, STRICT;"
    "CREATE INDEX container_secret_of ON container_secret (container, secret);"
    "CREATE TRIGGER container_secret_release AFTER DELETE ON container BEGIN"
    " DELETE FROM container_secret WHERE container = OLD.id; END;",
};

const DatabaseSchema secret_schema = {
    .name = "secret",
    .steps = schema_steps,
    .n_steps = ARRAY_SIZE(schema_steps),
};

#define COLUMNS "id, name, labels, version, created_at, updated_at"

void secret_free(Secret *secret)
{
    free(secret->name);
    string_map_done(&secret->labels);
    free(secret);
}

void secret_list_done(SecretList *list)
{
    for (size_t i = 0; i < list->count; i++)
        secret_free(list->items[i]);
    free(list->items);
    *list = (SecretList) {};
}

static int read_labels(const char *text, StringMap *ret, Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    const char *key;
    json_t *value;
    int r = json_parse(text, strlen(text), &json, err);

    if (r < 0)
        return r;
    json_object_foreach(json, key, value) string_map_set(ret, key, json_string_value(value));
    return 0;
}

static json_t *labels_to_json(const StringMap *labels)
{
    json_t *json = json_object();

    for (size_t i = 0; labels && i < labels->count; i++)
        json_object_set_new(json, labels->items[i].key, json_string(labels->items[i].value));
    return json;
}

/* The current row of a statement that selects COLUMNS. */
static int read_row(Statement *row, Secret **ret, Error *err)
{
    _cleanup_(secret_freep) Secret *secret = NEW(Secret);
    int r;

    (void)strncpy(secret->id, statement_text(row, 0), SECRET_ID_LENGTH);
    secret->name = memory_strdup(statement_text(row, 1));
    r = read_labels(statement_text(row, 2), &secret->labels, err);
    if (r < 0)
        return error_wrap(err, r, "state database: secret '%s'", secret->name);
    secret->version = statement_int(row, 3);
    secret->created_at = statement_int(row, 4);
    secret->updated_at = statement_int(row, 5);

    *ret = TAKE_PTR(secret);
    return 0;
}

/* Returns 1, or 0 without a row. */
static int read_next(Statement *statement, Secret **ret, Error *err)
{
    int r = statement_step(statement, err);

    if (r <= 0)
        return r;
    r = read_row(statement, ret, err);
    return r < 0 ? r : 1;
}

static int find_by_prefix(Engine *engine, const char *name, Secret **ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    _cleanup_(secret_freep) Secret *secret = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT " COLUMNS " FROM secret WHERE id >= ? AND id < ? || 'g'"
                             " LIMIT 2",
                             "ss", name, name);

    if (r >= 0)
        r = read_next(statement, &secret, err);
    if (r <= 0)
        return r;
    r = statement_step(statement, err);
    if (r > 0)
        return error_set(err, ERROR_CONFLICT, "several secret ids begin with '%s': type more of it",
                         name);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(secret);
    return 1;
}

int secret_find(Engine *engine, const char *name, Secret **ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT " COLUMNS " FROM secret WHERE id = ? OR name = ?"
                             " ORDER BY id = ? DESC LIMIT 1",
                             "sss", name, name, name);

    if (r >= 0)
        r = read_next(statement, ret, err);
    if (r == 0 && *name && strspn(name, "0123456789abcdef") == strlen(name))
        r = find_by_prefix(engine, name, ret, err);
    if (r < 0)
        return r;
    return r == 0 ? error_set(err, ERROR_NOT_FOUND, "no such secret: '%s'", name) : 0;
}

int secret_list(Engine *engine, SecretList *ret, Error *err)
{
    _cleanup_secret_list_ SecretList list = {};
    _cleanup_(statement_freep) Statement *statement = NULL;
    Secret *secret;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT " COLUMNS " FROM secret ORDER BY name", "");

    if (r < 0)
        return r;
    while ((r = read_next(statement, &secret, err)) > 0) {
        list.items = memory_grow(list.items, &list.capacity, list.count + 1, sizeof(Secret *));
        list.items[list.count++] = secret;
    }
    if (r < 0)
        return r;

    *ret = list;
    list = (SecretList) {};
    return 0;
}

int secret_row_put(Engine *engine, const Secret *secret, const SecretKey *key,
                   const uint8_t *sealed, size_t size, Error *err)
{
    _cleanup_json_ json_t *json = labels_to_json(&secret->labels);
    _cleanup_free_ char *labels = json_to_text(json);

    return database_execute(
        engine->database, NULL, err,
        "INSERT INTO secret (id, name, labels, created_at, updated_at, key, sealed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET labels = excluded.labels,"
        " updated_at = excluded.updated_at, key = excluded.key, sealed = excluded.sealed,"
        " version = version + 1",
        "sssiisb", secret->id, secret->name, labels, secret->created_at, secret->updated_at,
        key->id, (const void *)sealed, size);
}

int secret_row_read(Engine *engine, const char *id, Statement **ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT key, sealed FROM secret WHERE id = ?", "s", id);

    if (r >= 0)
        r = statement_step(statement, err);
    if (r < 0)
        return r;
    if (r == 0)
        return error_set(err, ERROR_NOT_FOUND, "the secret has just been removed");
    *ret = TAKE_PTR(statement);
    return 0;
}

int secret_row_delete(Engine *engine, const char *id, Error *err)
{
    return database_execute(engine->database, NULL, err, "DELETE FROM secret WHERE id = ?", "s",
                            id);
}

int secret_row_exist_any(Engine *engine, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err, "SELECT 1 FROM secret LIMIT 1", "");

    return r < 0 ? r : statement_step(statement, err);
}

int secret_list_users(Engine *engine, const char *id, StringList *names, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT container.name FROM container_secret JOIN container"
                             " ON container.id = container_secret.container"
                             " WHERE secret = ? ORDER BY container.name",
                             "s", id);

    if (r < 0)
        return r;
    while ((r = statement_step(statement, err)) > 0)
        string_list_add(names, statement_text(statement, 0));
    return r;
}

int secret_refer(Engine *engine, const char *id, ContainerSpec *spec, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < spec->secrets.count && r >= 0; i++) {
        ContainerSecret *used = &spec->secrets.items[i];
        _cleanup_(secret_freep) Secret *secret = NULL;

        r = secret_find(engine, used->source, &secret, err);
        if (r < 0)
            return r;
        free(used->source);
        used->source = TAKE_PTR(secret->name);
        r = database_execute(engine->database, NULL, err,
                             "INSERT OR IGNORE INTO container_secret (secret, container)"
                             " VALUES (?, ?)",
                             "ss", secret->id, id);
    }
    return r < 0 ? r : secret_specs_validate(spec, err); /* an id and a name may be the same one */
}

json_t *secret_to_inspect(const Secret *secret)
{
    _cleanup_free_ char *created = time_to_rfc3339(secret->created_at);
    _cleanup_free_ char *updated = time_to_rfc3339(secret->updated_at);

    return json_pack("{s:s, s:{s:I}, s:s, s:s, s:{s:s, s:o}}", "ID", secret->id, "Version", "Index",
                     (json_int_t)secret->version, "CreatedAt", created, "UpdatedAt", updated,
                     "Spec", "Name", secret->name, "Labels", labels_to_json(&secret->labels));
}
