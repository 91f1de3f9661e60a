/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Extended attributes. Two kinds hold ids, which are translated as owners are: ACLs, and file
 * capabilities, which may be meant for one user namespace. Marks of overlayfs are the file
 * system's, and labels of security modules are the host's business: they stay behind.
 */

#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/posix_acl_xattr.h>
#include <linux/xattr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/memory.h"
#include "base/path.h"
#include "storage/tree-copy-private.h"

#define ACL_TAG_USER 0x02 /* ACL_USER, ACL_GROUP of linux/posix_acl.h */
#define ACL_TAG_GROUP 0x08
#define SMALL_SIZE 4096

/* Names and values: mostly short. */
typedef struct Value {
    char small[SMALL_SIZE];
    char *large;
    char *data;
    size_t size;
} Value;

static void value_done(Value *value)
{
    free(value->large);
}

static ssize_t call_list(CopyHandle file, char *list, size_t size)
{
    char path[32];

    return file.is_path ? listxattr(path_of_fd(path, file.fd), list, size)
                        : flistxattr(file.fd, list, size);
}

static ssize_t call_get(CopyHandle file, const char *name, void *value, size_t size)
{
    char path[32];

    return file.is_path ? getxattr(path_of_fd(path, file.fd), name, value, size)
                        : fgetxattr(file.fd, name, value, size);
}

static int call_set(CopyHandle file, const char *name, const void *value, size_t size)
{
    char path[32];

    return file.is_path ? setxattr(path_of_fd(path, file.fd), name, value, size, 0)
                        : fsetxattr(file.fd, name, value, size, 0);
}

/* Attribute @name, or all names for NULL. Returns 0 or -errno. */
static int value_read(CopyHandle file, const char *name, Value *value)
{
    size_t capacity = sizeof(value->small);
    ssize_t size;

    value->large = NULL;
    value->data = value->small;
    size =
        name ? call_get(file, name, value->data, capacity) : call_list(file, value->data, capacity);
    if (size < 0 && errno == ERANGE) { /* no attribute, and no list of them, is larger */
        capacity = name ? XATTR_SIZE_MAX : XATTR_LIST_MAX;
        value->large = memory_new(capacity, 1);
        value->data = value->large;
        size = name ? call_get(file, name, value->data, capacity)
                    : call_list(file, value->data, capacity);
    }
    if (size < 0)
        return -errno;
    value->size = (size_t)size;
    return 0;
}

static bool has_prefix(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_acl(const char *name)
{
    return strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS) == 0 ||
           strcmp(name, XATTR_NAME_POSIX_ACL_DEFAULT) == 0;
}

static bool is_copied(const char *name)
{
    if (has_prefix(name, XATTR_TRUSTED_PREFIX))
        return !has_prefix(name, XATTR_TRUSTED_PREFIX "overlay.");
    if (has_prefix(name, XATTR_USER_PREFIX))
        return !has_prefix(name, XATTR_USER_PREFIX "overlay.");
    return strcmp(name, XATTR_NAME_CAPS) == 0 || is_acl(name);
}

/* Returns false for an id that is nobody's on either side. */
static bool translate(const TreeCopyOptions *options, bool is_group, uint32_t *id)
{
    const IdMap *source = options->source_ids, *target = options->target_ids;
    uint32_t inside = *id;

    if (source &&
        !id_ranges_to_container(is_group ? &source->gids : &source->uids, inside, &inside))
        return false;
    *id = inside;
    return !target || id_ranges_to_host(is_group ? &target->gids : &target->uids, inside, id);
}

/* One whose id is nobody's would mean somebody else: it is refused. */
static int translate_acl(const TreeCopyOptions *options, Value *value)
{
    struct posix_acl_xattr_entry *entries =
        (void *)(value->data + sizeof(struct posix_acl_xattr_header));
    size_t count;

    if (value->size < sizeof(struct posix_acl_xattr_header))
        return -EINVAL;
    count = (value->size - sizeof(struct posix_acl_xattr_header)) / sizeof(*entries);
    for (size_t i = 0; i < count; i++) {
        uint16_t tag = le16toh(entries[i].e_tag);
        uint32_t id = le32toh(entries[i].e_id);

        if (tag != ACL_TAG_USER && tag != ACL_TAG_GROUP)
            continue;
        if (!translate(options, tag == ACL_TAG_GROUP, &id))
            return -EINVAL;
        entries[i].e_id = htole32(id);
    }
    return 0;
}

/*
 * The kernel shows capabilities that are meant for a user namespace with its root's id, those of
 * version 2 are for the root of ours. Returns false where they are for nobody in the target.
 */
static bool translate_capabilities(const TreeCopyOptions *options, Value *value)
{
    struct vfs_ns_cap_data data = {};
    uint32_t root = 0;

    if (value->size != XATTR_CAPS_SZ_2 && value->size != XATTR_CAPS_SZ_3)
        return true; /* of an older version, which the kernel takes or refuses */
    memcpy(&data, value->data, value->size);
    if (value->size == XATTR_CAPS_SZ_3)
        root = le32toh(data.rootid);
    if (value->size == XATTR_CAPS_SZ_2 && options->target_ids == NULL)
        return true;
    if (value->size == XATTR_CAPS_SZ_3 && options->source_ids &&
        !id_ranges_to_container(&options->source_ids->uids, root, &root))
        return false;
    if (options->target_ids && !id_ranges_to_host(&options->target_ids->uids, root, &root))
        return false;

    data.magic_etc = htole32((le32toh(data.magic_etc) & VFS_CAP_FLAGS_MASK) |
                             (root == 0 ? VFS_CAP_REVISION_2 : VFS_CAP_REVISION_3));
    data.rootid = htole32(root);
    value->size = root == 0 ? XATTR_CAPS_SZ_2 : XATTR_CAPS_SZ_3;
    memcpy(value->data, &data, value->size);
    return true;
}

/* What the target's file system has no room for by design stays behind, as with cp(1). */
static int copy_attribute(const TreeCopyOptions *options, CopyHandle source, CopyHandle target,
                          const char *name)
{
    _cleanup_(value_done) Value value;
    int r = value_read(source, name, &value);

    if (r < 0)
        return r == -ENODATA || r == -EOPNOTSUPP ? 0 : r; /* removed meanwhile */
    if (is_acl(name))
        r = translate_acl(options, &value);
    else if (strcmp(name, XATTR_NAME_CAPS) == 0 && !translate_capabilities(options, &value))
        return 0;
    if (r < 0)
        return r;
    if (call_set(target, name, value.data, value.size) < 0 && errno != EOPNOTSUPP)
        return -errno;
    return 0;
}

int copy_attributes(const TreeCopyOptions *options, CopyHandle source, CopyHandle target)
{
    _cleanup_(value_done) Value names;
    int r = value_read(source, NULL, &names);

    if (r < 0)
        return r == -EOPNOTSUPP ? 0 : r;
    for (const char *name = names.data; r == 0 && name < names.data + names.size;
         name += strlen(name) + 1) {
        if (is_copied(name))
            r = copy_attribute(options, source, target, name);
    }
    return r;
}

static int drop(CopyHandle target, const char *name)
{
    char path[32];
    int r = target.is_path ? removexattr(path_of_fd(path, target.fd), name)
                           : fremovexattr(target.fd, name);

    return r < 0 && errno != ENODATA && errno != EOPNOTSUPP ? -errno : 0;
}

int copy_drop_acls(CopyHandle target, bool is_directory)
{
    int r = drop(target, XATTR_NAME_POSIX_ACL_ACCESS);

    return r == 0 && is_directory ? drop(target, XATTR_NAME_POSIX_ACL_DEFAULT) : r;
}

bool copy_inherits_acls(int fd)
{
    return fgetxattr(fd, XATTR_NAME_POSIX_ACL_DEFAULT, NULL, 0) >= 0;
}
