/* SPDX-License-Identifier: Apache-2.0 */

/* Where processes are, what cgroupsPath means, and joining a cgroup that another process made. */

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
#include "base/memory.h"
#include "cgroup-fixture.h"

static const char memberships[] =
    "4:memory:/a\n3:cpu,cpuacct:/b:c\n1:name=systemd:/s/x\n0::/v2/y\n";

static const struct {
    CgroupHierarchy hierarchy;
    const char *path;
} place_cases[] = {
    { { .is_v2 = true, .mount_root = (char *)"/" }, "v2/y" },
    { { .options = (char *)"rw,memory", .mount_root = (char *)"/" }, "a" },
    { { .options = (char *)"rw,cpu,cpuacct", .mount_root = (char *)"/" }, "b:c" },
    { { .options = (char *)"rw,cpuacct,cpu", .mount_root = (char *)"/" }, "b:c" },
    { { .options = (char *)"rw,xattr,name=systemd", .mount_root = (char *)"/" }, "s/x" },
    { { .options = (char *)"rw,cpuset", .mount_root = (char *)"/" }, NULL },
    /* Mounted from below its root: what is there, and what is not. */
    { { .is_v2 = true, .mount_root = (char *)"/v2" }, "y" },
    { { .is_v2 = true, .mount_root = (char *)"/v2/y" }, "." },
    { { .is_v2 = true, .mount_root = (char *)"/v" }, NULL },
    { { .is_v2 = true, .mount_root = (char *)"/other" }, NULL },
};

static void test_a_process_is_found_in_each_hierarchy(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(place_cases); i++) {
        _cleanup_free_ char *path = cgroup_place_find(&place_cases[i].hierarchy, memberships);

        if (place_cases[i].path)
            assert_string_equal(path, place_cases[i].path);
        else
            assert_null(path);
    }
}

static void test_what_is_outside_of_the_namespace_is_out_of_reach(void **state)
{
    const CgroupHierarchy hierarchy = { .is_v2 = true, .mount_root = (char *)"/" };

    (void)state;
    assert_null(cgroup_place_find(&hierarchy, "0::/../other\n"));
    assert_null(cgroup_place_find(&hierarchy, ""));
    assert_null(cgroup_place_find(&hierarchy, "0:\n:\n\n"));
}

static void test_a_relative_path_of_root_is_below_the_root(void **state)
{
    _cleanup_(cgroup_layout_done) CgroupLayout layout = {};
    _cleanup_free_ char *fallback = cgroup_default_path("web", false);
    _cleanup_free_ char *unit = cgroup_default_path("web", true);
    _cleanup_free_ char *absolute = NULL, *relative = NULL;

    (void)state;
    assert_int_equal(cgroup_layout_find(&layout, NULL), 0);
    absolute = cgroup_place_resolve(&layout, "/a/b", 0);
    relative = cgroup_place_resolve(&layout, fallback, 0);
    assert_string_equal(absolute, "/a/b");
    assert_string_equal(relative, "/cay-oci-web");
    assert_string_equal(unit, ":cay-oci:web");
}

/* @data is a descriptor that takes a byte once it is in the cgroup everywhere. */
static int sleep_until_killed(void *data)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (write(*(int *)data, "x", 1) != 1)
        return 1;
    for (;;)
        pause();
    return 0;
}

static pid_t start_sleeper(const Cgroup *cgroup)
{
    int pipe_fds[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    pid = fixture_clone_into(cgroup, sleep_until_killed, &pipe_fds[1]);
    close(pipe_fds[1]);
    assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
    close(pipe_fds[0]);
    return pid;
}

static void end_sleeper(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The lines of /proc/PID/cgroup. */
static char *read_places(pid_t pid)
{
    char *path = memory_printf("/proc/%d/cgroup", pid), *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_int_equal(fd_read_all(fd, 65536, &text, NULL), 0);
    close(fd);
    free(path);
    return text;
}

static void test_a_cgroup_that_was_opened_is_joined_everywhere(void **state)
{
    Cgroup *made = fixture_create(AS_MOUNTED, "a", NULL);
    _cleanup_(cgroup_freep) Cgroup *opened = NULL;
    pid_t first, second;

    (void)state;
    first = start_sleeper(made);
    assert_int_equal(cgroup_open(cgroup_path(made), &opened, NULL), 0);
    second = start_sleeper(opened);
    for (size_t i = 0; i < made->layout.count; i++) {
        Cgroup single = { .path = made->path };
        pid_t *pids = NULL;
        size_t count = 0;

        single.layout.count = 1;
        single.layout.items[0] = made->layout.items[i];
        assert_int_equal(cgroup_list_pids(&single, &pids, &count, NULL), 0);
        assert_int_equal(count, 2);
        free(pids);
    }
    end_sleeper(first);
    end_sleeper(second);
    fixture_remove(made);
}

/* A container that has moved its processes down and enabled a controller: then only there. */
static void test_a_process_is_joined_where_it_has_moved_to(void **state)
{
    Cgroup *cgroup = fixture_create(ONLY_V2, "a", NULL);
    _cleanup_(cgroup_freep) Cgroup *place = NULL;
    _cleanup_free_ char *expected = NULL, *places = NULL;
    pid_t first = start_sleeper(cgroup), second;
    int fd = cgroup_unified_fd(cgroup);
    char text[16];

    (void)state;
    assert_int_equal(mkdirat(fd, "leaf", 0755), 0);
    snprintf(text, sizeof(text), "%d", first);
    assert_int_equal(file_poke_at(fd, "leaf/cgroup.procs", text), 0);

    assert_int_equal(cgroup_open_of_process(first, &place, NULL), 0);
    assert_false(cgroup_is_empty(place));
    second = start_sleeper(place);
    places = read_places(second);
    expected = memory_printf("0::%s/leaf\n", cgroup_path(cgroup));
    assert_non_null(strstr(places, expected));
    /* It is not ours to remove. */
    assert_true(cgroup_remove(place, NULL) < 0);
    end_sleeper(first);
    end_sleeper(second);
    fixture_remove(cgroup);
}

static void test_a_process_that_is_not_there_has_no_cgroup(void **state)
{
    pid_t pid = fork();
    Cgroup *cgroup = NULL;

    (void)state;
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(cgroup_open_of_process(pid, &cgroup, NULL), -ENOENT);
}

/* Nobody's user makes no cgroup: that is all right, and with a limit it is not. */
static int create_as_nobody(const char *path, const LinuxResources *resources, Error *err)
{
    const CgroupOptions options = { path, false };
    Cgroup *cgroup = NULL;
    int r;

    r = cgroup_create(&options, resources, &cgroup, err);
    if (r == 0 && (!cgroup_is_empty(cgroup) || strcmp(cgroup_path(cgroup), path) != 0))
        r = -ENOTEMPTY;
    if (r == 0)
        r = cgroup_enter(cgroup);
    if (r == 0)
        r = cgroup_remove(cgroup, err);
    cgroup_free(cgroup);
    return r;
}

static void test_without_privileges_only_limits_need_a_cgroup(void **state)
{
    LinuxResources limited = { .memory = { .limit = { true, 64 << 20 } } };
    LinuxResources devices = {};
    _cleanup_free_ char *path = fixture_path("a");
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        Error err = {};

        if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
            _exit(1);
        if (create_as_nobody(path, &devices, &err) < 0)
            _exit(2);
        if (create_as_nobody(path, &limited, &err) == 0)
            _exit(3);
        _exit(err.kind == ERROR_DENIED && strstr(error_message(&err), "'memory.limit'") ? 0 : 4);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* As systemd gives one to its users: then it is divided, and what is in it is the user's. */
static void test_without_privileges_a_delegated_cgroup_is_divided(void **state)
{
    Cgroup *own = fixture_create(ONLY_V2, "own", NULL);
    int status, fd = cgroup_unified_fd(own);
    pid_t pid;

    (void)state;
    assert_int_equal(fchown(fd, 65534, 65534), 0);
    assert_int_equal(fchownat(fd, "cgroup.procs", 65534, 65534, 0), 0);
    pid = fork();
    if (pid == 0) {
        _cleanup_(cgroup_layout_done) CgroupLayout layout = {};
        _cleanup_free_ char *expected = memory_printf("%s/sub", cgroup_path(own));
        Cgroup *cgroup = NULL;

        if (cgroup_attach(own, getpid(), NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
            setresuid(65534, 65534, 65534) < 0)
            _exit(1);
        if (cgroup_layout_find(&layout, NULL) < 0 ||
            cgroup_create_in(&layout, "sub", NULL, &cgroup, NULL) < 0)
            _exit(2);
        if (strcmp(cgroup_path(cgroup), expected) != 0 || cgroup_unified_fd(cgroup) < 0)
            _exit(3);
        if (cgroup_remove(cgroup, NULL) < 0)
            _exit(4);
        cgroup_free(cgroup);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    fixture_remove(own);
}

#define real_test(function) cmocka_unit_test_teardown(function, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_process_is_found_in_each_hierarchy),
        cmocka_unit_test(test_what_is_outside_of_the_namespace_is_out_of_reach),
        cmocka_unit_test(test_a_relative_path_of_root_is_below_the_root),
        real_test(test_a_cgroup_that_was_opened_is_joined_everywhere),
        real_test(test_a_process_is_joined_where_it_has_moved_to),
        cmocka_unit_test(test_a_process_that_is_not_there_has_no_cgroup),
        real_test(test_without_privileges_only_limits_need_a_cgroup),
        real_test(test_without_privileges_a_delegated_cgroup_is_divided),
    };

    fixture_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
