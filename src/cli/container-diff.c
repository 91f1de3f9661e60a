/* SPDX-License-Identifier: Apache-2.0 */

/* `cay diff`: what a container has changed in its root file system. */

#include <stdio.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/open-engine.h"
#include "cli/terminal-text.h"
#include "engine/container-image.h"

static const char letters[] = {
    [OVERLAY_CHANGED] = 'C',
    [OVERLAY_ADDED] = 'A',
    [OVERLAY_DELETED] = 'D',
};

/* A program gets names as they are, a terminal what does no harm to it. */
static void print_change(const OverlayChange *change, bool is_terminal)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    if (is_terminal)
        terminal_text_add(&text, change->path);
    printf("%c %s\n", letters[change->kind], is_terminal ? string_buffer_get(&text) : change->path);
}

int cli_container_diff(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_overlay_changes_ OverlayChanges changes = {};
    bool is_terminal = isatty(STDOUT_FILENO);
    int r = invocation_parse(invocation, NULL, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = container_diff(engine, invocation->arguments[0], &changes, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < changes.count; i++)
        print_change(&changes.items[i], is_terminal);
    return 0;
}
