/* SPDX-License-Identifier: Apache-2.0 */

/* Cells of a table are cut where a terminal would break its lines: always the widest column's. */

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/string-list.h"
#include "cli/table.h"
#include "cli/terminal-text.h"

#define CUT_WIDTH_MIN 10
#define CUT_MARK "…"

typedef struct Column {
    size_t width; /* of its widest cell */
    bool may_be_cut;
} Column;

typedef struct Columns {
    Column *items;
    size_t count;
    size_t capacity;
} Columns;

static void columns_done(Columns *columns)
{
    free(columns->items);
}

static void measure_line(Columns *columns, const StringList *cells)
{
    columns->items = memory_grow(columns->items, &columns->capacity, cells->count, sizeof(Column));
    if (cells->count > columns->count)
        columns->count = cells->count;
    for (size_t i = 0; i < cells->count; i++) {
        size_t width = terminal_text_width(cells->items[i], strlen(cells->items[i]));

        if (width > columns->items[i].width)
            columns->items[i].width = width;
    }
}

static size_t table_width(const Columns *columns)
{
    size_t width = 0;

    for (size_t i = 0; i < columns->count; i++)
        width += i + 1 < columns->count ? table_column_width(columns->items[i].width)
                                        : columns->items[i].width;
    return width;
}

static Column *widest_to_cut(const Columns *columns)
{
    Column *widest = NULL;

    for (size_t i = 0; i < columns->count; i++) {
        Column *column = &columns->items[i];

        if (column->may_be_cut && column->width > CUT_WIDTH_MIN &&
            (!widest || column->width > widest->width))
            widest = column;
    }
    return widest;
}

/* Bytes of the first @width characters of @text. */
static size_t length_of(const char *text, size_t width)
{
    size_t length = 0;

    for (; text[length]; length++)
        if ((text[length] & 0xc0) != 0x80 && width-- == 0)
            break;
    return length;
}

static void add_cut(StringBuffer *buffer, const char *cell, size_t width)
{
    if (terminal_text_width(cell, strlen(cell)) <= width) {
        string_buffer_add(buffer, cell);
        return;
    }
    string_buffer_add_bytes(buffer, cell, length_of(cell, width - 1));
    string_buffer_add(buffer, CUT_MARK);
}

static void add_line(StringBuffer *buffer, const StringList *cells, const Columns *columns)
{
    for (size_t i = 0; i < cells->count; i++) {
        if (i > 0)
            string_buffer_add_char(buffer, '\t');
        add_cut(buffer, cells->items[i], columns->items[i].width);
    }
    string_buffer_add_char(buffer, '\n');
}

void table_add_fitted(StringBuffer *buffer, const char *text, size_t width,
                      const StringList *may_be_cut)
{
    _cleanup_(columns_done) Columns columns = {};
    _cleanup_string_buffer_ StringBuffer fitted = {};
    _cleanup_string_list_ StringList lines = {};
    Column *column;

    string_list_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        _cleanup_string_list_ StringList cells = {};

        string_list_split(&cells, lines.items[i], '\t');
        measure_line(&columns, &cells);
        for (size_t j = 0; i == 0 && j < cells.count; j++)
            columns.items[j].may_be_cut = string_list_contains(may_be_cut, cells.items[j]);
    }
    while (table_width(&columns) > width && (column = widest_to_cut(&columns)))
        column->width--;
    for (size_t i = 0; i < lines.count; i++) {
        _cleanup_string_list_ StringList cells = {};

        if (i + 1 == lines.count && *lines.items[i] == '\0')
            break; /* behind the last line's end */
        string_list_split(&cells, lines.items[i], '\t');
        add_line(&fitted, &cells, &columns);
    }
    table_add(buffer, string_buffer_get(&fitted));
}
