/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Addresses of endpoints while their containers run. What is free of a range is kept as gaps
 * between what is taken, so that finding, taking and giving back an address is a few look-ups in an
 * index, however many are taken. The next one is looked for behind the last: an address that was
 * just given up is not at once somebody else's, who would get what was meant for its former owner.
 */

#include <string.h>

#include "base/memory.h"
#include "base/random-id.h"
#include "engine/network-private.h"
#include "engine/network-request.h"
#include "network/network-link.h"

#define INTERFACE_PREFIX "eth"
#define MAC_ATTEMPTS 16
/* Locally administered, as Docker has it; the IPv4 address follows. */
#define MAC_FIRST 0x02
#define MAC_SECOND 0x42

static int insert_gap(Engine *engine, const char *network, IpFamily family, const AddressGap *gap,
                      Error *err)
{
    return database_execute(engine->database, NULL, err,
                            "INSERT INTO network_gap (network, family, first, last)"
                            " VALUES (?, ?, ?, ?)",
                            "siii", network, (int64_t)family, gap->first, gap->last);
}

int network_lease_init(Engine *engine, const NetworkSpec *spec, Error *err)
{
    int r = 0;

    for (IpFamily family = 0; family < _IP_FAMILY_MAX && r >= 0; family++) {
        _cleanup_address_gap_list_ AddressGapList gaps = {};

        address_pool_list_gaps(spec, family, &gaps);
        for (size_t i = 0; i < gaps.count && r >= 0; i++)
            r = insert_gap(engine, spec->id, family, &gaps.items[i], err);
    }
    return r;
}

/* The container that has an address now. Returns 1, or 0: nobody has. */
static int find_holder(Engine *engine, const char *network, const IpAddress *address, char **ret,
                       Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT container FROM network_lease"
                             " JOIN network_endpoint ON network_endpoint.id = endpoint"
                             " WHERE network_lease.network = ? AND address = ?",
                             "sb", network, address->bytes, ip_address_size(address));

    if (r >= 0)
        r = statement_step(statement, err);
    if (r > 0)
        *ret = memory_strdup(statement_text(statement, 0));
    return r;
}

/* The first gap that ends at @number or behind it. Returns 1, or 0: there is none. */
static int find_gap(Engine *engine, const char *network, IpFamily family, int64_t number,
                    AddressGap *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT first, last FROM network_gap"
                             " WHERE network = ? AND family = ? AND last >= ?"
                             " ORDER BY last LIMIT 1",
                             "sii", network, (int64_t)family, number);

    if (r >= 0)
        r = statement_step(statement, err);
    if (r > 0)
        *ret = (AddressGap) { statement_int(statement, 0), statement_int(statement, 1) };
    return r;
}

static int take_number(Engine *engine, const char *network, IpFamily family, const AddressGap *gap,
                       int64_t number, Error *err)
{
    AddressGap parts[2];
    size_t n_parts = address_gap_split(gap, number, parts);
    int r = database_execute(engine->database, NULL, err,
                             "DELETE FROM network_gap WHERE network = ? AND family = ?"
                             " AND last = ?",
                             "sii", network, (int64_t)family, gap->last);

    for (size_t i = 0; i < n_parts && r >= 0; i++)
        r = insert_gap(engine, network, family, &parts[i], err);
    return r;
}

/* The number that one column of @sql tells. Returns 1, or 0: it tells none. */
static int read_number(Engine *engine, const char *sql, const char *id, IpFamily family,
                       int64_t *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err, sql, "si", id, (int64_t)family);

    if (r >= 0)
        r = statement_step(statement, err);
    if (r > 0)
        *ret = statement_int(statement, 0);
    return r;
}

static int move_cursor(Engine *engine, const char *network, IpFamily family, int64_t number,
                       Error *err)
{
    return database_execute(engine->database, NULL, err,
                            "INSERT INTO network_cursor (network, family, number) VALUES (?, ?, ?)"
                            " ON CONFLICT DO UPDATE SET number = excluded.number",
                            "sii", network, (int64_t)family, number);
}

/* The one that it had when it last ran. Returns 1 with it and the gap it is in, or 0. */
static int find_previous(Engine *engine, const Endpoint *endpoint, IpFamily family, AddressGap *gap,
                         int64_t *ret, Error *err)
{
    int r =
        read_number(engine, "SELECT number FROM network_previous WHERE endpoint = ? AND family = ?",
                    endpoint->id, family, ret, err);

    if (r > 0)
        r = find_gap(engine, endpoint->network, family, *ret, gap, err);
    return r > 0 && gap->first > *ret ? 0 : r;
}

static int find_next(Engine *engine, const NetworkSpec *network, IpFamily family, AddressGap *gap,
                     int64_t *ret, Error *err)
{
    int64_t last = -1;
    int r =
        read_number(engine, "SELECT number FROM network_cursor WHERE network = ? AND family = ?",
                    network->id, family, &last, err);

    if (r >= 0)
        r = find_gap(engine, network->id, family, last + 1, gap, err);
    if (r == 0) {
        last = -1; /* once around */
        r = find_gap(engine, network->id, family, 0, gap, err);
    }
    if (r == 0)
        return error_set(err, ERROR_EXHAUSTED,
                         "no available IPv%d addresses on this network's address pools: %s (%.12s)",
                         family == IP_V4 ? 4 : 6, network->name, network->id);
    if (r < 0)
        return r;
    *ret = gap->first > last ? gap->first : last + 1;
    return move_cursor(engine, network->id, family, *ret, err);
}

static int choose_number(Engine *engine, const NetworkSpec *network, const Endpoint *endpoint,
                         IpFamily family, int64_t *ret, Error *err)
{
    AddressGap gap;
    int r = find_previous(engine, endpoint, family, &gap, ret, err);

    if (r == 0)
        r = find_next(engine, network, family, &gap, ret, err);
    return r < 0 ? r : take_number(engine, network->id, family, &gap, *ret, err);
}

/* An address that was asked for, which may be outside the range, where nothing is counted. Returns
 * 1 with its number, or 0. */
static int claim_wanted(Engine *engine, const NetworkSpec *network, const AddressPool *pool,
                        IpFamily family, const IpAddress *wanted, int64_t *ret, Error *err)
{
    AddressGap gap;
    int r;

    if (!address_pool_number(pool, wanted, ret))
        return 0;
    r = find_gap(engine, network->id, family, *ret, &gap, err);
    if (r <= 0)
        return r;
    r = take_number(engine, network->id, family, &gap, *ret, err);
    return r < 0 ? r : 1;
}

static int insert_lease(Engine *engine, const Endpoint *endpoint, IpFamily family, bool has_number,
                        int64_t number, Error *err)
{
    const IpAddress *address = &endpoint->addresses[family];
    const char *sql = has_number
                          ? "INSERT INTO network_lease (network, address, endpoint, family, number)"
                            " VALUES (?, ?, ?, ?, ?)"
                          : "INSERT INTO network_lease (network, address, endpoint, family)"
                            " VALUES (?, ?, ?, ?)";

    return database_execute(engine->database, NULL, err, sql, has_number ? "sbsii" : "sbsi",
                            endpoint->network, address->bytes, ip_address_size(address),
                            endpoint->id, (int64_t)family, number);
}

/* Who has what cannot be had. */
static int is_taken(Engine *engine, const char *holder, const char *what, const char *text,
                    Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    const char *name = holder;

    if (database_prepare(engine->database, &statement, NULL,
                         "SELECT name FROM container WHERE id = ?", "s", holder) >= 0 &&
        statement_step(statement, NULL) > 0)
        name = statement_text(statement, 0);
    return error_set(err, ERROR_CONFLICT, "%s '%s' is already in use by container '%s'", what, text,
                     name);
}

static int lease_wanted(Engine *engine, const NetworkSpec *network, const AddressPool *pool,
                        Endpoint *endpoint, IpFamily family, const char *text, Error *err)
{
    IpAddress *address = &endpoint->addresses[family];
    _cleanup_free_ char *holder = NULL;
    int64_t number = 0;
    int r;

    if (ip_address_parse(text, address) < 0 || ip_address_index(address) != family)
        return error_set(err, ERROR_INVALID, "invalid IPv%d address '%s'", family == IP_V4 ? 4 : 6,
                         text);
    r = address_pool_check(network, address, err);
    if (r >= 0)
        r = find_holder(engine, network->id, address, &holder, err);
    if (r > 0)
        return is_taken(engine, holder, "address", text, err);
    if (r >= 0)
        r = claim_wanted(engine, network, pool, family, address, &number, err);
    return r < 0 ? r : insert_lease(engine, endpoint, family, r > 0, number, err);
}

static int lease_family(Engine *engine, const NetworkSpec *network, Endpoint *endpoint,
                        IpFamily family, Error *err)
{
    const char *wanted = family == IP_V4 ? endpoint->request.ip4 : endpoint->request.ip6;
    AddressPool pool;
    int64_t number;
    int r;

    if (!address_pool_of(network, family, &pool))
        return 0;
    if (wanted)
        return lease_wanted(engine, network, &pool, endpoint, family, wanted, err);
    r = choose_number(engine, network, endpoint, family, &number, err);
    if (r < 0)
        return r;
    endpoint->addresses[family] = address_pool_at(&pool, number);
    return insert_lease(engine, endpoint, family, true, number, err);
}

/* --- interface and hardware address --- */

static bool has_interface(const EndpointList *list, const Endpoint *endpoint, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        const Endpoint *other = &list->items[i];
        const char *its = other->interface ? other->interface : other->request.interface;

        if (its && strcmp(other->id, endpoint->id) != 0 && strcmp(its, name) == 0)
            return true;
    }
    return false;
}

static int choose_interface(Engine *engine, Endpoint *endpoint, Error *err)
{
    _cleanup_endpoint_list_ EndpointList list = {};
    const char *wanted = endpoint->request.interface;
    int r = endpoint_list_of_container(engine, endpoint->container, &list, err);

    if (r < 0)
        return r;
    if (wanted && has_interface(&list, endpoint, wanted))
        return error_set(err, ERROR_CONFLICT, "the container has an interface '%s' already",
                         wanted);
    endpoint->interface = wanted ? memory_strdup(wanted) : NULL;
    for (unsigned number = 0; !endpoint->interface; number++) {
        _cleanup_free_ char *name = memory_printf(INTERFACE_PREFIX "%u", number);

        if (!has_interface(&list, endpoint, name))
            endpoint->interface = TAKE_PTR(name);
    }
    return 0;
}

/* The container that has the hardware address in the network. Returns 1, or 0: nobody has. */
static int find_mac_holder(Engine *engine, const Endpoint *endpoint, char **ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT container FROM network_endpoint"
                             " WHERE network = ? AND mac = ? AND id != ?",
                             "sbs", endpoint->network, endpoint->mac, sizeof(endpoint->mac),
                             endpoint->id);

    if (r >= 0)
        r = statement_step(statement, err);
    if (r > 0)
        *ret = memory_strdup(statement_text(statement, 0));
    return r;
}

/* Made of the address, so that a neighbour who remembers one has the other right, too. */
static int choose_mac(Engine *engine, Endpoint *endpoint, Error *err)
{
    const IpAddress *address = &endpoint->addresses[IP_V4];
    int r = 1;

    endpoint->mac[0] = MAC_FIRST;
    endpoint->mac[1] = MAC_SECOND;
    for (unsigned attempt = 0; attempt < MAC_ATTEMPTS && r > 0; attempt++) {
        _cleanup_free_ char *holder = NULL;

        if (attempt == 0 && ip_address_is_set(address))
            memcpy(endpoint->mac + 2, address->bytes, 4);
        else /* there is none, or somebody has asked for just that */
            random_bytes(endpoint->mac + 2, 4);
        r = find_mac_holder(engine, endpoint, &holder, err);
    }
    return r > 0 ? error_set(err, ERROR_EXHAUSTED, "no MAC address is free") : r;
}

static int lease_mac(Engine *engine, Endpoint *endpoint, Error *err)
{
    const char *wanted = endpoint->request.mac;
    _cleanup_free_ char *holder = NULL;
    int r;

    if (!wanted)
        return choose_mac(engine, endpoint, err);
    if (!network_mac_parse(wanted, endpoint->mac))
        return error_set(err, ERROR_INVALID, "'%s' is not a valid mac address", wanted);
    r = find_mac_holder(engine, endpoint, &holder, err);
    return r > 0 ? is_taken(engine, holder, "MAC address", wanted, err) : r;
}

int endpoint_lease(Engine *engine, const Network *network, Endpoint *endpoint, Error *err)
{
    int r = 0;

    if (endpoint->interface)
        return 0;
    for (IpFamily family = 0; family < _IP_FAMILY_MAX && r >= 0; family++)
        r = lease_family(engine, &network->spec, endpoint, family, err);
    if (r >= 0 && network_takes_mac(&network->spec))
        r = lease_mac(engine, endpoint, err);
    if (r >= 0)
        r = choose_interface(engine, endpoint, err);
    return r < 0 ? r : endpoint_record_link(engine, endpoint, err);
}
