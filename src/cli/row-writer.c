/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rows go through a template into one text; a table is laid out when all of them are there. A
 * failing row prints nothing of the others.
 */

#include "cli/row-writer.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "base/string-buffer.h"
#include "cli/table.h"
#include "cli/template.h"
#include "cli/terminal-text.h"

#define TABLE_PREFIX "table"

struct RowWriter {
    const RowLayout *layout;
    Template *template;
    char *text; /* of the template */
    bool is_table;
    StringBuffer rows;
    size_t width; /* of a terminal that a table is to fit; 0: none */
};

void row_writer_free(RowWriter *writer)
{
    if (!writer)
        return;
    template_free(writer->template);
    free(writer->text);
    string_buffer_done(&writer->rows);
    free(writer);
}

static bool is_default(const char *format)
{
    return !format || *format == '\0' || strcmp(format, TABLE_PREFIX) == 0;
}

/* The template of @format without the word "table", which only sets *ret_is_table. */
static const char *template_text(const char *format, bool *ret_is_table)
{
    *ret_is_table = strncmp(format, TABLE_PREFIX, strlen(TABLE_PREFIX)) == 0;
    if (strcmp(format, "json") == 0)
        return "{{json .}}";
    if (*ret_is_table)
        format += strlen(TABLE_PREFIX);
    return format + strspn(format, " ");
}

int row_writer_new(const RowLayout *layout, const char *format, bool quiet, RowWriter **ret,
                   Error *err)
{
    _cleanup_(row_writer_freep) RowWriter *writer = NEW(RowWriter);
    int r;

    if (is_default(format))
        format = quiet ? layout->quiet : layout->table;
    writer->layout = layout;
    writer->text = memory_strdup(template_text(format, &writer->is_table));
    r = template_parse(writer->text, TEMPLATE_ESCAPES, &writer->template, err);
    if (r == 0)
        *ret = TAKE_PTR(writer);
    return r;
}

bool row_writer_wants(const RowWriter *writer, const char *field)
{
    /* The template may also hand on the whole row. */
    return strstr(writer->text, field) || strstr(writer->text, "{{json .}}");
}

/* @row, or a copy of it whose strings are safe in a table: most are anyway, and lists are long. */
static json_t *safe_row(json_t *row)
{
    json_t *safe = json_incref(row);
    const char *key;
    json_t *value;

    json_object_foreach(row, key, value)
    {
        if (!json_is_string(value) || terminal_text_is_safe(json_string_value(value)))
            continue;
        if (safe == row) {
            json_decref(row);
            safe = json_copy(row);
        }
        _cleanup_string_buffer_ StringBuffer text = {};
        terminal_text_add(&text, json_string_value(value));
        json_object_set_new(safe, key, json_string(string_buffer_get(&text)));
    }
    return safe;
}

static json_t *safe_methods(json_t *methods)
{
    json_t *copy = json_object();
    const char *name;
    json_t *results;

    json_object_foreach(methods, name, results)
    {
        json_object_set_new(copy, name, safe_row(results));
    }
    return copy;
}

int row_writer_add(RowWriter *writer, json_t *row, json_t *methods, Error *err)
{
    _cleanup_json_ json_t *shown = writer->is_table ? safe_row(row) : json_incref(row);
    _cleanup_json_ json_t *answers =
        writer->is_table && methods ? safe_methods(methods) : json_incref(methods);
    TemplateData data = { .value = shown, .methods = answers };
    int r = template_execute(writer->template, &data, &writer->rows, err);

    if (r == 0)
        string_buffer_add_char(&writer->rows, '\n');
    return r;
}

static void add_header(const RowWriter *writer, StringBuffer *buffer)
{
    _cleanup_json_ json_t *titles = json_object();
    TemplateData data = { .value = titles, .is_header = true };

    for (size_t i = 0; i < writer->layout->n_columns; i++)
        json_object_set_new(titles, writer->layout->columns[i].field,
                            json_string(writer->layout->columns[i].header));

    /* What works for values may not for their titles (`{{if gt .N 2}}`): the title is cut short. */
    (void)template_execute(writer->template, &data, buffer, NULL);
    string_buffer_add_char(buffer, '\n');
}

void row_writer_fit(RowWriter *writer, size_t width)
{
    writer->width = width;
}

size_t row_writer_terminal_width(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static void add_table(const RowWriter *writer, StringBuffer *buffer, const char *cells)
{
    _cleanup_string_list_ StringList may_be_cut = {};

    for (size_t i = 0; i < writer->layout->n_columns; i++)
        if (writer->layout->columns[i].may_be_cut)
            string_list_add(&may_be_cut, writer->layout->columns[i].header);
    if (writer->width > 0 && may_be_cut.count > 0)
        table_add_fitted(buffer, cells, writer->width, &may_be_cut);
    else
        table_add(buffer, cells);
}

int row_writer_finish(RowWriter *writer, FILE *stream, Error *err)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    if (writer->is_table) {
        _cleanup_string_buffer_ StringBuffer cells = {};

        add_header(writer, &cells);
        string_buffer_add(&cells, string_buffer_get(&writer->rows));
        add_table(writer, &text, string_buffer_get(&cells));
    } else {
        string_buffer_add(&text, string_buffer_get(&writer->rows));
    }
    if (fwrite(string_buffer_get(&text), 1, text.length, stream) != text.length)
        return error_errno(err, "write the list");
    return 0;
}
