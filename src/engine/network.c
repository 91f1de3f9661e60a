/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Making and removing networks. One exists when its row does: its links can be made again at any
 * time, so they come after the row; at its end the row is retired first, and forgotten when nothing
 * is left of it on the host.
 */

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random-id.h"
#include "base/time-format.h"
#include "engine/network-private.h"
#include "supervisor/event-log.h"

#define DEFAULT_TAG "cay"
#define TAG_DIGITS 8
/* Of the network "none". */
#define DRIVER_NULL "null"

void network_tell(Engine *engine, const NetworkSpec *spec, const char *action,
                  const char *container)
{
    _cleanup_event_ Event event = {
        .type = memory_strdup("network"),
        .action = memory_strdup(action),
        .actor = memory_strdup(spec->id),
    };

    if (container)
        string_map_set(&event.attributes, "container", container);
    string_map_set(&event.attributes, "name", spec->name);
    string_map_set(&event.attributes, "type", spec->driver);
    (void)event_log_append(engine->events_fd, &event); /* what it tells of has happened */
}

/* The handle's own path, so that a link or a relative path to the same directory makes no other
 * tag. */
static char *make_tag(const Engine *engine)
{
    char link[sizeof("/proc/self/fd/") + 10], path[PATH_MAX];
    ssize_t length;
    Digest digest;

    if (strcmp(engine->state_path, ENGINE_DEFAULT_STATE) == 0)
        return memory_strdup(DEFAULT_TAG);
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", engine->state_fd);
    length = readlink(link, path, sizeof(path));
    digest = length > 0 ? digest_of(path, (size_t)length)
                        : digest_of(engine->state_path, strlen(engine->state_path));
    return memory_printf(DEFAULT_TAG "-%.*s", TAG_DIGITS, digest_hex(&digest));
}

const char *network_tag(Engine *engine)
{
    if (!engine->network_tag)
        engine->network_tag = make_tag(engine);
    return engine->network_tag;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void network_list_drivers(StringList *names)
{
    network_driver_list(names);
    string_list_add(names, NETWORK_HOST);
    string_list_add(names, DRIVER_NULL);
    qsort(names->items, names->count, sizeof(names->items[0]), compare_names);
}

bool network_has_ipv6(const char *driver)
{
    const NetworkDriver *found = network_driver_find(driver);

    /* A router that nobody has set up is no use to those that are beside the host. */
    return found && network_driver_is_routed(found) && access("/proc/net/if_inet6", F_OK) == 0;
}

static int check_name(const char *name, Error *err)
{
    static const char *const reserved[] = { NETWORK_BRIDGE, NETWORK_HOST, NETWORK_NONE, "default" };
    int r = network_name_validate(name, err);

    for (size_t i = 0; i < ARRAY_SIZE(reserved) && r >= 0; i++)
        if (strcmp(name, reserved[i]) == 0)
            r = error_set(err, ERROR_CONFLICT,
                          "operation is not permitted on predefined '%s' network", name);
    return r;
}

static int check_driver(const char *name, Error *err)
{
    _cleanup_string_list_ StringList drivers = {};
    _cleanup_free_ char *text = NULL;

    if (strcmp(name, NETWORK_HOST) == 0 || strcmp(name, DRIVER_NULL) == 0)
        return error_set(err, ERROR_CONFLICT, "only one instance of '%s' network is allowed", name);
    if (network_driver_find(name))
        return 0;
    network_driver_list(&drivers);
    text = string_list_join(&drivers, ", ");
    return error_set(err, ERROR_NOT_FOUND, "no such network driver: '%s' (there are %s)", name,
                     text);
}

/* What needs no lock: most mistakes are found here. */
static int decide_options(NetworkSpec *spec, Error *err)
{
    int r = check_name(spec->name, err);

    if (r < 0)
        return r;
    if (!spec->driver)
        spec->driver = memory_strdup("bridge");
    r = check_driver(spec->driver, err);
    if (r < 0)
        return r;
    free(spec->id);
    spec->id = memory_new(1, NETWORK_ID_LENGTH + 1);
    random_hex(spec->id, NETWORK_ID_LENGTH);
    return network_spec_apply_options(spec, err);
}

static int insert(Engine *engine, const Network *network, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    int r = database_begin(engine->database, &transaction, err);

    if (r >= 0)
        r = network_row_insert(engine, network, err);
    if (r >= 0)
        r = network_lease_init(engine, &network->spec, err);
    return r < 0 ? r : database_commit(&transaction, err);
}

/* What is left of a retired network goes, then the memory of it. The caller holds the lock. */
static int clear_away(Engine *engine, const NetworkSpec *spec, Error *err)
{
    NetworkLinks *links;
    int r = engine_network_links(engine, &links, err);

    if (r >= 0)
        r = network_firewall_remove(engine, spec, err);
    if (r >= 0)
        r = network_links_down(links, spec, err);
    return r < 0 ? r : network_row_forget(engine, spec->id, err);
}

/* Those of who died, so that no name of an interface is still taken. The caller holds the lock. */
static int recover_retired(Engine *engine, Error *err)
{
    _cleanup_network_list_ NetworkList retired = {};
    int r = network_list_retired(engine, &retired, err);

    for (size_t i = 0; i < retired.count && r >= 0; i++) {
        _cleanup_error_ Error problem = {};
        const NetworkSpec *spec = &retired.items[i]->spec;

        /* One that cannot be cleared away now must not keep the command from going on. */
        if (clear_away(engine, spec, &problem) < 0)
            log_warning("clear away network '%s': %s", spec->name, error_message(&problem));
    }
    return r;
}

int network_recover_all(Engine *engine, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    _cleanup_close_ int lock_fd = -EBADF;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT 1 FROM network_retired LIMIT 1", "");

    if (r >= 0)
        r = statement_step(statement, err);
    if (r <= 0)
        return r;
    statement_free(TAKE_PTR(statement)); /* a reader would be in the way of its own writes */
    r = network_lock(&lock_fd, err);
    return r < 0 ? r : recover_retired(engine, err);
}

static int links_up(Engine *engine, const NetworkSpec *spec, Error *err)
{
    NetworkLinks *links;
    int r = engine_network_links(engine, &links, err);

    return r < 0 ? r : network_links_up(links, spec, err);
}

static int retire(Engine *engine, const Network *network, Error *err);

/* Under the lock until its links are there: the routes of those keep others from its subnet. */
static int create(Engine *engine, Network *network, Error *err)
{
    int r = network_check_name_is_free(engine, network->spec.name, err);

    if (r >= 0)
        r = network_choose_subnets(engine, &network->spec, err);
    if (r >= 0)
        r = network_spec_validate(&network->spec, err);
    if (r >= 0)
        r = insert(engine, network, err);
    if (r < 0)
        return r;
    r = links_up(engine, &network->spec, err);
    if (r < 0 && retire(engine, network, NULL) >= 0)
        (void)clear_away(engine, &network->spec, NULL); /* else recovery does */
    return r;
}

int network_create(Engine *engine, NetworkSpec *spec, Network **ret, Error *err)
{
    _cleanup_(network_freep) Network *network = NEW(Network);
    _cleanup_close_ int lock_fd = -EBADF;
    int r = decide_options(spec, err);

    network->spec = *spec;
    *spec = (NetworkSpec) {};
    if (r >= 0)
        r = network_lock(&lock_fd, err);
    if (r >= 0)
        r = recover_retired(engine, err);
    if (r < 0)
        return r;
    network->created_at = time_now();
    r = create(engine, network, err);
    if (r < 0)
        return r;
    network_tell(engine, &network->spec, "create", NULL);

    *ret = TAKE_PTR(network);
    return 0;
}

/* Also of those that do not run: they would not start without it. */
static int check_unused(Engine *engine, const Network *network, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    _cleanup_string_list_ StringList users = {};
    _cleanup_free_ char *text = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT container.name FROM network_endpoint"
                             " JOIN container ON container.id = network_endpoint.container"
                             " WHERE network_endpoint.network = ? ORDER BY container.name",
                             "s", network->spec.id);

    while (r >= 0 && (r = statement_step(statement, err)) > 0)
        string_list_printf(&users, "'%s'", statement_text(statement, 0));
    if (r < 0 || users.count == 0)
        return r;
    text = string_list_join(&users, ", ");
    return error_set(err, ERROR_CONFLICT,
                     "network '%s' has active endpoints: it is in use by %s %s: disconnect or "
                     "remove %s first",
                     network->spec.name, users.count > 1 ? "containers" : "container", text,
                     users.count > 1 ? "them" : "it");
}

/* In the one transaction that has looked for users: who joins it comes before or finds none. */
static int retire(Engine *engine, const Network *network, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    int r = database_begin(engine->database, &transaction, err);

    if (r >= 0)
        r = check_unused(engine, network, err);
    if (r >= 0)
        r = network_row_retire(engine, network, err);
    return r < 0 ? r : database_commit(&transaction, err);
}

int network_remove(Engine *engine, const char *name, Error *err)
{
    _cleanup_(network_freep) Network *network = NULL;
    _cleanup_close_ int lock_fd = -EBADF;
    _cleanup_error_ Error problem = {};
    int r = network_find(engine, name, &network, err);

    if (r < 0)
        return r;
    if (network->is_predefined)
        return error_set(err, ERROR_CONFLICT, "'%s' is a pre-defined network and cannot be removed",
                         network->spec.name);
    r = check_unused(engine, network, err); /* who cannot remove it does not wait */
    if (r >= 0)
        r = network_lock(&lock_fd, err);
    if (r < 0)
        return r;
    network_free(TAKE_PTR(network));
    r = network_find(engine, name, &network, err);
    if (r >= 0)
        r = retire(engine, network, err);
    if (r < 0)
        return r;
    network_tell(engine, &network->spec, "destroy", NULL);
    if (clear_away(engine, &network->spec, &problem) < 0)
        log_warning("clear away network '%s': %s", network->spec.name, error_message(&problem));
    return 0;
}

/* The caller holds the lock, and nobody else has completed it. */
static int complete(Engine *engine, Network *network, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    int r;

    if (strcmp(network_tag(engine), DEFAULT_TAG) == 0)
        string_map_set(&network->spec.options, "com.docker.network.bridge.name", "cay0");
    r = network_spec_apply_options(&network->spec, err);
    if (r >= 0)
        r = network_choose_subnets(engine, &network->spec, err);
    if (r >= 0)
        r = network_spec_validate(&network->spec, err);
    if (r >= 0)
        r = database_begin(engine->database, &transaction, err);
    if (r >= 0)
        r = network_row_update(engine, network, err);
    if (r >= 0)
        r = network_lease_init(engine, &network->spec, err);
    return r < 0 ? r : database_commit(&transaction, err);
}

static bool is_complete(const Network *network)
{
    return !network->is_predefined || strcmp(network->spec.name, NETWORK_BRIDGE) != 0 ||
           network->spec.subnets.count > 0;
}

int network_prepare(Engine *engine, Network *network, Error *err)
{
    _cleanup_(network_freep) Network *current = NULL;
    _cleanup_close_ int lock_fd = -EBADF;
    int r;

    if (is_complete(network))
        return 0;
    r = network_lock(&lock_fd, err);
    if (r >= 0)
        r = network_row_load(engine, network->spec.id, &current, err);
    if (r >= 0 && !is_complete(current)) {
        r = complete(engine, current, err);
        if (r >= 0)
            r = links_up(engine, &current->spec, err);
    }
    if (r < 0)
        return error_wrap(err, r, "prepare network '%s'", network->spec.name);
    network_spec_done(&network->spec);
    network->spec = current->spec;
    current->spec = (NetworkSpec) {};
    return 0;
}
