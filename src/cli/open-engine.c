/* SPDX-License-Identifier: Apache-2.0 */

/* From global options and environment to an open engine. */

#include "cli/open-engine.h"

#include <stdlib.h>

#include "base/log.h"
#include "engine/container-network.h"

static const char *first_of(const char *option, const char *variable)
{
    const char *value = option ? option : getenv(variable);

    return value && *value ? value : NULL;
}

int open_engine(const Invocation *invocation, Engine **ret, Error *err)
{
    EngineOptions options = {
        .state = first_of(invocation->global->state, "CAY_STATE"),
        .runtime = first_of(invocation->global->runtime_dir, "CAY_RUNTIME"),
        .config = first_of(invocation->global->config_file, "CAY_CONFIG"),
        .secret_key = first_of(NULL, "CAY_SECRET_KEY_FILE"),
        .registries = first_of(NULL, "CAY_REGISTRIES"),
    };

    return engine_open(&options, ret, err);
}

int open_engine_recovered(const Invocation *invocation, Engine **ret, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_error_ Error problem = {};
    int r = open_engine(invocation, &engine, err);

    if (r >= 0)
        r = container_recover_all(engine, err);
    /* What cannot be repaired is no reason not to show, or stop, a container. */
    if (r >= 0 && container_network_repair(engine, false, &problem) < 0)
        log_warning("%s", error_message(&problem));
    if (r < 0)
        return r;

    *ret = TAKE_PTR(engine);
    return 0;
}

int open_registry_settings(const Invocation *invocation, RegistrySettings **ret, Error *err)
{
    return registry_settings_read(first_of(NULL, "CAY_REGISTRIES"),
                                  first_of(invocation->global->config_file, "CAY_CONFIG"), ret,
                                  err);
}
