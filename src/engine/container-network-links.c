/* SPDX-License-Identifier: Apache-2.0 */

/* A container's links in the kernel. Its namespace is only ever a handle: a pid that is used again
 * leads nowhere. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "engine/container-network-private.h"
#include "supervisor/shim-status.h"

int network_namespace_open(const Container *container, pid_t pid, NetworkNamespace *ret, Error *err)
{
    _cleanup_network_namespace_ NetworkNamespace namespace = NETWORK_NAMESPACE_INIT;
    _cleanup_free_ char *path = memory_printf("/proc/%lld/ns/net", (long long)pid);
    int r = container_process_open_pid(container, pid, &namespace.pidfd, err);

    if (r < 0)
        return r;
    namespace.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (namespace.fd < 0 || !container_process_is_alive(namespace.pidfd))
        return error_set(err, ERROR_CONFLICT, "container '%s' has just ended", container->name);
    *ret = namespace;
    namespace = NETWORK_NAMESPACE_INIT;
    return 0;
}

void network_namespace_done(NetworkNamespace *namespace)
{
    fd_closep(&namespace->fd);
    fd_closep(&namespace->pidfd);
}

/* What the kernel has chosen. Several rows, one transaction. */
static int record_links(NetworkView *view, size_t first, const NetworkAttachment *attachments,
                        size_t count, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    int r = database_begin(view->engine->database, &transaction, err);

    for (size_t i = 0; i < count && r >= 0; i++) {
        Endpoint *endpoint = &view->endpoints.items[first + i];

        free(endpoint->host_interface);
        endpoint->host_interface =
            attachments[i].host_interface[0] ? memory_strdup(attachments[i].host_interface) : NULL;
        if (network_takes_mac(
                attachments[i].network)) /* else it is the parent's, and not its own */
            memcpy(endpoint->mac, attachments[i].mac, sizeof(endpoint->mac));
        r = endpoint_record_link(view->engine, endpoint, err);
    }
    return r < 0 ? r : database_commit(&transaction, err);
}

int network_view_attach(NetworkView *view, size_t first, size_t count, int netns_fd, Error *err)
{
    _cleanup_free_ NetworkAttachment *attachments = NEW_ARRAY(NetworkAttachment, count + 1);
    NetworkLinks *links;
    int r = engine_network_links(view->engine, &links, err);

    for (size_t i = 0; i < count && r >= 0; i++)
        r = network_view_attachment(view, first + i, &attachments[i], err);
    if (r >= 0)
        r = network_attach(links, netns_fd, attachments, count, err);
    return r < 0 || count == 0 ? r : record_links(view, first, attachments, count, err);
}

int network_view_release_links(const NetworkView *view, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < view->endpoints.count && r >= 0; i++) {
        const Endpoint *endpoint = &view->endpoints.items[i];
        NetworkLinks *links;

        if (!endpoint->host_interface)
            continue;
        r = engine_network_links(view->engine, &links, err);
        if (r >= 0)
            r = network_release_host(links, endpoint->host_interface, err);
    }
    return r;
}

void network_view_detach(const NetworkView *view, size_t index, int netns_fd)
{
    const Endpoint *endpoint = &view->endpoints.items[index];
    NetworkAttachment attachment;
    NetworkLinks *links;

    if (!endpoint->interface || network_view_attachment(view, index, &attachment, NULL) < 0)
        return;
    if (endpoint->host_interface)
        (void)snprintf(attachment.host_interface, sizeof(attachment.host_interface), "%s",
                       endpoint->host_interface);
    if (engine_network_links(view->engine, &links, NULL) >= 0)
        (void)network_detach(links, netns_fd, &attachment, NULL); /* else it ends with the rest */
}

/* The first process of a container that has joined, however far its start has come: its shim says
 * so before any row does. */
static int open_joined(Engine *engine, const char *id, NetworkNamespace *ret)
{
    _cleanup_free_ char *path = memory_printf("%s/" CONTAINER_LOCK_NAME, id);
    _cleanup_close_ int fd = openat(engine->runtime_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_shim_status_ ShimStatus status = {};

    if (fd < 0 || shim_status_read(fd, &status) < 0 || status.pid <= 0)
        return -ESRCH;
    if (container_row_load(engine, id, &container, NULL) < 0)
        return -ESRCH;
    return network_namespace_open(container, (pid_t)status.pid, ret, NULL);
}

static int list_joined(Engine *engine, const char *id, StringList *ids)
{
    _cleanup_free_ char *mode = memory_printf("container:%s", id);
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, NULL,
                             "SELECT id FROM container WHERE network = ?", "s", mode);

    while (r >= 0 && (r = statement_step(statement, NULL)) > 0)
        string_list_add(ids, statement_text(statement, 0));
    return r;
}

void network_view_leave_joined(const NetworkView *view)
{
    _cleanup_string_list_ StringList ids = {};

    if (!network_view_is_leased(view) || list_joined(view->engine, view->container->id, &ids) < 0)
        return;
    for (size_t i = 0; i < ids.count; i++) {
        _cleanup_network_namespace_ NetworkNamespace namespace = NETWORK_NAMESPACE_INIT;

        if (open_joined(view->engine, ids.items[i], &namespace) < 0)
            continue;
        for (size_t j = 0; j < view->endpoints.count; j++)
            network_view_detach(view, j, namespace.fd);
    }
}
