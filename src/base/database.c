/* SPDX-License-Identifier: Apache-2.0 */

/*
 * SQLite for short-lived processes. The write-ahead log is kept on close and folded back only now
 * and then: otherwise every command that is alone, which is most, would pay two fsyncs on its way
 * out.
 */

#include "base/database.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>

#include "base/memory.h"
#include "base/path.h"

#define BUSY_TIMEOUT_MS 10000
/* Pages in the log before it is folded back. The first opener reads the log, so it stays small. */
#define CHECKPOINT_PAGES 128

struct Database {
    sqlite3 *handle;
};

struct Statement {
    sqlite3_stmt *handle;
    Database *database;
};

static const struct {
    int code;
    ErrorKind kind;
} result_kinds[] = {
    { SQLITE_FULL, ERROR_EXHAUSTED },  { SQLITE_CORRUPT, ERROR_CORRUPT },
    { SQLITE_NOTADB, ERROR_CORRUPT },  { SQLITE_BUSY, ERROR_CONFLICT },
    { SQLITE_LOCKED, ERROR_CONFLICT }, { SQLITE_CONSTRAINT, ERROR_CONFLICT },
    { SQLITE_READONLY, ERROR_DENIED }, { SQLITE_PERM, ERROR_DENIED },
    { SQLITE_AUTH, ERROR_DENIED },
};

static int fail(Database *database, Error *err, const char *doing)
{
    int code = sqlite3_extended_errcode(database->handle) & 0xff;
    int errnum = sqlite3_system_errno(database->handle);

    for (size_t i = 0; i < ARRAY_SIZE(result_kinds); i++)
        if (result_kinds[i].code == code)
            return error_set(err, result_kinds[i].kind, "%s state database: %s", doing,
                             sqlite3_errmsg(database->handle));

    /* A full disk often shows as an I/O error whose errno tells. */
    if ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && errnum > 0)
        return error_result(err, -errnum, "%s state database", doing);
    return error_set(err, ERROR_SYSTEM, "%s state database: %s", doing,
                     sqlite3_errmsg(database->handle));
}

static int run_script(Database *database, const char *sql, Error *err)
{
    if (sqlite3_exec(database->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail(database, err, "change");
    return 0;
}

/* How many steps of the schema @name are in the database already. */
static int schema_version(Database *database, const char *name, int64_t *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(database, &statement, err,
                             "SELECT version FROM schema_version WHERE name = ?", "s", name);

    if (r < 0)
        return r;
    r = statement_step(statement, err);
    if (r < 0)
        return r;
    *ret = r > 0 ? statement_int(statement, 0) : 0;
    return 0;
}

static int upgrade_schema(Database *database, const DatabaseSchema *schema, Error *err)
{
    int64_t version;
    int r = schema_version(database, schema->name, &version, err);

    if (r < 0)
        return r;
    if (version > (int64_t)schema->n_steps)
        return error_set(err, ERROR_UNSUPPORTED,
                         "the state was written by a newer version (%s schema %lld, known is %zu)",
                         schema->name, (long long)version, schema->n_steps);

    for (size_t i = (size_t)version; i < schema->n_steps; i++) {
        r = run_script(database, schema->steps[i], err);
        if (r < 0)
            return error_wrap(err, r, "upgrade %s schema to %zu", schema->name, i + 1);
    }
    return database_execute(database, NULL, err,
                            "INSERT INTO schema_version (name, version) VALUES (?, ?) "
                            "ON CONFLICT (name) DO UPDATE SET version = excluded.version",
                            "si", schema->name, (int64_t)schema->n_steps);
}

static int64_t total_steps(const DatabaseSchema *const *schemas, size_t n_schemas)
{
    int64_t total = 0;

    for (size_t i = 0; i < n_schemas; i++)
        total += (int64_t)schemas[i]->n_steps;
    return total;
}

static int user_version(Database *database, int64_t *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(database, &statement, err, "PRAGMA user_version", "");

    if (r < 0)
        return r;
    r = statement_step(statement, err);
    if (r < 0)
        return r;
    *ret = statement_int(statement, 0);
    return 0;
}

static int upgrade(Database *database, const DatabaseSchema *const *schemas, size_t n_schemas,
                   Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    int64_t total = total_steps(schemas, n_schemas), version;
    _cleanup_free_ char *set_version = NULL;
    int r = user_version(database, &version, err);

    if (r < 0 || version == total)
        return r; /* somebody was faster */

    r = run_script(database, "PRAGMA journal_mode = WAL", err);
    if (r < 0)
        return r;
    r = database_begin(database, &transaction, err);
    if (r < 0)
        return r;
    r = run_script(database,
                   "CREATE TABLE IF NOT EXISTS schema_version "
                   "(name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID, STRICT",
                   err);
    for (size_t i = 0; r >= 0 && i < n_schemas; i++)
        r = upgrade_schema(database, schemas[i], err);
    if (r < 0)
        return r;
    set_version = memory_printf("PRAGMA user_version = %lld", (long long)total);
    r = run_script(database, set_version, err);
    if (r < 0)
        return r;
    return database_commit(&transaction, err);
}

static int lock_directory(int dir_fd, int operation, Error *err)
{
    int r;

    do
        r = flock(dir_fd, operation);
    while (r < 0 && errno == EINTR);
    return r < 0 ? error_errno(err, "lock state database") : 0;
}

/*
 * The sum of all steps is kept as user_version, so that the usual case costs one read. That read
 * is made under a lock: the switch to the write-ahead log does not wait for readers, but fails.
 */
static int bring_up_to_date(Database *database, int dir_fd, const DatabaseSchema *const *schemas,
                            size_t n_schemas, Error *err)
{
    int64_t version;
    int r = lock_directory(dir_fd, LOCK_SH, err);

    if (r >= 0)
        r = user_version(database, &version, err);
    if (r >= 0 && version != total_steps(schemas, n_schemas)) {
        r = lock_directory(dir_fd, LOCK_EX, err);
        if (r >= 0)
            r = upgrade(database, schemas, n_schemas, err);
    }
    (void)flock(dir_fd, LOCK_UN); /* fails only where it is not held */
    return r;
}

/*
 * Fold a long log back, and cut it off: SQLite's own checkpoints leave that to the next writer,
 * which in our case is another process that has read the whole log and knows nothing of what was
 * folded back, so that the log would grow for ever. While somebody reads it stays; nobody waits.
 */
static int on_commit(void *data, sqlite3 *handle, const char *name, int n_pages)
{
    (void)data;
    if (n_pages < CHECKPOINT_PAGES)
        return SQLITE_OK;
    (void)sqlite3_busy_timeout(handle, 0);
    (void)sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_busy_timeout(handle, BUSY_TIMEOUT_MS);
    return SQLITE_OK; /* the commit has happened, whatever became of the log */
}

int database_open(int dir_fd, const char *name, const DatabaseSchema *const *schemas,
                  size_t n_schemas, Database **ret, Error *err)
{
    _cleanup_(database_closep) Database *database = NEW(Database);
    char directory[32];
    _cleanup_free_ char *path = memory_printf("%s/%s", path_of_fd(directory, dir_fd), name);
    int r;

    if (sqlite3_open_v2(path, &database->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        return fail(database, err, "open");

    (void)sqlite3_busy_timeout(database->handle, BUSY_TIMEOUT_MS); /* only fails on misuse */
    (void)sqlite3_wal_hook(database->handle, on_commit, NULL);
    (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    r = run_script(database, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON", err);
    if (r < 0)
        return r;
    r = bring_up_to_date(database, dir_fd, schemas, n_schemas, err);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(database);
    return 0;
}

void database_close(Database *database)
{
    (void)sqlite3_close_v2(database->handle); /* statements that are still open keep it alive */
    free(database);
}

int database_begin(Database *database, Transaction *ret, Error *err)
{
    int r = run_script(database, "BEGIN IMMEDIATE", err);

    if (r < 0)
        return r;
    ret->database = database;
    return 0;
}

int database_commit(Transaction *transaction, Error *err)
{
    int r = run_script(transaction->database, "COMMIT", err);

    if (r < 0)
        return r;
    transaction->database = NULL;
    return 0;
}

void database_rollback(Transaction *transaction)
{
    int saved_errno = errno;

    if (transaction->database)
        (void)sqlite3_exec(transaction->database->handle, "ROLLBACK", NULL, NULL,
                           NULL); /* SQLite may have rolled back by itself */
    transaction->database = NULL;
    errno = saved_errno;
}

static int bind(Statement *statement, int index, char type, va_list *arguments)
{
    if (type == 'i')
        return sqlite3_bind_int64(statement->handle, index, va_arg(*arguments, int64_t));
    if (type == 's')
        return sqlite3_bind_text(statement->handle, index, va_arg(*arguments, const char *), -1,
                                 SQLITE_TRANSIENT);
    if (type == 'b') {
        const void *bytes = va_arg(*arguments, const void *);

        return sqlite3_bind_blob64(statement->handle, index, bytes, va_arg(*arguments, size_t),
                                   SQLITE_TRANSIENT);
    }
    return sqlite3_bind_null(statement->handle, index);
}

static int prepare(Database *database, const char *sql, const char *format, va_list *arguments,
                   Statement **ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NEW(Statement);

    statement->database = database;
    if (sqlite3_prepare_v2(database->handle, sql, -1, &statement->handle, NULL) != SQLITE_OK)
        return fail(database, err, "query");
    for (int i = 0; format[i]; i++)
        if (bind(statement, i + 1, format[i], arguments) != SQLITE_OK)
            return fail(database, err, "query");

    *ret = TAKE_PTR(statement);
    return 0;
}

int database_prepare(Database *database, Statement **ret, Error *err, const char *sql,
                     const char *format, ...)
{
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = prepare(database, sql, format, &arguments, ret, err);
    va_end(arguments);
    return r;
}

void statement_free(Statement *statement)
{
    (void)sqlite3_finalize(statement->handle); /* repeats the error of the last step */
    free(statement);
}

int statement_step(Statement *statement, Error *err)
{
    int code = sqlite3_step(statement->handle);

    if (code == SQLITE_ROW)
        return 1;
    if (code == SQLITE_DONE)
        return 0;
    return fail(statement->database, err, "query");
}

const char *statement_text(Statement *statement, int column)
{
    return (const char *)sqlite3_column_text(statement->handle, column);
}

int64_t statement_int(Statement *statement, int column)
{
    return sqlite3_column_int64(statement->handle, column);
}

const void *statement_bytes(Statement *statement, int column, size_t *ret_size)
{
    const void *bytes = sqlite3_column_blob(statement->handle, column);

    *ret_size = (size_t)sqlite3_column_bytes(statement->handle, column);
    return bytes;
}

int database_execute(Database *database, int64_t *ret_changes, Error *err, const char *sql,
                     const char *format, ...)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = prepare(database, sql, format, &arguments, &statement, err);
    va_end(arguments);
    if (r < 0)
        return r;

    do
        r = statement_step(statement, err);
    while (r > 0);
    if (r < 0)
        return r;
    if (ret_changes)
        *ret_changes = sqlite3_changes64(database->handle);
    return 0;
}
