/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Extended attributes of a file as records of its header, sorted by name: a file system lists them
 * in the order of its own.
 */

#include <errno.h>
#include <linux/limits.h>
#include <linux/xattr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/memory.h"
#include "image/worker/pack-private.h"
#include "storage/id-attributes.h"

#define OPAQUE_XATTR "trusted.overlay.opaque"

/* By name only through the working directory: there is no getxattrat(2) before Linux 6.13. */
static ssize_t list_names(const PackFile *file, char *list, size_t size)
{
    if (file->fd >= 0)
        return flistxattr(file->fd, list, size);
    return fchdir(file->directory_fd) < 0 ? -1 : llistxattr(file->name, list, size);
}

static ssize_t read_value(const PackFile *file, const char *name, void *value, size_t size)
{
    if (file->fd >= 0)
        return fgetxattr(file->fd, name, value, size);
    return fchdir(file->directory_fd) < 0 ? -1 : lgetxattr(file->name, name, value, size);
}

/* Those of the host's administration stay behind, as they do when a layer is unpacked. */
static bool is_packed(const char *name)
{
    return id_attribute_travels(name) &&
           strncmp(name, XATTR_TRUSTED_PREFIX, XATTR_TRUSTED_PREFIX_LEN) != 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int add_attribute(Pack *pack, const PackFile *file, const char *name)
{
    static char value[XATTR_SIZE_MAX + ID_ATTRIBUTE_GROWTH];
    const IdMap *ids = id_map_is_identity(pack->options->ids) ? NULL : pack->options->ids;
    ssize_t n = read_value(file, name, value, XATTR_SIZE_MAX);
    size_t size;
    int r;

    if (n < 0)
        return errno == ENODATA || errno == ENOENT ? 0 : -errno; /* removed meanwhile */
    if (strchr(name, '='))
        return -EINVAL; /* where would its value begin? */
    size = (size_t)n;
    r = id_attribute_translate(name, ids, NULL, value, &size);
    if (r > 0)
        tar_writer_add_attribute(&pack->records, name, value, size);
    return r < 0 ? r : 0;
}

int pack_read_attributes(Pack *pack, const PackFile *file)
{
    static char list[XATTR_LIST_MAX];
    _cleanup_free_ const char **names = NULL;
    size_t count = 0, capacity = 0;
    ssize_t size = list_names(file, list, sizeof(list));
    int r = 0;

    pack->records.length = 0;
    if (size < 0)
        return errno == EOPNOTSUPP || errno == ENOENT ? 0 : -errno;
    for (const char *name = list; name < list + size; name += strlen(name) + 1) {
        if (!is_packed(name))
            continue;
        names = memory_grow(names, &capacity, count + 1, sizeof(*names));
        names[count++] = name;
    }
    if (count > 1)
        qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = add_attribute(pack, file, names[i]);
    return r;
}

bool pack_is_opaque(int fd)
{
    char value;

    return fgetxattr(fd, OPAQUE_XATTR, &value, sizeof(value)) == 1 && value == 'y';
}
