/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a confined process tries, it tries in a child that says with its exit code what it got: an
 * errno, or 0 when it worked. Each attempt runs twice: as root, which gets a root directory of its
 * own, and as nobody, whom Landlock alone holds back.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/syscalls.h"
#include "image/worker/confine.h"

#define NOBODY 65534

/* The child's descriptors: one that it keeps although it should not, its target, one to lose. */
enum {
    OUTSIDE_FD = 3,
    TARGET_FD = 4,
    CLOSE_FROM = 5,
};

typedef struct Scratch {
    char path[32];
    int fd;
    int target_fd;
    int outside_fd;
} Scratch;

static Scratch scratch;

static int child_target; /* after confine() */

/* Attempts: 0 when it worked, else errno. */

static int result(int r)
{
    return r < 0 ? errno : 0;
}

static int make_file_in_target(void)
{
    int fd = openat(child_target, "file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    return fd < 0 || write(fd, "x", 1) != 1 || ftruncate(fd, 100) < 0 ? errno : 0;
}

static int read_file_in_target(void)
{
    return result(openat(child_target, "file", O_RDONLY | O_CLOEXEC));
}

static int make_tree_in_target(void)
{
    if (mkdirat(child_target, "a", 0700) < 0 || mkdirat(child_target, "b", 0700) < 0 ||
        mknodat(child_target, "a/fifo", S_IFIFO | 0600, 0) < 0 ||
        symlinkat("nowhere", child_target, "a/symlink") < 0 ||
        linkat(child_target, "a/fifo", child_target, "b/fifo", 0) < 0)
        return errno;
    return -path_remove_tree(child_target, "a");
}

static int make_device_in_target(void)
{
    if (mknodat(child_target, "device", S_IFCHR | 0600, makedev(1, 3)) < 0)
        return errno;
    return result(fchownat(child_target, "device", 1, 1, AT_SYMLINK_NOFOLLOW));
}

static int set_trusted_xattr(void)
{
    return result(fsetxattr(child_target, "trusted.test", "x", 1, 0));
}

static int read_outside_by_path(void)
{
    return result(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int write_outside_by_path(void)
{
    char path[sizeof(scratch.path) + sizeof("/outside/new")];

    snprintf(path, sizeof(path), "%s/outside/new", scratch.path);
    return result(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int write_outside_from_target(void)
{
    return result(openat(child_target, "../outside/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int write_outside_by_handle(void)
{
    return result(openat(OUTSIDE_FD, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int truncate_outside_by_handle(void)
{
    return result(openat(OUTSIDE_FD, "precious", O_WRONLY | O_TRUNC | O_CLOEXEC));
}

static int make_directory_outside_by_handle(void)
{
    return result(mkdirat(OUTSIDE_FD, "new", 0700));
}

static int make_device_outside_by_handle(void)
{
    return result(mknodat(OUTSIDE_FD, "new", S_IFCHR | 0600, makedev(1, 3)));
}

static int remove_outside_by_handle(void)
{
    return result(unlinkat(OUTSIDE_FD, "precious", 0));
}

static int link_from_outside(void)
{
    return result(linkat(OUTSIDE_FD, "precious", child_target, "mine", 0));
}

static int use_lost_descriptor(void)
{
    return result(fcntl(CLOSE_FROM, F_GETFD));
}

static int use_terminal_ioctl(void)
{
    return result(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}

static int map_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? errno
               : 0;
}

static void *do_nothing(void *data)
{
    return data;
}

static int make_thread(void)
{
    pthread_t thread;
    int r = pthread_create(&thread, NULL, do_nothing, NULL);

    return r == 0 ? pthread_join(thread, NULL) : r;
}

static int make_process(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return result((int)pid);
}

static int make_thread_in_namespace(void)
{
    long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWNET;

    return result((int)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL));
}

static int make_process_with_hidden_flags(void)
{
    struct clone_args arguments = { .exit_signal = SIGCHLD };

    return result((int)syscall(SYS_clone3, &arguments, sizeof(arguments)));
}

static int kill_somebody(void)
{
    return result(kill(getpid(), 0));
}

static int try_mount(void)
{
    return result(mount("none", "/", "tmpfs", 0, NULL));
}

static int try_move_mount(void)
{
    return result(open_tree(child_target, "", OPEN_TREE_CLONE | AT_EMPTY_PATH));
}

static int try_socket(void)
{
    return result(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int try_ptrace(void)
{
    return result((int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int try_execute(void)
{
    char *arguments[] = { NULL };

    return result(execve("/bin/true", arguments, arguments));
}

static int try_chroot(void)
{
    return result(fchdir(OUTSIDE_FD) < 0 ? -1 : chroot("."));
}

static int try_unshare(void)
{
    return result(unshare(CLONE_NEWUSER));
}

static int try_capset(void)
{
    return result((int)syscall(SYS_capset, NULL, NULL));
}

static int try_open_by_handle(void)
{
    struct file_handle handle = {};

    return result(open_by_handle_at(OUTSIDE_FD, &handle, O_RDONLY));
}

typedef struct Child {
    bool unprivileged;
    bool needs_trusted_xattrs;
    bool only_reads;
} Child;

static _Noreturn void child_run(const Child *child, int (*attempt)(void))
{
    ConfineOptions options = {
        .close_from = CLOSE_FROM,
        .needs_trusted_xattrs = child->needs_trusted_xattrs,
        .only_reads = child->only_reads,
    };

    /* Above those that they become. */
    if (fcntl(scratch.outside_fd, F_DUPFD, CLOSE_FROM) < 0 ||
        dup2(scratch.outside_fd, OUTSIDE_FD) < 0 || dup2(scratch.target_fd, TARGET_FD) < 0 ||
        (child->unprivileged &&
         (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0)))
        _exit(254);
    child_target = TARGET_FD;
    if (confine(&child_target, &options, NULL) < 0)
        _exit(253);
    _exit(attempt());
}

/* The errno of the attempt, or -signal. */
static int run_confined(const Child *child, int (*attempt)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        child_run(child, attempt);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static const Child root = { .needs_trusted_xattrs = true };
static const Child root_without_marks = {};
static const Child nobody = { .unprivileged = true };
static const Child reader = { .needs_trusted_xattrs = true, .only_reads = true };
static const Child reading_nobody = { .unprivileged = true, .only_reads = true };

static int scratch_open(const char *name)
{
    int fd;

    assert_int_equal(mkdirat(scratch.fd, name, 0777), 0);
    fd = fcntl(openat(scratch.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), F_DUPFD_CLOEXEC, 10);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, 0777), 0);
    return fd;
}

static int setup(void **state)
{
    (void)state;
    strncpy(scratch.path, "/tmp/cay-confine-XXXXXX", sizeof(scratch.path));
    assert_non_null(mkdtemp(scratch.path));
    assert_int_equal(chmod(scratch.path, 0755), 0);
    scratch.fd = open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(scratch.fd >= 0);
    scratch.target_fd = scratch_open("target");
    scratch.outside_fd = scratch_open("outside");
    assert_int_equal(file_write_at(scratch.outside_fd, "precious", "x", 1, 0666, 0), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fd_close(scratch.target_fd);
    fd_close(scratch.outside_fd);
    fd_close(scratch.fd);
    return path_remove_tree(AT_FDCWD, scratch.path);
}

static void assert_outside_untouched(void)
{
    struct stat st;

    assert_int_equal(fstatat(scratch.outside_fd, "precious", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_size, 1);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(faccessat(scratch.outside_fd, "new", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

static void unpacking_works_inside_the_target(void **state)
{
    (void)state;
    assert_int_equal(run_confined(&root, make_file_in_target), 0);
    assert_int_equal(run_confined(&root, make_tree_in_target), 0);
    assert_int_equal(run_confined(&root, make_device_in_target), 0);
    assert_int_equal(run_confined(&root, set_trusted_xattr), 0);
}

static void nobody_can_unpack_too(void **state)
{
    (void)state;
    assert_int_equal(run_confined(&nobody, make_file_in_target), 0);
    assert_int_equal(run_confined(&nobody, make_tree_in_target), 0);
    assert_int_equal(run_confined(&nobody, make_device_in_target), EPERM);
}

static void trusted_attributes_are_for_layers_only(void **state)
{
    (void)state;
    assert_int_equal(run_confined(&root_without_marks, set_trusted_xattr), EPERM);
    assert_int_equal(run_confined(&root_without_marks, make_device_in_target), 0);
}

static void who_packs_reads_the_target_and_changes_nothing(void **state)
{
    static int (*const attempts[])(void) = { make_file_in_target,     make_tree_in_target,
                                             make_device_in_target,   set_trusted_xattr,
                                             write_outside_by_handle, remove_outside_by_handle };

    (void)state;
    assert_int_equal(file_write_at(scratch.target_fd, "file", "x", 1, 0644, 0), 0);
    assert_int_equal(run_confined(&reader, read_file_in_target), 0);
    assert_int_equal(run_confined(&reading_nobody, read_file_in_target), 0);
    for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
        assert_int_not_equal(run_confined(&reader, attempts[i]), 0);
        assert_int_not_equal(run_confined(&reading_nobody, attempts[i]), 0);
    }
    assert_int_equal(run_confined(&reader, read_outside_by_path), ENOENT);
    assert_int_equal(run_confined(&reading_nobody, read_outside_by_path), EACCES);
    assert_int_equal(unlinkat(scratch.target_fd, "file", 0), 0); /* and nothing else is there */
    assert_int_equal(unlinkat(scratch.fd, "target", AT_REMOVEDIR), 0);
    assert_outside_untouched();
}

static void paths_outside_do_not_exist_for_root(void **state)
{
    (void)state;
    assert_int_equal(run_confined(&root, read_outside_by_path), ENOENT);
    assert_int_equal(run_confined(&root, write_outside_by_path), ENOENT);
    assert_int_equal(run_confined(&root, write_outside_from_target), ENOENT);
    assert_outside_untouched();
}

static void paths_outside_are_forbidden_for_nobody(void **state)
{
    (void)state;
    assert_int_equal(run_confined(&nobody, read_outside_by_path), EACCES);
    assert_int_equal(run_confined(&nobody, write_outside_by_path), EACCES);
    assert_int_equal(run_confined(&nobody, write_outside_from_target), EACCES);
    assert_outside_untouched();
}

static void handles_outside_are_of_no_use(void **state)
{
    static const struct {
        int (*attempt)(void);
        int errnum;
    } attempts[] = {
        { write_outside_by_handle, EACCES },
        { truncate_outside_by_handle, EACCES },
        { make_directory_outside_by_handle, EACCES },
        { make_device_outside_by_handle, EACCES },
        { remove_outside_by_handle, EACCES },
        { link_from_outside, EXDEV },
        { use_lost_descriptor, EBADF },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
        assert_int_equal(run_confined(&root, attempts[i].attempt), attempts[i].errnum);
        assert_int_not_equal(run_confined(&nobody, attempts[i].attempt), 0);
    }
    assert_outside_untouched();
}

static void calls_without_use_are_refused(void **state)
{
    (void)state;
    assert_int_equal(run_confined(&root, use_terminal_ioctl), EPERM);
    assert_int_equal(run_confined(&root, map_code), EPERM);
    assert_int_equal(run_confined(&root, kill_somebody), EPERM);
}

static void who_unpacks_has_threads_and_no_processes(void **state)
{
    (void)state;
    assert_int_equal(run_confined(&root, make_thread), 0);
    assert_int_equal(run_confined(&nobody, make_thread), 0);
    assert_int_equal(run_confined(&root, make_process), EPERM);
    assert_int_equal(run_confined(&root, make_thread_in_namespace), EPERM);
    assert_int_equal(run_confined(&root, make_process_with_hidden_flags), ENOSYS);
}

static void calls_of_an_attacker_kill(void **state)
{
    static int (*const attempts[])(void) = {
        try_mount,  try_move_mount, try_socket, try_ptrace,         try_execute,
        try_chroot, try_unshare,    try_capset, try_open_by_handle,
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
        assert_int_equal(run_confined(&root, attempts[i]), -SIGSYS);
        assert_int_equal(run_confined(&nobody, attempts[i]), -SIGSYS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(unpacking_works_inside_the_target, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_can_unpack_too, setup, teardown),
        cmocka_unit_test_setup_teardown(trusted_attributes_are_for_layers_only, setup, teardown),
        cmocka_unit_test_setup_teardown(who_packs_reads_the_target_and_changes_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(paths_outside_do_not_exist_for_root, setup, teardown),
        cmocka_unit_test_setup_teardown(paths_outside_are_forbidden_for_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(handles_outside_are_of_no_use, setup, teardown),
        cmocka_unit_test_setup_teardown(calls_without_use_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(who_unpacks_has_threads_and_no_processes, setup, teardown),
        cmocka_unit_test_setup_teardown(calls_of_an_attacker_kill, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
