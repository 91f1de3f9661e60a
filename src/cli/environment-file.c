/* SPDX-License-Identifier: Apache-2.0 */

/* Reads text only; whether the variables make sense is the container specification's to check. */

#include "cli/environment-file.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"

#define FILE_SIZE_MAX (16 * 1024 * 1024)
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static int read_line(const char *line, EnvironmentLookup lookup, StringList *list, Error *err)
{
    size_t length;

    while (is_blank(*line))
        line++;
    if (*line == '\0' || *line == '#')
        return 0;

    length = strcspn(line, "=");
    if (length == 0)
        return error_set(err, ERROR_INVALID, "no variable name in '%s'", line);
    for (size_t i = 0; i < length; i++)
        if (is_blank(line[i]))
            return error_set(err, ERROR_INVALID, "variable '%.*s' contains white space",
                             (int)length, line);
    if (line[length] == '=' || !lookup) {
        string_list_add(list, line);
        return 0;
    }

    const char *value = lookup(line);
    if (value)
        string_list_printf(list, "%s=%s", line, value);
    return 0;
}

static bool is_utf8(const char *line)
{
    json_t *string = json_string(line); /* refuses anything else */

    json_decref(string);
    return string != NULL;
}

/* @text is cut into lines in place. */
static int read_lines(char *text, size_t size, EnvironmentLookup lookup, StringList *list,
                      Error *err)
{
    unsigned number = 0;

    if (strlen(text) != size)
        return error_set(err, ERROR_INVALID, "it contains a zero byte: not a text file");
    if (strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        text += strlen(BYTE_ORDER_MARK);

    for (char *line = text; line;) {
        char *rest = strchr(line, '\n');
        int r;

        if (rest)
            *rest++ = '\0';
        size_t length = strlen(line);
        if (length > 0 && line[length - 1] == '\r')
            line[length - 1] = '\0';
        number++;
        r = is_utf8(line) ? read_line(line, lookup, list, err)
                          : error_set(err, ERROR_INVALID, "it is not UTF-8");
        if (r < 0)
            return error_wrap(err, r, "line %u", number);
        line = rest;
    }
    return 0;
}

int environment_file_read(const char *path, EnvironmentLookup lookup, StringList *list, Error *err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    _cleanup_free_ char *text = NULL;
    size_t size;
    int r;

    if (fd < 0)
        return error_errno(err, "open '%s'", path);
    r = fd_read_all(fd, FILE_SIZE_MAX, &text, &size);
    if (r < 0)
        return error_result(err, r, "read '%s'", path);
    r = read_lines(text, size, lookup, list, err);
    return r < 0 ? error_wrap(err, r, "read '%s'", path) : 0;
}
