/* SPDX-License-Identifier: Apache-2.0 */

/* The container's first process: program, environment, user, limits. */

#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/variables.h"
#include "engine/config-mounts.h"
#include "engine/container-files.h"
#include "engine/container-private.h"
#include "engine/container-user.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static void add_environment(StringList *environment, const Container *container, const char *home)
{
    _cleanup_free_ char *hostname = container_hostname(container);

    string_list_add(environment, "PATH=" DEFAULT_PATH);
    string_list_printf(environment, "HOSTNAME=%s", hostname);
    if (container->spec.tty)
        string_list_add(environment, "TERM=xterm");
    for (size_t i = 0; i < container->spec.environment.count; i++)
        variables_set(environment, container->spec.environment.items[i]);
    if (variables_find(environment, "HOME=") == environment->count)
        string_list_printf(environment, "HOME=%s", home);
}

static void add_arguments(StringList *arguments, const ContainerSpec *spec)
{
    if (spec->init) {
        string_list_add(arguments, CONTAINER_INIT_PATH);
        string_list_add(arguments, "--");
    }
    for (size_t i = 0; i < spec->entrypoint.count; i++)
        string_list_add(arguments, spec->entrypoint.items[i]);
    for (size_t i = 0; i < spec->command.count; i++)
        string_list_add(arguments, spec->command.items[i]);
}

static int add_user(RuntimeUser *user, const ConfigSource *source, char **ret_home, Error *err)
{
    const ContainerSpec *spec = &source->container->spec;
    _cleanup_container_user_ ContainerUser resolved = {};
    int r =
        container_user_look_up(source->rootfs_fd, spec->user, &spec->groups_add, &resolved, err);

    if (r < 0)
        return r;
    user->uid = resolved.uid;
    user->gid = resolved.gid;
    for (size_t i = 0; i < resolved.n_groups; i++)
        *JSON_ARRAY_ADD(&user->additional_gids) = resolved.groups[i];
    r = config_check_user(user, source, err);
    if (r < 0)
        return r;
    *ret_home = TAKE_PTR(resolved.home);
    return 0;
}

static void add_rlimits(RuntimeProcess *process, const ContainerSpec *spec)
{
    for (size_t i = 0; i < spec->ulimits.count; i++) {
        const ContainerUlimit *ulimit = &spec->ulimits.items[i];
        RuntimeRlimit *rlimit = JSON_ARRAY_ADD(&process->rlimits);
        _cleanup_free_ char *name = memory_strdup(ulimit->name);

        for (char *c = name; *c; c++)
            if (*c >= 'a' && *c <= 'z')
                *c = (char)(*c - 'a' + 'A');
        rlimit->type = memory_printf("RLIMIT_%s", name);
        rlimit->soft = (uint64_t)ulimit->soft;
        rlimit->hard = (uint64_t)ulimit->hard;
    }
}

int config_add_process(RuntimeConfig *config, const ConfigSource *source, Error *err)
{
    const ContainerSpec *spec = &source->container->spec;
    RuntimeProcess *process = NEW(RuntimeProcess);
    _cleanup_free_ char *home = NULL;
    int r;

    config->process = process;
    r = add_user(&process->user, source, &home, err);
    if (r < 0)
        return r;
    process->terminal = spec->tty;
    process->cwd = path_clean(spec->working_directory ? spec->working_directory : "/");
    add_arguments(&process->args, spec);
    add_environment(&process->env, source->container, home);
    add_rlimits(process, spec);
    process->oom_score_adj = (OptionalInt64) { spec->oom_score_adj != 0, spec->oom_score_adj };
    return 0;
}
