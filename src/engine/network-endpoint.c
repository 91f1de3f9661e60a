/* SPDX-License-Identifier: Apache-2.0 */

/* Which container is in which network: the relation, as rows. */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "base/random-id.h"
#include "engine/network-private.h"
#include "network/network-link.h"

void endpoint_done(Endpoint *endpoint)
{
    free(endpoint->id);
    free(endpoint->container);
    free(endpoint->network);
    free(endpoint->interface);
    free(endpoint->host_interface);
    json_struct_done(&container_network_json, &endpoint->request);
    *endpoint = (Endpoint) {};
}

void endpoint_list_done(EndpointList *list)
{
    for (size_t i = 0; i < list->count; i++)
        endpoint_done(&list->items[i]);
    free(list->items);
    *list = (EndpointList) {};
}

/* --- what may be asked for --- */

/* Networks that were made by somebody have names, and addresses that can be chosen. */
static int check_user_defined(const Network *network, const ContainerNetwork *request, Error *err)
{
    if (!network->is_predefined)
        return 0;
    if (request->ip4 || request->ip6)
        return error_set(err, ERROR_INVALID,
                         "user specified IP address is supported on user defined networks only: "
                         "'%s' is none",
                         network->spec.name);
    if (request->aliases.count > 0)
        return error_set(err, ERROR_INVALID,
                         "network-scoped aliases are only supported for user-defined networks: "
                         "'%s' is none",
                         network->spec.name);
    return 0;
}

/* Who has it is asked when it is leased: until then it may be free again. */
static int check_address(const Network *network, IpFamily family, const char *text, Error *err)
{
    IpAddress address;

    if (!text)
        return 0;
    if (ip_address_parse(text, &address) < 0 || ip_address_index(&address) != family)
        return error_set(err, ERROR_INVALID, "invalid IPv%d address '%s'", family == IP_V4 ? 4 : 6,
                         text);
    return address_pool_check(&network->spec, &address, err);
}

static int check_request(const Network *network, const ContainerNetwork *request, Error *err)
{
    int r = check_user_defined(network, request, err);

    if (r >= 0)
        r = check_address(network, IP_V4, request->ip4, err);
    if (r >= 0)
        r = check_address(network, IP_V6, request->ip6, err);
    if (r >= 0 && request->mac && !network_takes_mac(&network->spec))
        r = error_set(err, ERROR_INVALID,
                      "in network '%s' containers have the hardware address of its parent, "
                      "not '%s'",
                      network->spec.name, request->mac);
    return r;
}

/* --- rows --- */

static bool is_in(Engine *engine, const char *container, const char *network)
{
    _cleanup_(statement_freep) Statement *statement = NULL;

    return database_prepare(engine->database, &statement, NULL,
                            "SELECT 1 FROM network_endpoint WHERE container = ? AND network = ?",
                            "ss", container, network) >= 0 &&
           statement_step(statement, NULL) > 0;
}

int endpoint_insert(Engine *engine, const char *container, const Network *network,
                    const ContainerNetwork *request, Error *err)
{
    _cleanup_json_ json_t *json = json_struct_write(&container_network_json, request);
    _cleanup_free_ char *text = json_to_text(json);
    char id[NETWORK_ID_LENGTH + 1];
    int64_t inserted = 0;
    int r = check_request(network, request, err);

    if (r < 0)
        return r;
    if (is_in(engine, container, network->spec.id))
        return error_set(err, ERROR_CONFLICT, "container '%.12s' is in network '%s' already",
                         container, network->spec.name);
    random_hex(id, NETWORK_ID_LENGTH);
    r = database_execute(engine->database, &inserted, err,
                         "INSERT INTO network_endpoint (id, container, network, position, request)"
                         " SELECT ?, ?, id, (SELECT ifnull(max(position) + 1, 0)"
                         "  FROM network_endpoint WHERE container = ?), ?"
                         " FROM network WHERE id = ?",
                         "sssss", id, container, container, text, network->spec.id);
    if (r >= 0 && inserted == 0)
        return error_set(err, ERROR_NOT_FOUND, "no such network: '%s'", network->spec.name);
    return r;
}

int endpoint_delete(Engine *engine, const char *container, const char *network, Error *err)
{
    return database_execute(engine->database, NULL, err,
                            "DELETE FROM network_endpoint WHERE container = ? AND network = ?",
                            "ss", container, network);
}

#define SELECT_ENDPOINTS                                                                           \
    "SELECT network_endpoint.id, container, network_endpoint.network, position, request,"          \
    " interface, host_interface, mac,"                                                             \
    " (SELECT address FROM network_lease WHERE endpoint = network_endpoint.id AND family = 0),"    \
    " (SELECT address FROM network_lease WHERE endpoint = network_endpoint.id AND family = 1)"     \
    " FROM network_endpoint"

static void read_address(Statement *row, int column, IpFamily family, IpAddress *ret)
{
    size_t size;
    const void *bytes = statement_bytes(row, column, &size);

    if (!bytes || size > sizeof(ret->bytes))
        return;
    ret->family = family == IP_V4 ? AF_INET : AF_INET6;
    memcpy(ret->bytes, bytes, size);
}

/* The current row of a statement of SELECT_ENDPOINTS. */
static int read_row(Statement *row, Endpoint *ret, Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    const char *request = statement_text(row, 4);
    const void *mac;
    size_t size;
    int r = json_parse(request, strlen(request), &json, err);

    if (r >= 0)
        r = json_struct_read(&container_network_json, json, &ret->request, err);
    if (r < 0)
        return error_wrap(err, r, "state database: endpoint of container '%.12s'",
                          statement_text(row, 1));
    ret->id = memory_strdup(statement_text(row, 0));
    ret->container = memory_strdup(statement_text(row, 1));
    ret->network = memory_strdup(statement_text(row, 2));
    ret->position = statement_int(row, 3);
    ret->interface = memory_strdup(statement_text(row, 5));
    ret->host_interface = memory_strdup(statement_text(row, 6));
    mac = statement_bytes(row, 7, &size);
    if (mac && size == sizeof(ret->mac))
        memcpy(ret->mac, mac, sizeof(ret->mac));
    read_address(row, 8, IP_V4, &ret->addresses[IP_V4]);
    read_address(row, 9, IP_V6, &ret->addresses[IP_V6]);
    return 0;
}

static int read_all(Statement *statement, EndpointList *ret, Error *err)
{
    _cleanup_endpoint_list_ EndpointList list = {};
    int r;

    while ((r = statement_step(statement, err)) > 0) {
        list.items = memory_grow(list.items, &list.capacity, list.count + 1, sizeof(Endpoint));
        r = read_row(statement, &list.items[list.count++], err);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;

    *ret = list;
    list = (EndpointList) {};
    return 0;
}

int endpoint_list_of_container(Engine *engine, const char *container, EndpointList *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r =
        database_prepare(engine->database, &statement, err,
                         SELECT_ENDPOINTS " WHERE container = ? ORDER BY position", "s", container);

    return r < 0 ? r : read_all(statement, ret, err);
}

int endpoint_list_of_network(Engine *engine, const char *network, EndpointList *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = network ? database_prepare(engine->database, &statement, err,
                                       SELECT_ENDPOINTS " WHERE network_endpoint.network = ?"
                                                        " ORDER BY container",
                                       "s", network)
                    : database_prepare(engine->database, &statement, err,
                                       SELECT_ENDPOINTS " ORDER BY container, position", "");

    return r < 0 ? r : read_all(statement, ret, err);
}

int endpoint_record_link(Engine *engine, const Endpoint *endpoint, Error *err)
{
    return database_execute(engine->database, NULL, err,
                            "UPDATE network_endpoint SET interface = ?, host_interface = ?,"
                            " mac = nullif(?, x'000000000000') WHERE id = ?",
                            "ssbs", endpoint->interface, endpoint->host_interface, endpoint->mac,
                            sizeof(endpoint->mac), endpoint->id);
}

int endpoint_record_request(Engine *engine, const Endpoint *endpoint, Error *err)
{
    _cleanup_json_ json_t *json = json_struct_write(&container_network_json, &endpoint->request);
    _cleanup_free_ char *text = json_to_text(json);

    return database_execute(engine->database, NULL, err,
                            "UPDATE network_endpoint SET request = ? WHERE id = ?", "ss", text,
                            endpoint->id);
}

int endpoint_release(Engine *engine, const char *container, Error *err)
{
    int r = database_execute(engine->database, NULL, err,
                             "DELETE FROM network_lease WHERE endpoint IN"
                             " (SELECT id FROM network_endpoint WHERE container = ?)",
                             "s", container);

    if (r < 0)
        return r;
    return database_execute(engine->database, NULL, err,
                            "UPDATE network_endpoint SET interface = NULL, host_interface = NULL,"
                            " mac = NULL WHERE container = ? AND interface IS NOT NULL",
                            "s", container);
}
