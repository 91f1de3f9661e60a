/* SPDX-License-Identifier: Apache-2.0 */

/* The networks of a container from its row to its end; see container-network.h. */

#include "engine/container-network.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "engine/container-cni.h"
#include "engine/container-files.h"
#include "engine/container-network-private.h"
#include "engine/network-request.h"

#define LOCK_NAME "network.lock" /* in the container's directory */
#define LEASED_QUERY "SELECT DISTINCT container FROM network_endpoint WHERE interface IS NOT NULL"

static bool has_networks(const Container *container)
{
    return network_mode_is_network(container->spec.network_mode);
}

bool container_has_links(const Container *container)
{
    return has_networks(container) || container_mode_cni(container->spec.network_mode);
}

/* By its id, whatever it is called later; its host name is shared, as its network is. */
int container_network_resolve(Engine *engine, ContainerSpec *spec, Error *err)
{
    const char *joined = container_mode_joined(spec->network_mode);
    _cleanup_(container_freep) Container *other = NULL;
    int r;

    if (!joined)
        return 0;
    r = container_find(engine, joined, &other, err);
    if (r < 0)
        return r;
    free(spec->network_mode);
    spec->network_mode = memory_printf("container:%s", other->id);
    free(spec->hostname);
    spec->hostname = container_hostname(other);
    return 0;
}

static int insert_one(Engine *engine, const Container *container, const ContainerNetwork *request,
                      Error *err)
{
    _cleanup_(network_freep) Network *network = NULL;
    int r = network_find(engine, request->network, &network, err);

    return r < 0 ? r : endpoint_insert(engine, container->id, network, request, err);
}

int container_network_insert(Engine *engine, const Container *container, Error *err)
{
    const ContainerSpec *spec = &container->spec;
    ContainerNetwork only = { .network = spec->network_mode };
    int r = 0;

    if (!has_networks(container))
        return 0;
    if (spec->networks.count == 0)
        return insert_one(engine, container, &only, err);
    for (size_t i = 0; i < spec->networks.count && r >= 0; i++)
        r = insert_one(engine, container, &spec->networks.items[i], err);
    return r;
}

int container_network_list_leased(Engine *engine, StringList *ids, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err, LEASED_QUERY, "");

    while (r >= 0 && (r = statement_step(statement, err)) > 0)
        string_list_add(ids, statement_text(statement, 0));
    return r;
}

int container_network_lock(Engine *engine, const char *id, int *ret_fd, Error *err)
{
    _cleanup_free_ char *path = memory_printf("%s/" LOCK_NAME, id);
    _cleanup_close_ int fd =
        openat(engine->containers_fd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    while (fd >= 0 && flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return error_errno(err, "lock the networks of container '%.12s'", id);
    if (fd < 0)
        return error_errno(err, "lock the networks of container '%.12s'", id);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* One that keeps what it had, as it starts again by its policy, was connected all the time. */
static void tell_connected(const NetworkView *view, bool was_leased)
{
    for (size_t i = 0; i < view->endpoints.count && !was_leased; i++)
        network_tell(view->engine, &view->networks.items[i]->spec, "connect", view->container->id);
}

static void tell_disconnected(const NetworkView *view)
{
    for (size_t i = 0; i < view->endpoints.count; i++)
        if (view->endpoints.items[i].interface)
            network_tell(view->engine, &view->networks.items[i]->spec, "disconnect",
                         view->container->id);
}

/* Under the lock, with everything but names: whatever fails is undone by the caller. */
static int plug(NetworkView *view, const NetworkNamespace *namespace, Error *err)
{
    bool was_leased = network_view_is_leased(view);
    int r = network_view_prepare(view, err);

    if (r >= 0)
        r = network_view_lease(view, err);
    if (was_leased) /* in a namespace that others may still be in */
        network_view_leave_joined(view);
    if (r >= 0)
        r = network_view_attach(view, 0, view->endpoints.count, namespace->fd, err);
    if (r >= 0 && view->endpoints.count > 0)
        r = container_firewall_add(view, err);
    if (r >= 0)
        r = container_network_files_write(view, err);
    if (r >= 0 && network_view_needs_dns(view))
        r = container_names_register(view, namespace, err);
    if (r >= 0)
        tell_connected(view, was_leased);
    return r;
}

/* One whose network has ended since its namespace was opened would be left in what others have by
 * now. */
static int check_joined(Engine *engine, const char *joined, Error *err)
{
    _cleanup_(container_freep) Container *other = NULL;
    int r = container_find_live(engine, joined, &other, err);

    if (r >= 0 && other->state != CONTAINER_RUNNING && other->state != CONTAINER_PAUSED)
        r = error_set(err, ERROR_CONFLICT, "cannot join container '%s', which is not running",
                      other->name);
    return r;
}

int container_network_plug(Engine *engine, const Container *container, pid_t pid, Error *err)
{
    const char *joined = container_mode_joined(container->spec.network_mode);
    _cleanup_network_namespace_ NetworkNamespace namespace = NETWORK_NAMESPACE_INIT;
    _cleanup_network_view_ NetworkView view = {};
    _cleanup_close_ int lock_fd = -EBADF;
    int r;

    if (joined)
        return check_joined(engine, joined, err);
    if (!container_has_links(container))
        return 0;
    r = container_network_lock(engine, container->id, &lock_fd, err);
    if (r >= 0)
        r = network_namespace_open(container, pid, &namespace, err);
    if (r >= 0 && has_networks(container))
        r = network_view_load(engine, container, &view, err);
    if (r < 0)
        return r;
    if (has_networks(container))
        r = plug(&view, &namespace, err);
    else
        r = container_cni_plug(engine, container, pid, namespace.fd, err);
    if (r < 0)
        container_network_unplug(engine, container);
    return r;
}

static void warn(const Container *container, const char *what, int r, Error *problem)
{
    if (r < 0)
        log_warning("%s of container '%s': %s", what, container->name, error_message(problem));
    error_done(problem);
}

void container_network_release(Engine *engine, const Container *container)
{
    _cleanup_network_view_ NetworkView view = {};
    _cleanup_error_ Error problem = {};
    int r;

    container_cni_release(engine, container);
    if (!has_networks(container))
        return;
    r = network_view_load(engine, container, &view, &problem);
    warn(container, "networks", r, &problem);
    if (r < 0)
        return;
    warn(container, "ports", container_firewall_remove(&view, &problem), &problem);
    if (!network_view_is_leased(&view))
        return;
    if (network_view_needs_dns(&view))
        warn(container, "names", container_names_forget(engine, container->id, &problem), &problem);
    warn(container, "links", network_view_release_links(&view, &problem), &problem);
    network_view_leave_joined(&view);
    tell_disconnected(&view);
}

void container_network_unplug(Engine *engine, const Container *container)
{
    if (!container_has_links(container))
        return;
    container_network_release(engine, container);
    network_view_unlease(engine, container);
}

void container_network_rename(Engine *engine, const Container *container)
{
    _cleanup_network_view_ NetworkView view = {};
    _cleanup_error_ Error problem = {};
    int r;

    if (!has_networks(container))
        return;
    r = network_view_load(engine, container, &view, &problem);
    if (r >= 0 && network_view_is_leased(&view) && network_view_needs_dns(&view))
        r = container_names_update(&view, &problem);
    if (r < 0 && problem.kind != ERROR_NOT_FOUND) /* then the next command tells it all */
        log_warning("name of container '%s' in its networks: %s", container->name,
                    error_message(&problem));
}
