/* SPDX-License-Identifier: Apache-2.0 */

/* Extended attributes: those that travel, with the ids in them translated as owners are. */

#include <errno.h>
#include <linux/limits.h>
#include <linux/xattr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/memory.h"
#include "base/path.h"
#include "storage/id-attributes.h"
#include "storage/tree-copy-private.h"

#define SMALL_SIZE 4096

/* Names and values: mostly short. */
typedef struct Value {
    char small[SMALL_SIZE + ID_ATTRIBUTE_GROWTH];
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
    size_t capacity = SMALL_SIZE;
    ssize_t size;

    value->large = NULL;
    value->data = value->small;
    size =
        name ? call_get(file, name, value->data, capacity) : call_list(file, value->data, capacity);
    if (size < 0 && errno == ERANGE) { /* no attribute, and no list of them, is larger */
        capacity = name ? XATTR_SIZE_MAX : XATTR_LIST_MAX;
        value->large = memory_new(capacity + ID_ATTRIBUTE_GROWTH, 1);
        value->data = value->large;
        size = name ? call_get(file, name, value->data, capacity)
                    : call_list(file, value->data, capacity);
    }
    if (size < 0)
        return -errno;
    value->size = (size_t)size;
    return 0;
}

/* What the target's file system has no room for by design stays behind, as with cp(1). */
static int copy_attribute(const TreeCopyOptions *options, CopyHandle source, CopyHandle target,
                          const char *name)
{
    _cleanup_(value_done) Value value;
    int r = value_read(source, name, &value);

    if (r < 0)
        return r == -ENODATA || r == -EOPNOTSUPP ? 0 : r; /* removed meanwhile */
    r = id_attribute_translate(name, options->source_ids, options->target_ids, value.data,
                               &value.size);
    if (r <= 0)
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
        if (id_attribute_travels(name))
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
