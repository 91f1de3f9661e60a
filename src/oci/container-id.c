/* SPDX-License-Identifier: Apache-2.0 */

/* Ids come from outside and become names of files: whatever is no plain name is refused. */

#include "oci/container-id.h"

#include <limits.h>
#include <string.h>

int container_id_validate(const char *id, Error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_+-.";
    size_t length = strlen(id);

    if (length == 0)
        return error_set(err, ERROR_INVALID, "container id cannot be empty");
    if (length > NAME_MAX)
        return error_set(err, ERROR_INVALID, "container id is longer than %d bytes", NAME_MAX);
    if (strspn(id, allowed) != length || strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
        return error_set(err, ERROR_INVALID,
                         "invalid container id '%s': letters, digits and '_+-.' are allowed", id);
    return 0;
}
