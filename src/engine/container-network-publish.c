/* SPDX-License-Identifier: Apache-2.0 */

/* `cay update --publish-add` and `--publish-rm`: the bindings of a container, and, while it runs,
 * its ports. Connections that there are go on. */

#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "engine/container-network-private.h"

static bool is_same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

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

/* Has a port come from this binding? */
static bool port_matches(const ContainerPortBinding *binding, const PublishedPort *port)
{
    char address[IP_ADDRESS_TEXT_MAX], number[8];
    _cleanup_free_ char *name = published_port_name(port);

    (void)snprintf(number, sizeof(number), "%u", port->host_port);
    return strcmp(binding->container_port, name) == 0 &&
           equal_or_open(binding->host_ip, ip_address_format(&port->address, address)) &&
           (!binding->host_port || strchr(binding->host_port, '-') ||
            strcmp(binding->host_port, number) == 0);
}

static bool is_same_list(const StringList *a, const StringList *b)
{
    bool is_same = a->count == b->count;

    for (size_t i = 0; i < a->count && is_same; i++)
        is_same = strcmp(a->items[i], b->items[i]) == 0;
    return is_same;
}

static void binding_copy(const ContainerPortBinding *from, ContainerPortBinding *ret)
{
    *ret = (ContainerPortBinding) { .container_port = memory_strdup(from->container_port),
                                    .host_ip = memory_strdup(from->host_ip),
                                    .host_port = memory_strdup(from->host_port) };
    string_list_copy(&ret->allow, &from->allow);
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

static bool has_binding(const ContainerPortBindings *bindings, const ContainerPortBinding *wanted)
{
    for (size_t i = 0; i < bindings->count; i++)
        if (is_same_text(bindings->items[i].container_port, wanted->container_port) &&
            is_same_text(bindings->items[i].host_ip, wanted->host_ip) &&
            is_same_text(bindings->items[i].host_port, wanted->host_port) &&
            is_same_list(&bindings->items[i].allow, &wanted->allow))
            return true;
    return false;
}

int container_port_bindings_change(ContainerSpec *spec, const ContainerPortBindings *add,
                                   const ContainerPortBindings *remove, Error *err)
{
    int r = remove_bindings(spec, remove, err);

    for (size_t i = 0; i < add->count && r >= 0; i++) {
        const ContainerPortBinding *binding = &add->items[i];

        if (binding->host_port && has_binding(&spec->port_bindings, binding))
            r = error_set(err, ERROR_CONFLICT, "port '%s' is published at '%s' already",
                          binding->container_port, binding->host_port);
        else
            binding_copy(binding, JSON_ARRAY_ADD(&spec->port_bindings));
    }
    if (r >= 0)
        exposed_ports_add_published(spec);
    return r;
}

/* Views of the bindings that @more has and @less has not. The caller frees the items. */
static void list_difference(const ContainerPortBindings *more, const ContainerPortBindings *less,
                            ContainerPortBindings *ret)
{
    for (size_t i = 0; i < more->count; i++)
        if (!has_binding(less, &more->items[i]))
            *JSON_ARRAY_ADD(ret) = more->items[i];
}

static bool is_of(const PublishedPort *port, const ContainerPortBindings *bindings)
{
    for (size_t i = 0; i < bindings->count; i++)
        if (port_matches(&bindings->items[i], port))
            return true;
    return false;
}

/* Does a binding that is left say this very number, open to the same? */
static bool is_wanted(const PublishedPort *port, const ContainerSpec *next)
{
    for (size_t i = 0; i < next->port_bindings.count; i++) {
        const ContainerPortBinding *binding = &next->port_bindings.items[i];
        const StringList *allow = binding->allow.count ? &binding->allow : &next->publish_allow;

        if (binding->host_port && port_matches(binding, port) && is_same_list(allow, &port->allow))
            return true;
    }
    return false;
}

/* Those that go: views of the rows' ports, which @view owns. */
static void list_removed(const NetworkView *view, const ContainerPortBindings *remove,
                         const ContainerSpec *next, PublishedPortList *ret)
{
    for (size_t i = 0; i < view->ports.count; i++)
        if (is_of(&view->ports.items[i], remove) && !is_wanted(&view->ports.items[i], next))
            *published_port_list_add(ret) = view->ports.items[i];
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
                       const ContainerPortBindings *remove, const ContainerSpec *next, Error *err)
{
    _cleanup_published_port_list_ PublishedPortList added = {};
    PublishedPortList removed = {}; /* of the view's */
    int r;

    list_removed(view, remove, next, &removed);
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

static int begin_change(Engine *engine, const Container *container, int *ret_lock_fd, Error *err)
{
    if (container_mode_cni(container->spec.network_mode))
        return error_set(err, ERROR_UNSUPPORTED,
                         "network '%s' does not change the ports of a container that exists",
                         container->spec.network_mode);
    if (!container_has_links(container))
        return error_set(err, ERROR_CONFLICT, "network '%s' publishes no ports",
                         container->spec.network_mode);
    return container_network_lock(engine, container->id, ret_lock_fd, err);
}

int container_network_publish(Engine *engine, const Container *container, const ContainerSpec *next,
                              Error *err)
{
    const ContainerPortBindings *have = &container->spec.port_bindings;
    const ContainerPortBindings *want = &next->port_bindings;
    _cleanup_network_view_ NetworkView view = {};
    ContainerPortBindings add = {}, remove = {};
    _cleanup_close_ int lock_fd = -EBADF;
    int r = 0;

    list_difference(want, have, &add);
    list_difference(have, want, &remove);
    if (add.count + remove.count > 0)
        r = begin_change(engine, container, &lock_fd, err);
    if (r >= 0 && lock_fd >= 0)
        r = network_view_load(engine, container, &view, err);
    if (r >= 0 && lock_fd >= 0 && network_view_is_leased(&view))
        r = change_live(&view, &add, &remove, next, err);
    free(add.items);
    free(remove.items);
    return r;
}
