/* SPDX-License-Identifier: Apache-2.0 */

/* `inspect`: State and its Health (Engine API: ContainerState, Health). */

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "engine/inspect-private.h"
#include "supervisor/health-log.h"

void inspect_set_time(json_t *object, const char *name, int64_t time)
{
    _cleanup_free_ char *text = time_to_rfc3339(time);

    json_object_set_new(object, name, json_string(text));
}

/* What a user sees of it: one that is being made is as good as made. */
static ContainerState visible_state(const Container *container)
{
    return container->state == CONTAINER_CREATING ? CONTAINER_CREATED : container->state;
}

static const JsonField state_fields[] = {
    JSON_FIELD_FLAGS(Container, oom_killed, "OOMKilled", JSON_TYPE_BOOL, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(Container, pid, "Pid", JSON_TYPE_INT64, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(Container, exit_code, "ExitCode", JSON_TYPE_INT64, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(Container, error, "Error", JSON_TYPE_STRING, JSON_KEEP_EMPTY),
};

static const JsonStruct state_json = JSON_STRUCT(Container, state_fields);

/* The last checks of this run; they go with its shim. */
static json_t *make_health_log(Engine *engine, const Container *container)
{
    _cleanup_health_log_ HealthLog log = {};
    _cleanup_close_ int runtime_fd =
        openat(engine->runtime_fd, container->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    json_t *array = json_array();

    if (runtime_fd >= 0)
        (void)health_log_read(runtime_fd, &log, NULL); /* one that is damaged tells nothing */
    for (size_t i = 0; i < log.results.count; i++) {
        const HealthResult *result = &log.results.items[i];
        json_t *json = json_object();

        inspect_set_time(json, "Start", result->start);
        inspect_set_time(json, "End", result->end);
        json_object_set_new(json, "ExitCode", json_integer(result->exit_code));
        json_object_set_new(json, "Output", json_string(result->output ? result->output : ""));
        json_array_append_new(array, json);
    }
    return array;
}

/*
 * NULL: it is not checked, or has never run. One that runs no more is not healthy, as in Docker.
 */
static json_t *make_health(Engine *engine, const Container *container)
{
    const ContainerHealthcheck *check = container->spec.healthcheck;
    const char *status = container->health;

    if (!check || check->test.count < 2 || container->started_at == 0) /* "NONE" stands alone */
        return NULL;
    if (!status)
        status = container_is_up(container) ? "starting" : "unhealthy";
    return json_pack("{s:s, s:I, s:o}", "Status", status, "FailingStreak",
                     (json_int_t)container->failing_streak, "Log",
                     make_health_log(engine, container));
}

json_t *inspect_state(Engine *engine, const Container *container)
{
    ContainerState state = visible_state(container);
    _cleanup_json_ json_t *values = json_struct_write(&state_json, container);
    json_t *json =
        json_pack("{s:s, s:b, s:b, s:b, s:b}", "Status", container_state_to_string(state),
                  "Running", container_is_up(container), "Paused", state == CONTAINER_PAUSED,
                  "Restarting", state == CONTAINER_RESTARTING, "Dead", state == CONTAINER_REMOVING);
    json_t *health = make_health(engine, container);

    json_object_update(json, values);
    inspect_set_time(json, "StartedAt", container->started_at);
    inspect_set_time(json, "FinishedAt", container->finished_at);
    if (health)
        json_object_set_new(json, "Health", health);
    return json;
}
