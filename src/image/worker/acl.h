/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * POSIX ACLs that an archive carries as text (SCHILY.acl.access, SCHILY.acl.default), in the binary
 * form of the kernel's extended attributes (linux/posix_acl_xattr.h).
 */

#include <archive_entry.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * The value of the attribute for @type (ARCHIVE_ENTRY_ACL_TYPE_ACCESS or _DEFAULT). Returns 1, or 0
 * when the entry has none. Errors: INVALID (an entry that names a user without a number).
 */
int acl_to_xattr(struct archive_entry *entry, int type, void **ret, size_t *ret_size, Error *err);
