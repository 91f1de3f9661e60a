/* SPDX-License-Identifier: Apache-2.0 */

/* The handler of option tables for pairs. */

#include "cli/pair-option.h"

#include <string.h>

#include "base/memory.h"
#include "base/string-list.h"

int option_take_pair(const Option *option, const char *value, void *target, Error *err)
{
    size_t length = strcspn(value, "=");
    _cleanup_free_ char *key = memory_strndup(value, length);

    if (length == 0)
        return error_set(err, ERROR_INVALID, "write it as NAME=VALUE");
    string_map_set((StringMap *)((char *)target + option->offset), key,
                   value[length] ? value + length + 1 : "");
    return 0;
}
