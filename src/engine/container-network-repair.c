/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From rows to what there should be: after `nft flush ruleset`, the death of cay-dns, the removal
 * of a bridge, or of whoever was about to make some of it. Only what is found missing is made.
 */

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "engine/container-network-private.h"

/* A running container that is looked after. */
typedef struct Patient {
    Container *container;
    NetworkNamespace namespace;
    NetworkView view;
    int lock_fd;
} Patient;

static void patient_done(Patient *patient)
{
    network_view_done(&patient->view);
    network_namespace_done(&patient->namespace);
    fd_close(patient->lock_fd);
    if (patient->container)
        container_free(patient->container);
}

#define _cleanup_patient_ _cleanup_(patient_done)

/* Returns 1, or 0: nothing is to be done, as it does not run right now. */
static int patient_open(Engine *engine, const char *id, Patient *patient, Error *err)
{
    int r = container_network_lock(engine, id, &patient->lock_fd, err);

    if (r >= 0)
        r = container_row_load(engine, id, &patient->container, err);
    if (r >= 0)
        r = network_view_load(engine, patient->container, &patient->view, err);
    if (r < 0)
        return r;
    container_refresh(engine, patient->container);
    if (patient->container->state != CONTAINER_RUNNING &&
        patient->container->state != CONTAINER_PAUSED)
        return 0;
    return network_namespace_open(patient->container, (pid_t)patient->container->pid,
                                  &patient->namespace, NULL) >= 0;
}

/* Is its link whole, as far as the host can see? */
static bool is_linked(const Patient *patient, size_t index)
{
    const Endpoint *endpoint = &patient->view.endpoints.items[index];
    const char *master = patient->view.networks.items[index]->spec.interface;

    if (!endpoint->interface)
        return false;
    if (!endpoint->host_interface) /* there is none, or who made it could not write that down */
        return !network_driver_is_routed(
            network_driver_find(patient->view.networks.items[index]->spec.driver));
    return if_nametoindex(endpoint->host_interface) > 0 && (!master || if_nametoindex(master) > 0);
}

/* Make one anew, with the addresses that it has; a half of it may be there. */
static int relink(Patient *patient, size_t index, Error *err)
{
    NetworkView *view = &patient->view;
    int r;

    network_view_detach(view, index, patient->namespace.fd);
    r = network_view_lease(view, err);
    if (r >= 0)
        r = network_view_attach(view, index, 1, patient->namespace.fd, err);
    /* Whoever was to make it may have died before the rest knew of it. */
    if (r >= 0)
        r = container_firewall_add(view, err);
    return r < 0 ? r : container_network_files_update(view, view, err);
}

static int repair_links(Patient *patient, bool force, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < patient->view.endpoints.count && r >= 0; i++)
        if (force || !is_linked(patient, i))
            r = relink(patient, i, err);
    return r;
}

static int repair_names(const Patient *patient, const StringList *served, bool force, Error *err)
{
    if (!network_view_needs_dns(&patient->view) ||
        (!force && string_list_contains(served, patient->container->id)))
        return 0;
    return container_names_register(&patient->view, &patient->namespace, err);
}

static int repair_one(Engine *engine, const char *id, const StringList *served, bool force,
                      Error *err)
{
    _cleanup_patient_ Patient patient = { .lock_fd = -EBADF, .namespace = NETWORK_NAMESPACE_INIT };
    int r = patient_open(engine, id, &patient, err);

    if (r <= 0)
        return r;
    r = repair_links(&patient, force, err);
    return r < 0 ? r : repair_names(&patient, served, force, err);
}

/* --- what is missing, at one look --- */

typedef struct Survey {
    StringList served; /* by cay-dns */
    StringList links;  /* of the host, sorted */
    bool
        bridge_needs_dns; /* containers on the default bridge, too, as the host's are on loopback */
} Survey;

static void survey_done(Survey *survey)
{
    string_list_done(&survey->served);
    string_list_done(&survey->links);
}

#define _cleanup_survey_ _cleanup_(survey_done)

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool contains(const StringList *sorted, const char *name)
{
    return sorted->count > 0 && bsearch(&name, sorted->items, sorted->count,
                                        sizeof(sorted->items[0]), compare_names) != NULL;
}

static void sort(StringList *list)
{
    if (list->count > 0)
        qsort(list->items, list->count, sizeof(list->items[0]), compare_names);
}

static int look_around(Engine *engine, Survey *survey, Error *err)
{
    struct if_nameindex *links = if_nameindex();
    int r = container_names_list(engine, &survey->served, err);

    if (!links)
        return error_errno(err, "list the host's interfaces");
    for (size_t i = 0; links[i].if_index != 0; i++)
        string_list_add(&survey->links, links[i].if_name);
    if_freenameindex(links);
    sort(&survey->links);
    sort(&survey->served);
    return r;
}

/* A row of list_suspects(): does anything seem to be missing? What does is looked at closely. */
static bool is_suspect(const Survey *survey, Statement *row)
{
    const char *container = statement_text(row, 0), *link = statement_text(row, 1);
    const char *interface = statement_text(row, 3);
    bool is_default = strcmp(statement_text(row, 2), NETWORK_BRIDGE) == 0;

    if (!link || !contains(&survey->links, link) ||
        (interface && !contains(&survey->links, interface)))
        return true;
    return (!is_default || survey->bridge_needs_dns) && !contains(&survey->served, container);
}

/* Of those that run. One that is being started is somebody's at work. */
static int list_suspects(Engine *engine, const Survey *survey, bool all, StringList *ids,
                         Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT container.id, host_interface, network.name,"
                             " network.spec ->> '$.Interface'"
                             " FROM network_endpoint"
                             " JOIN container ON container.id = network_endpoint.container"
                             " JOIN network ON network.id = network_endpoint.network"
                             " WHERE container.state = 'running' ORDER BY container.id",
                             "");

    while (r >= 0 && (r = statement_step(statement, err)) > 0) {
        const char *id = statement_text(statement, 0);

        if ((ids->count == 0 || strcmp(ids->items[ids->count - 1], id) != 0) &&
            (all || is_suspect(survey, statement)))
            string_list_add(ids, id);
    }
    return r;
}

static int has_running(Engine *engine, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r =
        database_prepare(engine->database, &statement, err,
                         "SELECT 1 FROM network_endpoint WHERE interface IS NOT NULL LIMIT 1", "");

    return r < 0 ? r : statement_step(statement, err);
}

int container_network_repair(Engine *engine, bool force, Error *err)
{
    _cleanup_survey_ Survey survey = {};
    _cleanup_string_list_ StringList ids = {};
    int r = has_running(engine, err);

    if (r < 0 || (r == 0 && !force))
        return r;
    survey.bridge_needs_dns = container_bridge_needs_dns();
    r = container_firewall_repair(engine, force, err);
    if (r >= 0)
        r = look_around(engine, &survey, err);
    if (r >= 0)
        r = list_suspects(engine, &survey, force, &ids, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ids.count; i++) {
        _cleanup_error_ Error problem = {};

        /* One that cannot be repaired now must not keep the others from it. */
        if (repair_one(engine, ids.items[i], &survey.served, force, &problem) < 0)
            log_warning("networks of container '%.12s': %s", ids.items[i], error_message(&problem));
    }
    return 0;
}
