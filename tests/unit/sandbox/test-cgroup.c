/* SPDX-License-Identifier: Apache-2.0 */

/* A container's cgroup in all hierarchies: made, entered, killed and removed without a trace. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "cgroup-fixture.h"

static void test_every_hierarchy_is_found_once_and_v2_comes_first(void **state)
{
    _cleanup_(cgroup_layout_done) CgroupLayout layout = {};
    unsigned seen = 0;

    (void)state;
    assert_int_equal(cgroup_layout_find(&layout, NULL), 0);
    assert_true(layout.count > 0);
    for (size_t i = 0; i < layout.count; i++) {
        assert_true(!layout.items[i].is_v2 || i == 0);
        assert_int_equal(seen & layout.items[i].controllers, 0);
        seen |= layout.items[i].controllers;
        assert_true(fcntl(layout.items[i].root_fd, F_GETFD) & FD_CLOEXEC);
    }
}

static void test_controllers_are_read_from_both_kinds_of_lists(void **state)
{
    (void)state;
    assert_int_equal(cgroup_controllers_parse("rw,cpu,cpuacct", false),
                     CGROUP_BIT(CGROUP_CPU) | CGROUP_BIT(CGROUP_CPUACCT));
    assert_int_equal(cgroup_controllers_parse("rw,name=systemd", false), 0);
    assert_int_equal(cgroup_controllers_parse("cpuset io pids\n", true),
                     CGROUP_BIT(CGROUP_CPUSET) | CGROUP_BIT(CGROUP_IO) | CGROUP_BIT(CGROUP_PIDS));
    assert_int_equal(cgroup_controllers_parse("blkio", true), 0);
}

static void test_a_cgroup_comes_and_goes_with_its_parent(void **state)
{
    Cgroup *first = fixture_create(AS_MOUNTED, "a", NULL),
           *second = fixture_create(AS_MOUNTED, "b", NULL);
    size_t places = first->layout.count;

    (void)state;
    assert_int_equal(fixture_count_places(fixture_parent_path), places);
    fixture_remove(first);
    assert_int_equal(fixture_count_places(fixture_parent_path), places);
    fixture_remove(second);
    assert_int_equal(fixture_count_places(fixture_parent_path), 0);
}

static void test_a_parent_that_was_there_before_stays(void **state)
{
    _cleanup_(cgroup_layout_done) CgroupLayout layout = {};

    (void)state;
    assert_int_equal(cgroup_layout_find(&layout, NULL), 0);
    assert_int_equal(mkdirat(layout.items[0].root_fd, fixture_parent_path + 1, 0755), 0);
    fixture_remove(fixture_create(AS_MOUNTED, "a", NULL));
    assert_int_equal(fixture_count_places(fixture_parent_path), 1);
    assert_int_equal(unlinkat(layout.items[0].root_fd, fixture_parent_path + 1, AT_REMOVEDIR), 0);
}

static void test_removal_takes_along_what_a_container_made_inside(void **state)
{
    Cgroup *cgroup = fixture_create(AS_MOUNTED, "a", NULL);
    char deep[1024] = "";

    (void)state;
    for (size_t i = 0; i < 40; i++) {
        strncat(deep, i ? "/x" : "x", sizeof(deep) - strlen(deep) - 1);
        assert_int_equal(mkdirat(cgroup->layout.items[0].fd, deep, 0755), 0);
    }
    assert_int_equal(mkdirat(cgroup->layout.items[0].fd, "y", 0755), 0);
    assert_int_equal(mkdirat(cgroup->layout.items[0].fd, "x/z", 0755), 0);
    fixture_remove(cgroup);
}

static void test_a_path_that_is_not_a_cgroups_is_refused(void **state)
{
    static const char *const paths[] = { "", "/", "..", "/..", "/a/../../b", "//" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        const CgroupOptions options = { paths[i], false };
        Cgroup *cgroup = NULL;

        assert_int_equal(cgroup_create(&options, NULL, &cgroup, NULL), -EINVAL);
        assert_int_equal(cgroup_open(paths[i], &cgroup, NULL), -EINVAL);
    }
}

static void test_opening_what_is_not_there_says_so(void **state)
{
    _cleanup_free_ char *path = fixture_path("nothing");
    _cleanup_error_ Error err = {};
    Cgroup *cgroup = NULL;

    (void)state;
    assert_int_equal(cgroup_open(path, &cgroup, &err), -ENOENT);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

/* A child that waits for its end. Returns its pid. */
static pid_t start_sleeper(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    return pid;
}

static void assert_killed(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void test_a_cgroup_in_use_is_a_conflict_and_an_empty_one_is_replaced(void **state)
{
    LinuxPids pids = { 17 };
    LinuxResources resources = { .pids = &pids };
    Cgroup *cgroup = fixture_create(AS_MOUNTED, "a", &resources), *again = NULL;
    _cleanup_error_ Error err = {};
    pid_t pid = start_sleeper();

    (void)state;
    assert_int_equal(mkdirat(cgroup->layout.items[0].fd, "inner", 0755), 0);
    assert_int_equal(cgroup_attach(cgroup, pid, NULL), 0);
    assert_int_equal(fixture_try_create(AS_MOUNTED, "a", NULL, &again, &err), -EBUSY);
    assert_int_equal(err.kind, ERROR_CONFLICT);
    /* Nothing of the other's was touched. */
    assert_int_equal(faccessat(cgroup->layout.items[0].fd, "inner", F_OK, 0), 0);
    assert_true(cgroup_is_populated(cgroup));

    assert_int_equal(cgroup_kill(cgroup, NULL), 0);
    assert_killed(pid);
    again = fixture_create(AS_MOUNTED, "a", NULL);
    fixture_assert_control(again, CGROUP_PIDS, "pids.max", "max");
    cgroup_free(cgroup);
    fixture_remove(again);
}

/* The v1 cgroups of a process, as the kernel tells it, that are in this test's parent. */
static size_t count_memberships(pid_t pid)
{
    char path[64], line[512];
    size_t count = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
    file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        count += strstr(line, fixture_parent_path) != NULL;
    fclose(file);
    return count;
}

static void test_a_process_is_moved_in_every_hierarchy(void **state)
{
    Cgroup *cgroup = fixture_create(AS_MOUNTED, "a", NULL);
    pid_t pid = start_sleeper();

    (void)state;
    assert_false(cgroup_is_populated(cgroup));
    assert_int_equal(cgroup_attach(cgroup, pid, NULL), 0);
    assert_int_equal(count_memberships(pid), cgroup->layout.count);
    assert_true(cgroup_is_populated(cgroup));
    assert_int_equal(cgroup_kill(cgroup, NULL), 0);
    assert_killed(pid);
    assert_false(cgroup_is_populated(cgroup));
    fixture_remove(cgroup);
}

static int tell_and_wait(void *data)
{
    const int *fds = data;
    char byte = 0;

    if (write(fds[1], &byte, 1) != 1)
        return 102;
    for (;;)
        pause();
}

static void test_a_child_enters_by_itself(void **state)
{
    Cgroup *cgroup = fixture_create(AS_MOUNTED, "a", NULL);
    int fds[2];
    pid_t pid;
    char byte;

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid = fixture_clone_into(cgroup, tell_and_wait, fds);
    assert_int_equal(read(fds[0], &byte, 1), 1);
    assert_int_equal(count_memberships(pid), cgroup->layout.count);
    assert_int_equal(cgroup_kill(cgroup, NULL), 0);
    assert_killed(pid);
    close(fds[0]);
    close(fds[1]);
    fixture_remove(cgroup);
}

/* Each fork is told to the parent, until it has seen enough and stops listening. */
static __attribute__((noreturn)) int fork_bomb(void *data)
{
    const int *fds = data;

    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        char byte = 0;

        if (fork() >= 0)
            (void)!write(fds[1], &byte, 1);
    }
}

static void kill_fork_bomb(Hierarchies which)
{
    LinuxPids pids = { 60 };
    LinuxResources resources = { .pids = &pids };
    Cgroup *cgroup;
    int fds[2];
    _cleanup_error_ Error err = {};

    cgroup = fixture_create(which, "bomb", &resources);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, 0), 0);
    (void)fixture_clone_into(cgroup, fork_bomb, fds);
    for (size_t i = 0; i < 59; i++) {
        char byte;

        assert_int_equal(read(fds[0], &byte, 1), 1);
    }
    if (cgroup_kill(cgroup, &err) < 0)
        fail_msg("%s", error_message(&err));
    assert_false(cgroup_is_populated(cgroup));
    close(fds[0]);
    close(fds[1]);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
    fixture_remove(cgroup);
}

static void test_a_fork_bomb_is_killed(void **state)
{
    (void)state;
    kill_fork_bomb(AS_MOUNTED);
}

static void test_a_fork_bomb_is_killed_without_the_v2_hierarchy(void **state)
{
    (void)state;
    if (fixture_has_v1(CGROUP_PIDS)) /* else there is v2 alone, which the test above is about */
        kill_fork_bomb(ONLY_V1);
}

static void test_a_frozen_child_cgroup_is_killed_too(void **state)
{
    bool is_v1 = fixture_has_v1(CGROUP_FREEZER);
    Cgroup *cgroup = fixture_create(is_v1 ? ONLY_V1 : ONLY_V2, "a", NULL);
    const CgroupHierarchy *freezer =
        is_v1 ? cgroup_find_controller(cgroup, CGROUP_FREEZER) : cgroup_unified(cgroup);
    pid_t pid = start_sleeper();
    char text[16];

    (void)state;
    assert_non_null(freezer);
    assert_int_equal(cgroup_attach(cgroup, pid, NULL), 0);
    assert_int_equal(mkdirat(freezer->fd, "inner", 0755), 0);
    snprintf(text, sizeof(text), "%d", pid);
    assert_int_equal(file_poke_at(freezer->fd, "inner/cgroup.procs", text), 0);
    if (is_v1)
        assert_int_equal(file_poke_at(freezer->fd, "inner/freezer.state", "FROZEN"), 0);
    else
        assert_int_equal(file_poke_at(freezer->fd, "inner/cgroup.freeze", "1"), 0);
    assert_int_equal(cgroup_kill(cgroup, NULL), 0);
    assert_killed(pid);
    fixture_remove(cgroup);
}

static void test_removing_a_cgroup_with_processes_is_a_conflict(void **state)
{
    Cgroup *cgroup = fixture_create(AS_MOUNTED, "a", NULL), *opened = NULL;
    _cleanup_free_ char *path = fixture_path("a");
    _cleanup_error_ Error err = {};
    pid_t pid = start_sleeper();

    (void)state;
    assert_int_equal(cgroup_attach(cgroup, pid, NULL), 0);
    cgroup_free(cgroup);
    assert_int_equal(cgroup_open(path, &opened, NULL), 0);
    assert_int_equal(cgroup_remove(opened, &err), -EBUSY);
    assert_int_equal(err.kind, ERROR_CONFLICT);
    cgroup_free(opened);

    assert_int_equal(cgroup_open(path, &opened, NULL), 0);
    assert_int_equal(cgroup_kill(opened, NULL), 0);
    assert_killed(pid);
    assert_int_equal(cgroup_remove(opened, NULL), 0);
    assert_int_equal(cgroup_remove(opened, NULL), 0); /* missing is success */
    cgroup_free(opened);
}

static int use_memory(void *data)
{
    const size_t size = 64 << 20;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)data;
    if (memory == MAP_FAILED)
        return 1;
    memset(memory, 1, size);
    return 0;
}

static void test_the_oom_killers_strikes_are_counted(void **state)
{
    LinuxResources resources = {
        .memory = { .limit = { true, 16 << 20 }, .swap = { true, 16 << 20 } },
    };
    Cgroup *cgroup = fixture_create(AS_MOUNTED, "a", &resources);

    (void)state;
    assert_int_equal(cgroup_oom_kills(cgroup), 0);
    assert_killed(fixture_clone_into(cgroup, use_memory, NULL));
    assert_true(cgroup_oom_kills(cgroup) >= 1);
    fixture_remove(cgroup);
}

/* Many at once, each its own cgroup below one parent that comes and goes. */
static int create_and_remove_often(int number)
{
    for (int i = 0; i < 60; i++) {
        _cleanup_error_ Error err = {};
        _cleanup_free_ char *path = memory_printf("%s/race-%d", fixture_parent_path, number);
        const CgroupOptions options = { path, false };
        Cgroup *cgroup = NULL;
        int r = cgroup_create(&options, NULL, &cgroup, &err);

        if (r == 0)
            r = cgroup_remove(cgroup, &err);
        cgroup_free(cgroup);
        if (r < 0) {
            fprintf(stderr, "%s\n", error_message(&err));
            return 1;
        }
    }
    return 0;
}

static void test_creations_and_removals_race_without_harm(void **state)
{
    pid_t pids[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0)
            _exit(create_and_remove_often(i));
    }
    for (int i = 0; i < 4; i++) {
        int status;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(fixture_count_places(fixture_parent_path), 0);
}

/* Who kills a container opens its cgroup while whoever ran it may be removing it. */
static void test_a_cgroup_that_is_removed_while_it_is_opened_is_there_or_not(void **state)
{
    _cleanup_free_ char *path = fixture_path("race-0");
    int status;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(create_and_remove_often(0));
    while (waitpid(pid, &status, WNOHANG) == 0) {
        _cleanup_error_ Error err = {};
        Cgroup *cgroup = NULL;

        if (cgroup_open(path, &cgroup, &err) < 0 && err.kind != ERROR_NOT_FOUND)
            fail_msg("%s", error_message(&err));
        cgroup_free(cgroup);
    }
    assert_int_equal(status, 0);
}

#define real_test(function) cmocka_unit_test_teardown(function, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        real_test(test_every_hierarchy_is_found_once_and_v2_comes_first),
        cmocka_unit_test(test_controllers_are_read_from_both_kinds_of_lists),
        real_test(test_a_cgroup_comes_and_goes_with_its_parent),
        real_test(test_a_parent_that_was_there_before_stays),
        real_test(test_removal_takes_along_what_a_container_made_inside),
        real_test(test_a_path_that_is_not_a_cgroups_is_refused),
        real_test(test_opening_what_is_not_there_says_so),
        real_test(test_a_cgroup_in_use_is_a_conflict_and_an_empty_one_is_replaced),
        real_test(test_a_process_is_moved_in_every_hierarchy),
        real_test(test_a_child_enters_by_itself),
        real_test(test_a_fork_bomb_is_killed),
        real_test(test_a_fork_bomb_is_killed_without_the_v2_hierarchy),
        real_test(test_a_frozen_child_cgroup_is_killed_too),
        real_test(test_removing_a_cgroup_with_processes_is_a_conflict),
        real_test(test_the_oom_killers_strikes_are_counted),
        real_test(test_creations_and_removals_race_without_harm),
        real_test(test_a_cgroup_that_is_removed_while_it_is_opened_is_there_or_not),
    };

    fixture_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
