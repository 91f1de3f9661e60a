/* SPDX-License-Identifier: Apache-2.0 */

/* The wording is Docker's. */

#include "cli/container-text.h"

#include <string.h>

#include "base/memory.h"
#include "base/time-format.h"

#define COMMAND_WIDTH 20

json_t *container_command_text(const ContainerSpec *spec, bool no_trunc)
{
    _cleanup_free_ char *entrypoint = string_list_join(&spec->entrypoint, " ");
    _cleanup_free_ char *arguments = string_list_join(&spec->command, " ");
    _cleanup_free_ char *command =
        memory_printf("%s%s%s", entrypoint, *entrypoint && *arguments ? " " : "", arguments);
    _cleanup_free_ char *text = NULL;
    json_t *json;

    if (no_trunc || strlen(command) <= COMMAND_WIDTH)
        text = memory_printf("\"%s\"", command);
    else
        text = memory_printf("\"%.*s…\"", COMMAND_WIDTH - 1, command);
    json = json_string(text);
    return json ? json : json_string("\"?\""); /* a program's name need not be text */
}

char *container_status_text(const Container *container, int64_t now)
{
    _cleanup_free_ char *up = time_to_human(now - container->started_at);
    _cleanup_free_ char *down = time_to_human(now - container->finished_at);
    long long code = (long long)container->exit_code;

    switch (container->state) {
    case CONTAINER_RUNNING:
        if (container->health && strcmp(container->health, "starting") == 0)
            return memory_printf("Up %s (health: starting)", up);
        return container->health ? memory_printf("Up %s (%s)", up, container->health)
                                 : memory_printf("Up %s", up);
    case CONTAINER_PAUSED:
        return memory_printf("Up %s (Paused)", up);
    case CONTAINER_RESTARTING:
        return memory_printf("Restarting (%lld) %s ago", code, down);
    case CONTAINER_EXITED:
        return memory_printf("Exited (%lld) %s ago", code, down);
    case CONTAINER_REMOVING:
        return memory_strdup("Removal In Progress");
    default:
        return memory_strdup("Created");
    }
}

char *time_ago_text(int64_t time, int64_t now)
{
    _cleanup_free_ char *age = time_to_human(now - time);

    return memory_printf("%s ago", age);
}
