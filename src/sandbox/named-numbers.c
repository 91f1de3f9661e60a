/* SPDX-License-Identifier: Apache-2.0 */

/* Looking names up in a table, and listing them. */

#include "sandbox/named-numbers-private.h"

#include <errno.h>
#include <string.h>

int named_number_find(const NamedNumber *table, size_t count, const char *name, uint32_t *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0) {
            *ret = table[i].number;
            return 0;
        }
    }
    return -EINVAL;
}

void named_numbers_list(const NamedNumber *table, size_t count, StringList *ret)
{
    for (size_t i = 0; i < count; i++)
        string_list_add(ret, table[i].name);
}
