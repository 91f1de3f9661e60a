/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tables of a specification's names and the kernel's numbers: for validating, applying, listing. */

#include <stddef.h>
#include <stdint.h>

#include "base/string-list.h"

typedef struct NamedNumber {
    const char *name;
    uint32_t number;
} NamedNumber;

/* Returns 0, or -EINVAL for an unknown name. */
int named_number_find(const NamedNumber *table, size_t count, const char *name, uint32_t *ret);

/* The names in the order of the table. */
void named_numbers_list(const NamedNumber *table, size_t count, StringList *ret);
