/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The one place where a name out of an archive becomes a path.
 */

#include "image/worker/entry-name.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/string-buffer.h"
#include "image/worker/failure.h"

static int refuse(Error *err, ErrorKind kind, const char *raw, const char *reason)
{
    _cleanup_free_ char *quoted = failure_quote(raw);

    return error_set(err, kind, "archive entry '%s' %s", quoted, reason);
}

/* Why the component of @length bytes at @part cannot be used; NULL when it can. */
static const char *component_problem(const char *part, size_t length)
{
    if (length == 2 && memcmp(part, "..", 2) == 0)
        return "has '..' in its name and could leave the target";
    if (length > NAME_MAX)
        return "has a component longer than 255 bytes";
    return NULL;
}

int entry_name_clean(const char *raw, const ImageLimits *limits, char **ret, Error *err)
{
    _cleanup_string_buffer_ StringBuffer clean = {};
    int64_t depth = 0;

    if (*raw == '\0')
        return error_set(err, ERROR_INVALID, "archive entry has an empty name");
    if (*raw == '/')
        return refuse(err, ERROR_INVALID, raw, "has an absolute name");
    if (strnlen(raw, PATH_MAX) >= PATH_MAX || (int64_t)strlen(raw) > limits->max_path)
        return refuse(err, ERROR_INVALID, raw, "has a name longer than the limit");

    for (const char *part = raw; *part; part += *part == '/') {
        size_t length = strcspn(part, "/");
        const char *problem = component_problem(part, length);

        if (problem)
            return refuse(err, ERROR_INVALID, raw, problem);
        if (length > 0 && !(length == 1 && *part == '.')) {
            if (++depth > limits->max_depth)
                return refuse(err, ERROR_EXHAUSTED, raw, "is nested deeper than the limit");
            if (clean.length > 0)
                string_buffer_add_char(&clean, '/');
            string_buffer_add_bytes(&clean, part, length);
        }
        part += length;
    }

    *ret = string_buffer_take(&clean);
    return 0;
}
