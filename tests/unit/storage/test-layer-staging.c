/* SPDX-License-Identifier: Apache-2.0 */

/* Layers being unpacked: commit, races between processes, sudden deaths, full file systems. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/string-buffer.h"
#include "scratch.h"
#include "storage/layer-store-private.h"

#define RACERS 8
#define ROUNDS 40
#define FILES_PER_LAYER 20

static LayerStore *open_store(void **state)
{
    Scratch *scratch = *state;
    LayerStore *store = NULL;

    assert_int_equal(layer_store_open(scratch->fd, &store, NULL), 0);
    return store;
}

static void a_layer_is_invisible_until_it_is_committed(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    _cleanup_(layer_staging_freep) LayerStaging *staging = NULL;
    _cleanup_close_ int fd = -EBADF;
    Digest chain_id = digest_of("layer", 5);

    assert_int_equal(layer_staging_begin(store, &staging, NULL), 0);
    scratch_write(layer_staging_fd(staging), "file", "text");
    assert_false(layer_store_has(store, &chain_id));

    assert_int_equal(layer_staging_commit(staging, &chain_id, NULL), 0);
    assert_true(layer_store_has(store, &chain_id));
    assert_int_equal(layer_store_open_layer(store, &chain_id, &fd, NULL), 0);
    _cleanup_free_ char *text = scratch_read(fd, "file");
    assert_string_equal(text, "text");
}

static void a_committed_layer_outlives_its_staging_handle(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    LayerStaging *staging = NULL;
    Digest chain_id = digest_of("layer", 5);

    assert_int_equal(layer_staging_begin(store, &staging, NULL), 0);
    assert_int_equal(layer_staging_commit(staging, &chain_id, NULL), 0);
    layer_staging_free(staging);
    assert_int_equal(layer_store_collect_staging(store, NULL), 0);
    assert_true(layer_store_has(store, &chain_id));
}

static void a_freed_staging_leaves_nothing(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    LayerStaging *staging = NULL;

    assert_int_equal(layer_staging_begin(store, &staging, NULL), 0);
    scratch_mkdir(layer_staging_fd(staging), "directory", 0755);
    scratch_write(layer_staging_fd(staging), "directory/file", "text");
    layer_staging_free(staging);
    assert_int_equal(scratch_count(store->fd, "."), 0);
}

static void a_staging_directory_is_0755_under_any_umask(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    _cleanup_(layer_staging_freep) LayerStaging *staging = NULL;
    mode_t umask_before = umask(0077);
    struct stat status;

    assert_int_equal(layer_staging_begin(store, &staging, NULL), 0);
    umask(umask_before);
    assert_int_equal(fstat(layer_staging_fd(staging), &status), 0);
    assert_int_equal(status.st_mode, S_IFDIR | 0755);
}

static void the_first_to_commit_a_chain_id_wins(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    LayerStaging *first = NULL, *second = NULL;
    _cleanup_close_ int fd = -EBADF;
    Digest chain_id = digest_of("layer", 5);

    assert_int_equal(layer_staging_begin(store, &first, NULL), 0);
    assert_int_equal(layer_staging_begin(store, &second, NULL), 0);
    scratch_write(layer_staging_fd(first), "who", "first");
    scratch_write(layer_staging_fd(second), "who", "second");
    assert_int_equal(layer_staging_commit(first, &chain_id, NULL), 0);
    assert_int_equal(layer_staging_commit(second, &chain_id, NULL), 0);
    layer_staging_free(first);
    layer_staging_free(second);

    assert_int_equal(layer_store_open_layer(store, &chain_id, &fd, NULL), 0);
    _cleanup_free_ char *who = scratch_read(fd, "who");
    assert_string_equal(who, "first");
    assert_int_equal(scratch_count(store->fd, "."), 1);
}

static void an_empty_layer_that_was_committed_stays_the_first(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    LayerStaging *first = NULL, *second = NULL;
    _cleanup_close_ int fd = -EBADF;
    Digest chain_id = digest_of("layer", 5);

    assert_int_equal(layer_staging_begin(store, &first, NULL), 0);
    assert_int_equal(layer_staging_commit(first, &chain_id, NULL), 0);
    layer_staging_free(first);
    assert_int_equal(layer_staging_begin(store, &second, NULL), 0);
    scratch_write(layer_staging_fd(second), "who", "second");
    assert_int_equal(layer_staging_commit(second, &chain_id, NULL), 0);
    layer_staging_free(second);

    /* plain rename(2) would replace an empty directory */
    assert_int_equal(layer_store_open_layer(store, &chain_id, &fd, NULL), 0);
    assert_int_equal(scratch_count(fd, "."), 0);
}

/* In a child: exit instead of assert, which would longjmp in the wrong process. */
static void require(bool condition)
{
    if (!condition)
        _exit(EXIT_FAILURE);
}

static void stage_files(LayerStaging *staging, const char *text)
{
    for (int i = 0; i < FILES_PER_LAYER; i++) {
        _cleanup_free_ char *name = memory_printf("file-%d", i);

        require(file_write_at(layer_staging_fd(staging), name, text, strlen(text), 0644, 0) == 0);
    }
}

static void wait_for(pid_t pid)
{
    int status = 0;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static _Noreturn void race_to_commit(LayerStore *store, const Digest *chain_id, int start_fd)
{
    LayerStaging *staging = NULL;
    _cleanup_free_ char *text = memory_printf("%d", getpid());
    char byte;

    require(layer_staging_begin(store, &staging, NULL) == 0);
    stage_files(staging, text);
    require(read(start_fd, &byte, 1) == 0); /* the end of the stream is the starting gun */
    require(layer_staging_commit(staging, chain_id, NULL) == 0);
    require(layer_store_has(store, chain_id));
    layer_staging_free(staging);
    _exit(EXIT_SUCCESS);
}

static void assert_one_writer(LayerStore *store, const Digest *chain_id)
{
    _cleanup_close_ int fd = -EBADF;
    _cleanup_free_ char *first = NULL;

    assert_int_equal(layer_store_open_layer(store, chain_id, &fd, NULL), 0);
    assert_int_equal(scratch_count(fd, "."), FILES_PER_LAYER);
    first = scratch_read(fd, "file-0");
    for (int i = 0; i < FILES_PER_LAYER; i++) {
        _cleanup_free_ char *name = memory_printf("file-%d", i);
        _cleanup_free_ char *text = scratch_read(fd, name);

        assert_string_equal(text, first);
    }
}

static void processes_that_race_for_a_chain_id_leave_one_whole_layer(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    Digest chain_id = digest_of("layer", 5);
    pid_t racers[RACERS];
    int start[2];

    for (int round = 0; round < ROUNDS; round++) {
        assert_int_equal(pipe2(start, O_CLOEXEC), 0);
        for (int i = 0; i < RACERS; i++) {
            racers[i] = fork();
            assert_true(racers[i] >= 0);
            if (racers[i] == 0) {
                (void)close(start[1]);
                race_to_commit(store, &chain_id, start[0]);
            }
        }
        (void)close(start[0]);
        (void)close(start[1]);
        for (int i = 0; i < RACERS; i++)
            wait_for(racers[i]);

        assert_one_writer(store, &chain_id);
        assert_int_equal(scratch_count(store->fd, "."), 1);
        assert_int_equal(layer_store_remove(store, &chain_id, NULL), 0);
    }
}

/* Between its making and its locking, a directory looks abandoned. */
static void begin_many(LayerStore *store)
{
    for (int i = 0; i < 100 * ROUNDS; i++) {
        LayerStaging *staging = NULL;

        require(layer_staging_begin(store, &staging, NULL) == 0);
        require(mkdirat(layer_staging_fd(staging), "directory", 0755) == 0);
        layer_staging_free(staging);
    }
}

static _Noreturn void stage_and_commit_many(LayerStore *store)
{
    begin_many(store);
    for (int i = 0; i < ROUNDS; i++) {
        LayerStaging *staging = NULL;
        _cleanup_free_ char *text = memory_printf("%d %d", getpid(), i);
        Digest chain_id = digest_of(text, strlen(text));

        require(layer_staging_begin(store, &staging, NULL) == 0);
        stage_files(staging, text);
        require(layer_staging_commit(staging, &chain_id, NULL) == 0);
        require(layer_store_has(store, &chain_id));
        layer_staging_free(staging);
    }
    _exit(EXIT_SUCCESS);
}

static void collecting_takes_nothing_from_the_living(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    pid_t stagers[2];

    for (size_t i = 0; i < ARRAY_SIZE(stagers); i++) {
        stagers[i] = fork();
        assert_true(stagers[i] >= 0);
        if (stagers[i] == 0)
            stage_and_commit_many(store);
    }
    for (size_t i = 0; i < ARRAY_SIZE(stagers); i++) {
        siginfo_t info = {};

        while (info.si_pid == 0) {
            assert_int_equal(layer_store_collect_staging(store, NULL), 0);
            assert_int_equal(waitid(P_PID, (id_t)stagers[i], &info, WEXITED | WNOHANG | WNOWAIT),
                             0);
        }
        wait_for(stagers[i]);
    }

    _cleanup_free_ Digest *layers = NULL;
    size_t count = 0;
    assert_int_equal(layer_store_list(store, &layers, &count, NULL), 0);
    assert_int_equal(count, ARRAY_SIZE(stagers) * ROUNDS);
    for (size_t i = 0; i < count; i++)
        assert_one_writer(store, &layers[i]);
}

/* A process that stages and then waits to be killed; with a worker that holds the directory. */
static pid_t spawn_stager(LayerStore *store, bool with_worker, pid_t *ret_worker)
{
    int report[2];
    pid_t worker = 0;

    assert_int_equal(pipe2(report, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        LayerStaging *staging = NULL;

        require(layer_staging_begin(store, &staging, NULL) == 0);
        stage_files(staging, "half");
        if (with_worker)
            worker = fork();
        require(worker >= 0);
        if (with_worker && worker == 0) {
            for (;;)
                pause();
        }
        require(write(report[1], &worker, sizeof(worker)) == sizeof(worker));
        for (;;)
            pause();
    }
    (void)close(report[1]);
    assert_int_equal(read(report[0], &worker, sizeof(worker)), sizeof(worker));
    (void)close(report[0]);
    if (ret_worker)
        *ret_worker = worker;
    return pid;
}

static void kill_and_reap(pid_t pid)
{
    int status = 0;

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void what_a_killed_process_staged_is_collected(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    pid_t pid = spawn_stager(store, false, NULL);

    assert_int_equal(layer_store_collect_staging(store, NULL), 0);
    assert_int_equal(scratch_count(store->fd, "."), 1);

    kill_and_reap(pid);
    assert_int_equal(scratch_count(store->fd, "."), 1);
    assert_int_equal(layer_store_collect_staging(store, NULL), 0);
    assert_int_equal(scratch_count(store->fd, "."), 0);
}

static void what_a_worker_still_unpacks_is_not_collected(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    pid_t worker = 0;

    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t pid = spawn_stager(store, true, &worker);

    kill_and_reap(pid);
    assert_int_equal(layer_store_collect_staging(store, NULL), 0);
    assert_int_equal(scratch_count(store->fd, "."), 1);

    kill_and_reap(worker);
    assert_int_equal(layer_store_collect_staging(store, NULL), 0);
    assert_int_equal(scratch_count(store->fd, "."), 0);
}

static void a_full_file_system_is_reported_and_leaves_nothing(void **state)
{
    Scratch *scratch = scratch_new("size=1m,nr_inodes=32");
    LayerStore *store = NULL;
    LayerStaging *staging = NULL;
    _cleanup_error_ Error err = {};

    (void)state;
    assert_int_equal(layer_store_open(scratch->fd, &store, NULL), 0);
    assert_true(scratch_fill(scratch->fd) > 0);

    assert_true(layer_staging_begin(store, &staging, &err) < 0);
    assert_int_equal(err.kind, ERROR_EXHAUSTED);
    assert_null(staging);
    assert_int_equal(scratch_count(store->fd, "."), 0);

    layer_store_close(store);
    scratch_free(scratch);
}

static void a_commit_that_finds_no_space_can_be_tried_again(void **state)
{
    Scratch *scratch = scratch_new("size=1m,nr_inodes=32");
    LayerStore *store = NULL;
    LayerStaging *staging = NULL;
    _cleanup_error_ Error err = {};
    Digest chain_id = digest_of("layer", 5);

    (void)state;
    assert_int_equal(layer_store_open(scratch->fd, &store, NULL), 0);
    assert_int_equal(layer_staging_begin(store, &staging, NULL), 0);
    assert_true(scratch_fill(scratch->fd) > 0);

    assert_true(layer_staging_commit(staging, &chain_id, &err) < 0);
    assert_int_equal(err.kind, ERROR_EXHAUSTED);
    assert_false(layer_store_has(store, &chain_id));

    assert_int_equal(unlinkat(scratch->fd, "fill-0", 0), 0);
    assert_int_equal(layer_staging_commit(staging, &chain_id, NULL), 0);
    assert_true(layer_store_has(store, &chain_id));

    layer_staging_free(staging);
    layer_store_close(store);
    scratch_free(scratch);
}

#define ON_DISK_AND_IN_MEMORY(test)                                                                \
    cmocka_unit_test_setup_teardown(test, scratch_setup_disk, scratch_teardown),                   \
        cmocka_unit_test_setup_teardown(test, scratch_setup_memory, scratch_teardown)
#define IN_MEMORY(test)                                                                            \
    cmocka_unit_test_setup_teardown(test, scratch_setup_memory, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK_AND_IN_MEMORY(a_layer_is_invisible_until_it_is_committed),
        ON_DISK_AND_IN_MEMORY(a_committed_layer_outlives_its_staging_handle),
        ON_DISK_AND_IN_MEMORY(a_freed_staging_leaves_nothing),
        ON_DISK_AND_IN_MEMORY(a_staging_directory_is_0755_under_any_umask),
        ON_DISK_AND_IN_MEMORY(the_first_to_commit_a_chain_id_wins),
        ON_DISK_AND_IN_MEMORY(an_empty_layer_that_was_committed_stays_the_first),
        ON_DISK_AND_IN_MEMORY(what_a_killed_process_staged_is_collected),
        ON_DISK_AND_IN_MEMORY(what_a_worker_still_unpacks_is_not_collected),
        /* hundreds of commits, each of which syncs: not on disk */
        IN_MEMORY(processes_that_race_for_a_chain_id_leave_one_whole_layer),
        IN_MEMORY(collecting_takes_nothing_from_the_living),
        cmocka_unit_test(a_full_file_system_is_reported_and_leaves_nothing),
        cmocka_unit_test(a_commit_that_finds_no_space_can_be_tried_again),
    };

    return cmocka_run_group_tests(tests, scratch_enter_namespace, NULL);
}
