/* SPDX-License-Identifier: Apache-2.0 */

/* Networks, endpoints and leases as rows, in a database of their own: no link is made. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/random-id.h"
#include "check.h"
#include "engine/network-private.h"

typedef struct Fixture {
    char *path;
    Engine *engine;
    Network *network; /* "web", 10.1.0.0/29: five addresses */
} Fixture;

static Network *insert_network(Engine *engine, const char *name, const char *subnet,
                               const char *gateway)
{
    Network *network = NEW(Network);
    NetworkSubnet *added = JSON_ARRAY_ADD(&network->spec.subnets);

    network->spec.id = memory_new(1, NETWORK_ID_LENGTH + 1);
    random_hex(network->spec.id, NETWORK_ID_LENGTH);
    network->spec.name = memory_strdup(name);
    network->spec.driver = memory_strdup("bridge");
    network->spec.ipv4 = true;
    added->subnet = memory_strdup(subnet);
    added->gateway = memory_strdup(gateway);
    assert_int_equal(network_row_insert(engine, network, NULL), 0);
    assert_int_equal(network_lease_init(engine, &network->spec, NULL), 0);
    return network;
}

static int setup(void **state)
{
    Fixture *fixture = NEW(Fixture);
    _cleanup_free_ char *state_path = NULL, *runtime = NULL;
    _cleanup_error_ Error error = {};
    EngineOptions options = {};

    fixture->path = memory_strdup("/tmp/caytest-network-XXXXXX");
    assert_non_null(mkdtemp(fixture->path));
    state_path = memory_printf("%s/state", fixture->path);
    runtime = memory_printf("%s/runtime", fixture->path);
    options.state = state_path;
    options.runtime = runtime;
    if (engine_open(&options, &fixture->engine, &error) < 0)
        fail_msg("%s", error_message(&error));
    fixture->network = insert_network(fixture->engine, "web", "10.1.0.0/29", "10.1.0.1");
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    Fixture *fixture = *state;

    network_free(fixture->network);
    engine_close(fixture->engine);
    assert_int_equal(path_remove_tree(AT_FDCWD, fixture->path), 0);
    free(fixture->path);
    free(fixture);
    return 0;
}

static void insert_container(Fixture *fixture, const char *id, const char *state)
{
    assert_int_equal(database_execute(fixture->engine->database, NULL, NULL,
                                      "INSERT INTO container (id, name, state, image, spec,"
                                      " created_at) VALUES (?, 'name-' || ?, ?, '', '{}', 0)",
                                      "sss", id, id, state),
                     0);
}

static void set_state(Fixture *fixture, const char *id, const char *state)
{
    assert_int_equal(database_execute(fixture->engine->database, NULL, NULL,
                                      "UPDATE container SET state = ? WHERE id = ?", "ss", state,
                                      id),
                     0);
}

static void join(Fixture *fixture, const char *id, const ContainerNetwork *request)
{
    const ContainerNetwork nothing = {};

    insert_container(fixture, id, "creating");
    assert_int_equal(
        endpoint_insert(fixture->engine, id, fixture->network, request ? request : &nothing, NULL),
        0);
}

static int try_lease(Fixture *fixture, const char *id, char ret[static IP_ADDRESS_TEXT_MAX],
                     Error *err)
{
    _cleanup_endpoint_list_ EndpointList list = {};
    int r = endpoint_list_of_container(fixture->engine, id, &list, err);

    assert_int_equal(r, 0);
    assert_int_equal(list.count, 1);
    r = endpoint_lease(fixture->engine, fixture->network, &list.items[0], err);
    (void)ip_address_format(&list.items[0].addresses[IP_V4], ret);
    return r;
}

static void check_lease(Fixture *fixture, const char *id, const char *expected)
{
    char text[IP_ADDRESS_TEXT_MAX];

    assert_int_equal(try_lease(fixture, id, text, NULL), 0);
    assert_string_equal(text, expected);
}

static int64_t count(Fixture *fixture, const char *table)
{
    _cleanup_free_ char *sql = memory_printf("SELECT count(*) FROM %s", table);
    _cleanup_(statement_freep) Statement *statement = NULL;

    assert_int_equal(database_prepare(fixture->engine->database, &statement, NULL, sql, ""), 0);
    assert_int_equal(statement_step(statement, NULL), 1);
    return statement_int(statement, 0);
}

static void the_predefined_networks_are_there_with_ids_of_this_installation(void **state)
{
    Fixture *fixture = *state;
    static const char *const names[] = { "bridge", "host", "none" };
    static const char *const drivers[] = { "bridge", "host", "null" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        _cleanup_(network_freep) Network *network = NULL, *again = NULL;

        assert_int_equal(network_find(fixture->engine, names[i], &network, NULL), 0);
        assert_true(network->is_predefined);
        assert_string_equal(network->spec.driver, drivers[i]);
        assert_int_equal(strlen(network->spec.id), NETWORK_ID_LENGTH);
        network->spec.id[20] = '\0';
        assert_int_equal(network_find(fixture->engine, network->spec.id, &again, NULL), 0);
        assert_string_equal(again->spec.name, names[i]);
    }
}

static void what_was_stored_comes_back(void **state)
{
    Fixture *fixture = *state;
    _cleanup_(network_freep) Network *network = NULL;
    _cleanup_error_ Error error = {};

    assert_int_equal(network_find(fixture->engine, "web", &network, NULL), 0);
    assert_string_equal(network->spec.id, fixture->network->spec.id);
    assert_string_equal(network->spec.subnets.items[0].subnet, "10.1.0.0/29");
    assert_false(network->is_predefined);
    assert_true(network_row_insert(fixture->engine, network, &error) < 0);
    check_error(&error, ERROR_CONFLICT, "network with name 'web' already exists");
    network_free(network);
    network = NULL;
    assert_true(network_find(fixture->engine, "wet", &network, &error) < 0);
    check_error(&error, ERROR_NOT_FOUND, "no such network: 'wet'");
}

static void addresses_are_given_in_order_until_none_is_left(void **state)
{
    Fixture *fixture = *state;
    static const char *const ids[] = { "a", "b", "c", "d", "e", "f" };
    char text[IP_ADDRESS_TEXT_MAX];
    _cleanup_error_ Error error = {};

    for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
        join(fixture, ids[i], NULL);
    check_lease(fixture, "a", "10.1.0.2");
    check_lease(fixture, "b", "10.1.0.3");
    check_lease(fixture, "c", "10.1.0.4");
    check_lease(fixture, "d", "10.1.0.5");
    check_lease(fixture, "e", "10.1.0.6");
    assert_true(try_lease(fixture, "f", text, &error) < 0);
    assert_int_equal(error.kind, ERROR_EXHAUSTED);
    assert_int_equal(count(fixture, "network_gap"), 0);
}

static void an_endpoint_that_has_addresses_keeps_them(void **state)
{
    Fixture *fixture = *state;

    join(fixture, "a", NULL);
    check_lease(fixture, "a", "10.1.0.2");
    check_lease(fixture, "a", "10.1.0.2");
    assert_int_equal(count(fixture, "network_lease"), 1);
}

static void what_was_given_up_last_is_given_again_last(void **state)
{
    Fixture *fixture = *state;

    join(fixture, "a", NULL);
    join(fixture, "b", NULL);
    check_lease(fixture, "a", "10.1.0.2");
    set_state(fixture, "a", "exited");
    check_lease(fixture, "b", "10.1.0.3");
}

static void a_container_that_starts_again_gets_the_address_it_had(void **state)
{
    Fixture *fixture = *state;

    join(fixture, "a", NULL);
    join(fixture, "b", NULL);
    check_lease(fixture, "a", "10.1.0.2");
    check_lease(fixture, "b", "10.1.0.3");
    set_state(fixture, "a", "exited");
    set_state(fixture, "a", "running");
    check_lease(fixture, "a", "10.1.0.2");
}

static void every_end_of_a_container_gives_up_what_it_had(void **state)
{
    Fixture *fixture = *state;
    static const char *const ends[] = { "created", "exited", "removing" };

    join(fixture, "a", NULL);
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        _cleanup_endpoint_list_ EndpointList list = {};

        set_state(fixture, "a", "running");
        check_lease(fixture, "a", "10.1.0.2");
        set_state(fixture, "a", "paused");
        assert_int_equal(count(fixture, "network_lease"), 1);
        set_state(fixture, "a", ends[i]);
        assert_int_equal(count(fixture, "network_lease"), 0);
        assert_int_equal(count(fixture, "network_gap"), 1);
        assert_int_equal(endpoint_list_of_container(fixture->engine, "a", &list, NULL), 0);
        assert_null(list.items[0].interface);
    }
    check_lease(fixture, "a", "10.1.0.2");
    assert_int_equal(
        database_execute(fixture->engine->database, NULL, NULL, "DELETE FROM container", ""), 0);
    assert_int_equal(count(fixture, "network_lease"), 0);
    assert_int_equal(count(fixture, "network_endpoint"), 0);
    assert_int_equal(count(fixture, "network_previous"), 0);
    assert_int_equal(count(fixture, "network_gap"), 1);
}

static void gaps_grow_together_whatever_order_they_come_back_in(void **state)
{
    Fixture *fixture = *state;
    static const char *const ids[] = { "a", "b", "c", "d", "e" };
    static const size_t order[] = { 1, 3, 2, 0, 4 };
    static const int64_t gaps[] = { 1, 2, 1, 1, 1 };

    for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
        char text[IP_ADDRESS_TEXT_MAX];

        join(fixture, ids[i], NULL);
        assert_int_equal(try_lease(fixture, ids[i], text, NULL), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        assert_int_equal(endpoint_release(fixture->engine, ids[order[i]], NULL), 0);
        assert_int_equal(count(fixture, "network_gap"), gaps[i]);
    }
}

static void an_address_that_was_asked_for_is_had_or_its_holder_named(void **state)
{
    Fixture *fixture = *state;
    const ContainerNetwork wanted = { .ip4 = (char *)"10.1.0.4" };
    char text[IP_ADDRESS_TEXT_MAX];
    _cleanup_error_ Error error = {};

    join(fixture, "a", &wanted);
    join(fixture, "b", &wanted);
    join(fixture, "c", NULL);
    join(fixture, "d", NULL);
    join(fixture, "e", NULL);
    check_lease(fixture, "a", "10.1.0.4");
    assert_true(try_lease(fixture, "b", text, &error) < 0);
    check_error(&error, ERROR_CONFLICT,
                "address '10.1.0.4' is already in use by container 'name-a'");
    check_lease(fixture, "c", "10.1.0.2");
    check_lease(fixture, "d", "10.1.0.3");
    check_lease(fixture, "e", "10.1.0.5");
}

static void check_insert(Fixture *fixture, const Network *network, const ContainerNetwork *request,
                         ErrorKind kind, const char *message)
{
    _cleanup_error_ Error error = {};

    assert_true(endpoint_insert(fixture->engine, "z", network, request, &error) < 0);
    check_error(&error, kind, message);
}

static void what_a_network_has_not_is_refused(void **state)
{
    Fixture *fixture = *state;
    const ContainerNetwork outside = { .ip4 = (char *)"10.9.0.4" };
    const ContainerNetwork malformed = { .ip4 = (char *)"10.1.0" };
    const ContainerNetwork wrong = { .ip6 = (char *)"10.1.0.4" };
    _cleanup_(network_freep) Network *bridge = NULL;

    insert_container(fixture, "z", "creating");
    assert_int_equal(network_find(fixture->engine, "bridge", &bridge, NULL), 0);
    check_insert(fixture, fixture->network, &outside, ERROR_INVALID,
                 "no configured subnet contains address '10.9.0.4': network 'web' has "
                 "'10.1.0.0/29'");
    check_insert(fixture, fixture->network, &malformed, ERROR_INVALID,
                 "invalid IPv4 address '10.1.0'");
    check_insert(fixture, fixture->network, &wrong, ERROR_INVALID,
                 "invalid IPv6 address '10.1.0.4'");
    check_insert(
        fixture, bridge, &outside, ERROR_INVALID,
        "user specified IP address is supported on user defined networks only: 'bridge' is "
        "none");
    assert_int_equal(count(fixture, "network_endpoint"), 0);
}

static void a_container_is_in_a_network_once(void **state)
{
    Fixture *fixture = *state;
    const ContainerNetwork nothing = {};

    join(fixture, "z", NULL);
    check_insert(fixture, fixture->network, &nothing, ERROR_CONFLICT,
                 "container 'z' is in network 'web' already");
    assert_int_equal(endpoint_delete(fixture->engine, "z", fixture->network->spec.id, NULL), 0);
    assert_int_equal(endpoint_insert(fixture->engine, "z", fixture->network, &nothing, NULL), 0);
}

static void a_hardware_address_is_made_of_the_address(void **state)
{
    Fixture *fixture = *state;
    static const uint8_t expected[] = { 0x02, 0x42, 10, 1, 0, 2 };
    _cleanup_endpoint_list_ EndpointList list = {};

    join(fixture, "a", NULL);
    check_lease(fixture, "a", "10.1.0.2");
    assert_int_equal(
        endpoint_list_of_network(fixture->engine, fixture->network->spec.id, &list, NULL), 0);
    assert_memory_equal(list.items[0].mac, expected, sizeof(expected));
    assert_string_equal(list.items[0].interface, "eth0");
}

static void a_hardware_address_that_somebody_asked_for_is_nobody_elses(void **state)
{
    Fixture *fixture = *state;
    const ContainerNetwork derived = { .mac = (char *)"02:42:0a:01:00:03" };
    char text[IP_ADDRESS_TEXT_MAX];
    _cleanup_error_ Error error = {};

    join(fixture, "a", &derived);
    join(fixture, "b", NULL);
    join(fixture, "c", &derived);
    check_lease(fixture, "a", "10.1.0.2");
    check_lease(fixture, "b", "10.1.0.3");
    assert_true(try_lease(fixture, "c", text, &error) < 0);
    check_error(&error, ERROR_CONFLICT,
                "MAC address '02:42:0a:01:00:03' is already in use by container 'name-a'");
}

static void interfaces_of_a_container_are_told_apart(void **state)
{
    Fixture *fixture = *state;
    _cleanup_(network_freep) Network *second =
        insert_network(fixture->engine, "db", "10.2.0.0/29", "10.2.0.1");
    const ContainerNetwork named = { .interface = (char *)"eth0" };
    _cleanup_endpoint_list_ EndpointList list = {};

    join(fixture, "a", NULL);
    assert_int_equal(endpoint_insert(fixture->engine, "a", second, &named, NULL), 0);
    assert_int_equal(endpoint_list_of_container(fixture->engine, "a", &list, NULL), 0);
    assert_int_equal(endpoint_lease(fixture->engine, fixture->network, &list.items[0], NULL), 0);
    assert_int_equal(endpoint_lease(fixture->engine, second, &list.items[1], NULL), 0);
    assert_string_equal(list.items[0].interface, "eth1");
    assert_string_equal(list.items[1].interface, "eth0");
}

static void a_retired_network_is_known_until_it_is_forgotten(void **state)
{
    Fixture *fixture = *state;
    _cleanup_network_list_ NetworkList retired = {}, rest = {};
    _cleanup_(network_freep) Network *found = NULL;

    assert_int_equal(network_row_retire(fixture->engine, fixture->network, NULL), 0);
    assert_true(network_find(fixture->engine, "web", &found, NULL) < 0);
    assert_int_equal(count(fixture, "network_gap"), 0);
    assert_int_equal(network_list_retired(fixture->engine, &retired, NULL), 0);
    assert_int_equal(retired.count, 1);
    assert_string_equal(retired.items[0]->spec.subnets.items[0].subnet, "10.1.0.0/29");
    assert_int_equal(network_row_forget(fixture->engine, fixture->network->spec.id, NULL), 0);
    assert_int_equal(network_list_retired(fixture->engine, &rest, NULL), 0);
    assert_int_equal(rest.count, 0);
}

#define N_PROCESSES 50

/* A container of its own joins @network and leases, as any process of the product does. */
static int lease_alone(const EngineOptions *options, const Network *network, unsigned number)
{
    _cleanup_free_ char *id = memory_printf("process-%u", number);
    _cleanup_(database_rollback) Transaction transaction = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_endpoint_list_ EndpointList list = {};
    const ContainerNetwork nothing = {};
    int r = engine_open(options, &engine, NULL);

    if (r >= 0)
        r = database_begin(engine->database, &transaction, NULL);
    if (r >= 0)
        r = database_execute(engine->database, NULL, NULL,
                             "INSERT INTO container (id, name, state, image, spec, created_at)"
                             " VALUES (?, ?, 'creating', '', '{}', 0)",
                             "ss", id, id);
    if (r >= 0)
        r = endpoint_insert(engine, id, network, &nothing, NULL);
    if (r >= 0)
        r = endpoint_list_of_container(engine, id, &list, NULL);
    if (r >= 0)
        r = endpoint_lease(engine, network, &list.items[0], NULL);
    return r < 0 ? r : database_commit(&transaction, NULL);
}

static void fifty_who_lease_at_once_have_fifty_addresses(void **state)
{
    Fixture *fixture = *state;
    _cleanup_(network_freep) Network *network =
        insert_network(fixture->engine, "wide", "10.3.0.0/26", "10.3.0.1");
    const EngineOptions options = { .state = fixture->engine->state_path,
                                    .runtime = fixture->engine->runtime_path };
    pid_t pids[N_PROCESSES];

    for (unsigned i = 0; i < N_PROCESSES; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0)
            _exit(lease_alone(&options, network, i) < 0);
    }
    for (unsigned i = 0; i < N_PROCESSES; i++) {
        int status;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(count(fixture, "network_lease"), N_PROCESSES);
    assert_int_equal(count(fixture, "(SELECT DISTINCT mac FROM network_endpoint)"), N_PROCESSES);
    assert_int_equal(count(fixture, "network_gap"), 2); /* that of "web", and the rest */
}

static void installations_have_tags_of_their_own(void **state)
{
    Fixture *fixture = *state;
    const char *tag = network_tag(fixture->engine);

    assert_int_equal(strlen(tag), strlen("cay-01234567"));
    assert_int_equal(strncmp(tag, "cay-", 4), 0);
    assert_string_equal(network_tag(fixture->engine), tag);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_predefined_networks_are_there_with_ids_of_this_installation),
        TEST(what_was_stored_comes_back),
        TEST(addresses_are_given_in_order_until_none_is_left),
        TEST(an_endpoint_that_has_addresses_keeps_them),
        TEST(what_was_given_up_last_is_given_again_last),
        TEST(a_container_that_starts_again_gets_the_address_it_had),
        TEST(every_end_of_a_container_gives_up_what_it_had),
        TEST(gaps_grow_together_whatever_order_they_come_back_in),
        TEST(an_address_that_was_asked_for_is_had_or_its_holder_named),
        TEST(what_a_network_has_not_is_refused),
        TEST(a_container_is_in_a_network_once),
        TEST(a_hardware_address_is_made_of_the_address),
        TEST(a_hardware_address_that_somebody_asked_for_is_nobody_elses),
        TEST(interfaces_of_a_container_are_told_apart),
        TEST(a_retired_network_is_known_until_it_is_forgotten),
        TEST(fifty_who_lease_at_once_have_fifty_addresses),
        TEST(installations_have_tags_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
