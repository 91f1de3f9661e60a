/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Making a container, in the order that lets any step be undone: lock, row (which claims the name
 * and keeps the image), directory, root file system, configuration.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/random-id.h"
#include "base/time-format.h"
#include "engine/container-files.h"
#include "engine/container-network.h"
#include "engine/container-private.h"
#include "engine/name-generator.h"
#include "engine/network-request.h"
#include "engine/secret.h"
#include "engine/volume.h"
#include "sandbox/cgroup.h"
#include "sandbox/hooks.h"

#define DIRECTORY_MODE 0700
#define NAME_ATTEMPTS 8

/* Copy the lists that the caller left empty; what the caller said comes later and so wins. */
static void complete_environment(StringList *environment, const StringList *defaults)
{
    _cleanup_string_list_ StringList own = *environment;

    *environment = (StringList) {};
    string_list_copy(environment, defaults);
    for (size_t i = 0; i < own.count; i++)
        string_list_add(environment, own.items[i]);
}

static void complete_labels(StringMap *labels, const StringMap *defaults)
{
    _cleanup_string_map_ StringMap own = *labels;

    *labels = (StringMap) {};
    string_map_copy(labels, defaults);
    for (size_t i = 0; i < own.count; i++)
        string_map_set(labels, own.items[i].key, own.items[i].value);
}

static void complete_string(char **value, const char *fallback)
{
    if (!*value || !**value) {
        free(*value);
        *value = memory_strdup(fallback);
    }
}

static void complete_number(int64_t *value, int64_t fallback)
{
    if (*value == 0)
        *value = fallback;
}

/* Each part of a check may come from either; "NONE" has no parts. */
static void complete_healthcheck(ContainerSpec *spec, const ImageDefaults *defaults)
{
    const ImageHealthcheck *wanted = defaults->healthcheck;
    ContainerHealthcheck *check = spec->healthcheck;

    if (!wanted)
        return;
    if (!check)
        check = spec->healthcheck = NEW(ContainerHealthcheck);
    if (check->test.count == 0)
        string_list_copy(&check->test, &wanted->test);
    complete_number(&check->interval, wanted->interval);
    complete_number(&check->timeout, wanted->timeout);
    complete_number(&check->start_period, wanted->start_period);
    complete_number(&check->start_interval, wanted->start_interval);
    complete_number(&check->retries, wanted->retries);
    string_list_copy(&spec->shell, &defaults->shell);
}

/* As much swap as memory, where that can be limited at all: a limit of memory alone would let the
 * container fill the host's swap. */
static void complete_memory_swap(ContainerSpec *spec)
{
    if (spec->memory > 0 && spec->memory <= INT64_MAX / 2 && spec->memory_swap == 0 &&
        cgroup_can_limit_swap())
        spec->memory_swap = 2 * spec->memory;
}

void container_spec_complete(ContainerSpec *spec, const Image *image)
{
    const ImageDefaults *defaults = &image->config.config;

    /* Another entrypoint means another program: the image's arguments are not for it. */
    if (spec->command.count == 0 && !spec->entrypoint_is_set)
        string_list_copy(&spec->command, &defaults->command);
    if (!spec->entrypoint_is_set)
        string_list_copy(&spec->entrypoint, &defaults->entrypoint);
    complete_environment(&spec->environment, &defaults->environment);
    complete_labels(&spec->labels, &defaults->labels);
    for (size_t i = 0; i < defaults->exposed_ports.count; i++)
        if (!string_list_contains(&spec->exposed_ports, defaults->exposed_ports.items[i]))
            string_list_add(&spec->exposed_ports, defaults->exposed_ports.items[i]);
    for (size_t i = 0; i < defaults->volumes.count; i++)
        if (!string_list_contains(&spec->volumes, defaults->volumes.items[i]))
            string_list_add(&spec->volumes, defaults->volumes.items[i]);
    complete_string(&spec->user, defaults->user);
    complete_string(&spec->working_directory, defaults->working_directory);
    complete_string(&spec->stop_signal, defaults->stop_signal);
    complete_healthcheck(spec, defaults);
    complete_memory_swap(spec);
}

/* Insert the row under the name that was asked for, or under a random one that is free. */
static int claim_name(Engine *engine, Container *container, const IdRange *ids, Error *err)
{
    int r = -EBUSY;

    if (container->spec.name) {
        container->name = memory_strdup(container->spec.name);
        return container_row_insert(engine, container, ids, err);
    }

    for (unsigned attempt = 0; attempt < NAME_ATTEMPTS && r == -EBUSY; attempt++) {
        free(TAKE_PTR(container->name));
        container->name = name_generate(attempt);
        r = container_row_insert(engine, container, ids, err);
    }
    return r;
}

static int find_image(ImageStore *images, const char *name, Image **ret, Error *err)
{
    _cleanup_error_ Error problem = {};
    int r = image_store_find(images, name, ret, &problem);

    if (r < 0 && problem.kind == ERROR_NOT_FOUND)
        return error_set(err, ERROR_NOT_FOUND,
                         "%s: get it with 'cay pull', 'cay load' or 'cay image bootstrap'",
                         error_message(&problem));
    if (r < 0)
        error_move(err, &problem);
    return r;
}

/* Refuse what was not asked for; where nothing was, only say that it may not run here. */
static int check_platform(const Image *image, const ContainerSpec *spec, Error *err)
{
    const Platform own = { .os = image->config.os,
                           .architecture = image->config.architecture,
                           .variant = image->config.variant };
    _cleanup_platform_ Platform host = {};
    _cleanup_free_ char *own_text = NULL, *host_text = NULL;

    if (spec->platform)
        return image_check_platform(image, spec->image, spec->platform, err);
    platform_host(&host);
    if (platform_matches(&host, &own))
        return 0;
    own_text = platform_to_string(&own);
    host_text = platform_to_string(&host);
    log_warning("the requested image's platform (%s) does not match the detected host platform "
                "(%s) and no specific platform was requested",
                own_text, host_text);
    return 0;
}

/* One transaction finds image and volumes and takes the name: none can be removed in between. */
static int claim_row(ContainerClaim *claim, ImageStore *images, StringList *anonymous,
                     StringList *existing, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    _cleanup_(image_freep) Image *image = NULL;
    Container *container = claim->container;
    IdRange ids;
    int r;

    r = database_begin(claim->engine->database, &transaction, err);
    if (r < 0)
        return r;
    r = find_image(images, container->spec.image, &image, err);
    if (r < 0)
        return r;
    r = check_platform(image, &container->spec, err);
    if (r < 0)
        return r;
    container_spec_complete(&container->spec, image);
    r = container_mounts_resolve(claim->engine, &container->spec, anonymous, existing, err);
    if (r < 0)
        return r;
    container->image = image->id;
    if (container->spec.entrypoint.count + container->spec.command.count == 0)
        return error_set(err, ERROR_INVALID,
                         "image '%s' names no program: type one after the image",
                         container->spec.image);
    r = container_userns_claim_ids(claim->engine, &container->spec, &ids, err);
    if (r >= 0)
        r = container_quota_choose(claim->engine, container, err);
    if (r >= 0)
        r = secret_refer(claim->engine, container->id, &container->spec, err);
    if (r >= 0)
        r = container_network_resolve(claim->engine, &container->spec, err);
    if (r >= 0)
        r = claim_name(claim->engine, container, &ids, err);
    if (r >= 0)
        r = container_network_insert(claim->engine, container, err);
    if (r >= 0)
        r = volume_refer(claim->engine, container->id, existing, err);
    if (r >= 0)
        r = database_commit(&transaction, err);
    if (r < 0)
        return r;

    claim->undo = true;
    return 0;
}

static int make_directory(ContainerClaim *claim, Error *err)
{
    Engine *engine = claim->engine;
    const char *id = claim->container->id;

    if (mkdirat(engine->containers_fd, id, DIRECTORY_MODE) < 0)
        return error_errno(err, "make directory '%s/containers/%s'", engine->state_path, id);
    claim->directory_fd =
        openat(engine->containers_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (claim->directory_fd < 0)
        return error_errno(err, "open directory '%s/containers/%s'", engine->state_path, id);
    return 0;
}

/* Hooks look for the root where the configuration says it is: there it is mounted for them. */
static int make_root_directory(const ContainerClaim *claim, const RuntimeConfig *config, Error *err)
{
    if (!hooks_exist(config) || mkdirat(claim->directory_fd, config->root->path, 0700) == 0 ||
        errno == EEXIST)
        return 0;
    return error_errno(err, "make the container's directory '%s'", config->root->path);
}

int container_config_write(ContainerClaim *claim, Error *err)
{
    _cleanup_free_ char *directory =
        memory_printf("%s/containers/%s", claim->engine->state_path, claim->container->id);
    ConfigSource source = { .engine = claim->engine,
                            .container = claim->container,
                            .rootfs_fd = claim->rootfs_fd,
                            .id_map_fd = claim->id_map_fd,
                            .fds = &claim->config_fds,
                            .directory = directory,
                            .directory_fd = claim->directory_fd };
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    int r = container_config_build(&source, &config, err);

    if (r < 0)
        return r;
    json = runtime_config_to_json(config);
    text = json_to_text(json);
    r = file_write_at(claim->directory_fd, CONTAINER_CONFIG_NAME, text, strlen(text), 0600, 0);
    if (r < 0)
        return error_result(err, r, "write '%s/" CONTAINER_CONFIG_NAME "'", directory);
    return make_root_directory(claim, config, err);
}

int container_create(Engine *engine, ContainerSpec *spec, ContainerClaim **ret, Error *err)
{
    _cleanup_(container_claim_freep) ContainerClaim *claim = NULL;
    _cleanup_(container_freep) Container *container = NEW(Container);
    _cleanup_string_list_ StringList anonymous = {}, existing = {};
    ImageStore *images;
    int r;

    container->spec = *spec;
    *spec = (ContainerSpec) {};
    container->state = CONTAINER_CREATING;
    container->created_at = time_now();
    random_hex(container->id, CONTAINER_ID_LENGTH);

    r = network_requests_complete(engine, &container->spec, err);
    if (r >= 0)
        r = container_spec_validate(&container->spec, err);
    if (r < 0)
        return r;
    r = container_userns_decide(engine, &container->spec, err);
    if (r < 0)
        return r;
    r = engine_images(engine, &images, err);
    if (r < 0)
        return r;
    if (container->spec.name) {
        /* a name whose holder was killed is free */
        r = container_recover_name(engine, container->spec.name, err);
        if (r < 0)
            return r;
    }
    /* Recovery by another command may look at the new directory before we lock it. */
    r = container_claim_take(engine, container->id, true, &claim, err);
    if (r < 0)
        return r;
    claim->container = TAKE_PTR(container);
    r = claim_row(claim, images, &anonymous, &existing, err);
    if (r >= 0)
        r = container_volumes_create(engine, claim->container, &anonymous, &existing, err);
    if (r < 0)
        return r;
    r = make_directory(claim, err);
    if (r < 0)
        return r;
    r = container_rootfs_create(claim, err);
    if (r >= 0)
        r = container_volumes_fill(claim, err);
    if (r < 0)
        return r;
    r = container_files_write(claim->directory_fd, claim->container, err);
    if (r < 0)
        return r;
    r = container_config_write(claim, err);
    if (r < 0)
        return r;
    r = container_settings_write(engine, claim->directory_fd, claim->container, err);
    if (r < 0)
        return r;

    container_tell(engine, claim->container, "create", NULL);
    *ret = TAKE_PTR(claim);
    return 0;
}

int container_claim_keep(ContainerClaim *claim, Error *err)
{
    int r = container_set_state(claim->container, CONTAINER_CREATED, err);

    if (r >= 0)
        r = container_row_update(claim->engine, claim->container, err);
    if (r >= 0)
        claim->undo = false;
    return r;
}
