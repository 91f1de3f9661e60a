/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The output of commands that list things (`cay images`, `cay ps`), with Docker's --format: a table
 * by default, "table TEMPLATE", "json" for one JSON object a line, or a template a line.
 *
 *     static const RowLayout layout = ROW_LAYOUT("table {{.Name}}\t{{.Size}}", columns);
 *     row_writer_new(&layout, format, quiet, &writer, err);
 *     for each: row_writer_add(writer, row, err);
 *     row_writer_finish(writer, stdout, err);
 *
 * A row is a JSON object with a string for every column. In a table, control characters of the
 * values are made visible.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"

typedef struct RowColumn {
    const char *field;  /* "CreatedSince" */
    const char *header; /* "CREATED" */
    bool may_be_cut;    /* on a terminal that is too narrow */
} RowColumn;

typedef struct RowLayout {
    const char *table; /* the default: "table {{.A}}\t{{.B}}" */
    const char *quiet; /* replaces it with -q: "{{.ID}}" */
    const RowColumn *columns;
    size_t n_columns;
} RowLayout;

typedef struct RowWriter RowWriter;

/*
 * @format is the value of --format: NULL, "" and "table" mean the default of @layout. As in Docker,
 * @quiet does not change a format of the user's own.
 * Errors: INVALID (the template).
 */
int row_writer_new(const RowLayout *layout, const char *format, bool quiet, RowWriter **ret,
                   Error *err);
void row_writer_free(RowWriter *writer);
DEFINE_CLEANUP(RowWriter *, row_writer_free);

/* True when the rows have to have @field: what is expensive to find out is found out then only. */
bool row_writer_wants(const RowWriter *writer, const char *field);

/*
 * @row stays the caller's. @methods (may be NULL) answers `{{.Label "key"}}`: an object of name ->
 * object of results. Errors: INVALID (a field that does not exist).
 */
int row_writer_add(RowWriter *writer, json_t *row, json_t *methods, Error *err);

/* Cut a table to @width columns, as far as its columns may be. 0: leave it as wide as it is. */
void row_writer_fit(RowWriter *writer, size_t width);

/* The width of standard output's terminal; 0: it is none. */
size_t row_writer_terminal_width(void);

/* Write everything, the headers of a table first. Errors: SYSTEM. */
int row_writer_finish(RowWriter *writer, FILE *stream, Error *err);
