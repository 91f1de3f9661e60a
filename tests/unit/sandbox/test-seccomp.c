/* SPDX-License-Identifier: Apache-2.0 */

/* Seccomp programs: what filtered children may do, and what the cache does with bad files. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "sandbox/capabilities.h"
#include "sandbox/runtime-config.h"
#include "sandbox/seccomp-default.h"
#include "sandbox/seccomp-private.h"
#include "sandbox/seccomp.h"

/* Younger than the C library. */
#define NUMBER_MSEAL 462
#define NUMBER_FILE_GETATTR 468

/* A configuration around a profile, so that its own functions parse and free it. */
static RuntimeConfig *config_with(const char *seccomp)
{
    RuntimeConfig *config = NULL;
    _cleanup_error_ Error err = {};
    char text[4096];
    int length;

    length =
        snprintf(text, sizeof(text),
                 "{'ociVersion':'1.3.0','root':{'path':'r'},'linux':{'seccomp':{%s}}}", seccomp);
    assert_true(length > 0 && (size_t)length < sizeof(text));
    for (char *at = text; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    if (runtime_config_parse(text, (size_t)length, &config, &err) < 0)
        fail_msg("%s", error_message(&err));
    return config;
}

static RuntimeConfig *config_with_default(uint64_t capabilities)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = runtime_config_new();
    RuntimeConfig *parsed = NULL;
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    _cleanup_error_ Error err = {};

    /* By way of its text: the profile must be one that a configuration can carry. */
    config->root = NEW(RuntimeRoot);
    config->root->path = memory_strdup("r");
    config->linux_config.seccomp = seccomp_default_new(capabilities);
    json = runtime_config_to_json(config);
    text = json_to_text(json);
    if (runtime_config_parse(text, strlen(text), &parsed, &err) < 0)
        fail_msg("%s", error_message(&err));
    return parsed;
}

/* Run @body under the profile in a child. Returns the child's wait status. */
static int run_filtered(const LinuxSeccomp *profile, int (*body)(int listener))
{
    _cleanup_seccomp_program_ SeccompProgram program = {};
    _cleanup_error_ Error err = {};
    int status;
    pid_t pid;

    if (seccomp_program_load(profile, -EBADF, &program, &err) < 0)
        fail_msg("%s", error_message(&err));
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int r;

        signal(SIGSYS, SIG_DFL); /* cmocka has its own handler */
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
            _exit(101);
        r = seccomp_program_apply(&program);
        if (r < 0)
            _exit(102);
        _exit(body(r));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void assert_exits_0(int status)
{
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* The errno of a call that must fail, 0 where it did not. */
static int errno_of(long result)
{
    return result < 0 ? errno : 0;
}

static int mseal_unfiltered; /* EINVAL, or ENOSYS before Linux 6.10 */

static int default_without_capabilities(int listener)
{
    const struct {
        int expected;
        int got;
    } calls[] = {
        { EPERM, errno_of(unshare(CLONE_NEWUTS)) },
        { EPERM, errno_of(syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0)) },
        { ENOSYS, errno_of(syscall(SYS_clone3, NULL, 0)) },
        { EPERM, errno_of(syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL)) },
        { EPERM, errno_of(syscall(SYS_setns, 0, 0)) },
        { EPERM, errno_of(syscall(SYS_io_uring_setup, 1, NULL)) },
        { EPERM, errno_of(syscall(SYS_keyctl, 0, 0, 0, 0, 0)) },
        { EPERM, errno_of(syscall(SYS_bpf, 0, NULL, 0)) },
        { EPERM, errno_of(syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0)) },
        { EPERM, errno_of(syscall(SYS_chroot, "/")) },
        { EPERM, errno_of(socket(AF_VSOCK, SOCK_STREAM, 0)) },
        { EPERM, errno_of(socket(AF_ALG, SOCK_SEQPACKET, 0)) },
        { EPERM, errno_of(socket(12, SOCK_STREAM, 0)) },
        { 0, errno_of(socket(AF_UNIX, SOCK_STREAM, 0)) },
        { 0, errno_of(socket(AF_INET6, SOCK_STREAM, 0)) },
        { 0, errno_of(socket(AF_NETLINK, SOCK_RAW, 0)) },
        { 0, errno_of(syscall(SYS_personality, 0xffffffff)) },
        { 0, errno_of(syscall(SYS_personality, 0x20008)) },
        { EPERM, errno_of(syscall(SYS_personality, 0x0040000)) },
        /* Younger than libseccomp, and named by the profile: the kernel's own answer. */
        { mseal_unfiltered, errno_of(syscall(NUMBER_MSEAL, 1, 1, 0)) },
        /* Younger than the profile. */
        { ENOSYS, errno_of(syscall(NUMBER_FILE_GETATTR, -1, NULL, NULL, 0, 0)) },
        { ENOSYS, errno_of(syscall(NUMBER_FILE_GETATTR + 1, -1, NULL, NULL, 0, 0)) },
    };

    (void)listener;
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        if (calls[i].got != calls[i].expected)
            return (int)i + 1;
    }
    return 0;
}

static void test_the_default_profile_denies_what_containers_must_not_do(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = config_with_default(0);

    (void)state;
    mseal_unfiltered = errno_of(syscall(NUMBER_MSEAL, 1, 1, 0));
    assert_exits_0(run_filtered(config->linux_config.seccomp, default_without_capabilities));
}

static int default_lets_programs_work(int listener)
{
    int fds[2], status;
    pid_t pid;

    (void)listener;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return 1;
    pid = fork();
    if (pid == 0)
        _exit(7);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7)
        return 2;
    if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0 || chdir("/") < 0)
        return 3;
    execl("/bin/true", "true", (char *)NULL);
    return 4;
}

static void test_the_default_profile_lets_ordinary_programs_work(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config =
        config_with_default(CAPABILITIES_DEFAULT);

    (void)state;
    assert_exits_0(run_filtered(config->linux_config.seccomp, default_lets_programs_work));
}

static int default_with_all_capabilities(int listener)
{
    (void)listener;
    if (unshare(CLONE_NEWUTS) < 0)
        return 1;
    if (errno_of(syscall(SYS_clone3, NULL, 0)) != EINVAL)
        return 2;
    if (errno_of(syscall(SYS_bpf, 0, NULL, 0)) == EPERM)
        return 3;
    if (chroot("/") < 0)
        return 4;
    /* Still nobody's business. */
    return errno_of(syscall(SYS_io_uring_setup, 1, NULL)) == EPERM ? 0 : 5;
}

static void test_capabilities_open_the_calls_that_belong_to_them(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = config_with_default(UINT64_MAX);

    (void)state;
    assert_exits_0(run_filtered(config->linux_config.seccomp, default_with_all_capabilities));
}

#ifdef __x86_64__
/* A system call by the 32-bit entry, as any 64-bit program can make one. */
static long call_32(long number, long a)
{
    long result;

    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(a)
                     : "memory", "r8", "r9", "r10", "r11");
    return result;
}

static int default_for_32_bit_calls(int listener)
{
    (void)listener;
    if (call_32(20, 0) != getpid()) /* getpid */
        return 1;
    if (call_32(310, CLONE_NEWUTS) != -EPERM) /* unshare */
        return 2;
    if (call_32(435, 0) != -ENOSYS) /* clone3 */
        return 3;
    return call_32(NUMBER_FILE_GETATTR, -1) == -ENOSYS ? 0 : 4;
}

static int needs_32_bit_calls(int listener)
{
    (void)listener;
    return call_32(20, 0) == getpid() ? 0 : 1;
}

static void test_calls_by_the_32_bit_entry_are_filtered_alike(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = config_with_default(0);
    _cleanup_(runtime_config_freep) RuntimeConfig *everything =
        config_with("'defaultAction':'SCMP_ACT_ALLOW','architectures':['SCMP_ARCH_X86']");

    (void)state;
    if (run_filtered(everything->linux_config.seccomp, needs_32_bit_calls) != 0)
        skip(); /* a kernel without them */
    assert_exits_0(run_filtered(config->linux_config.seccomp, default_for_32_bit_calls));
}
#endif

static int actions_and_conditions(int listener)
{
    (void)listener;
    if (errno_of(mkdir("/", 0)) != ENOTTY)
        return 1;
    if (errno_of(chdir("/")) != EPERM)
        return 2;
    /* All conditions of a rule must hold. */
    if (errno_of(kill(0, 64)) != EPERM || errno_of(kill(0, 0)) != 0)
        return 3;
    /* Two conditions for one argument: either suffices. */
    if (errno_of(dup(1000)) != EXDEV || errno_of(dup(1001)) != EXDEV ||
        errno_of(dup(1002)) != EBADF)
        return 4;
    if (errno_of(syscall(SYS_umask, 0x12)) != EPERM || errno_of(syscall(SYS_umask, 0x3)) != 0)
        return 5;
    return 0;
}

static void test_actions_and_conditions_mean_what_they_say(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = config_with(
        "'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
        "{'names':['mkdir'],'action':'SCMP_ACT_ERRNO','errnoRet':25},"
        "{'names':['chdir','no_such_call'],'action':'SCMP_ACT_ERRNO'},"
        "{'names':['kill'],'action':'SCMP_ACT_ERRNO','args':["
        "{'index':0,'value':0,'op':'SCMP_CMP_EQ'},{'index':1,'value':64,'op':'SCMP_CMP_GE'}]},"
        "{'names':['dup'],'action':'SCMP_ACT_ERRNO','errnoRet':18,'args':["
        "{'index':0,'value':1000,'op':'SCMP_CMP_EQ'},{'index':0,'value':1001,'op':'SCMP_CMP_EQ'}]},"
        "{'names':['umask'],'action':'SCMP_ACT_ERRNO','args':["
        "{'index':0,'value':240,'valueTwo':16,'op':'SCMP_CMP_MASKED_EQ'}]}]");

    (void)state;
    assert_exits_0(run_filtered(config->linux_config.seccomp, actions_and_conditions));
}

static int makes_a_directory(int listener)
{
    (void)listener;
    (void)!mkdir("/", 0);
    return 0;
}

static void test_killing_actions_kill(void **state)
{
    static const char *const actions[] = { "KILL", "KILL_THREAD", "KILL_PROCESS", "TRAP" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        char text[256];
        _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
        int status;

        snprintf(text, sizeof(text),
                 "'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['mkdir'],"
                 "'action':'SCMP_ACT_%s'}]",
                 actions[i]);
        config = config_with(text);
        status = run_filtered(config->linux_config.seccomp, makes_a_directory);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGSYS);
    }
}

static int has_a_listener(int listener)
{
    return listener > 0 && (fcntl(listener, F_GETFD) & FD_CLOEXEC) ? 0 : 1;
}

static void test_a_notifying_profile_yields_its_listener(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config =
        config_with("'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'/run/agent','syscalls':["
                    "{'names':['mkdir'],'action':'SCMP_ACT_NOTIFY'}]");

    (void)state;
    assert_exits_0(run_filtered(config->linux_config.seccomp, has_a_listener));
}

static void test_flags_are_kept_with_the_program(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config =
        config_with("'defaultAction':'SCMP_ACT_ALLOW','flags':['SECCOMP_FILTER_FLAG_LOG',"
                    "'SECCOMP_FILTER_FLAG_SPEC_ALLOW']");
    _cleanup_seccomp_program_ SeccompProgram program = {};

    (void)state;
    assert_int_equal(seccomp_program_load(config->linux_config.seccomp, -EBADF, &program, NULL), 0);
    assert_int_equal(program.flags, SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW);
}

static void test_flags_of_notifications_go_with_a_listener(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config =
        config_with("'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'/agent',"
                    "'flags':['SECCOMP_FILTER_FLAG_TSYNC',"
                    "'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],"
                    "'syscalls':[{'names':['mkdir'],'action':'SCMP_ACT_NOTIFY'}]");
    LinuxSeccomp *profile = config->linux_config.seccomp;
    _cleanup_seccomp_program_ SeccompProgram notifying = {}, silent = {};

    (void)state;
    assert_int_equal(seccomp_program_load(profile, -EBADF, &notifying, NULL), 0);
    assert_true(seccomp_program_notifies(&notifying));
    assert_int_equal(notifying.flags, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
                                          SECCOMP_FILTER_FLAG_NEW_LISTENER |
                                          SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
    free(profile->syscalls.items[0].action);
    profile->syscalls.items[0].action = memory_strdup("SCMP_ACT_LOG");
    assert_int_equal(seccomp_program_load(profile, -EBADF, &silent, NULL), 0);
    assert_false(seccomp_program_notifies(&silent));
    assert_int_equal(silent.flags, SECCOMP_FILTER_FLAG_TSYNC);
}

/* A directory for the cache, and the one file that a load leaves in it. */
typedef struct Cache {
    char directory[64];
    int fd;
} Cache;

static int cache_setup(void **state)
{
    static Cache cache;

    cache = (Cache) { .directory = "/tmp/cay-test-seccomp-XXXXXX" };
    if (!mkdtemp(cache.directory))
        return -1;
    cache.fd = open(cache.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = &cache;
    return cache.fd < 0 ? -1 : 0;
}

static int cache_teardown(void **state)
{
    Cache *cache = *state;

    close(cache->fd);
    return path_remove_tree(AT_FDCWD, cache->directory);
}

/* The name of the only entry. */
static char *only_file(const Cache *cache)
{
    DIR *directory = opendir(cache->directory);
    const struct dirent *entry;
    char *name = NULL;

    assert_non_null(directory);
    while ((entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        assert_null(name);
        name = memory_strdup(entry->d_name);
    }
    closedir(directory);
    assert_non_null(name);
    return name;
}

static void load_into(const LinuxSeccomp *profile, int cache_fd, SeccompProgram *ret)
{
    _cleanup_error_ Error err = {};

    if (seccomp_program_load(profile, cache_fd, ret, &err) < 0)
        fail_msg("%s", error_message(&err));
}

static void assert_same_program(const SeccompProgram *a, const SeccompProgram *b)
{
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->instructions, b->instructions, a->count * sizeof(*a->instructions));
    assert_int_equal(a->flags, b->flags);
}

static ino_t inode_of(const Cache *cache, const char *name)
{
    struct stat status;

    assert_int_equal(fstatat(cache->fd, name, &status, AT_SYMLINK_NOFOLLOW), 0);
    return status.st_ino;
}

static void test_the_second_load_takes_the_first_ones_file(void **state)
{
    const Cache *cache = *state;
    _cleanup_(runtime_config_freep) RuntimeConfig *config = config_with_default(0);
    _cleanup_seccomp_program_ SeccompProgram first = {}, second = {}, compiled = {};
    _cleanup_free_ char *name = NULL;
    ino_t inode;

    load_into(config->linux_config.seccomp, cache->fd, &first);
    name = only_file(cache);
    inode = inode_of(cache, name);
    load_into(config->linux_config.seccomp, cache->fd, &second);
    load_into(config->linux_config.seccomp, -EBADF, &compiled);
    assert_same_program(&first, &compiled);
    assert_same_program(&first, &second);
    assert_int_equal(inode_of(cache, name), inode);
}

static void test_profiles_that_differ_in_anything_do_not_share_a_program(void **state)
{
    static const char *const profiles[] = {
        "'defaultAction':'SCMP_ACT_ALLOW'",
        "'defaultAction':'SCMP_ACT_ERRNO'",
        "'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':2",
        "'defaultAction':'SCMP_ACT_ALLOW','architectures':['SCMP_ARCH_X86']",
        "'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['a','b'],"
        "'action':'SCMP_ACT_LOG'}]",
        "'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['ab'],'action':'SCMP_ACT_LOG'}]",
        "'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['ab'],'action':'SCMP_ACT_TRAP'}]",
        "'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['ab'],'action':'SCMP_ACT_LOG',"
        "'args':[{'index':0,'value':1,'op':'SCMP_CMP_EQ'}]}]",
        "'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['ab'],'action':'SCMP_ACT_LOG',"
        "'args':[{'index':1,'value':1,'op':'SCMP_CMP_EQ'}]}]",
        "'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['ab'],'action':'SCMP_ACT_LOG',"
        "'args':[{'index':1,'value':1,'op':'SCMP_CMP_NE'}]}]",
        "'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['ab'],'action':'SCMP_ACT_LOG',"
        "'args':[{'index':1,'value':1,'valueTwo':1,'op':'SCMP_CMP_NE'}]}]",
    };
    const Cache *cache = *state;
    DIR *directory = opendir(cache->directory);
    size_t files = 0;

    for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
        _cleanup_(runtime_config_freep) RuntimeConfig *config = config_with(profiles[i]);
        _cleanup_seccomp_program_ SeccompProgram program = {};

        load_into(config->linux_config.seccomp, cache->fd, &program);
    }
    assert_non_null(directory);
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
        files += entry->d_name[0] != '.';
    closedir(directory);
    assert_int_equal(files, ARRAY_SIZE(profiles));
}

/* Ways to spoil a file of @size bytes; what comes out is @size bytes again or fewer. */
static size_t spoil(size_t way, char *data, size_t size)
{
    switch (way) {
    case 0:
        return 0;
    case 1:
        return size / 2; /* torn, and by chance still whole instructions */
    case 2:
        return size - 3;
    case 3:
        data[0] ^= 1; /* magic */
        return size;
    case 4:
        data[8] ^= 1; /* version */
        return size;
    case 5:
        data[12] ^= 1; /* count */
        return size;
    case 6:
        data[20] ^= 1; /* digest */
        return size;
    case 7:
        data[size - 1] ^= 1; /* last instruction */
        return size;
    default:
        memset(data, 0, size);
        return size;
    }
}

static void test_a_spoilt_file_is_compiled_anew_and_replaced(void **state)
{
    const Cache *cache = *state;
    _cleanup_(runtime_config_freep) RuntimeConfig *config = config_with_default(0);
    _cleanup_seccomp_program_ SeccompProgram good = {};
    _cleanup_free_ char *name = NULL;
    _cleanup_free_ char *data = NULL;
    size_t size;

    load_into(config->linux_config.seccomp, cache->fd, &good);
    name = only_file(cache);
    assert_int_equal(file_read_at(cache->fd, name, 1 << 20, &data, &size), 0);
    for (size_t way = 0; way <= 8; way++) {
        _cleanup_seccomp_program_ SeccompProgram program = {};
        _cleanup_free_ char *copy = memory_dup(data, size);
        _cleanup_free_ char *repaired = NULL;
        size_t spoilt = spoil(way, copy, size);

        assert_int_equal(file_write_at(cache->fd, name, copy, spoilt, 0600, 0), 0);
        load_into(config->linux_config.seccomp, cache->fd, &program);
        assert_same_program(&program, &good);
        assert_int_equal(file_read_at(cache->fd, name, 1 << 20, &repaired, &spoilt), 0);
        assert_int_equal(spoilt, size);
        assert_memory_equal(repaired, data, size);
    }
}

static void test_another_profiles_file_does_not_pass(void **state)
{
    const Cache *cache = *state;
    _cleanup_(runtime_config_freep) RuntimeConfig *lax =
        config_with("'defaultAction':'SCMP_ACT_ALLOW'");
    _cleanup_(runtime_config_freep) RuntimeConfig *strict = config_with_default(0);
    _cleanup_seccomp_program_ SeccompProgram program = {}, expected = {}, got = {};
    _cleanup_free_ char *lax_name = NULL;
    _cleanup_free_ char *strict_name = NULL;

    load_into(lax->linux_config.seccomp, cache->fd, &program);
    lax_name = only_file(cache);
    assert_int_equal(renameat(cache->fd, lax_name, cache->fd, ".lax"), 0);
    load_into(strict->linux_config.seccomp, cache->fd, &expected);
    strict_name = only_file(cache);
    assert_int_equal(renameat(cache->fd, ".lax", cache->fd, strict_name), 0);
    load_into(strict->linux_config.seccomp, cache->fd, &got);
    assert_same_program(&got, &expected);
}

static void test_a_cache_that_cannot_be_used_is_no_error(void **state)
{
    const Cache *cache = *state;
    _cleanup_(runtime_config_freep) RuntimeConfig *config =
        config_with("'defaultAction':'SCMP_ACT_ALLOW'");
    _cleanup_seccomp_program_ SeccompProgram program = {};
    _cleanup_close_ int fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)cache;
    assert_true(fd >= 0);
    load_into(config->linux_config.seccomp, fd, &program);
    assert_true(program.count > 0);
}

static void test_what_cannot_be_compiled_is_refused_by_name(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config =
        config_with("'defaultAction':'SCMP_ACT_ALLOW','architectures':['SCMP_ARCH_S390X']");
    _cleanup_seccomp_program_ SeccompProgram program = {};
    _cleanup_error_ Error err = {};

    (void)state;
    assert_true(seccomp_program_load(config->linux_config.seccomp, -EBADF, &program, &err) < 0);
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
    assert_non_null(strstr(error_message(&err), "SCMP_ARCH_S390X"));
    assert_null(program.instructions);
}

#define cache_test(function) cmocka_unit_test_setup_teardown(function, cache_setup, cache_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_default_profile_denies_what_containers_must_not_do),
        cmocka_unit_test(test_the_default_profile_lets_ordinary_programs_work),
        cmocka_unit_test(test_capabilities_open_the_calls_that_belong_to_them),
#ifdef __x86_64__
        cmocka_unit_test(test_calls_by_the_32_bit_entry_are_filtered_alike),
#endif
        cmocka_unit_test(test_actions_and_conditions_mean_what_they_say),
        cmocka_unit_test(test_killing_actions_kill),
        cmocka_unit_test(test_a_notifying_profile_yields_its_listener),
        cmocka_unit_test(test_flags_are_kept_with_the_program),
        cmocka_unit_test(test_flags_of_notifications_go_with_a_listener),
        cache_test(test_the_second_load_takes_the_first_ones_file),
        cache_test(test_profiles_that_differ_in_anything_do_not_share_a_program),
        cache_test(test_a_spoilt_file_is_compiled_anew_and_replaced),
        cache_test(test_another_profiles_file_does_not_pass),
        cache_test(test_a_cache_that_cannot_be_used_is_no_error),
        cmocka_unit_test(test_what_cannot_be_compiled_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
