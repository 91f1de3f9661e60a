/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * SQLite, arranged for processes that open the database for a few milliseconds and may be killed
 * at any moment: write-ahead log, no fsync per commit (a power loss may undo the last commits but
 * never tears one), busy waiting with a limit, prepared statements.
 */

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/* One folder's tables: @steps are SQL scripts in order, never changed once released, only added to.
 */
typedef struct DatabaseSchema {
    const char *name;
    const char *const *steps;
    size_t n_steps;
} DatabaseSchema;

typedef struct Database Database;

/*
 * Open or create the database file @name in the directory @dir_fd and bring every schema up to
 * date. Errors: CORRUPT, UNSUPPORTED (written by a newer version), EXHAUSTED (no space), SYSTEM.
 */
int database_open(int dir_fd, const char *name, const DatabaseSchema *const *schemas,
                  size_t n_schemas, Database **ret, Error *err);
void database_close(Database *database);
DEFINE_CLEANUP(Database *, database_close);

/*
 * Write transaction (BEGIN IMMEDIATE). The handle rolls back when it goes out of scope uncommitted:
 *     _cleanup_(database_rollback) Transaction transaction = {};
 */
typedef struct Transaction {
    Database *database; /* NULL when none is open */
} Transaction;

int database_begin(Database *database, Transaction *ret, Error *err);
int database_commit(Transaction *transaction, Error *err);
void database_rollback(Transaction *transaction);

/*
 * A prepared statement with its parameters bound from @format: 's' const char * (NULL gives NULL),
 * 'i' int64_t, 'b' const void * and size_t, 'n' NULL without an argument. Text and bytes are
 * copied.
 */
typedef struct Statement Statement;
int database_prepare(Database *database, Statement **ret, Error *err, const char *sql,
                     const char *format, ...);
void statement_free(Statement *statement);
DEFINE_CLEANUP(Statement *, statement_free);

/* Next row. Returns 1 with a row, 0 at the end, or -errno. */
int statement_step(Statement *statement, Error *err);

/* Columns of the current row, from 0. Text is valid until the next step; NULL for NULL. */
const char *statement_text(Statement *statement, int column);
int64_t statement_int(Statement *statement, int column);
/* Bytes, valid as text is. */
const void *statement_bytes(Statement *statement, int column, size_t *ret_size);

/* Prepare, bind and run to the end. ret_changes (may be NULL) is the number of rows changed. */
int database_execute(Database *database, int64_t *ret_changes, Error *err, const char *sql,
                     const char *format, ...);
