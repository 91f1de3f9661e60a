/* SPDX-License-Identifier: Apache-2.0 */

/* Settings are YAML that goes through field tables. */

#include "base/settings-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/yaml-json.h"

#define SIZE_MAX_BYTES (1U << 20)

static bool says_nothing(const char *text)
{
    while (*text) {
        text += strspn(text, " \t\r\n");
        if (*text && *text != '#')
            return false;
        text += strcspn(text, "\n");
    }
    return true;
}

static int read_text(const char *path, char **ret, size_t *ret_size)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd < 0 ? -errno : fd_read_all(fd, SIZE_MAX_BYTES, ret, ret_size);
}

int settings_file_read(const char *path, bool may_be_missing, const JsonStruct *type, void *target,
                       Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    size_t size;
    int r = read_text(path, &text, &size);

    if (r == -ENOENT && may_be_missing)
        return 0;
    if (r < 0)
        return error_result(err, r, "read the file");
    if (says_nothing(text))
        return 1;
    r = yaml_parse(text, size, &json, err);
    if (r >= 0)
        r = json_struct_read(type, json, target, err);
    if (r >= 0)
        r = json_struct_check_members(type, json, err);
    return r < 0 ? r : 1;
}
