/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Networks as rows of the state database, with their endpoints and leases. What a container has
 * ends with its row's state, by triggers: whoever writes that row need not know of networks.
 */

#include <string.h>

#include "base/memory.h"
#include "engine/network-private.h"

#define RANDOM_ID "lower(hex(randomblob(32)))"
#define NOW "unixepoch() * 1000000000"

static const char *const schema_steps[] = {
    "CREATE TABLE network ("
    " id TEXT PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE,"
    " created_at INTEGER NOT NULL,"
    " is_predefined INTEGER NOT NULL DEFAULT 0,"
    " spec TEXT NOT NULL"
    ") WITHOUT ROWID, STRICT;"
    "INSERT INTO network (id, name, created_at, is_predefined, spec) VALUES"
    " (" RANDOM_ID ", 'bridge', " NOW ", 1, '{\"Driver\":\"bridge\",\"EnableIPv4\":true}'),"
    " (" RANDOM_ID ", 'host', " NOW ", 1, '{\"Driver\":\"host\",\"EnableIPv4\":true}'),"
    " (" RANDOM_ID ", 'none', " NOW ", 1, '{\"Driver\":\"null\",\"EnableIPv4\":true}');"
    /* Removed, while what they have on the host may still be there. */
    "CREATE TABLE network_retired ("
    " id TEXT PRIMARY KEY,"
    " name TEXT NOT NULL,"
    " spec TEXT NOT NULL"
    ") WITHOUT ROWID, STRICT;"
    /* Which container is in which. What it has while it runs is NULL otherwise. */
    "CREATE TABLE network_endpoint ("
    " id TEXT PRIMARY KEY,"
    " container TEXT NOT NULL,"
    " network TEXT NOT NULL,"
    " position INTEGER NOT NULL,"
    " request TEXT NOT NULL,"
    " interface TEXT,"
    " host_interface TEXT,"
    " mac BLOB,"
    " UNIQUE (container, network)"
    ") WITHOUT ROWID, STRICT;"
    "CREATE INDEX network_endpoint_of ON network_endpoint (network, container);"
    "CREATE UNIQUE INDEX network_endpoint_mac ON network_endpoint (network, mac)"
    " WHERE mac IS NOT NULL;"
    /* Who has which address; its number in the network's range, where it has one. */
    "CREATE TABLE network_lease ("
    " network TEXT NOT NULL,"
    " address BLOB NOT NULL,"
    " endpoint TEXT NOT NULL,"
    " family INTEGER NOT NULL,"
    " number INTEGER,"
    " PRIMARY KEY (network, address)"
    ") WITHOUT ROWID, STRICT;"
    "CREATE INDEX network_lease_of ON network_lease (endpoint);"
    /* The numbers that nobody has, as gaps that do not touch each other. */
    "CREATE TABLE network_gap ("
    " network TEXT NOT NULL,"
    " family INTEGER NOT NULL,"
    " first INTEGER NOT NULL,"
    " last INTEGER NOT NULL,"
    " PRIMARY KEY (network, family, last),"
    " UNIQUE (network, family, first)"
    ") WITHOUT ROWID, STRICT;"
    /* The number that was chosen last; the next is looked for behind it. */
    "CREATE TABLE network_cursor ("
    " network TEXT NOT NULL,"
    " family INTEGER NOT NULL,"
    " number INTEGER NOT NULL,"
    " PRIMARY KEY (network, family)"
    ") WITHOUT ROWID, STRICT;"
    /* What an endpoint had when it last ran: it gets that again where nobody else has. */
    "CREATE TABLE network_previous ("
    " endpoint TEXT NOT NULL,"
    " family INTEGER NOT NULL,"
    " number INTEGER NOT NULL,"
    " PRIMARY KEY (endpoint, family)"
    ") WITHOUT ROWID, STRICT;"

    "CREATE TRIGGER network_container_ended AFTER UPDATE OF state ON container"
    " WHEN NEW.state IN ('created', 'exited', 'removing') BEGIN"
    " DELETE FROM network_lease WHERE endpoint IN"
    "  (SELECT id FROM network_endpoint WHERE container = NEW.id);"
    " UPDATE network_endpoint SET interface = NULL, host_interface = NULL, mac = NULL"
    "  WHERE container = NEW.id AND interface IS NOT NULL; END;"
    "CREATE TRIGGER network_container_gone AFTER DELETE ON container BEGIN"
    " DELETE FROM network_endpoint WHERE container = OLD.id; END;"
    "CREATE TRIGGER network_endpoint_gone AFTER DELETE ON network_endpoint BEGIN"
    " DELETE FROM network_lease WHERE endpoint = OLD.id;"
    " DELETE FROM network_previous WHERE endpoint = OLD.id; END;"
    /* The number comes back; it replaces the gaps that it touches, as it has their first or last
     * number. */
    "CREATE TRIGGER network_lease_ended AFTER DELETE ON network_lease"
    " WHEN OLD.number IS NOT NULL BEGIN"
    " INSERT OR REPLACE INTO network_previous (endpoint, family, number)"
    "  SELECT id, OLD.family, OLD.number FROM network_endpoint WHERE id = OLD.endpoint;"
    " INSERT OR REPLACE INTO network_gap (network, family, first, last)"
    "  SELECT id, OLD.family,"
    "   ifnull((SELECT first FROM network_gap WHERE network = OLD.network"
    "           AND family = OLD.family AND last = OLD.number - 1), OLD.number),"
    "   ifnull((SELECT last FROM network_gap WHERE network = OLD.network"
    "           AND family = OLD.family AND first = OLD.number + 1), OLD.number)"
    "  FROM network WHERE id = OLD.network; END;"
    "CREATE TRIGGER network_gone AFTER DELETE ON network BEGIN"
    " DELETE FROM network_gap WHERE network = OLD.id;"
    " DELETE FROM network_cursor WHERE network = OLD.id; END;",
};

const DatabaseSchema network_schema = {
    .name = "network",
    .steps = schema_steps,
    .n_steps = ARRAY_SIZE(schema_steps),
};

#define SELECT_COLUMNS                                                                             \
    "SELECT id, name, spec, created_at, is_predefined,"                                            \
    " (SELECT count(*) FROM network_endpoint WHERE network = network.id) FROM network"

void network_free(Network *network)
{
    network_spec_done(&network->spec);
    free(network);
}

void network_list_done(NetworkList *list)
{
    for (size_t i = 0; i < list->count; i++)
        network_free(list->items[i]);
    free(list->items);
    *list = (NetworkList) {};
}

/* Id and name are columns of their own. */
static char *spec_to_text(const NetworkSpec *spec)
{
    NetworkSpec rest = *spec;
    _cleanup_json_ json_t *json = NULL;

    rest.id = rest.name = NULL;
    json = json_struct_write(&network_spec_json, &rest);
    return json_to_text(json);
}

/* The current row of a statement of SELECT_COLUMNS. */
static int read_row(Statement *row, Network **ret, Error *err)
{
    _cleanup_(network_freep) Network *network = NEW(Network);
    _cleanup_json_ json_t *json = NULL;
    const char *spec = statement_text(row, 2);
    int r = json_parse(spec, strlen(spec), &json, err);

    if (r >= 0)
        r = json_struct_read(&network_spec_json, json, &network->spec, err);
    if (r < 0)
        return error_wrap(err, r, "state database: network '%s'", statement_text(row, 1));
    network->spec.id = memory_strdup(statement_text(row, 0));
    network->spec.name = memory_strdup(statement_text(row, 1));
    network->created_at = statement_int(row, 3);
    network->is_predefined = statement_int(row, 4) != 0;
    network->n_endpoints = statement_int(row, 5);

    *ret = TAKE_PTR(network);
    return 0;
}

/* The single row that @statement yields. Returns 1, or 0 when there is none. */
static int read_one(Statement *statement, Network **ret, Error *err)
{
    int r = statement_step(statement, err);

    if (r <= 0)
        return r;
    r = read_row(statement, ret, err);
    return r < 0 ? r : 1;
}

static int read_all(Statement *statement, NetworkList *ret, Error *err)
{
    _cleanup_network_list_ NetworkList list = {};
    Network *network;
    int r;

    while ((r = read_one(statement, &network, err)) > 0) {
        list.items = memory_grow(list.items, &list.capacity, list.count + 1, sizeof(Network *));
        list.items[list.count++] = network;
    }
    if (r < 0)
        return r;

    *ret = list;
    list = (NetworkList) {};
    return 0;
}

int network_row_load(Engine *engine, const char *id, Network **ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err, SELECT_COLUMNS " WHERE id = ?", "s",
                             id);

    if (r >= 0)
        r = read_one(statement, ret, err);
    if (r == 0)
        return error_set(err, ERROR_NOT_FOUND, "no such network: '%s'", id);
    return r < 0 ? r : 0;
}

static int find_exact(Engine *engine, const char *name, Network **ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r =
        database_prepare(engine->database, &statement, err,
                         SELECT_COLUMNS " WHERE id = ? OR name = ? ORDER BY id = ? DESC LIMIT 1",
                         "sss", name, name, name);

    return r < 0 ? r : read_one(statement, ret, err);
}

static int find_prefix(Engine *engine, const char *prefix, Network **ret, Error *err)
{
    _cleanup_(network_freep) Network *network = NULL;
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r;

    if (*prefix == '\0' || strspn(prefix, "0123456789abcdef") != strlen(prefix))
        return 0;
    r = database_prepare(engine->database, &statement, err,
                         SELECT_COLUMNS " WHERE id >= ? AND id < ? || 'g' LIMIT 2", "ss", prefix,
                         prefix);
    if (r >= 0)
        r = read_one(statement, &network, err);
    if (r <= 0)
        return r;
    r = statement_step(statement, err);
    if (r < 0)
        return r;
    if (r > 0)
        return error_set(err, ERROR_CONFLICT,
                         "several network ids begin with '%s': type more of it", prefix);
    *ret = TAKE_PTR(network);
    return 1;
}

int network_find(Engine *engine, const char *name, Network **ret, Error *err)
{
    int r = find_exact(engine, name, ret, err);

    if (r == 0)
        r = find_prefix(engine, name, ret, err);
    if (r == 0)
        return error_set(err, ERROR_NOT_FOUND, "no such network: '%s'", name);
    return r < 0 ? r : 0;
}

int network_list(Engine *engine, NetworkList *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r =
        database_prepare(engine->database, &statement, err, SELECT_COLUMNS " ORDER BY name", "");

    return r < 0 ? r : read_all(statement, ret, err);
}

static int name_is_taken(const char *name, Error *err)
{
    return error_set(err, ERROR_CONFLICT, "network with name '%s' already exists", name);
}

int network_check_name_is_free(Engine *engine, const char *name, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT 1 FROM network WHERE name = ?", "s", name);

    if (r >= 0)
        r = statement_step(statement, err);
    return r > 0 ? name_is_taken(name, err) : r;
}

int network_row_insert(Engine *engine, const Network *network, Error *err)
{
    _cleanup_free_ char *spec = spec_to_text(&network->spec);
    int64_t inserted = 0;
    int r =
        database_execute(engine->database, &inserted, err,
                         "INSERT INTO network (id, name, created_at, spec) VALUES (?, ?, ?, ?)"
                         " ON CONFLICT (name) DO NOTHING",
                         "ssis", network->spec.id, network->spec.name, network->created_at, spec);

    return r >= 0 && inserted == 0 ? name_is_taken(network->spec.name, err) : r;
}

int network_row_update(Engine *engine, const Network *network, Error *err)
{
    _cleanup_free_ char *spec = spec_to_text(&network->spec);

    return database_execute(engine->database, NULL, err, "UPDATE network SET spec = ? WHERE id = ?",
                            "ss", spec, network->spec.id);
}

int network_row_retire(Engine *engine, const Network *network, Error *err)
{
    int r = database_execute(engine->database, NULL, err,
                             "INSERT INTO network_retired (id, name, spec)"
                             " SELECT id, name, spec FROM network WHERE id = ?",
                             "s", network->spec.id);

    if (r < 0)
        return r;
    return database_execute(engine->database, NULL, err, "DELETE FROM network WHERE id = ?", "s",
                            network->spec.id);
}

int network_row_forget(Engine *engine, const char *id, Error *err)
{
    return database_execute(engine->database, NULL, err, "DELETE FROM network_retired WHERE id = ?",
                            "s", id);
}

int network_list_retired(Engine *engine, NetworkList *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT id, name, spec, 0, 0, 0 FROM network_retired", "");

    return r < 0 ? r : read_all(statement, ret, err);
}
