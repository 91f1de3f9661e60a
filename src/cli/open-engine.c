/* SPDX-License-Identifier: Apache-2.0 */

/* From global options and environment to an open engine. */

#include "cli/open-engine.h"

#include <stdlib.h>

#include "engine/container.h"

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
    int r = open_engine(invocation, &engine, err);

    if (r >= 0)
        r = container_recover_all(engine, err);
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
