/* SPDX-License-Identifier: Apache-2.0 */

/* The database: schema upgrades, rollback by scope, several openers, damage. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/database.h"
#include "base/fd.h"
#include "scratch.h"

static const char *const first_steps[] = {
    "CREATE TABLE thing (name TEXT PRIMARY KEY, size INTEGER) STRICT",
};

static const char *const second_steps[] = {
    "CREATE TABLE thing (name TEXT PRIMARY KEY, size INTEGER) STRICT",
    "ALTER TABLE thing ADD COLUMN color TEXT; UPDATE thing SET color = 'grey'",
};

static const DatabaseSchema first = { "things", first_steps, 1 };
static const DatabaseSchema second = { "things", second_steps, 2 };

static int open_with(const Scratch *scratch, const DatabaseSchema *schema, Database **ret,
                     Error *err)
{
    return database_open(scratch->fd, "test.db", &schema, 1, ret, err);
}

static void add_thing(Database *database, const char *name, int64_t size)
{
    assert_int_equal(
        database_execute(database, NULL, NULL, "INSERT INTO thing VALUES (?, ?)", "si", name, size),
        0);
}

static int64_t count_things(Database *database)
{
    _cleanup_(statement_freep) Statement *statement = NULL;

    assert_int_equal(database_prepare(database, &statement, NULL, "SELECT count(*) FROM thing", ""),
                     0);
    assert_int_equal(statement_step(statement, NULL), 1);
    return statement_int(statement, 0);
}

static void rows_survive_closing_and_upgrading(void **state)
{
    Scratch *scratch = *state;
    _cleanup_(database_closep) Database *database = NULL;
    _cleanup_(statement_freep) Statement *statement = NULL;

    assert_int_equal(open_with(scratch, &first, &database, NULL), 0);
    add_thing(database, "a", INT64_MAX);
    database_close(TAKE_PTR(database));

    assert_int_equal(open_with(scratch, &second, &database, NULL), 0);
    assert_int_equal(database_prepare(database, &statement, NULL,
                                      "SELECT size, color FROM thing WHERE name = ?", "s", "a"),
                     0);
    assert_int_equal(statement_step(statement, NULL), 1);
    assert_int_equal(statement_int(statement, 0), INT64_MAX);
    assert_string_equal(statement_text(statement, 1), "grey");
    assert_int_equal(statement_step(statement, NULL), 0);
}

static void a_newer_schema_is_refused_unchanged(void **state)
{
    Scratch *scratch = *state;
    _cleanup_(database_closep) Database *database = NULL;
    _cleanup_error_ Error err = {};

    assert_int_equal(open_with(scratch, &second, &database, NULL), 0);
    database_close(TAKE_PTR(database));
    assert_true(open_with(scratch, &first, &database, &err) < 0);
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
    assert_int_equal(open_with(scratch, &second, &database, NULL), 0);
}

static void an_uncommitted_transaction_is_undone(void **state)
{
    Scratch *scratch = *state;
    _cleanup_(database_closep) Database *database = NULL;

    assert_int_equal(open_with(scratch, &first, &database, NULL), 0);
    {
        _cleanup_(database_rollback) Transaction transaction = {};

        assert_int_equal(database_begin(database, &transaction, NULL), 0);
        add_thing(database, "a", 1);
    }
    assert_int_equal(count_things(database), 0);
    {
        _cleanup_(database_rollback) Transaction transaction = {};

        assert_int_equal(database_begin(database, &transaction, NULL), 0);
        add_thing(database, "a", 1);
        assert_int_equal(database_commit(&transaction, NULL), 0);
    }
    assert_int_equal(count_things(database), 1);
}

static void a_process_killed_in_a_transaction_changes_nothing(void **state)
{
    Scratch *scratch = *state;
    _cleanup_(database_closep) Database *database = NULL;
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        Transaction transaction = {};

        if (open_with(scratch, &first, &database, NULL) == 0 &&
            database_begin(database, &transaction, NULL) == 0 &&
            database_execute(database, NULL, NULL, "INSERT INTO thing VALUES ('a', 1)", "") == 0)
            (void)kill(getpid(), SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(open_with(scratch, &first, &database, NULL), 0);
    assert_int_equal(count_things(database), 0);
    add_thing(database, "a", 1); /* and nothing is locked */
}

static void a_violated_constraint_is_a_conflict(void **state)
{
    Scratch *scratch = *state;
    _cleanup_(database_closep) Database *database = NULL;
    _cleanup_error_ Error err = {};

    assert_int_equal(open_with(scratch, &first, &database, NULL), 0);
    add_thing(database, "a", 1);
    assert_true(
        database_execute(database, NULL, &err, "INSERT INTO thing VALUES (?, ?)", "sn", "a") < 0);
    assert_int_equal(err.kind, ERROR_CONFLICT);
}

static void many_processes_can_create_it_at_once(void **state)
{
    Scratch *scratch = *state;
    _cleanup_(database_closep) Database *database = NULL;
    int status;

    for (int i = 0; i < 8; i++) {
        if (fork() == 0) {
            char name[2] = { (char)('a' + i), '\0' };

            _exit(open_with(scratch, &first, &database, NULL) < 0 ||
                  database_execute(database, NULL, NULL, "INSERT INTO thing VALUES (?, 1)", "s",
                                   name) < 0);
        }
    }
    for (int i = 0; i < 8; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(open_with(scratch, &first, &database, NULL), 0);
    assert_int_equal(count_things(database), 8);
}

/* Each opener reads the whole log. */
static void the_log_stays_short_however_often_it_is_opened(void **state)
{
    Scratch *scratch = *state;
    struct stat status;
    off_t longest = 0;

    for (int i = 0; i < 400; i++) {
        _cleanup_(database_closep) Database *database = NULL;
        char name[16];

        (void)snprintf(name, sizeof(name), "%d", i);
        assert_int_equal(open_with(scratch, &first, &database, NULL), 0);
        add_thing(database, name, i);
        database_close(TAKE_PTR(database));
        assert_int_equal(fstatat(scratch->fd, "test.db-wal", &status, 0), 0);
        longest = status.st_size > longest ? status.st_size : longest;
    }
    assert_in_range(longest, 1, 1024 * 1024);
}

static void a_reader_keeps_a_long_log_and_holds_up_nobody(void **state)
{
    Scratch *scratch = *state;
    _cleanup_(database_closep) Database *reading = NULL, *writing = NULL;
    _cleanup_(statement_freep) Statement *statement = NULL;
    char name[16];

    assert_int_equal(open_with(scratch, &first, &writing, NULL), 0);
    assert_int_equal(open_with(scratch, &first, &reading, NULL), 0);
    add_thing(writing, "before", 0);
    add_thing(writing, "too", 0);
    assert_int_equal(database_prepare(reading, &statement, NULL, "SELECT name FROM thing", ""), 0);
    assert_int_equal(statement_step(statement, NULL), 1);
    for (int i = 0; i < 200; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        add_thing(writing, name, i);
    }
    assert_int_equal(statement_step(statement, NULL), 1);
    assert_int_equal(statement_step(statement, NULL), 0);
    statement_free(TAKE_PTR(statement));
    assert_int_equal(count_things(reading), 202);
}

static void a_file_that_is_no_database_is_corrupt(void **state)
{
    Scratch *scratch = *state;
    _cleanup_(database_closep) Database *database = NULL;
    _cleanup_error_ Error err = {};
    char garbage[4096];

    memset(garbage, 'x', sizeof(garbage));
    assert_int_equal(file_write_at(scratch->fd, "test.db", garbage, sizeof(garbage), 0600, 0), 0);
    assert_true(open_with(scratch, &first, &database, &err) < 0);
    assert_int_equal(err.kind, ERROR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(rows_survive_closing_and_upgrading),
        scratch_test(a_newer_schema_is_refused_unchanged),
        scratch_test(an_uncommitted_transaction_is_undone),
        scratch_test(a_process_killed_in_a_transaction_changes_nothing),
        scratch_test(a_violated_constraint_is_a_conflict),
        scratch_test(many_processes_can_create_it_at_once),
        scratch_test(the_log_stays_short_however_often_it_is_opened),
        scratch_test(a_reader_keeps_a_long_log_and_holds_up_nobody),
        scratch_test(a_file_that_is_no_database_is_corrupt),
    };

    return cmocka_run_group_tests_name("database", tests, NULL, NULL);
}
