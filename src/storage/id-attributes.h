/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Extended attributes that travel with a file, and the two kinds of them that hold ids: ACLs, and
 * file capabilities, which may be meant for one user namespace.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/id-map.h"

/* The longest value of an attribute of ours may become while it is translated. */
#define ID_ATTRIBUTE_GROWTH 4

/* May @name go with a file to another place? Marks of overlayfs are the file system's, and labels
 * of security modules are the host's business: they stay behind. */
bool id_attribute_travels(const char *name);

/*
 * Turn the ids in the attribute's value, which has room for ID_ATTRIBUTE_GROWTH more bytes, from
 * those of @source into those of @target; NULL for either: ids as they are stored.
 * Returns 1, 0 where the attribute is for nobody in the target, or -EINVAL for an ACL that names
 * somebody who has no id there, or that is none.
 */
int id_attribute_translate(const char *name, const IdMap *source, const IdMap *target, void *value,
                           size_t *size);
