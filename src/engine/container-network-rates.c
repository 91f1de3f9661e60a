/* SPDX-License-Identifier: Apache-2.0 */

/* `cay update --net-rate`: the limits of a container's links, in its rows and, while it runs, in
 * the kernel. */

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "engine/container-network-private.h"

static ContainerNetwork *find_request(ContainerSpec *spec, const Network *network)
{
    for (size_t i = 0; i < spec->networks.count; i++) {
        const char *name = spec->networks.items[i].network;

        if (container_mode_is(name, network->spec.name) ||
            container_mode_is(name, network->spec.id))
            return &spec->networks.items[i];
    }
    return NULL;
}

/* By their full names, as whoever made it may have typed the beginning of an id. */
static void name_requests(Engine *engine, ContainerSpec *spec)
{
    for (size_t i = 0; i < spec->networks.count; i++) {
        _cleanup_(network_freep) Network *network = NULL;
        char **name = &spec->networks.items[i].network;

        if (network_find(engine, *name, &network, NULL) < 0)
            continue; /* it has been removed, and the container is in it no more */
        free(*name);
        *name = memory_strdup(network->spec.name);
    }
}

int container_network_list_rates(Engine *engine, const Container *container, ContainerSpec *spec,
                                 Error *err)
{
    _cleanup_network_view_ NetworkView view = {};
    int r = container_has_links(container) ? network_view_load(engine, container, &view, err) : 0;

    if (r < 0)
        return r;
    name_requests(engine, spec);
    for (size_t i = 0; i < view.endpoints.count; i++) {
        const Network *network = view.networks.items[i];
        ContainerNetwork *request = find_request(spec, network);

        if (!request) {
            request = JSON_ARRAY_ADD(&spec->networks);
            request->network = memory_strdup(network->spec.name);
        }
        request->ingress_rate = view.endpoints.items[i].request.ingress_rate;
        request->egress_rate = view.endpoints.items[i].request.egress_rate;
    }
    return 0;
}

/* Who has said nothing of rates has nothing changed, whatever else became of its networks. */
static bool says_the_same(const ContainerSpec *a, const ContainerSpec *b)
{
    _cleanup_json_ json_t *one = json_struct_write(&container_spec_json, a);
    _cleanup_json_ json_t *other = json_struct_write(&container_spec_json, b);

    return json_equal(json_object_get(one, "Networks"), json_object_get(other, "Networks")) ||
           json_object_get(one, "Networks") == json_object_get(other, "Networks");
}

/* Set the link of one endpoint to what its request says. */
static int apply_live(const NetworkView *view, size_t index, const NetworkNamespace *namespace,
                      Error *err)
{
    const char *host_interface = view->endpoints.items[index].host_interface;
    NetworkAttachment attachment;
    NetworkLinks *links;
    int r = engine_network_links(view->engine, &links, err);

    if (r >= 0)
        r = network_view_attachment(view, index, &attachment, err);
    if (r < 0)
        return r;
    (void)snprintf(attachment.host_interface, sizeof(attachment.host_interface), "%s",
                   host_interface ? host_interface : "");
    return network_set_rates(links, namespace->fd, &attachment, err);
}

/* One endpoint to the rates of @request, in its row last. */
static int change(NetworkView *view, size_t index, const ContainerNetwork *request,
                  const NetworkNamespace *namespace, Error *err)
{
    Endpoint *endpoint = &view->endpoints.items[index];
    int64_t ingress = endpoint->request.ingress_rate, egress = endpoint->request.egress_rate;
    int r = 0;

    if (ingress == request->ingress_rate && egress == request->egress_rate)
        return 0;
    endpoint->request.ingress_rate = request->ingress_rate;
    endpoint->request.egress_rate = request->egress_rate;
    if (namespace->fd >= 0 && endpoint->interface)
        r = apply_live(view, index, namespace, err);
    if (r >= 0)
        r = endpoint_record_request(view->engine, endpoint, err);
    if (r >= 0)
        return 0;
    endpoint->request.ingress_rate = ingress;
    endpoint->request.egress_rate = egress;
    if (namespace->fd >= 0 && endpoint->interface) /* else its next start has them */
        (void)apply_live(view, index, namespace, NULL);
    return r;
}

static int change_all(NetworkView *view, const ContainerSpec *next, Error *err)
{
    _cleanup_network_namespace_ NetworkNamespace namespace = NETWORK_NAMESPACE_INIT;
    const Container *container = view->container;
    int r = 0;

    if (container_is_up(container) && container->pid > 0)
        /* One that has just ended is as one that does not run. */
        (void)network_namespace_open(container, (pid_t)container->pid, &namespace, NULL);
    for (size_t i = 0; i < view->endpoints.count && r >= 0; i++) {
        const ContainerNetwork *request =
            find_request((ContainerSpec *)next, view->networks.items[i]);

        if (request)
            r = change(view, i, request, &namespace, err);
    }
    return r;
}

int container_network_set_rates(Engine *engine, const Container *container,
                                const ContainerSpec *next, Error *err)
{
    _cleanup_network_view_ NetworkView view = {};
    _cleanup_close_ int lock_fd = -EBADF;
    int r;

    if (!container_has_links(container) || says_the_same(&container->spec, next))
        return 0;
    r = container_network_lock(engine, container->id, &lock_fd, err);
    if (r >= 0)
        r = network_view_load(engine, container, &view, err);
    return r < 0 ? r : change_all(&view, next, err);
}
