/* SPDX-License-Identifier: Apache-2.0 */

/* tmpcopyup while somebody exchanges what is copied for links that lead out of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "sandbox/mounts-private.h"

#define ROUNDS 1000

typedef struct Race {
    char path[64]; /* of all that follows */
    int fd;
    int source_fd;
    int outside_fd;
    const char *name; /* in the source: exchanged for "link" outside */
    atomic_bool stop;
} Race;

static void *swap(void *data)
{
    Race *race = data;

    while (!atomic_load(&race->stop))
        (void)renameat2(race->source_fd, race->name, race->outside_fd, "link", RENAME_EXCHANGE);
    return NULL;
}

static void write_file(int dir_fd, const char *name, const char *text)
{
    assert_int_equal(file_write_at(dir_fd, name, text, strlen(text), 0644, 0), 0);
}

static int make_directory(int dir_fd, const char *name)
{
    int fd = path_open_directory(dir_fd, name, 0755);

    assert_true(fd >= 0);
    return fd;
}

static int setup(void **state)
{
    Race *race = NEW(Race);
    _cleanup_close_ int directory_fd = -EBADF;

    (void)snprintf(race->path, sizeof(race->path), "/tmp/copy-up-XXXXXX");
    assert_non_null(mkdtemp(race->path));
    race->fd = open(race->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    race->source_fd = make_directory(race->fd, "source");
    write_file(race->source_fd, "file", "plain");
    directory_fd = make_directory(race->source_fd, "directory");
    write_file(directory_fd, "file", "plain");
    race->outside_fd = make_directory(race->fd, "outside");
    write_file(race->outside_fd, "file", "secret");
    *state = race;
    return 0;
}

static int teardown(void **state)
{
    Race *race = *state;

    fd_close(race->source_fd);
    fd_close(race->outside_fd);
    fd_close(race->fd);
    (void)path_remove_tree(AT_FDCWD, race->path);
    free(race);
    return 0;
}

/* Copy the source into a new directory. Returns what mount_copy_up() says, and the handle. */
static int copy(const Race *race, int *ret_fd)
{
    MountEntry entry = { .destination = (char[]) { "/data" } };
    Report report;
    int r;

    assert_int_equal(path_remove_tree(race->fd, "target"), 0);
    entry.fd = make_directory(race->fd, "target");
    r = mount_copy_up(&entry, race->source_fd, &report);
    *ret_fd = entry.fd;
    return r;
}

static bool is_secret(int fd, const char *name)
{
    _cleanup_close_ int file_fd = path_open_beneath(fd, name, O_RDONLY, 0);
    char text[16] = "";

    return file_fd >= 0 && fd_read_full(file_fd, text, sizeof(text) - 1) > 0 &&
           strcmp(text, "secret") == 0;
}

/* @path in the copy is never what the link leads to, whenever the two are exchanged. */
static void assert_race_is_lost(Race *race, const char *name, const char *link_target,
                                const char *path)
{
    pthread_t thread;
    unsigned copied = 0;

    race->name = name;
    assert_return_code(symlinkat(link_target, race->outside_fd, "link"), errno);
    assert_int_equal(pthread_create(&thread, NULL, swap, race), 0);
    for (int i = 0; i < ROUNDS; i++) {
        _cleanup_close_ int fd = -EBADF;

        copied += copy(race, &fd) == 0;
        if (is_secret(fd, path)) {
            copied = 0;
            break;
        }
    }
    atomic_store(&race->stop, true);
    pthread_join(thread, NULL);
    assert_int_not_equal(copied, 0);
}

static void test_what_is_swapped_for_a_link_while_it_is_copied_gives_nothing_away(void **state)
{
    Race *race = *state;
    _cleanup_free_ char *outside = memory_printf("%s/outside", race->path);

    assert_race_is_lost(race, "directory", outside, "directory/file");
}

static void test_a_file_that_is_swapped_for_a_link_is_not_what_the_link_leads_to(void **state)
{
    Race *race = *state;

    assert_race_is_lost(race, "file", "../outside/file", "file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_what_is_swapped_for_a_link_while_it_is_copied_gives_nothing_away, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_file_that_is_swapped_for_a_link_is_not_what_the_link_leads_to, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
