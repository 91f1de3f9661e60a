/* SPDX-License-Identifier: Apache-2.0 */

/* Volumes as rows of the state database, and the relation between them and containers. */

#include <errno.h>
#include <string.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "engine/volume-private.h"

static const char *const schema_steps[] = {
    "CREATE TABLE volume ("
    " name TEXT PRIMARY KEY,"
    " driver TEXT NOT NULL,"
    " options TEXT NOT NULL,"
    " labels TEXT NOT NULL,"
    " created_at INTEGER NOT NULL,"
    " is_anonymous INTEGER NOT NULL,"
    /* The project of its files, for quotas; 0: none. */
    " project INTEGER NOT NULL DEFAULT 0"
    ") WITHOUT ROWID, STRICT;"
    "CREATE INDEX volume_project ON volume (project) WHERE project > 0;",
};

const DatabaseSchema volume_schema = {
    .name = "volume",
    .steps = schema_steps,
    .n_steps = ARRAY_SIZE(schema_steps),
};

#define COLUMNS "name, driver, options, labels, created_at, is_anonymous, project"
#define SELECT_COLUMNS                                                                             \
    "SELECT " COLUMNS ", (SELECT count(*) FROM container_volume WHERE volume = name) FROM volume"

void volume_free(Volume *volume)
{
    free(volume->name);
    free(volume->driver);
    string_map_done(&volume->options);
    string_map_done(&volume->labels);
    free(volume->mount_point);
    free(volume->scope);
    json_decref(volume->status);
    free(volume);
}

void volume_list_done(VolumeList *list)
{
    for (size_t i = 0; i < list->count; i++)
        volume_free(list->items[i]);
    free(list->items);
    *list = (VolumeList) {};
}

static json_t *map_to_json(const StringMap *map)
{
    json_t *json = json_object();

    for (size_t i = 0; i < map->count; i++)
        json_object_set_new(json, map->items[i].key, json_string(map->items[i].value));
    return json;
}

static char *map_to_text(const StringMap *map)
{
    _cleanup_json_ json_t *json = map_to_json(map);

    return json_to_text(json);
}

static int read_map(const char *text, StringMap *ret, Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    const char *key;
    json_t *value;
    int r;

    if (strcmp(text, "{}") == 0)
        return 0; /* most of them */
    r = json_parse(text, strlen(text), &json, err);
    if (r < 0)
        return r;
    json_object_foreach(json, key, value) string_map_set(ret, key, json_string_value(value));
    return 0;
}

/* The current row of a statement of SELECT_COLUMNS. */
static int read_row(Engine *engine, Statement *row, Volume **ret, Error *err)
{
    _cleanup_(volume_freep) Volume *volume = NEW(Volume);
    int r;

    volume->name = memory_strdup(statement_text(row, 0));
    volume->driver = memory_strdup(statement_text(row, 1));
    r = read_map(statement_text(row, 2), &volume->options, err);
    if (r >= 0)
        r = read_map(statement_text(row, 3), &volume->labels, err);
    if (r < 0)
        return error_wrap(err, r, "state database: volume '%s'", volume->name);
    volume->created_at = statement_int(row, 4);
    volume->is_anonymous = statement_int(row, 5) != 0;
    volume->project = (uint32_t)statement_int(row, 6);
    volume->n_users = statement_int(row, 7);
    if (strcmp(volume->driver, VOLUME_DRIVER_LOCAL) == 0)
        volume->mount_point = volume_local_path(engine, volume->name);

    *ret = TAKE_PTR(volume);
    return 0;
}

int volume_row_load(Engine *engine, const char *name, Volume **ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err, SELECT_COLUMNS " WHERE name = ?",
                             "s", name);

    if (r >= 0)
        r = statement_step(statement, err);
    if (r < 0)
        return r;
    if (r == 0)
        return error_set(err, ERROR_NOT_FOUND, "no such volume: '%s'", name);
    return read_row(engine, statement, ret, err);
}

int volume_row_insert(Engine *engine, const Volume *volume, Error *err)
{
    _cleanup_free_ char *options = map_to_text(&volume->options);
    _cleanup_free_ char *labels = map_to_text(&volume->labels);

    return database_execute(engine->database, NULL, err,
                            "INSERT INTO volume (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?)",
                            "ssssiii", volume->name, volume->driver, options, labels,
                            volume->created_at, (int64_t)volume->is_anonymous,
                            (int64_t)volume->project);
}

int volume_row_delete(Engine *engine, const char *name, Error *err)
{
    return database_execute(engine->database, NULL, err, "DELETE FROM volume WHERE name = ?", "s",
                            name);
}

bool volume_row_exists(Engine *engine, const char *name)
{
    _cleanup_(statement_freep) Statement *statement = NULL;

    if (database_prepare(engine->database, &statement, NULL, "SELECT 1 FROM volume WHERE name = ?",
                         "s", name) < 0)
        return true;
    return statement_step(statement, NULL) != 0;
}

int volume_list(Engine *engine, VolumeList *ret, Error *err)
{
    _cleanup_volume_list_ VolumeList list = {};
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r =
        database_prepare(engine->database, &statement, err, SELECT_COLUMNS " ORDER BY name", "");

    if (r < 0)
        return r;
    while ((r = statement_step(statement, err)) > 0) {
        Volume *volume;

        r = read_row(engine, statement, &volume, err);
        if (r < 0)
            return r;
        list.items = memory_grow(list.items, &list.capacity, list.count + 1, sizeof(Volume *));
        list.items[list.count++] = volume;
    }
    if (r < 0)
        return r;

    *ret = list;
    list = (VolumeList) {};
    return 0;
}

int volume_refer(Engine *engine, const char *id, const StringList *names, Error *err)
{
    for (size_t i = 0; i < names->count; i++) {
        int64_t referred = 0;
        int r = database_execute(engine->database, &referred, err,
                                 "INSERT INTO container_volume (volume, container)"
                                 " SELECT name, ? FROM volume WHERE name = ?"
                                 " ON CONFLICT DO UPDATE SET container = excluded.container",
                                 "ss", id, names->items[i]);

        if (r < 0)
            return r;
        if (referred == 0)
            return error_set(err, ERROR_NOT_FOUND, "no such volume: '%s'", names->items[i]);
    }
    return 0;
}

int volume_unrefer(Engine *engine, const char *id, Error *err)
{
    return database_execute(engine->database, NULL, err,
                            "DELETE FROM container_volume WHERE container = ?", "s", id);
}

int volume_list_users(Engine *engine, const char *name, StringList *ids, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT container FROM container_volume WHERE volume = ?", "s", name);

    if (r < 0)
        return r;
    while ((r = statement_step(statement, err)) > 0)
        string_list_add(ids, statement_text(statement, 0));
    return r;
}

/* null, as Docker has it, where there are none. */
static json_t *map_to_inspect(const StringMap *map)
{
    return map->count > 0 ? map_to_json(map) : json_null();
}

json_t *volume_to_inspect(const Volume *volume)
{
    _cleanup_free_ char *created_at = time_to_rfc3339(volume->created_at);
    json_t *json = json_object();

    json_object_set_new(json, "CreatedAt", json_string(created_at));
    json_object_set_new(json, "Driver", json_string(volume->driver));
    json_object_set_new(json, "Labels", map_to_inspect(&volume->labels));
    json_object_set_new(json, "Mountpoint",
                        json_string(volume->mount_point ? volume->mount_point : ""));
    json_object_set_new(json, "Name", json_string(volume->name));
    json_object_set_new(json, "Options", map_to_inspect(&volume->options));
    json_object_set_new(json, "Scope", json_string(volume->scope ? volume->scope : "local"));
    if (volume->status)
        json_object_set(json, "Status", volume->status);
    return json;
}
