/* SPDX-License-Identifier: Apache-2.0 */

/* Docker's three forms of inspection. The objects are made by whoever inspects. */

#include "cli/inspect-output.h"

#include <string.h>

#include "base/json-fields.h"
#include "base/string-buffer.h"
#include "cli/template.h"

static int print_template(const json_t *objects, const char *format, StringBuffer *text, Error *err)
{
    _cleanup_(template_freep) Template *template = NULL;
    size_t index;
    json_t *object;
    int r = template_parse(format, 0, &template, err);

    if (r < 0)
        return r;
    json_array_foreach((json_t *)objects, index, object)
    {
        r = template_execute(template, &(TemplateData) { .value = object }, text, err);
        if (r < 0)
            return r;
        string_buffer_add_char(text, '\n');
    }
    return 0;
}

int inspect_print(const json_t *objects, const char *format, FILE *stream, Error *err)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    if (format && *format && strcmp(format, "json") != 0) {
        int r = print_template(objects, format, &text, err);
        if (r < 0)
            return r;
    } else {
        size_t flags = format && *format ? JSON_COMPACT : JSON_INDENT(4);
        _cleanup_free_ char *dumped = json_dumps(objects, flags);

        string_buffer_printf(&text, "%s\n", dumped);
    }
    if (fwrite(string_buffer_get(&text), 1, text.length, stream) != text.length)
        return error_errno(err, "write the inspection");
    return 0;
}
