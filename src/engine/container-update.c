/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Other limits, ports, rates and another restart policy for a container that exists.
 *
 * They are kept in several places: the row, config.json and shim.json in the container's directory,
 * and, while it runs, its cgroup and networks. What is to become of them is written into the row
 * first, as its pending spec; who finds one that nobody is at work on carries it out. A value that
 * the kernel refuses leaves everything as it was. Updates of one container take turns by flock(2)
 * of its directory, which its start holds too, from reading the spec until the cgroup is there. One
 * that does not run is claimed as well.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "engine/config-resources.h"
#include "engine/container-network.h"
#include "engine/container-private.h"
#include "engine/network-request.h"
#include "sandbox/cgroup.h"

typedef struct Update {
    Engine *engine;
    Container *container; /* as it is */
    ContainerSpec next;   /* as its spec is to be */
    int directory_fd;     /* the container's, flock(2)ed */
} Update;

void container_change_done(ContainerChange *change)
{
    container_spec_done(&change->spec);
    container_port_bindings_done(&change->publish);
    container_port_bindings_done(&change->unpublish);
    string_list_done(&change->net_rates);
}

static void update_done(Update *update)
{
    if (update->container)
        container_free(update->container);
    container_spec_done(&update->next);
    fd_close(update->directory_fd);
}

/* Returns 0, or -EWOULDBLOCK (no error recorded) when somebody is at work on it and @wait is false.
 */
static int lock_directory(Update *update, const char *id, bool wait, Error *err)
{
    update->directory_fd =
        openat(update->engine->containers_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (update->directory_fd < 0)
        return error_errno(err, "open the directory of container '%.12s'", id);
    while (flock(update->directory_fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0) {
        if (errno == EWOULDBLOCK)
            return -EWOULDBLOCK;
        if (errno != EINTR)
            return error_errno(err, "lock container '%.12s'", id);
    }
    return 0;
}

/* Read the row again, under the lock. */
static int load(Update *update, const char *id, Error *err)
{
    Container *container;
    int r = container_row_load(update->engine, id, &container, err);

    if (r < 0)
        return r;
    if (update->container)
        container_free(update->container);
    update->container = container;
    container_refresh(update->engine, container);
    return 0;
}

/* The container's configuration, with the limits of @spec. */
static int make_config(const Update *update, const ContainerSpec *spec, RuntimeConfig **ret,
                       Error *err)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
    LinuxResources *resources, made = {};
    int r = runtime_config_read_at(update->directory_fd, CONTAINER_CONFIG_NAME, &config, err);

    if (r < 0)
        return r;
    resources = &config->linux_config.resources;
    made.devices = resources->devices; /* no limit, and not to be changed */
    resources->devices = (LinuxDeviceRules) {};
    r = config_make_resources(&made, spec, err);
    json_struct_done(&linux_resources_json, resources);
    *resources = made;
    if (r >= 0)
        r = runtime_config_validate(config, err);
    if (r >= 0)
        *ret = TAKE_PTR(config);
    return r;
}

static int write_config(const Update *update, const RuntimeConfig *config, Error *err)
{
    _cleanup_json_ json_t *json = runtime_config_to_json(config);
    _cleanup_free_ char *text = json_to_text(json);
    int r = file_write_at(update->directory_fd, CONTAINER_CONFIG_NAME, text, strlen(text), 0600,
                          FILE_WRITE_SYNC);

    return r < 0 ? error_result(err, r, "write '" CONTAINER_CONFIG_NAME "'") : 0;
}

/* Whatever its row says: it may have been started, or have ended, since that was read. */
static int apply_to_cgroup(const RuntimeConfig *config, Error *err)
{
    LinuxResources limits = config->linux_config.resources;
    _cleanup_(cgroup_freep) Cgroup *cgroup = NULL;
    _cleanup_error_ Error problem = {};
    int r;

    limits.devices = (LinuxDeviceRules) {};
    r = cgroup_open(config->linux_config.cgroups_path, &cgroup, &problem);
    if (r < 0 && problem.kind == ERROR_NOT_FOUND)
        return 0;
    if (r >= 0)
        r = cgroup_update(cgroup, &limits, &problem);
    if (r < 0 && cgroup && !cgroup_is_populated(cgroup))
        return 0; /* it has just ended: its files go one after the other */
    if (r < 0)
        error_move(err, &problem);
    return r;
}

/* Take config.json and cgroup back to what the row says, and forget what was to come. What fails
 * here is done by the next command, as it is pending still. */
static void give_up(const Update *update)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;

    if (make_config(update, &update->container->spec, &config, NULL) >= 0 &&
        write_config(update, config, NULL) >= 0) {
        (void)apply_to_cgroup(config, NULL); /* a refused update has changed nothing there */
        (void)container_row_set_pending(update->engine, update->container->id, NULL, NULL);
    }
}

/* What was pending is what the row says; the shim's settings follow under the name of the moment.
 */
static int commit(Update *update, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    Engine *engine = update->engine;
    int r = database_begin(engine->database, &transaction, err);

    if (r >= 0)
        r = container_row_take_pending(engine, update->container->id, err);
    if (r >= 0)
        r = load(update, update->container->id, err);
    if (r >= 0)
        r = container_settings_rewrite(engine, update->container, err);
    return r < 0 ? r : database_commit(&transaction, err);
}

static int apply_to_networks(const Update *update, Error *err)
{
    const Container *container = update->container;
    int r = container_network_publish(update->engine, container, &update->next, err);

    if (r < 0)
        return r;
    r = container_network_set_rates(update->engine, container, &update->next, err);
    if (r < 0) {
        Container changed = *container;

        changed.spec = update->next;
        (void)container_network_publish(update->engine, &changed, &container->spec, NULL);
    }
    return r;
}

/* From a pending spec to one that holds everywhere. config.json comes before the cgroup: if the
 * restart policy makes a new one meanwhile, that has the new limits already. */
static int carry_out(Update *update, Error *err)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
    _cleanup_(shim_client_freep) ShimClient *shim = NULL;
    int r = make_config(update, &update->next, &config, err);

    if (r >= 0)
        r = write_config(update, config, err);
    if (r >= 0)
        r = apply_to_cgroup(config, err);
    if (r >= 0)
        r = apply_to_networks(update, err);
    if (r < 0) {
        give_up(update);
        return r;
    }
    r = commit(update, err);
    if (r < 0)
        return r;
    container_tell(update->engine, update->container, "update", NULL);
    /* Once the shim has answered, a run that its policy has begun meanwhile has its cgroup, perhaps
     * with what config.json said before. One that has just ended has no use for either. */
    if (container_connect(update->engine, update->container, &shim, NULL) >= 0 &&
        shim_client_reload(shim, NULL) >= 0 && update->container->spec.restart_policy.name)
        (void)apply_to_cgroup(config, NULL);
    return 0;
}

/* Carry out what is pending, if anything is. */
static int carry_out_pending(Update *update, const char *id, Error *err)
{
    _cleanup_error_ Error problem = {};
    int r = container_row_read_pending(update->engine, id, &update->next, &problem);

    if (r < 0 && problem.kind == ERROR_NOT_FOUND)
        return 0;
    if (r < 0) {
        error_move(err, &problem);
        return r;
    }
    r = carry_out(update, err);
    container_spec_done(&update->next);
    return r;
}

int container_update_finish(Engine *engine, const char *id, Error *err)
{
    _cleanup_(update_done) Update update = { .engine = engine, .directory_fd = -EBADF };
    _cleanup_error_ Error problem = {};
    int r = container_row_load(engine, id, &update.container, NULL);

    if (r < 0 || !update.container->is_updating)
        return 0; /* it is gone, or nothing is left to do */
    r = lock_directory(&update, id, false, err);
    if (r == -EWOULDBLOCK)
        return 0; /* whoever began it lives */
    if (r >= 0)
        r = load(&update, id, err);
    if (r < 0)
        return r;
    if (carry_out_pending(&update, id, &problem) < 0)
        log_warning("finish the update of container '%.12s': %s", id, error_message(&problem));
    return 0;
}

int container_update_hold(ContainerClaim *claim, int *ret_lock_fd, Error *err)
{
    _cleanup_(update_done) Update update = { .engine = claim->engine, .directory_fd = -EBADF };
    const char *id = claim->container->id;
    ContainerSpec outdated = claim->container->spec;
    int r = lock_directory(&update, id, true, err);

    if (r >= 0)
        r = load(&update, id, err);
    if (r >= 0) /* of somebody who died */
        r = carry_out_pending(&update, id, err);
    if (r < 0)
        return r;
    claim->container->spec = update.container->spec;
    update.container->spec = outdated;
    *ret_lock_fd = TAKE_FD(update.directory_fd);
    return 0;
}

/* What may not be changed together with what the container has, in Docker's words. */
static int check_combination(const ContainerSpec *have, const ContainerSpec *change, Error *err)
{
    if ((change->cpu_period != 0 || change->cpu_quota != 0) && have->nano_cpus != 0)
        return error_set(err, ERROR_CONFLICT,
                         "conflicting options: '%s' cannot be updated as '--cpus' has already been "
                         "set",
                         change->cpu_period != 0 ? "--cpu-period" : "--cpu-quota");
    if (change->nano_cpus != 0 && (have->cpu_period != 0 || have->cpu_quota != 0))
        return error_set(err, ERROR_CONFLICT,
                         "conflicting options: '--cpus' cannot be updated as '%s' has already been "
                         "set",
                         have->cpu_period != 0 ? "--cpu-period" : "--cpu-quota");
    if (change->memory > 0 && change->memory_swap == 0 && have->memory_swap > 0 &&
        change->memory > have->memory_swap)
        return error_set(err, ERROR_CONFLICT,
                         "memory limit should be smaller than already set memoryswap limit: update "
                         "the memoryswap at the same time");
    if (change->restart_policy.name && have->auto_remove)
        return error_set(err, ERROR_CONFLICT,
                         "restart policy cannot be updated because AutoRemove is enabled for the "
                         "container");
    return 0;
}

/* @have with all members that @change has. */
static int merge(const ContainerSpec *have, const ContainerSpec *change, ContainerSpec *ret,
                 Error *err)
{
    _cleanup_json_ json_t *json = json_struct_write(&container_spec_json, have);
    _cleanup_json_ json_t *changed = json_struct_write(&container_spec_json, change);

    json_object_update(json, changed);
    return json_struct_read(&container_spec_json, json, ret, err);
}

static int change_rates(Update *update, const StringList *rates, Error *err)
{
    int r = container_network_list_rates(update->engine, update->container, &update->next, err);

    for (size_t i = 0; i < rates->count && r >= 0; i++)
        r = network_request_parse_rates(rates->items[i], &update->next, err);
    return r;
}

/* Write down what is to be done. */
static int decide(Update *update, const ContainerChange *change, Error *err)
{
    const ContainerSpec *have = &update->container->spec;
    int r = check_combination(have, &change->spec, err);

    if (r >= 0)
        r = merge(have, &change->spec, &update->next, err);
    if (r >= 0)
        r = container_port_bindings_change(&update->next, &change->publish, &change->unpublish,
                                           err);
    if (r >= 0 && change->net_rates.count > 0)
        r = change_rates(update, &change->net_rates, err);
    if (r >= 0)
        r = container_spec_validate(&update->next, err);
    return r < 0 ? r
                 : container_row_set_pending(update->engine, update->container->id, &update->next,
                                             err);
}

static int update_container(Engine *engine, const Container *found, const ContainerChange *change,
                            Error *err)
{
    _cleanup_(update_done) Update update = { .engine = engine, .directory_fd = -EBADF };
    _cleanup_(container_claim_freep) ContainerClaim *claim = NULL;
    int r = 0;

    if (found->state == CONTAINER_REMOVING)
        return error_set(err, ERROR_CONFLICT, "it is marked for removal");
    if (!container_is_up(found))
        r = container_claim_stopped(engine, found->id, &claim, err);
    if (r >= 0)
        r = lock_directory(&update, found->id, true, err);
    if (r >= 0)
        r = load(&update, found->id, err);
    if (r >= 0) /* of somebody who died since it was found */
        r = carry_out_pending(&update, found->id, err);
    if (r >= 0)
        r = decide(&update, change, err);
    return r < 0 ? r : carry_out(&update, err);
}

int container_update(Engine *engine, const char *name, const ContainerChange *change, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    int r = container_find_live(engine, name, &container, err);

    if (r < 0)
        return r;
    r = update_container(engine, container, change, err);
    return r < 0 ? error_wrap(err, r, "cannot update container '%s'", name) : 0;
}
