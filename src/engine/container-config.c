/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a container to its OCI config.json. What belongs together is in a file of its own
 * (config-process.c, config-mounts.c, config-security.c); here is what is left.
 */

#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "engine/cdi.h"
#include "engine/config-resources.h"
#include "engine/container-files.h"
#include "engine/container-private.h"

int config_inherit_fd(const ConfigSource *source, int fd, char **ret_path, Error *err)
{
    size_t index = source->fds->count;

    if (index == ARRAY_SIZE(source->fds->fds)) {
        fd_close(fd);
        return error_set(err, ERROR_UNSUPPORTED,
                         "more than %zu mounts and namespaces that are not named by a path",
                         ARRAY_SIZE(source->fds->fds));
    }
    source->fds->fds[source->fds->count++] = fd;
    *ret_path = memory_printf("/proc/self/fd/%d", (int)(SHIM_FD_CONFIG + index));
    return 0;
}

/* The groups that may ping without privilege: all, or the container's own, of which the kernel
 * takes one range. */
static char *ping_groups(const Container *container)
{
    const IdRanges *gids = &container->spec.ids.gids;
    const IdMapping *widest = NULL;

    for (size_t i = 0; i < gids->count; i++)
        if (!widest || gids->items[i].size > widest->size)
            widest = &gids->items[i];
    if (!widest && id_map_is_initial())
        return memory_strdup("0 2147483647");
    if (!widest)
        return memory_printf("0 %u", id_map_own_size() - 1);
    return memory_printf("%u %u", widest->container_id, widest->container_id + (widest->size - 1));
}

static void add_sysctls(RuntimeConfig *config, const Container *container)
{
    StringMap *sysctls = &config->linux_config.sysctl;

    _cleanup_free_ char *groups = ping_groups(container);

    /* In a network of its own a container may use low ports and ping without privilege. */
    if (container_owns_network(container)) {
        string_map_set(sysctls, "net.ipv4.ip_unprivileged_port_start", "0");
        string_map_set(sysctls, "net.ipv4.ping_group_range", groups);
    }
    for (size_t i = 0; i < container->spec.sysctls.count; i++)
        string_map_set(sysctls, container->spec.sysctls.items[i].key,
                       container->spec.sysctls.items[i].value);
}

int container_config_build(const ConfigSource *source, RuntimeConfig **ret, Error *err)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = runtime_config_new();
    const Container *container = source->container;
    int r;

    config->root = NEW(RuntimeRoot);
    config->root->path = memory_strdup("rootfs");
    config->root->readonly = container->spec.read_only_rootfs;
    if (!container_uses_host_uts(container)) {
        config->hostname = container_hostname(container);
        config->domainname = memory_strdup(container->spec.domainname);
    }
    string_map_copy(&config->annotations, &container->spec.annotations);
    config->linux_config.cgroups_path = container_cgroup_path(container);
    add_sysctls(config, container);
    r = config_make_resources(&config->linux_config.resources, &container->spec, err);
    if (r >= 0)
        r = config_add_namespaces(config, source, err);
    if (r >= 0)
        r = config_add_process(config, source, err);
    if (r >= 0)
        r = config_add_mounts(config, source, err);
    if (r >= 0)
        r = config_add_security(config, source, err);
    if (r >= 0)
        r = cdi_apply(cdi_directories, &container->spec.cdi_devices, config, err);
    if (r >= 0)
        r = runtime_config_validate(config, err);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(config);
    return 0;
}
