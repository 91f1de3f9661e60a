/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a confined process tries, it tries in a child that says with its exit code what it got: an
 * errno, or 0 when it worked.
 */

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "network/dns/confine.h"

#define PATH "/tmp/cay-confine-XXXXXX"

static char public_path[sizeof(PATH)] = PATH; /* that everybody may read */

static int result(int r)
{
    return r < 0 ? errno : 0;
}

static int ask_somebody(void)
{
    struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons(53) };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return fd < 0 ? errno : result(connect(fd, (struct sockaddr *)&server, sizeof(server)));
}

static int make_loop(void)
{
    return result(epoll_create1(EPOLL_CLOEXEC));
}

static int look_at_limit(void)
{
    struct rlimit limit;

    return result(getrlimit(RLIMIT_NOFILE, &limit));
}

static int raise_limit(void)
{
    return result(setrlimit(RLIMIT_CORE, &(struct rlimit) {}));
}

static int read_servers(void)
{
    return result(open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC));
}

static int read_elsewhere(void)
{
    return result(open(public_path, O_RDONLY | O_CLOEXEC));
}

static int read_shadow(void)
{
    return result(open("/etc/shadow", O_RDONLY | O_CLOEXEC));
}

static int make_file(void)
{
    return result(open("/tmp/cay-confine-made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int make_unix_socket(void)
{
    return result(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int make_netlink_socket(void)
{
    return result(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int take_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? 0 : result(bind(fd, (struct sockaddr *)&address, sizeof(address)));
}

static int make_process(void)
{
    return result((int)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0));
}

static int kill_parent(void)
{
    return result(kill(getppid(), SIGCONT));
}

static int map_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? errno
               : 0;
}

static int execute(void)
{
    char *const arguments[] = { (char *)"true", NULL };

    return result(execve("/bin/true", arguments, NULL));
}

static int trace_parent(void)
{
    return result((int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int mount_something(void)
{
    return result(mount("none", "/tmp", "tmpfs", 0, NULL));
}

static int enter_namespace(void)
{
    return result(setns(STDERR_FILENO, CLONE_NEWNET));
}

/* What an attempt yields, or -signal when it was its end. */
static int run_confined(int (*attempt)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(confine(NULL) < 0 ? 201 : attempt());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void what_names_take_works(void **state)
{
    (void)state;
    assert_int_equal(run_confined(ask_somebody), 0);
    assert_int_equal(run_confined(make_loop), 0);
    assert_int_equal(run_confined(look_at_limit), 0);
    assert_int_equal(run_confined(read_servers), 0);
}

static void nothing_else_is_read_and_nothing_written(void **state)
{
    (void)state;
    assert_int_equal(run_confined(read_shadow), EACCES);
    assert_int_equal(run_confined(make_file), EPERM);
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 2)
        skip();
    assert_int_equal(run_confined(read_elsewhere), EACCES);
}

static void calls_without_use_are_refused(void **state)
{
    int (*const attempts[])(void) = { make_unix_socket, make_netlink_socket, take_port, raise_limit,
                                      make_process,     kill_parent,         map_code };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
        assert_int_equal(run_confined(attempts[i]), EPERM);
}

static void calls_of_an_attacker_kill(void **state)
{
    int (*const attempts[])(void) = { execute, trace_parent, mount_something, enter_namespace };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
        assert_int_equal(run_confined(attempts[i]), -SIGSYS);
}

static int setup(void **state)
{
    _cleanup_close_ int fd = mkostemp(public_path, O_CLOEXEC);

    (void)state;
    return fd < 0 || fchmod(fd, 0644) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(public_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_names_take_works),
        cmocka_unit_test(nothing_else_is_read_and_nothing_written),
        cmocka_unit_test(calls_without_use_are_refused),
        cmocka_unit_test(calls_of_an_attacker_kill),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
