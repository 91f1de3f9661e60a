/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Containers as rows of the state database, and the state machine that rows obey. The spec is kept
 * as one JSON document: nothing ever searches inside it.
 */

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "base/string-buffer.h"
#include "engine/container-private.h"

static const char *const schema_steps[] = {
    "CREATE TABLE container ("
    " id TEXT PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE,"
    " state TEXT NOT NULL,"
    " image TEXT NOT NULL,"
    " spec TEXT NOT NULL,"
    " created_at INTEGER NOT NULL,"
    " started_at INTEGER NOT NULL DEFAULT 0,"
    " finished_at INTEGER NOT NULL DEFAULT 0,"
    " exit_code INTEGER NOT NULL DEFAULT 0,"
    " oom_killed INTEGER NOT NULL DEFAULT 0,"
    " pid INTEGER NOT NULL DEFAULT 0,"
    " error TEXT"
    ") WITHOUT ROWID, STRICT;",
    "ALTER TABLE container ADD COLUMN restart_count INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE container ADD COLUMN is_stopped INTEGER NOT NULL DEFAULT 0;"
    /* What a list shows, so that it parses no spec. */
    "ALTER TABLE container ADD COLUMN image_name TEXT;"
    "ALTER TABLE container ADD COLUMN command TEXT;"
    "ALTER TABLE container ADD COLUMN network TEXT;"
    "UPDATE container SET image_name = spec ->> '$.Image', network = spec ->> '$.NetworkMode',"
    " command = (SELECT group_concat(value, ' ') FROM"
    "  (SELECT value FROM json_each(spec, '$.Entrypoint') UNION ALL"
    "   SELECT value FROM json_each(spec, '$.Cmd')));"
    /* All that a list shows, so that it reads no row. */
    "CREATE INDEX container_list ON container (state, created_at, id, name, image, image_name,"
    " command, network, started_at, finished_at, exit_code, oom_killed, pid, error, restart_count, "
    "is_stopped);",
    /* The spec that an update is on its way to. */
    "ALTER TABLE container ADD COLUMN pending TEXT;"
    "CREATE INDEX container_pending ON container (id) WHERE pending IS NOT NULL;",
    /* The ids of its user namespace that are its own, a range of the host's; 0: none. */
    "ALTER TABLE container ADD COLUMN first_id INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE container ADD COLUMN n_ids INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX container_ids ON container (first_id, n_ids) WHERE n_ids > 0;"
    /* The project of its files, for quotas; 0: none. */
    "ALTER TABLE container ADD COLUMN project INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX container_project ON container (project) WHERE project > 0;"
    /* Who uses which volume. */
    "CREATE TABLE container_volume ("
    " volume TEXT NOT NULL,"
    " container TEXT NOT NULL,"
    " PRIMARY KEY (volume, container)"
    ") WITHOUT ROWID, STRICT;"
    "CREATE INDEX container_volume_of ON container_volume (container, volume);"
    "CREATE TRIGGER container_volume_release AFTER DELETE ON container BEGIN"
    " DELETE FROM container_volume WHERE container = OLD.id; END;",
};

const DatabaseSchema container_schema = {
    .name = "container",
    .steps = schema_steps,
    .n_steps = ARRAY_SIZE(schema_steps),
};

#define COLUMNS                                                                                    \
    "id, name, state, image, spec, created_at, started_at, finished_at, exit_code, oom_killed, "   \
    "pid, error, restart_count, is_stopped, pending IS NOT NULL, project"

#define TO(state) (1U << CONTAINER_##state)

static const struct {
    const char *name;
    unsigned next;
} states[_CONTAINER_STATE_MAX] = {
    [CONTAINER_CREATING] = { "creating", TO(CREATED) | TO(RUNNING) | TO(EXITED) | TO(REMOVING) },
    [CONTAINER_CREATED] = { "created", TO(RUNNING) | TO(REMOVING) },
    [CONTAINER_RUNNING] = { "running", TO(PAUSED) | TO(RESTARTING) | TO(EXITED) },
    [CONTAINER_PAUSED] = { "paused", TO(RUNNING) | TO(EXITED) },
    [CONTAINER_RESTARTING] = { "restarting", TO(RUNNING) | TO(EXITED) },
    [CONTAINER_EXITED] = { "exited", TO(RUNNING) | TO(REMOVING) },
    [CONTAINER_REMOVING] = { "removing", 0 },
};

const char *container_state_to_string(ContainerState state)
{
    return states[state].name;
}

bool container_state_can_become(ContainerState from, ContainerState to)
{
    return states[from].next & (1U << to);
}

int container_set_state(Container *container, ContainerState state, Error *err)
{
    if (!container_state_can_become(container->state, state))
        return error_set(err, ERROR_CONFLICT, "container '%s' is %s and cannot become %s",
                         container->name, states[container->state].name, states[state].name);
    container->state = state;
    return 0;
}

static int state_from_string(const char *name, ContainerState *ret, Error *err)
{
    for (ContainerState state = 0; state < _CONTAINER_STATE_MAX; state++) {
        if (strcmp(states[state].name, name) == 0) {
            *ret = state;
            return 0;
        }
    }

    return error_set(err, ERROR_CORRUPT, "state database: unknown container state '%s'", name);
}

void container_free(Container *container)
{
    free(container->name);
    free(container->error);
    free(container->health);
    container_spec_done(&container->spec);
    free(container);
}

void container_list_done(ContainerList *list)
{
    for (size_t i = 0; i < list->count; i++)
        container_free(list->items[i]);
    free(list->items);
    *list = (ContainerList) {};
}

static int read_spec(const char *text, ContainerSpec *ret, Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    int r = json_parse(text, strlen(text), &json, err);

    if (r >= 0)
        r = json_struct_read(&container_spec_json, json, ret, err);
    if (r >= 0)
        container_mounts_upgrade(ret);
    return r;
}

/* What BRIEF_COLUMNS tell of the spec. */
static void read_brief(Statement *row, ContainerSpec *ret)
{
    ret->image = memory_strdup(statement_text(row, 4));
    string_list_add(&ret->command, statement_text(row, 14) ? statement_text(row, 14) : "");
    ret->network_mode = memory_strdup(statement_text(row, 15));
}

/* The current row of a statement that selects COLUMNS or, if it @is_brief, BRIEF_COLUMNS. */
static int read_row(Statement *row, bool is_brief, Container **ret, Error *err)
{
    _cleanup_(container_freep) Container *container = NEW(Container);
    int r;

    (void)strncpy(container->id, statement_text(row, 0), CONTAINER_ID_LENGTH);
    container->name = memory_strdup(statement_text(row, 1));
    r = state_from_string(statement_text(row, 2), &container->state, err);
    if (r < 0)
        return r;
    if (digest_parse(statement_text(row, 3), &container->image) < 0)
        return error_set(err, ERROR_CORRUPT, "state database: container '%s' has no image",
                         container->name);
    if (is_brief)
        read_brief(row, &container->spec);
    else
        r = read_spec(statement_text(row, 4), &container->spec, err);
    container->is_updating = !is_brief && statement_int(row, 14) != 0;
    container->project = is_brief ? 0 : (uint32_t)statement_int(row, 15);
    if (r < 0)
        return error_wrap(err, r, "state database: container '%s'", container->name);
    container->created_at = statement_int(row, 5);
    container->started_at = statement_int(row, 6);
    container->finished_at = statement_int(row, 7);
    container->exit_code = statement_int(row, 8);
    container->oom_killed = statement_int(row, 9) != 0;
    container->pid = statement_int(row, 10);
    container->error = memory_strdup(statement_text(row, 11));
    container->restart_count = statement_int(row, 12);
    container->is_stopped = statement_int(row, 13) != 0;

    *ret = TAKE_PTR(container);
    return 0;
}

/* The single row that @statement yields. Returns 1, or 0 when there is none. */
static int read_one(Statement *statement, bool is_brief, Container **ret, Error *err)
{
    int r = statement_step(statement, err);

    if (r <= 0)
        return r;
    r = read_row(statement, is_brief, ret, err);
    return r < 0 ? r : 1;
}

int container_row_load(Engine *engine, const char *id, Container **ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT " COLUMNS " FROM container WHERE id = ?", "s", id);

    if (r < 0)
        return r;
    r = read_one(statement, false, ret, err);
    if (r == 0)
        return error_set(err, ERROR_NOT_FOUND, "no such container: '%s'", id);
    return r < 0 ? r : 0;
}

/* The container whose id is @name or whose name it is. Returns 1, or 0 when there is none. */
static int find_exact(Engine *engine, const char *name, Container **ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT " COLUMNS " FROM container WHERE id = ? OR name = ?"
                             " ORDER BY id = ? DESC LIMIT 1",
                             "sss", name, name, name);

    if (r < 0)
        return r;
    return read_one(statement, false, ret, err);
}

int container_find(Engine *engine, const char *name, Container **ret, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_(statement_freep) Statement *statement = NULL;
    const char *plain = name[0] == '/' ? name + 1 : name;
    int r = find_exact(engine, plain, &container, err);

    if (r == 0 && *plain && strspn(plain, "0123456789abcdef") == strlen(plain)) {
        r = database_prepare(engine->database, &statement, err,
                             "SELECT " COLUMNS " FROM container"
                             " WHERE id >= ? AND id < ? || 'g' LIMIT 2",
                             "ss", plain, plain);
        if (r < 0)
            return r;
        r = read_one(statement, false, &container, err);
        if (r > 0 && statement_step(statement, err) > 0)
            return error_set(err, ERROR_CONFLICT,
                             "several container ids begin with '%s': type more of it", name);
    }
    if (r < 0)
        return r;
    if (r == 0)
        return error_set(err, ERROR_NOT_FOUND, "no such container: '%s'", name);

    *ret = TAKE_PTR(container);
    return 0;
}

/* The same columns for a list, with the image's name in the place of the spec, and two more. */
#define BRIEF_COLUMNS                                                                              \
    "id, name, state, image, image_name, created_at, started_at, finished_at, exit_code, "         \
    "oom_killed, pid, error, restart_count, is_stopped, command, network"

static const char *const list_queries[] = {
    [0] = "SELECT " COLUMNS " FROM container ORDER BY created_at DESC, id",
    [CONTAINER_LIST_BRIEF] = "SELECT " BRIEF_COLUMNS " FROM container ORDER BY created_at DESC, id",
    [CONTAINER_LIST_UP] = "SELECT " COLUMNS " FROM container"
                          " WHERE state IN ('creating', 'running') ORDER BY created_at DESC, id",
    [CONTAINER_LIST_UP | CONTAINER_LIST_BRIEF] =
        "SELECT " BRIEF_COLUMNS " FROM container"
        " WHERE state IN ('creating', 'running') ORDER BY created_at DESC, id",
};

int container_list(Engine *engine, unsigned flags, ContainerList *ret, Error *err)
{
    _cleanup_container_list_ ContainerList list = {};
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err, list_queries[flags], "");

    if (r < 0)
        return r;
    for (;;) {
        Container *container;

        r = read_one(statement, flags & CONTAINER_LIST_BRIEF, &container, err);
        if (r < 0)
            return r;
        if (r == 0)
            break;
        list.items = memory_grow(list.items, &list.capacity, list.count + 1, sizeof(Container *));
        list.items[list.count++] = container;
    }

    *ret = list;
    list = (ContainerList) {};
    return 0;
}

/* Who has the name that could not be claimed. */
static int name_is_taken(Engine *engine, const char *name, Error *err)
{
    _cleanup_(container_freep) Container *holder = NULL;
    _cleanup_error_ Error ignored = {};

    if (find_exact(engine, name, &holder, &ignored) <= 0)
        return error_set(err, ERROR_CONFLICT, "the container name '%s' is in use", name);
    return error_set(err, ERROR_CONFLICT,
                     "the container name '%s' is in use by container '%.12s':"
                     " remove that container ('cay rm %s') or choose another name",
                     name, holder->id, name);
}

/* The program and its arguments on one line. */
static char *make_command_line(const ContainerSpec *spec)
{
    _cleanup_free_ char *entrypoint = string_list_join(&spec->entrypoint, " ");
    _cleanup_free_ char *arguments = string_list_join(&spec->command, " ");

    return memory_printf("%s%s%s", entrypoint, *entrypoint && *arguments ? " " : "", arguments);
}

int container_row_insert(Engine *engine, const Container *container, const IdRange *ids, Error *err)
{
    _cleanup_json_ json_t *json = json_struct_write(&container_spec_json, &container->spec);
    _cleanup_free_ char *spec = json_to_text(json), *command = make_command_line(&container->spec);
    int64_t inserted = 0;
    int r = database_execute(
        engine->database, &inserted, err,
        "INSERT INTO container (id, name, state, image, spec, image_name, command,"
        " network, created_at, project, first_id, n_ids)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
        "ssssssssiiii", container->id, container->name, states[container->state].name,
        container->image.text, spec, container->spec.image, command, container->spec.network_mode,
        container->created_at, (int64_t)container->project, (int64_t)ids->first,
        (int64_t)ids->size);

    if (r < 0)
        return r;
    return inserted == 0 ? name_is_taken(engine, container->name, err) : 0;
}

int container_row_update(Engine *engine, const Container *container, Error *err)
{
    return database_execute(
        engine->database, NULL, err,
        "UPDATE container SET state = ?, started_at = ?, finished_at = ?,"
        " exit_code = ?, oom_killed = ?, pid = ?, error = ?,"
        " restart_count = ?, is_stopped = ? WHERE id = ?",
        "siiiiisiis", states[container->state].name, container->started_at, container->finished_at,
        container->exit_code, (int64_t)container->oom_killed, container->pid, container->error,
        container->restart_count, (int64_t)container->is_stopped, container->id);
}

int container_row_record_start(Engine *engine, const char *id, int64_t pid, int64_t started_at,
                               Error *err)
{
    return database_execute(engine->database, NULL, err,
                            "UPDATE container SET state = ?, pid = ?, started_at = ?,"
                            " exit_code = 0, oom_killed = 0, error = NULL, restart_count = 0,"
                            " is_stopped = 0"
                            " WHERE id = ? AND state IN (?, ?, ?) AND started_at < ?",
                            "siissssi", states[CONTAINER_RUNNING].name, pid, started_at, id,
                            states[CONTAINER_CREATING].name, states[CONTAINER_CREATED].name,
                            states[CONTAINER_EXITED].name, started_at);
}

int container_row_rename(Engine *engine, const char *id, const char *name, Error *err)
{
    int64_t renamed = 0;
    int r =
        database_execute(engine->database, &renamed, err,
                         "UPDATE OR IGNORE container SET name = ? WHERE id = ?", "ss", name, id);

    if (r < 0)
        return r;
    return renamed == 0 ? name_is_taken(engine, name, err) : 0;
}

int container_row_set_pending(Engine *engine, const char *id, const ContainerSpec *spec, Error *err)
{
    _cleanup_json_ json_t *json = spec ? json_struct_write(&container_spec_json, spec) : NULL;
    _cleanup_free_ char *text = json ? json_to_text(json) : NULL;

    return database_execute(engine->database, NULL, err,
                            "UPDATE container SET pending = ? WHERE id = ?", "ss", text, id);
}

int container_row_read_pending(Engine *engine, const char *id, ContainerSpec *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT pending FROM container WHERE id = ? AND pending IS NOT NULL",
                             "s", id);

    if (r >= 0)
        r = statement_step(statement, err);
    if (r == 0)
        return error_set(err, ERROR_NOT_FOUND, "nothing is pending for container '%.12s'", id);
    return r < 0 ? r : read_spec(statement_text(statement, 0), ret, err);
}

int container_row_take_pending(Engine *engine, const char *id, Error *err)
{
    return database_execute(engine->database, NULL, err,
                            "UPDATE container SET spec = pending, pending = NULL"
                            " WHERE id = ? AND pending IS NOT NULL",
                            "s", id);
}

int container_row_list_pending(Engine *engine, StringList *ids, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT id FROM container WHERE pending IS NOT NULL", "");

    if (r < 0)
        return r;
    while ((r = statement_step(statement, err)) > 0)
        string_list_add(ids, statement_text(statement, 0));
    return r;
}

int container_row_mark_removal(Engine *engine, Container *container, Error *err)
{
    /* What removes itself goes with its volumes: whoever finishes this knows by that. */
    int r = database_execute(engine->database, NULL, err,
                             "UPDATE container SET state = ?,"
                             " spec = json_set(spec, '$.AutoRemove', json('true')) WHERE id = ?",
                             "ss", container_state_to_string(CONTAINER_REMOVING), container->id);

    if (r >= 0) {
        container->spec.auto_remove = true;
        container->state = CONTAINER_REMOVING;
    }
    return r;
}

int container_row_delete(Engine *engine, const char *id, Error *err)
{
    return database_execute(engine->database, NULL, err, "DELETE FROM container WHERE id = ?", "s",
                            id);
}

bool container_row_exists(Engine *engine, const char *id)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    _cleanup_error_ Error ignored = {};

    if (database_prepare(engine->database, &statement, &ignored,
                         "SELECT 1 FROM container WHERE id = ?", "s", id) < 0)
        return true; /* in doubt nothing is removed */
    return statement_step(statement, &ignored) != 0;
}

int container_list_image_users(Engine *engine, ImageUsers *users, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT id, image, state FROM container UNION ALL"
                             " SELECT container.id, mount.value ->> '$.Source', state"
                             " FROM container, json_each(spec, '$.MountPoints') AS mount"
                             " WHERE mount.value ->> '$.Type' = 'image'",
                             "");

    if (r < 0)
        return r;
    while ((r = statement_step(statement, err)) > 0) {
        Digest image;
        ContainerState state;

        if (digest_parse(statement_text(statement, 1), &image) < 0)
            continue; /* refers to nothing, so it uses nothing */
        r = state_from_string(statement_text(statement, 2), &state, err);
        if (r < 0)
            return r;
        image_users_add(users, &image, statement_text(statement, 0),
                        state == CONTAINER_RUNNING || state == CONTAINER_CREATING);
    }
    return r;
}
