/* SPDX-License-Identifier: Apache-2.0 */

/* Fields that begin with a quote end with one, and have two for each inside. */

#include "base/csv.h"

#include <string.h>

#include "base/string-buffer.h"

static int take_quoted(const char **position, StringBuffer *field, Error *err)
{
    const char *text = *position + 1;

    for (; *text; text++) {
        if (*text != '"') {
            string_buffer_add_char(field, *text);
        } else if (text[1] == '"') {
            string_buffer_add_char(field, '"');
            text++;
        } else if (text[1] == ',' || text[1] == '\0') {
            *position = text + 1;
            return 0;
        } else {
            return error_set(err, ERROR_INVALID, "text after a closing '\"'");
        }
    }
    return error_set(err, ERROR_INVALID, "a '\"' is not closed");
}

static int take_plain(const char **position, StringBuffer *field, Error *err)
{
    size_t length = strcspn(*position, ",");

    if (memchr(*position, '"', length))
        return error_set(
            err, ERROR_INVALID,
            "a '\"' inside of a field: quote the whole field, and write '\"\"' for it");
    string_buffer_add_bytes(field, *position, length);
    *position += length;
    return 0;
}

int csv_split(const char *text, StringList *fields, Error *err)
{
    for (;;) {
        _cleanup_string_buffer_ StringBuffer field = {};
        int r = *text == '"' ? take_quoted(&text, &field, err) : take_plain(&text, &field, err);

        if (r < 0)
            return r;
        string_list_take(fields, string_buffer_take(&field));
        if (*text == '\0')
            return 0;
        text++;
    }
}
