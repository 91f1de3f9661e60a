/* SPDX-License-Identifier: Apache-2.0 */

/* Environments as Docker changes them: set, replace, remove. */

#include "base/variables.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

size_t variables_find(const StringList *variables, const char *variable)
{
    size_t length = strcspn(variable, "="), i;

    for (i = 0; i < variables->count; i++)
        if (strncmp(variables->items[i], variable, length) == 0 &&
            variables->items[i][length] == '=')
            break;

    return i;
}

void variables_set(StringList *variables, const char *variable)
{
    size_t position = variables_find(variables, variable);

    if (!strchr(variable, '=')) {
        if (position < variables->count) {
            _cleanup_free_ char *old = memory_strdup(variables->items[position]);

            string_list_remove(variables, old);
        }
    } else if (position < variables->count) {
        free(variables->items[position]);
        variables->items[position] = memory_strdup(variable);
    } else {
        string_list_add(variables, variable);
    }
}
