/* SPDX-License-Identifier: Apache-2.0 */

/* What cay-dns is told of a container. It is derived from rows each time, so that one that was
 * killed can be told anew. */

#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/process.h"
#include "engine/container-network-private.h"

#define DNS_DIRECTORY "../dns" /* beside those of the containers */

/* cay-dns as this installation has it. */
typedef struct NamesClient {
    DnsClient client;
    int runtime_fd;
    char *program;
} NamesClient;

static void names_client_done(NamesClient *names)
{
    fd_close(names->runtime_fd);
    free(names->program);
}

#define _cleanup_names_client_ _cleanup_(names_client_done)

static int names_client_open(Engine *engine, NamesClient *ret, Error *err)
{
    int fd = path_open_directory(engine->runtime_fd, DNS_DIRECTORY, 0700);

    if (fd < 0)
        return error_result(err, fd, "open directory '%s/dns'", engine->runtime_path);
    ret->runtime_fd = fd;
    ret->program = process_find_sibling("cay-dns");
    ret->client = (DnsClient) { .runtime_fd = fd, .program = ret->program };
    return 0;
}

/* --- what it is told --- */

static void add_addresses(StringList *list, const Endpoint *endpoint)
{
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++) {
        char text[IP_ADDRESS_TEXT_MAX];

        if (ip_address_is_set(&endpoint->addresses[family]))
            string_list_add(list, ip_address_format(&endpoint->addresses[family], text));
    }
}

/* "CONTAINER[:ALIAS]", which only this container knows it by. */
static void add_link(StringMap *links, const char *text)
{
    const char *colon = strchr(text, ':');
    _cleanup_free_ char *name = colon ? memory_strndup(text, (size_t)(colon - text)) : NULL;

    string_map_set(links, colon ? colon + 1 : text, name ? name : text);
}

/* As Docker has it: "web.red" is the "web" of network "red". */
static void add_name(StringList *names, const char *name, const char *network)
{
    if (string_list_contains(names, name))
        return;
    string_list_printf(names, "%s.%s", name, network);
    string_list_add(names, name);
}

static void add_names(StringList *names, const Container *container, const Endpoint *endpoint,
                      const char *network)
{
    _cleanup_free_ char *short_id = memory_strndup(container->id, CONTAINER_SHORT_ID_LENGTH);

    add_name(names, container->name, network);
    for (size_t i = 0; i < endpoint->request.aliases.count; i++)
        add_name(names, endpoint->request.aliases.items[i], network);
    add_name(names, short_id, network);
    if (container->spec.hostname)
        add_name(names, container->spec.hostname, network);
}

static void add_network(DnsContainer *told, const NetworkView *view, size_t index)
{
    const Endpoint *endpoint = &view->endpoints.items[index];
    DnsNetwork *network;

    if (!network_has_names(view->networks.items[index]) || !endpoint->interface)
        return;
    network = JSON_ARRAY_ADD(&told->networks);
    network->network = memory_strdup(endpoint->network);
    add_addresses(&network->addresses, endpoint);
    add_names(&network->names, view->container, endpoint, view->networks.items[index]->spec.name);
    for (size_t i = 0; i < endpoint->request.links.count; i++)
        add_link(&network->links, endpoint->request.links.items[i]);
}

/* The host, as the container reaches it. */
static void add_host(DnsContainer *told, const NetworkView *view)
{
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++) {
        size_t index = network_view_gateway(view, family);
        char text[IP_ADDRESS_TEXT_MAX];
        NetworkPrefixes prefixes;

        if (index != NO_ENDPOINT &&
            network_driver_is_routed(
                network_driver_find(view->networks.items[index]->spec.driver)) &&
            network_spec_prefixes(&view->networks.items[index]->spec, family, &prefixes))
            string_list_add(&told->host_addresses, ip_address_format(&prefixes.gateway, text));
    }
}

static bool is_internal(const NetworkView *view)
{
    for (size_t i = 0; i < view->networks.count; i++)
        if (!view->networks.items[i]->spec.is_internal)
            return false;
    return true;
}

static void make_told(const NetworkView *view, DnsContainer *ret)
{
    *ret = (DnsContainer) { .id = memory_strdup(view->container->id),
                            .is_internal = is_internal(view) };
    for (size_t i = 0; i < view->endpoints.count; i++)
        add_network(ret, view, i);
    add_host(ret, view);
    string_list_copy(&ret->servers, &view->container->spec.dns);
}

int container_names_register(const NetworkView *view, const NetworkNamespace *namespace, Error *err)
{
    _cleanup_names_client_ NamesClient names = { .runtime_fd = -EBADF };
    _cleanup_(dns_container_done) DnsContainer told = {};
    int r = names_client_open(view->engine, &names, err);

    if (r < 0)
        return r;
    make_told(view, &told);
    return dns_client_register(&names.client, &told, namespace->fd, namespace->pidfd, err);
}

int container_names_update(const NetworkView *view, Error *err)
{
    _cleanup_names_client_ NamesClient names = { .runtime_fd = -EBADF };
    _cleanup_(dns_container_done) DnsContainer told = {};
    int r = names_client_open(view->engine, &names, err);

    if (r < 0)
        return r;
    make_told(view, &told);
    return dns_client_update(&names.client, &told, err);
}

int container_names_forget(Engine *engine, const char *id, Error *err)
{
    _cleanup_names_client_ NamesClient names = { .runtime_fd = -EBADF };
    int r = names_client_open(engine, &names, err);

    return r < 0 ? r : dns_client_forget(&names.client, id, err);
}

int container_names_list(Engine *engine, StringList *ids, Error *err)
{
    _cleanup_names_client_ NamesClient names = { .runtime_fd = -EBADF };
    int r = names_client_open(engine, &names, err);

    return r < 0 ? r : dns_client_list(&names.client, ids, err);
}
