/* SPDX-License-Identifier: Apache-2.0 */

/* One table of states, and the JSON object that tells them. Owns nothing. */

#include "sandbox/state.h"

#include "sandbox/runtime-config.h"

static const char *const statuses[_RUNTIME_STATUS_MAX] = {
    [RUNTIME_CREATING] = "creating", [RUNTIME_CREATED] = "created", [RUNTIME_RUNNING] = "running",
    [RUNTIME_PAUSED] = "paused",     [RUNTIME_STOPPED] = "stopped",
};

const char *runtime_status_to_string(RuntimeStatus status)
{
    return statuses[status];
}

/* What is no UTF-8, a bundle's path at worst, becomes an empty text rather than none. */
static void set_text(json_t *object, const char *name, const char *text)
{
    json_object_set_new(object, name, json_string(text) ?: json_string(""));
}

json_t *runtime_state_to_json(const RuntimeState *state)
{
    json_t *object = json_object();

    set_text(object, "ociVersion", RUNTIME_CONFIG_VERSION);
    set_text(object, "id", state->id);
    set_text(object, "status", statuses[state->status]);
    if (state->pid > 0)
        json_object_set_new(object, "pid", json_integer(state->pid));
    set_text(object, "bundle", state->bundle);
    if (state->annotations && state->annotations->count > 0) {
        json_t *annotations = json_object();

        for (size_t i = 0; i < state->annotations->count; i++)
            set_text(annotations, state->annotations->items[i].key,
                     state->annotations->items[i].value);
        json_object_set_new(object, "annotations", annotations);
    }
    return object;
}
