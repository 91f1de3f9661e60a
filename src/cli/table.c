/* SPDX-License-Identifier: Apache-2.0 */

/* Two passes over the cells: how wide each column is, from its first line to its last; then text.
 */

#include "cli/table.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "cli/terminal-text.h"

#define COLUMN_WIDTH_MIN 10
#define COLUMN_PADDING 3

typedef struct Cell {
    const char *text;
    size_t length; /* bytes */
    size_t width;  /* characters */
    size_t spaces; /* that follow, so that the next column starts in line */
} Cell;

typedef struct Line {
    size_t first_cell;
    size_t n_cells;
} Line;

typedef struct Table {
    Cell *cells;
    size_t n_cells, cells_capacity;
    Line *lines;
    size_t n_lines, lines_capacity;
    size_t width; /* of a column at least */
} Table;

static void table_done(Table *table)
{
    free(table->cells);
    free(table->lines);
}

static void split_line(Table *table, const char *line, size_t length)
{
    const char *end = line + length;

    table->lines =
        memory_grow(table->lines, &table->lines_capacity, table->n_lines + 1, sizeof(Line));
    table->lines[table->n_lines++] = (Line) { .first_cell = table->n_cells };

    for (;;) {
        const char *tab = memchr(line, '\t', (size_t)(end - line));
        size_t cell_length = (size_t)((tab ? tab : end) - line);

        table->cells =
            memory_grow(table->cells, &table->cells_capacity, table->n_cells + 1, sizeof(Cell));
        table->cells[table->n_cells++] = (Cell) {
            .text = line,
            .length = cell_length,
            .width = terminal_text_width(line, cell_length),
        };
        table->lines[table->n_lines - 1].n_cells++;
        if (!tab)
            return;
        line = tab + 1;
    }
}

/* The cell of @column in @line if it is part of a column, that is, ended by a tab; else NULL. */
static Cell *column_cell(const Table *table, size_t line, size_t column)
{
    const Line *position = &table->lines[line];

    if (column + 1 >= position->n_cells)
        return NULL;
    return &table->cells[position->first_cell + column];
}

size_t table_column_width(size_t width)
{
    return width + COLUMN_PADDING > COLUMN_WIDTH_MIN ? width + COLUMN_PADDING : COLUMN_WIDTH_MIN;
}

/* Give all cells of the run of lines that starts at @line and has @column the same width. */
static size_t measure_run(Table *table, size_t line, size_t column)
{
    size_t width = table->width, end = line;
    Cell *cell;

    for (; end < table->n_lines && (cell = column_cell(table, end, column)); end++)
        if (cell->width + COLUMN_PADDING > width)
            width = cell->width + COLUMN_PADDING;
    for (size_t i = line; i < end; i++) {
        cell = column_cell(table, i, column);
        cell->spaces = width - cell->width;
    }
    return end;
}

static void measure(Table *table)
{
    size_t n_columns = 0;

    for (size_t i = 0; i < table->n_lines; i++)
        if (table->lines[i].n_cells > n_columns)
            n_columns = table->lines[i].n_cells;

    for (size_t column = 0; column + 1 < n_columns; column++)
        for (size_t line = 0; line < table->n_lines;)
            line = column_cell(table, line, column) ? measure_run(table, line, column) : line + 1;
}

static void write_line(const Table *table, const Line *line, StringBuffer *buffer)
{
    for (size_t i = 0; i < line->n_cells; i++) {
        const Cell *cell = &table->cells[line->first_cell + i];

        string_buffer_add_bytes(buffer, cell->text, cell->length);
        if (i + 1 < line->n_cells)
            string_buffer_printf(buffer, "%*s", (int)cell->spaces, "");
    }
    string_buffer_add_char(buffer, '\n');
}

void table_add(StringBuffer *buffer, const char *text)
{
    table_add_wide(buffer, text, COLUMN_WIDTH_MIN);
}

void table_add_wide(StringBuffer *buffer, const char *text, size_t width)
{
    _cleanup_(table_done) Table table = { .width = width };

    while (*text) {
        size_t length = strcspn(text, "\n");

        split_line(&table, text, length);
        text += length + (text[length] == '\n');
    }

    measure(&table);
    for (size_t i = 0; i < table.n_lines; i++)
        write_line(&table, &table.lines[i], buffer);
}
