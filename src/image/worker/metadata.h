/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a member of an archive says about a file besides its content: owner, mode, times, extended
 * attributes, ACLs. Numbers only: names of users mean nothing here.
 */

#include <archive_entry.h>
#include <stdbool.h>
#include <time.h>

#include "base/error.h"

/* A file of the tree: by handle where it can be opened without side effects, else (symlinks,
 * devices, fifos) by its name in a directory handle; it was made there by us. */
typedef struct MetadataTarget {
    int fd; /* -EBADF: by name */
    int directory_fd;
    const char *name;
    bool has_owner, has_mode; /* already: it was made with them */
} MetadataTarget;

/*
 * Refuse what cannot be kept or must not be: owners that are no ids, attributes that belong to
 * overlayfs. Done before anything is made. Errors: INVALID, EXHAUSTED. @path is for messages.
 */
int metadata_check(struct archive_entry *entry, const char *path, int64_t max_xattr_bytes,
                   Error *err);

/* Apply all but the times. Attributes that are the host's business (other namespaces of security,
 * system and trusted) are left out. */
int metadata_apply(const MetadataTarget *target, struct archive_entry *entry, const char *path,
                   Error *err);

void metadata_get_times(struct archive_entry *entry, struct timespec ret[2]);
int metadata_apply_times(const MetadataTarget *target, struct archive_entry *entry,
                         const char *path, Error *err);

/* Remove ACLs that were inherited from the directory. */
void metadata_drop_acl(const MetadataTarget *target);
