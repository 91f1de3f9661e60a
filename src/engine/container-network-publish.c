/* SPDX-License-Identifier: Apache-2.0 */

/* `cay update --publish-add` and `--publish-rm`: the bindings of a container, and, while it runs,
 * its ports. Connections that there are go on. */

#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "engine/container-network-private.h"

static bool equal_or_open(const char *wanted, const char *have)
{
    return !wanted || (have && strcmp(wanted, have) == 0);
}

/* A binding whose host port was left open matches whichever it got. */
static bool binding_matches(const ContainerPortBinding *wanted, const ContainerPortBinding *have)
{
    return strcmp(wanted->container_port, have->container_port) == 0 &&
           equal_or_open(wanted->host_ip, have->host_ip) &&
           (!have->host_port || equal_or_open(wanted->host_port, have->host_port));
}

static bool port_matches(const ContainerPortBinding *wanted, const PublishedPort *have)
{
    char address[IP_ADDRESS_TEXT_MAX], number[8];
    _cleanup_free_ char *port =
        memory_printf("%u/%s", have->container_port, port_protocol_to_string(have->protocol));

    (void)snprintf(number, sizeof(number), "%u", have->host_port);
    return strcmp(wanted->container_port, port) == 0 &&
           equal_or_open(wanted->host_ip, ip_address_format(&have->address, address)) &&
           equal_or_open(wanted->host_port, number);
}

static void binding_done(ContainerPortBinding *binding)
{
    json_struct_done(&container_port_binding_json, binding);
}

static int remove_bindings(ContainerSpec *spec, const ContainerPortBindings *remove, Error *err)
{
    for (size_t i = 0; i < remove->count; i++) {
        size_t kept = 0, count = spec->port_bindings.count;

        for (size_t j = 0; j < count; j++) {
            ContainerPortBinding *have = &spec->port_bindings.items[j];

            if (binding_matches(&remove->items[i], have))
                binding_done(have);
            else
                spec->port_bindings.items[kept++] = *have;
        }
        spec->port_bindings.count = kept;
        if (kept == count)
            return error_set(err, ERROR_NOT_FOUND, "port '%s' is not published so",
                             remove->items[i].container_port);
    }
    return 0;
}

static void add_bindings(ContainerSpec *spec, const ContainerPortBindings *add)
{
    for (size_t i = 0; i < add->count; i++) {
        const ContainerPortBinding *from = &add->items[i];
        ContainerPortBinding *to = JSON_ARRAY_ADD(&spec->port_bindings);

        to->container_port = memory_strdup(from->container_port);
        to->host_ip = memory_strdup(from->host_ip);
        to->host_port = memory_strdup(from->host_port);
        string_list_copy(&to->allow, &from->allow);
    }
}

/* Those that go: views of the rows' ports, which @view owns. */
static void list_removed(const NetworkView *view, const ContainerPortBindings *remove,
                         PublishedPortList *ret)
{
    for (size_t i = 0; i < view->ports.count; i++) {
        bool matches = false;

        for (size_t j = 0; j < remove->count && !matches; j++)
            matches = port_matches(&remove->items[j], &view->ports.items[i]);
        if (!matches)
            continue;
        ret->items = memory_grow(ret->items, &ret->capacity, ret->count + 1, sizeof(*ret->items));
        ret->items[ret->count++] = view->ports.items[i];
    }
}

static int change_rows(NetworkView *view, const PublishedPortList *removed,
                       const ContainerPortBindings *add, PublishedPortList *added, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    PublishRequest request;
    int r = database_begin(view->engine->database, &transaction, err);

    if (r >= 0 && removed->count > 0)
        r = published_ports_release(view->engine, view->container->id, removed, err);
    if (r >= 0 && add->count > 0) {
        network_view_publish_request(view, add, &request);
        request.all = false;
        r = published_ports_reserve(view->engine, view->container->id, &request, added, err);
    }
    return r < 0 ? r : database_commit(&transaction, err);
}

static int add_elements(NetworkView *view, PublishedPortList *ports, Error *err)
{
    PublishedPortList all = view->ports;
    int r;

    view->ports = *ports;
    r = ports->count > 0 ? container_firewall_add(view, err) : 0;
    view->ports = all;
    return r;
}

static int remove_elements(NetworkView *view, PublishedPortList *ports, Error *err)
{
    PublishedPortList all = view->ports;
    int r;

    view->ports = *ports;
    r = container_firewall_remove(view, err);
    view->ports = all;
    return r;
}

/* What goes is out of the firewall before its row is free, what comes has its row first. */
static int change_live(NetworkView *view, const ContainerPortBindings *add,
                       const ContainerPortBindings *remove, Error *err)
{
    _cleanup_published_port_list_ PublishedPortList added = {};
    PublishedPortList removed = {}; /* of the view's */
    int r;

    list_removed(view, remove, &removed);
    r = remove_elements(view, &removed, err);
    if (r >= 0) {
        r = change_rows(view, &removed, add, &added, err);
        if (r < 0)
            (void)add_elements(view, &removed, NULL); /* else the next command does */
    }
    if (r >= 0) {
        r = add_elements(view, &added, err);
        if (r < 0) /* else its end gives them up */
            (void)published_ports_release(view->engine, view->container->id, &added, NULL);
    }
    free(removed.items);
    return r;
}

int container_network_publish(Engine *engine, Container *container,
                              const ContainerPortBindings *add, const ContainerPortBindings *remove,
                              Error *err)
{
    _cleanup_network_view_ NetworkView view = {};
    _cleanup_close_ int lock_fd = -EBADF;
    int r;

    if (container_mode_cni(container->spec.network_mode))
        return error_set(err, ERROR_UNSUPPORTED,
                         "network '%s' does not change the ports of a container that exists",
                         container->spec.network_mode);
    if (!container_has_links(container))
        return error_set(err, ERROR_CONFLICT, "network '%s' publishes no ports",
                         container->spec.network_mode);
    r = remove_bindings(&container->spec, remove, err);
    if (r >= 0)
        r = container_network_lock(engine, container->id, &lock_fd, err);
    if (r >= 0)
        r = network_view_load(engine, container, &view, err);
    if (r < 0)
        return r;
    if (network_view_is_leased(&view))
        r = change_live(&view, add, remove, err);
    if (r >= 0)
        add_bindings(&container->spec, add);
    return r;
}
