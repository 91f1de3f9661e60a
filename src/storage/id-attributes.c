/* SPDX-License-Identifier: Apache-2.0 */

/* The kernel's binary forms: linux/posix_acl_xattr.h, struct vfs_ns_cap_data. */

#include "storage/id-attributes.h"

#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/posix_acl_xattr.h>
#include <linux/xattr.h>
#include <string.h>

#define ACL_TAG_USER 0x02 /* ACL_USER, ACL_GROUP of linux/posix_acl.h */
#define ACL_TAG_GROUP 0x08

static bool has_prefix(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_acl(const char *name)
{
    return strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS) == 0 ||
           strcmp(name, XATTR_NAME_POSIX_ACL_DEFAULT) == 0;
}

bool id_attribute_travels(const char *name)
{
    if (has_prefix(name, XATTR_TRUSTED_PREFIX))
        return !has_prefix(name, XATTR_TRUSTED_PREFIX "overlay.");
    if (has_prefix(name, XATTR_USER_PREFIX))
        return !has_prefix(name, XATTR_USER_PREFIX "overlay.");
    return strcmp(name, XATTR_NAME_CAPS) == 0 || is_acl(name);
}

/* Returns false for an id that is nobody's on either side. */
static bool translate(const IdMap *source, const IdMap *target, bool is_group, uint32_t *id)
{
    uint32_t inside = *id;

    if (source &&
        !id_ranges_to_container(is_group ? &source->gids : &source->uids, inside, &inside))
        return false;
    *id = inside;
    return !target || id_ranges_to_host(is_group ? &target->gids : &target->uids, inside, id);
}

/* One whose id is nobody's would mean somebody else: it is refused. */
static int translate_acl(const IdMap *source, const IdMap *target, void *value, size_t size)
{
    struct posix_acl_xattr_entry entry;

    if (size < sizeof(struct posix_acl_xattr_header))
        return -EINVAL;
    for (size_t offset = sizeof(struct posix_acl_xattr_header); offset + sizeof(entry) <= size;
         offset += sizeof(entry)) {
        uint16_t tag;
        uint32_t id;

        memcpy(&entry, (char *)value + offset, sizeof(entry));
        tag = le16toh(entry.e_tag);
        id = le32toh(entry.e_id);
        if (tag != ACL_TAG_USER && tag != ACL_TAG_GROUP)
            continue;
        if (!translate(source, target, tag == ACL_TAG_GROUP, &id))
            return -EINVAL;
        entry.e_id = htole32(id);
        memcpy((char *)value + offset, &entry, sizeof(entry));
    }
    return 1;
}

/*
 * The kernel shows capabilities that are meant for a user namespace with its root's id, those of
 * version 2 are for the root of ours. Returns 0 where they are for nobody in the target.
 */
static int translate_capabilities(const IdMap *source, const IdMap *target, void *value,
                                  size_t *size)
{
    struct vfs_ns_cap_data data = {};
    uint32_t root = 0;

    if (*size != XATTR_CAPS_SZ_2 && *size != XATTR_CAPS_SZ_3)
        return 1; /* of an older version, which the kernel takes or refuses */
    memcpy(&data, value, *size);
    if (*size == XATTR_CAPS_SZ_3)
        root = le32toh(data.rootid);
    if (*size == XATTR_CAPS_SZ_2 && !target)
        return 1;
    if (*size == XATTR_CAPS_SZ_3 && source && !id_ranges_to_container(&source->uids, root, &root))
        return 0;
    if (target && !id_ranges_to_host(&target->uids, root, &root))
        return 0;

    data.magic_etc = htole32((le32toh(data.magic_etc) & VFS_CAP_FLAGS_MASK) |
                             (root == 0 ? VFS_CAP_REVISION_2 : VFS_CAP_REVISION_3));
    data.rootid = htole32(root);
    *size = root == 0 ? XATTR_CAPS_SZ_2 : XATTR_CAPS_SZ_3;
    memcpy(value, &data, *size);
    return 1;
}

int id_attribute_translate(const char *name, const IdMap *source, const IdMap *target, void *value,
                           size_t *size)
{
    if (is_acl(name))
        return translate_acl(source, target, value, *size);
    if (strcmp(name, XATTR_NAME_CAPS) == 0)
        return translate_capabilities(source, target, value, size);
    return 1;
}
