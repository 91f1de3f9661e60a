/* SPDX-License-Identifier: Apache-2.0 */

/* Processes of a cgroup stopped and let go, by either freezer, and listed. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroup-fixture.h"

/* A child that echoes bytes, busily, so that it is stopped wherever it may be. */
typedef struct Echo {
    pid_t pid;
    int to[2], from[2];
} Echo;

static int echo(void *data)
{
    const Echo *pipes = data;
    char byte;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(pipes->to[1]);
    while (read(pipes->to[0], &byte, 1) == 1)
        if (write(pipes->from[1], &byte, 1) != 1)
            return 1;
    return 0;
}

static void echo_start(Echo *ret, const Cgroup *cgroup)
{
    assert_int_equal(pipe2(ret->to, O_CLOEXEC), 0);
    assert_int_equal(pipe2(ret->from, O_CLOEXEC), 0);
    ret->pid = fixture_clone_into(cgroup, echo, ret);
    /* Once it answers, it has entered. */
    assert_int_equal(write(ret->to[1], "x", 1), 1);
    assert_int_equal(read(ret->from[0], &(char) { 0 }, 1), 1);
}

/* It is dead, or dies of this. */
static void echo_end(Echo *child)
{
    int status;

    (void)kill(child->pid, SIGKILL);
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    assert_true(WIFSIGNALED(status));
    for (size_t i = 0; i < 2; i++) {
        close(child->to[i]);
        close(child->from[i]);
    }
}

static void check_freezing(Hierarchies which)
{
    Cgroup *cgroup = fixture_create(which, "a", NULL);
    _cleanup_error_ Error err = {};
    Echo child;
    char byte;

    echo_start(&child, cgroup);
    assert_false(cgroup_is_frozen(cgroup));
    for (int i = 0; i < 20; i++) {
        if (cgroup_freeze(cgroup, &err) < 0)
            fail_msg("%s", error_message(&err));
        assert_true(cgroup_is_frozen(cgroup));
        assert_int_equal(write(child.to[1], "x", 1), 1);
        /* It has its byte and does nothing: there is an answer only once it is let go. */
        assert_int_equal(fd_set_nonblock(child.from[0], true), 0);
        assert_int_equal(read(child.from[0], &byte, 1), -1);
        assert_int_equal(fd_set_nonblock(child.from[0], false), 0);
        assert_int_equal(cgroup_thaw(cgroup, NULL), 0);
        assert_false(cgroup_is_frozen(cgroup));
        assert_int_equal(read(child.from[0], &byte, 1), 1);
    }
    echo_end(&child);
    fixture_remove(cgroup);
}

static void test_a_frozen_cgroup_does_nothing_until_it_is_thawed(void **state)
{
    (void)state;
    check_freezing(AS_MOUNTED);
}

static void test_v1_freezes_without_v2(void **state)
{
    (void)state;
    if (fixture_has_v1(CGROUP_FREEZER))
        check_freezing(ONLY_V1);
}

static void check_killing(Hierarchies which)
{
    Cgroup *cgroup = fixture_create(which, "a", NULL);
    Echo child;
    siginfo_t info = {};

    echo_start(&child, cgroup);
    assert_int_equal(cgroup_freeze(cgroup, NULL), 0);
    assert_int_equal(cgroup_kill(cgroup, NULL), 0);
    assert_int_equal(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    assert_int_equal(info.si_pid, child.pid); /* dead already */
    echo_end(&child);
    fixture_remove(cgroup);
}

static void test_a_frozen_cgroup_can_be_killed(void **state)
{
    (void)state;
    check_killing(AS_MOUNTED);
    if (fixture_has_v1(CGROUP_FREEZER))
        check_killing(ONLY_V1);
}

/* A container with the v1 freezer at hand stops its own process with it. */
static void test_what_the_v1_freezer_holds_is_killed_on_a_hybrid_host(void **state)
{
    Cgroup *cgroup = fixture_create(AS_MOUNTED, "a", NULL);
    const CgroupHierarchy *freezer = cgroup_find_controller(cgroup, CGROUP_FREEZER);
    Echo child;

    (void)state;
    if (!freezer || !cgroup_unified(cgroup)) { /* no hybrid */
        fixture_remove(cgroup);
        return;
    }
    echo_start(&child, cgroup);
    assert_int_equal(file_poke_at(freezer->fd, "freezer.state", "FROZEN"), 0);
    assert_int_equal(cgroup_kill(cgroup, NULL), 0);
    echo_end(&child);
    fixture_remove(cgroup);
}

static void test_processes_are_listed_with_those_of_cgroups_below(void **state)
{
    Cgroup *cgroup = fixture_create(AS_MOUNTED, "a", NULL);
    pid_t *pids = NULL;
    size_t count = 1;
    char text[16];
    Echo first, second;

    (void)state;
    assert_int_equal(cgroup_list_pids(cgroup, &pids, &count, NULL), 0);
    assert_int_equal(count, 0);
    free(pids);

    echo_start(&first, cgroup);
    echo_start(&second, cgroup);
    assert_int_equal(mkdirat(cgroup->layout.items[0].fd, "below", 0755), 0);
    snprintf(text, sizeof(text), "%d", second.pid);
    assert_int_equal(file_poke_at(cgroup->layout.items[0].fd, "below/cgroup.procs", text), 0);
    assert_int_equal(cgroup_list_pids(cgroup, &pids, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_int_equal(pids[0] + pids[1], first.pid + second.pid);
    assert_true(pids[0] < pids[1]);
    free(pids);
    echo_end(&first);
    echo_end(&second);
    fixture_remove(cgroup);
}

#define real_test(function) cmocka_unit_test_teardown(function, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        real_test(test_a_frozen_cgroup_does_nothing_until_it_is_thawed),
        real_test(test_v1_freezes_without_v2),
        real_test(test_a_frozen_cgroup_can_be_killed),
        real_test(test_what_the_v1_freezer_holds_is_killed_on_a_hybrid_host),
        real_test(test_processes_are_listed_with_those_of_cgroups_below),
    };

    fixture_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
