/* SPDX-License-Identifier: Apache-2.0 */

/* From a container to its shim's settings, with every default filled in. */

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/time-format.h"
#include "engine/container-network.h"
#include "engine/container-private.h"
#include "supervisor/shim-settings.h"

#define STOP_TIMEOUT_DEFAULT 10
#define HEALTH_DURATION_MIN INT64_C(1000000) /* nanoseconds */

/* Docker's. */
static const ShimHealthcheck healthcheck_defaults = {
    .interval = 30 * NANOSECONDS_PER_SECOND,
    .timeout = 30 * NANOSECONDS_PER_SECOND,
    .start_interval = 5 * NANOSECONDS_PER_SECOND,
    .retries = 3,
};

/* An image may say what nobody could ask for. */
static int64_t or_default(int64_t value, int64_t fallback)
{
    return value >= HEALTH_DURATION_MIN ? value : fallback;
}

/* Nothing where the image says what is none of the two kinds: there is nothing to run then. */
static void set_arguments(StringList *arguments, const StringList *test, const StringList *shell)
{
    if (strcmp(test->items[0], "CMD-SHELL") == 0 && shell->count > 0) {
        string_list_copy(arguments, shell);
    } else if (strcmp(test->items[0], "CMD-SHELL") == 0) {
        string_list_add(arguments, "/bin/sh");
        string_list_add(arguments, "-c");
    } else if (strcmp(test->items[0], "CMD") != 0) {
        return;
    }
    for (size_t i = 1; i < test->count; i++)
        string_list_add(arguments, test->items[i]);
}

/* NULL: there is nothing to check. */
static ShimHealthcheck *make_healthcheck(const ContainerSpec *spec)
{
    const ContainerHealthcheck *wanted = spec->healthcheck;
    ShimHealthcheck *healthcheck;

    if (!wanted || wanted->test.count < 2) /* "NONE" stands alone */
        return NULL;
    healthcheck = NEW(ShimHealthcheck);
    *healthcheck = (ShimHealthcheck) {
        .interval = or_default(wanted->interval, healthcheck_defaults.interval),
        .timeout = or_default(wanted->timeout, healthcheck_defaults.timeout),
        .start_period = or_default(wanted->start_period, healthcheck_defaults.start_period),
        .start_interval = or_default(wanted->start_interval, healthcheck_defaults.start_interval),
        .retries = wanted->retries > 0 ? wanted->retries : healthcheck_defaults.retries,
    };
    set_arguments(&healthcheck->arguments, &wanted->test, &spec->shell);
    return healthcheck;
}

/* 0 where it was not asked for: then a shim does not take other signals for less than the end. */
static int stop_signal_of(const ContainerSpec *spec)
{
    int signal = 0;

    /* An image may name one that is none; the container was made all the same. */
    if (spec->stop_signal && *spec->stop_signal && parse_signal(spec->stop_signal, &signal) < 0)
        signal = 0;
    return signal;
}

/* What a shim executes when it starts the container again, which has new namespaces then. */
static void add_plug(const Engine *engine, const Container *container, StringList *arguments)
{
    _cleanup_free_ char *self = process_own_program();

    if (!self || !container_has_links(container))
        return;
    string_list_add(arguments, self);
    string_list_add(arguments, "--state");
    string_list_add(arguments, engine->state_path);
    string_list_add(arguments, "--runtime-dir");
    string_list_add(arguments, engine->runtime_path);
    string_list_add(arguments, "container");
    string_list_add(arguments, "plug");
    string_list_add(arguments, container->id);
}

int container_settings_write(const Engine *engine, int directory_fd, const Container *container,
                             Error *err)
{
    const ContainerSpec *spec = &container->spec;
    _cleanup_shim_settings_ ShimSettings settings = {
        .name = memory_strdup(container->name),
        .image = memory_strdup(spec->image),
        .open_stdin = spec->open_stdin,
        .stdin_once = spec->stdin_once,
        .auto_remove = spec->auto_remove,
        .restart = memory_strdup(spec->restart_policy.name),
        .restart_maximum = spec->restart_policy.maximum_retry_count,
        .stop_signal = stop_signal_of(spec),
        .stop_timeout = spec->stop_timeout.is_set ? spec->stop_timeout.value : STOP_TIMEOUT_DEFAULT,
        .healthcheck = make_healthcheck(spec),
        .runtime = memory_strdup(spec->runtime),
    };
    int r;

    string_map_copy(&settings.labels, &spec->labels);
    add_plug(engine, container, &settings.plug);
    r = container_log_settings(container, &settings, err);
    if (r < 0)
        return r;
    return shim_settings_write(directory_fd, &settings, err);
}

int container_settings_rewrite(Engine *engine, const Container *container, Error *err)
{
    _cleanup_close_ int directory_fd = openat(engine->containers_fd, container->id,
                                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (directory_fd < 0)
        return error_errno(err, "open the directory of container '%s'", container->name);
    return container_settings_write(engine, directory_fd, container, err);
}
