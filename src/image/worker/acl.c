/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From libarchive's list of ACL entries to the kernel's array of them.
 */

#include "image/worker/acl.h"

#include <archive.h>

#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/parse.h"

/* In the order that the kernel insists on, which is the numeric order of its tags. */
static const struct {
    int tag;
    uint16_t kernel_tag;
    bool has_id;
} acl_tags[] = {
    { ARCHIVE_ENTRY_ACL_USER_OBJ, ACL_USER_OBJ, false },
    { ARCHIVE_ENTRY_ACL_USER, ACL_USER, true },
    { ARCHIVE_ENTRY_ACL_GROUP_OBJ, ACL_GROUP_OBJ, false },
    { ARCHIVE_ENTRY_ACL_GROUP, ACL_GROUP, true },
    { ARCHIVE_ENTRY_ACL_MASK, ACL_MASK, false },
    { ARCHIVE_ENTRY_ACL_OTHER, ACL_OTHER, false },
};

typedef struct AclEntry {
    int permset;
    int tag;
    int id;
    const char *name;
} AclEntry;

static int convert(const AclEntry *entry, struct posix_acl_xattr_entry *ret, Error *err)
{
    uint32_t id = (uint32_t)entry->id;

    for (size_t i = 0; i < ARRAY_SIZE(acl_tags); i++) {
        if (acl_tags[i].tag != entry->tag)
            continue;
        if (!acl_tags[i].has_id)
            id = (uint32_t)ACL_UNDEFINED_ID;
        else if (entry->id < 0 && (!entry->name || parse_u32(entry->name, &id) < 0))
            return error_set(err, ERROR_INVALID, "has an access control list without user numbers");
        *ret = (struct posix_acl_xattr_entry) {
            .e_tag = htole16(acl_tags[i].kernel_tag),
            .e_perm = htole16((uint16_t)(entry->permset & 7)),
            .e_id = htole32(id),
        };
        return 0;
    }
    return error_set(err, ERROR_INVALID, "has an access control list of an unknown kind");
}

static int compare(const void *a, const void *b)
{
    const struct posix_acl_xattr_entry *x = a, *y = b;
    int difference = (int)le16toh(x->e_tag) - (int)le16toh(y->e_tag);

    if (difference != 0)
        return difference;
    return le32toh(x->e_id) < le32toh(y->e_id) ? -1 : le32toh(x->e_id) > le32toh(y->e_id);
}

int acl_to_xattr(struct archive_entry *entry, int type, void **ret, size_t *ret_size, Error *err)
{
    _cleanup_free_ struct posix_acl_xattr_header *header = NULL;
    struct posix_acl_xattr_entry *entries;
    AclEntry item = {};
    size_t count = 0;
    int capacity, found_type, r;

    if (!(archive_entry_acl_types(entry) & type))
        return 0;

    capacity = archive_entry_acl_reset(entry, type);
    header = memory_new(1, sizeof(*header) + (size_t)capacity * sizeof(*entries));
    header->a_version = htole32(POSIX_ACL_XATTR_VERSION);
    entries = (struct posix_acl_xattr_entry *)(header + 1);

    while (count < (size_t)capacity &&
           archive_entry_acl_next(entry, type, &found_type, &item.permset, &item.tag, &item.id,
                                  &item.name) == ARCHIVE_OK) {
        r = convert(&item, &entries[count++], err);
        if (r < 0)
            return r;
    }
    qsort(entries, count, sizeof(*entries), compare);

    *ret_size = sizeof(*header) + count * sizeof(*entries);
    *ret = TAKE_PTR(header);
    return 1;
}
