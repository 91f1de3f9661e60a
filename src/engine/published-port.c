/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Published ports as rows of the state database. A row is there while its container has the port:
 * triggers remove it with the end of the container, whoever writes that down.
 */

#include "engine/published-port.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/random-id.h"
#include "engine/engine-private.h"

#define EPHEMERAL_FIRST 32768 /* the kernel's default */
#define EPHEMERAL_LAST 60999
#define EPHEMERAL_TEXT_MAX 64

static const char *const schema_steps[] = {
    "CREATE TABLE published_port ("
    " container TEXT NOT NULL,"
    " protocol INTEGER NOT NULL,"
    " host_port INTEGER NOT NULL,"
    " address TEXT NOT NULL,"
    " container_port INTEGER NOT NULL,"
    " allow TEXT," /* prefixes, with commas between them */
    " PRIMARY KEY (protocol, host_port, address)"
    ") WITHOUT ROWID, STRICT;"
    "CREATE INDEX published_port_of ON published_port (container);"
    /* What lists show of ports that are not published: "80/tcp 53/udp". */
    "CREATE TABLE exposed_port ("
    " container TEXT PRIMARY KEY,"
    " ports TEXT NOT NULL"
    ") WITHOUT ROWID, STRICT;"
    "CREATE TRIGGER published_port_end AFTER UPDATE OF state ON container"
    " WHEN NEW.state NOT IN ('creating', 'running') BEGIN"
    " DELETE FROM published_port WHERE container = NEW.id;"
    " DELETE FROM exposed_port WHERE container = NEW.id; END;"
    "CREATE TRIGGER published_port_removal AFTER DELETE ON container BEGIN"
    " DELETE FROM published_port WHERE container = OLD.id;"
    " DELETE FROM exposed_port WHERE container = OLD.id; END;",
};

const DatabaseSchema published_port_schema = {
    .name = "published-port",
    .steps = schema_steps,
    .n_steps = ARRAY_SIZE(schema_steps),
};

#define COLUMNS "address, protocol, host_port, container_port, allow"

void published_port_done(PublishedPort *port)
{
    string_list_done(&port->allow);
}

void published_port_list_done(PublishedPortList *list)
{
    for (size_t i = 0; i < list->count; i++)
        published_port_done(&list->items[i]);
    free(list->items);
    *list = (PublishedPortList) {};
}

PublishedPort *published_port_list_add(PublishedPortList *list)
{
    list->items = memory_grow(list->items, &list->capacity, list->count + 1, sizeof(PublishedPort));
    return &list->items[list->count++];
}

static void add_copy(PublishedPortList *list, const PublishedPort *port)
{
    PublishedPort *copy = published_port_list_add(list);

    *copy = *port;
    copy->allow = (StringList) {};
    string_list_copy(&copy->allow, &port->allow);
}

/* The current row of a statement that selects COLUMNS from @column on. */
static int read_row(Statement *row, int column, PublishedPort *ret, Error *err)
{
    const char *address = statement_text(row, column), *allow = statement_text(row, column + 4);

    if (ip_address_parse(address, &ret->address) < 0)
        return error_set(err, ERROR_CORRUPT, "state database: '%s' is no address", address);
    ret->protocol = (uint8_t)statement_int(row, column + 1);
    ret->host_port = (uint16_t)statement_int(row, column + 2);
    ret->container_port = (uint16_t)statement_int(row, column + 3);
    if (allow)
        string_list_split(&ret->allow, allow, ',');
    return 0;
}

int published_ports_list(Engine *engine, const char *id, PublishedPortList *ret, Error *err)
{
    _cleanup_published_port_list_ PublishedPortList list = {};
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT " COLUMNS " FROM published_port"
                             " WHERE container = coalesce(?, container)"
                             " ORDER BY container_port, protocol, instr(address, ':'), host_port",
                             "s", id);

    while (r >= 0 && (r = statement_step(statement, err)) > 0)
        r = read_row(statement, 0, published_port_list_add(&list), err);
    if (r < 0)
        return r;
    *ret = list;
    list = (PublishedPortList) {};
    return 0;
}

/* --- as lists show them --- */

typedef struct Description {
    char *container;
    PublishedPortList ports;
    StringList exposed;
} Description;

static void description_finish(Description *description, StringMap *ret)
{
    _cleanup_free_ char *text = published_ports_format(&description->ports, &description->exposed);

    if (description->container)
        string_map_set(ret, description->container, text);
    free(description->container);
    published_port_list_done(&description->ports);
    string_list_done(&description->exposed);
    *description = (Description) {};
}

int published_ports_describe(Engine *engine, StringMap *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    Description description = {};
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT container, NULL, " COLUMNS " FROM published_port UNION ALL"
                             " SELECT container, ports, NULL, NULL, NULL, NULL, NULL"
                             " FROM exposed_port ORDER BY container",
                             "");

    while (r >= 0 && (r = statement_step(statement, err)) > 0) {
        const char *container = statement_text(statement, 0);
        const char *exposed = statement_text(statement, 1);

        if (!description.container || strcmp(description.container, container) != 0) {
            description_finish(&description, ret);
            description.container = memory_strdup(container);
        }
        if (exposed)
            string_list_split(&description.exposed, exposed, ' ');
        else
            r = read_row(statement, 2, published_port_list_add(&description.ports), err);
    }
    description_finish(&description, ret);
    return r < 0 ? r : 0;
}

/* --- reservation --- */

typedef struct Reservation {
    Engine *engine;
    const char *id;
    const PublishRequest *request;
    PublishedPortList own; /* what the container has already */
    PublishedPortList *result;
} Reservation;

/* One binding: at all of its addresses the same port. */
typedef struct Wish {
    IpAddress addresses[_IP_FAMILY_MAX];
    size_t n_addresses;
    uint8_t protocol;
    uint16_t container_port;
    uint32_t first; /* of the host's; as many as from here to there will do */
    uint32_t last;
    const StringList *allow; /* may be NULL */
} Wish;

static const IpAddress wildcards[_IP_FAMILY_MAX] = {
    [IP_V4] = { .family = AF_INET },
    [IP_V6] = { .family = AF_INET6 },
};

/* Another container has the port at this address, or at one that includes it. */
static int check_rows(const Reservation *reservation, const IpAddress *address, uint8_t protocol,
                      uint16_t port, Error *err)
{
    char text[IP_ADDRESS_TEXT_MAX], all[IP_ADDRESS_TEXT_MAX];
    _cleanup_(statement_freep) Statement *statement = NULL;
    IpFamily family = ip_address_index(address);
    int r;

    ip_address_format(address, text);
    ip_address_format(&wildcards[family], all);
    r = database_prepare(reservation->engine->database, &statement, err,
                         "SELECT coalesce(name, container) FROM published_port"
                         " LEFT JOIN container ON container.id = published_port.container"
                         " WHERE protocol = ? AND host_port = ? AND (address = ? OR address = ? OR"
                         " (? = ? AND (instr(address, ':') > 0) = ?))",
                         "iissssi", (int64_t)protocol, (int64_t)port, text, all, text, all,
                         (int64_t)(family == IP_V6));
    if (r >= 0)
        r = statement_step(statement, err);
    if (r <= 0)
        return r;
    return error_set(err, ERROR_CONFLICT, "port %u/%s of the host is in use by container '%s'",
                     port, port_protocol_to_string(protocol), statement_text(statement, 0));
}

/* Errors: CONFLICT. A family that the host has not is taken off the wish. */
static int check_port(const Reservation *reservation, Wish *wish, uint16_t port, Error *err)
{
    for (size_t i = 0; i < wish->n_addresses; i++) {
        const IpAddress *address = &wish->addresses[i];
        int r = check_rows(reservation, address, wish->protocol, port, err);

        if (r >= 0)
            r = port_holder_check(address, wish->protocol, port, err);
        if (r == -EAFNOSUPPORT && wish->n_addresses > 1) {
            wish->addresses[i] = wish->addresses[--wish->n_addresses];
            i--;
            continue;
        }
        if (r == -EAFNOSUPPORT)
            return error_set(err, ERROR_INVALID, "this host has no IPv%c",
                             address->family == AF_INET ? '4' : '6');
        if (r < 0)
            return r;
    }
    return 0;
}

static int insert(const Reservation *reservation, const Wish *wish, uint16_t port, Error *err)
{
    const StringList *allow = wish->allow;
    _cleanup_free_ char *prefixes = allow && allow->count ? string_list_join(allow, ",") : NULL;

    for (size_t i = 0; i < wish->n_addresses; i++) {
        PublishedPort *added;
        char text[IP_ADDRESS_TEXT_MAX];
        int r = database_execute(
            reservation->engine->database, NULL, err,
            "INSERT INTO published_port (container, " COLUMNS ")"
            " VALUES (?, ?, ?, ?, ?, ?)",
            "ssiiis", reservation->id, ip_address_format(&wish->addresses[i], text),
            (int64_t)wish->protocol, (int64_t)port, (int64_t)wish->container_port, prefixes);
        if (r < 0)
            return r;
        added = published_port_list_add(reservation->result);
        *added = (PublishedPort) { .address = wish->addresses[i],
                                   .protocol = wish->protocol,
                                   .host_port = port,
                                   .container_port = wish->container_port };
        if (allow)
            string_list_copy(&added->allow, allow);
    }
    return 0;
}

static bool is_same(const PublishedPort *a, const PublishedPort *b)
{
    return a->protocol == b->protocol && a->host_port == b->host_port &&
           ip_address_equal(&a->address, &b->address);
}

static bool is_in(const PublishedPortList *list, const PublishedPort *port)
{
    for (size_t i = 0; i < list->count; i++)
        if (is_same(&list->items[i], port))
            return true;
    return false;
}

static bool fits(const Wish *wish, const PublishedPort *port)
{
    bool is_there = false;

    for (size_t i = 0; i < wish->n_addresses; i++)
        is_there = is_there || ip_address_equal(&wish->addresses[i], &port->address);
    return is_there && port->protocol == wish->protocol &&
           port->container_port == wish->container_port && port->host_port >= wish->first &&
           port->host_port <= wish->last;
}

/* What it has of the wish from an earlier time. */
static bool reuse(const Reservation *reservation, const Wish *wish)
{
    uint16_t port = 0;

    for (size_t i = 0; i < reservation->own.count; i++) {
        const PublishedPort *own = &reservation->own.items[i];

        if (!fits(wish, own) || is_in(reservation->result, own) ||
            (port != 0 && own->host_port != port))
            continue;
        port = own->host_port;
        add_copy(reservation->result, own);
    }
    return port != 0;
}

/* The first free port of the wish, from @start on and then from its beginning. */
static int take_first_free(const Reservation *reservation, Wish *wish, uint32_t start, Error *err)
{
    uint32_t size = wish->last - wish->first + 1;

    for (uint32_t i = 0; i < size; i++) {
        uint16_t port = (uint16_t)(wish->first + (start - wish->first + i) % size);
        int r = check_port(reservation, wish, port, NULL);

        if (r >= 0)
            return insert(reservation, wish, port, err);
        if (r != -EBUSY)
            return check_port(reservation, wish, port, err); /* the same again, in words */
    }
    return error_set(err, ERROR_EXHAUSTED, "no %s port from %u to %u is free on the host",
                     port_protocol_to_string(wish->protocol), wish->first, wish->last);
}

/* Those that the kernel gives to connections: nobody expects anything at them. */
static void ephemeral_range(uint32_t *ret_first, uint32_t *ret_last)
{
    _cleanup_free_ char *text = NULL;
    size_t size;

    *ret_first = EPHEMERAL_FIRST;
    *ret_last = EPHEMERAL_LAST;
    if (file_read_at(AT_FDCWD, "/proc/sys/net/ipv4/ip_local_port_range", EPHEMERAL_TEXT_MAX, &text,
                     &size) >= 0)
        (void)sscanf(text, "%" SCNu32 " %" SCNu32, ret_first, ret_last);
}

static int take_any(const Reservation *reservation, Wish *wish, Error *err)
{
    uint32_t random;

    ephemeral_range(&wish->first, &wish->last);
    if (reuse(reservation, wish))
        return 0;
    random_bytes(&random, sizeof(random));
    return take_first_free(reservation, wish, wish->first + random % (wish->last - wish->first + 1),
                           err);
}

static int take_wish(const Reservation *reservation, Wish *wish, const char *host_port, Error *err)
{
    _cleanup_string_list_ StringList parts = {};
    int r;

    if (!host_port)
        return take_any(reservation, wish, err);
    string_list_split(&parts, host_port, '-');
    if (parse_u32(parts.items[0], &wish->first) < 0 ||
        parse_u32(parts.items[parts.count - 1], &wish->last) < 0)
        return error_set(err, ERROR_INVALID, "invalid host port '%s'", host_port);
    if (reuse(reservation, wish))
        return 0;
    if (wish->first != wish->last)
        return take_first_free(reservation, wish, wish->first, err);
    r = check_port(reservation, wish, (uint16_t)wish->first, err);
    return r < 0 ? r : insert(reservation, wish, (uint16_t)wish->first, err);
}

static int choose_addresses(const PublishRequest *request, const char *host_ip, Wish *wish,
                            Error *err)
{
    const char *text = host_ip ? host_ip : request->default_address;

    for (IpFamily family = 0; family < _IP_FAMILY_MAX && !text; family++)
        if (request->families[family])
            wish->addresses[wish->n_addresses++] = wildcards[family];
    if (text) {
        if (ip_address_parse(text, &wish->addresses[0]) < 0)
            return error_set(err, ERROR_INVALID, "invalid IP address '%s'", text);
        wish->n_addresses = request->families[ip_address_index(&wish->addresses[0])];
    }
    if (wish->n_addresses == 0)
        return error_set(err, ERROR_INVALID,
                         "the container has no address that port %u/%s at '%s' could lead to",
                         wish->container_port, port_protocol_to_string(wish->protocol),
                         text ? text : "0.0.0.0");
    return 0;
}

static int reserve(const Reservation *reservation, const ContainerPortBinding *binding, Error *err)
{
    const StringList *own = &binding->allow;
    Wish wish = { .allow = own->count > 0 ? own : reservation->request->allow };
    int r =
        container_port_parse(binding->container_port, &wish.container_port, &wish.protocol, err);

    if (r >= 0)
        r = choose_addresses(reservation->request, binding->host_ip, &wish, err);
    return r < 0 ? r : take_wish(reservation, &wish, binding->host_port, err);
}

static int record_exposed(Engine *engine, const char *id, const StringList *exposed, Error *err)
{
    _cleanup_free_ char *text = NULL;

    if (!exposed || exposed->count == 0)
        return 0;
    text = string_list_join(exposed, " ");
    return database_execute(engine->database, NULL, err,
                            "INSERT INTO exposed_port (container, ports) VALUES (?, ?)"
                            " ON CONFLICT (container) DO UPDATE SET ports = excluded.ports",
                            "ss", id, text);
}

int published_ports_reserve(Engine *engine, const char *id, const PublishRequest *request,
                            PublishedPortList *ret, Error *err)
{
    _cleanup_published_port_list_ PublishedPortList result = {};
    Reservation reservation = { .engine = engine, .id = id, .request = request, .result = &result };
    _cleanup_string_list_ StringList rest = {};
    int r = published_ports_list(engine, id, &reservation.own, err);

    for (size_t i = 0; i < request->bindings->count && r >= 0; i++)
        r = reserve(&reservation, &request->bindings->items[i], err);
    if (request->all && request->exposed)
        exposed_ports_without_bindings(request->exposed, request->bindings, &rest);
    for (size_t i = 0; i < rest.count && r >= 0; i++)
        r = reserve(&reservation, &(ContainerPortBinding) { .container_port = rest.items[i] }, err);
    if (r >= 0)
        r = record_exposed(engine, id, request->exposed, err);
    published_port_list_done(&reservation.own);
    if (r < 0)
        return r;
    *ret = result;
    result = (PublishedPortList) {};
    return 0;
}

int published_ports_release(Engine *engine, const char *id, const PublishedPortList *ports,
                            Error *err)
{
    int r = 0;

    if (!ports) {
        r = database_execute(engine->database, NULL, err,
                             "DELETE FROM exposed_port WHERE container = ?", "s", id);
        return r < 0 ? r
                     : database_execute(engine->database, NULL, err,
                                        "DELETE FROM published_port WHERE container = ?", "s", id);
    }
    for (size_t i = 0; i < ports->count && r >= 0; i++) {
        char text[IP_ADDRESS_TEXT_MAX];

        r = database_execute(engine->database, NULL, err,
                             "DELETE FROM published_port WHERE container = ? AND protocol = ?"
                             " AND host_port = ? AND address = ?",
                             "siis", id, (int64_t)ports->items[i].protocol,
                             (int64_t)ports->items[i].host_port,
                             ip_address_format(&ports->items[i].address, text));
    }
    return r;
}
