/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a confined process tries, it tries in a child that says with its exit code what it got: an
 * errno, or 0 when it worked. Each attempt runs as root, which becomes nobody, and as somebody
 * else.
 */

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "registry/worker/confine.h"

#define SOMEBODY 12345
#define SECRET_PATH "/tmp/cay-confine-secret-XXXXXX"

static char secret_path[sizeof(SECRET_PATH)] = SECRET_PATH; /* root's alone */

static int result(int r)
{
    return r < 0 ? errno : 0;
}

static int make_internet_socket(void)
{
    return result(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int make_unix_socket(void)
{
    return result(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int make_packet_socket(void)
{
    return result(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int listen_for_others(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? -errno : result(listen(fd, 1));
}

static int read_hosts(void)
{
    return result(open("/etc/hosts", O_RDONLY | O_CLOEXEC));
}

static int read_secret(void)
{
    return result(open(secret_path, O_RDONLY | O_CLOEXEC));
}

static int read_accounts(void)
{
    return result(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int make_file(void)
{
    return result(open("/tmp/cay-confine-made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void *do_nothing(void *data)
{
    return data;
}

static int make_thread(void)
{
    pthread_t thread;
    int r = pthread_create(&thread, NULL, do_nothing, NULL);

    return r ? r : pthread_join(thread, NULL);
}

static int make_process(void)
{
    return result((int)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0));
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

static int kill_parent(void)
{
    return result(kill(getppid(), SIGCONT));
}

static int mount_something(void)
{
    return result(mount("none", "/tmp", "tmpfs", 0, NULL));
}

static int map_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? errno
               : 0;
}

/* What an attempt yields, or -signal when it was its end. */
static int run_confined(bool as_root, int (*attempt)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (!as_root && (setresgid(SOMEBODY, SOMEBODY, SOMEBODY) < 0 ||
                         setresuid(SOMEBODY, SOMEBODY, SOMEBODY) < 0))
            _exit(200);
        if (confine(NULL) < 0)
            _exit(201);
        _exit(attempt());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void assert_both(int (*attempt)(void), int wanted)
{
    assert_int_equal(run_confined(true, attempt), wanted);
    assert_int_equal(run_confined(false, attempt), wanted);
}

static void what_registries_take_works(void **state)
{
    (void)state;
    assert_both(make_internet_socket, 0);
    assert_both(read_hosts, 0);
    assert_both(make_thread, 0);
}

static void services_of_this_machine_cannot_be_spoken_to(void **state)
{
    (void)state;
    assert_both(make_unix_socket, EPERM);
    assert_both(make_packet_socket, EPERM);
    assert_both(listen_for_others, EPERM);
}

static void the_files_of_root_are_out_of_reach(void **state)
{
    (void)state;
    assert_both(read_secret, EACCES);
    assert_both(make_file, EPERM);
}

static void no_other_file_can_be_read_where_there_is_landlock(void **state)
{
    (void)state;
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 2)
        skip();
    assert_both(read_accounts, EACCES);
}

static void calls_without_use_are_refused(void **state)
{
    (void)state;
    assert_both(make_process, EPERM);
    assert_both(kill_parent, EPERM);
    assert_both(map_code, EPERM);
}

static void calls_of_an_attacker_kill(void **state)
{
    (void)state;
    assert_both(execute, -SIGSYS);
    assert_both(trace_parent, -SIGSYS);
    assert_both(mount_something, -SIGSYS);
}

static int setup(void **state)
{
    _cleanup_close_ int fd = mkostemp(secret_path, O_CLOEXEC);

    (void)state;
    return fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(secret_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_registries_take_works),
        cmocka_unit_test(services_of_this_machine_cannot_be_spoken_to),
        cmocka_unit_test(the_files_of_root_are_out_of_reach),
        cmocka_unit_test(no_other_file_can_be_read_where_there_is_landlock),
        cmocka_unit_test(calls_without_use_are_refused),
        cmocka_unit_test(calls_of_an_attacker_kill),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
