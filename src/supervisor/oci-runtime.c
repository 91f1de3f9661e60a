/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Calls of another OCI runtime. It is a program of somebody else: its exit status says whether
 * something failed, and nothing but the text that it prints says what. So this is the one place
 * where a text decides about the kind of an error, as it does for all who call runtimes.
 */

#include "supervisor/oci-runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/socket.h"

#define PID_NAME "oci.pid"
#define CONSOLE_NAME "oci.console"
#define PID_SIZE_MAX 32
#define TERMINAL_NAME_MAX 4096

/* As much as a pipe holds. */
#define PRINTED_MAX ((size_t)64 * 1024)

/* Of a message that names the container's program. */
static const struct {
    const char *text;
    ErrorKind kind;
} program_errors[] = {
    { "not found", ERROR_PROGRAM_MISSING },
    { "no such file or directory", ERROR_PROGRAM_MISSING },
    { "permission denied", ERROR_PROGRAM_UNUSABLE },
    { "is a directory", ERROR_PROGRAM_UNUSABLE },
    { "exec format error", ERROR_PROGRAM_UNUSABLE },
    { "not executable", ERROR_PROGRAM_UNUSABLE },
};

int oci_runtime_check(const char *program, Error *err)
{
    struct stat st;

    if (stat(program, &st) < 0)
        return error_errno(err, "runtime '%s'", program);
    if (!S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR))
        return error_set(err, ERROR_INVALID, "runtime '%s' is not a program", program);
    if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return error_set(err, ERROR_DENIED,
                         "runtime '%s' can be changed by others than root: 'chown root' and "
                         "'chmod go-w' it",
                         program);
    return 0;
}

/* What is there, and all of it: for a file from its beginning, for a pipe without waiting. */
static char *read_printed(int fd)
{
    _cleanup_free_ char *text = NEW_ARRAY(char, PRINTED_MAX + 1);
    size_t size = 0;
    ssize_t n;

    (void)lseek(fd, 0, SEEK_SET); /* a pipe has none */
    do {
        n = read(fd, text + size, PRINTED_MAX - size);
        size += n > 0 ? (size_t)n : 0;
    } while (n > 0 || (n < 0 && errno == EINTR));
    return TAKE_PTR(text);
}

/* The value of msg="..." in a line as Go's programs print it, else the line itself. */
static void unwrap_message(char *line)
{
    const char *from = strstr(line, " msg=\"");
    char *to = line;

    if (!from)
        return;
    for (from += strlen(" msg=\""); *from && *from != '"'; from++) {
        if (*from == '\\' && from[1])
            from++;
        *to++ = *from;
    }
    *to = '\0';
}

/* The last line that says something: what comes before is what it has tried. */
static char *last_message(int fd)
{
    _cleanup_free_ char *text = read_printed(fd);
    size_t length = strlen(text);
    char *start, *message;

    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
        text[--length] = '\0';
    start = strrchr(text, '\n');
    message = memory_strdup(start ? start + 1 : text);
    unwrap_message(message);
    return message;
}

static ErrorKind kind_of(const char *message, const char *program)
{
    if (program && strstr(message, program))
        for (size_t i = 0; i < ARRAY_SIZE(program_errors); i++)
            if (strcasestr(message, program_errors[i].text))
                return program_errors[i].kind;
    return ERROR_SYSTEM;
}

static int fail(const OciRuntime *runtime, const OciCall *call, int status, int printed_fd,
                Error *err)
{
    _cleanup_free_ char *message = last_message(printed_fd);
    const char *command = call->arguments->items[0];

    if (WIFSIGNALED(status))
        return error_set(err, ERROR_UNAVAILABLE, "runtime '%s' was killed during '%s' by signal %d",
                         runtime->program, command, WTERMSIG(status));
    if (!*message)
        return error_set(err, ERROR_SYSTEM, "runtime '%s': '%s' failed with status %d",
                         runtime->program, command, WEXITSTATUS(status));
    return error_set(err, kind_of(message, call->container_program), "runtime '%s': %s",
                     runtime->program, message);
}

static void make_arguments(const OciRuntime *runtime, const StringList *command, StringList *ret)
{
    string_list_add(ret, runtime->program);
    string_list_add(ret, "--root");
    string_list_printf(ret, "%s/" OCI_RUNTIME_STATE_NAME, runtime->directory);
    for (size_t i = 0; i < command->count; i++)
        string_list_add(ret, command->items[i]);
}

int oci_runtime_call(const OciRuntime *runtime, const OciCall *call, Error *err)
{
    _cleanup_string_list_ StringList arguments = {};
    _cleanup_process_ Process process = PROCESS_INIT;
    bool is_own = !call->stdio || call->printed_fd < 0;
    /* a file, as nobody reads while it runs */
    _cleanup_close_ int own_fd = is_own ? memfd_create("oci-runtime", MFD_CLOEXEC) : -EBADF;
    SpawnOptions options = {
        .program = runtime->program,
        .stdio = { -EBADF, -EBADF, own_fd },
        .mounts_fd = runtime->mounts_fd >= 0 ? &runtime->mounts_fd : NULL,
        .die_with_parent = true,
    };
    int status, r;

    if (is_own && own_fd < 0)
        return error_errno(err, "make room for what '%s' says", runtime->program);
    make_arguments(runtime, call->arguments, &arguments);
    options.arguments = (const char *const *)arguments.items;
    if (!is_own)
        memcpy(options.stdio, call->stdio, sizeof(options.stdio));

    r = process_spawn(&options, &process, err);
    if (r < 0) {
        if (err)
            err->kind = ERROR_UNAVAILABLE;
        return r;
    }
    r = process_wait(&process, &status);
    if (r < 0)
        return error_result(err, r, "wait for '%s'", runtime->program);
    if (status != 0)
        return fail(runtime, call, status, is_own ? own_fd : call->printed_fd, err);
    if (!is_own) /* warnings are not the container's output */
        free(read_printed(call->printed_fd));
    return 0;
}

/* --- the process that it leaves behind --- */

/* The number that it has left is trusted as far as it is a child of ours: then it cannot be
 * another's. */
static int adopt_process(const OciRuntime *runtime, int directory_fd, Process *ret, Error *err)
{
    _cleanup_free_ char *text = NULL;
    _cleanup_close_ int pidfd = -EBADF;
    siginfo_t info = {};
    int32_t pid;
    int r = file_read_at(directory_fd, PID_NAME, PID_SIZE_MAX, &text, NULL);

    if (r >= 0) {
        text[strcspn(text, "\n")] = '\0';
        r = parse_i32(text, &pid);
    }
    if (r < 0)
        return error_result(err, r, "read what process '%s' has made", runtime->program);
    pidfd = pid > 0 ? pidfd_open(pid, 0) : -EBADF;
    if (pidfd < 0 || waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
        return error_set(err, ERROR_UNSUPPORTED,
                         "runtime '%s' keeps the container's process %d from its caller",
                         runtime->program, (int)pid);
    *ret = (Process) { .pid = pid, .pidfd = TAKE_FD(pidfd) };
    return 0;
}

/* Others that it has left behind are dead, or about to be: nothing of them is to stay. */
static void reap_others(pid_t but)
{
    for (;;) {
        siginfo_t info = {};

        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0 ||
            info.si_pid == but)
            return;
        (void)waitpid(info.si_pid, NULL, WNOHANG);
    }
}

/* It has sent the terminal before its end. */
static int receive_terminal(const OciRuntime *runtime, int listen_fd, int *ret, Error *err)
{
    _cleanup_close_ int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    char name[TERMINAL_NAME_MAX];
    ssize_t n = fd < 0 ? -errno : socket_receive(fd, name, sizeof(name), ret, 1);

    if (n < 0)
        return error_result(err, (int)n, "receive the terminal from '%s'", runtime->program);
    if (*ret < 0)
        return error_set(err, ERROR_UNSUPPORTED, "runtime '%s' has sent no terminal",
                         runtime->program);
    return 0;
}

static int call_and_adopt(const OciRuntime *runtime, const OciCall *call, int directory_fd,
                          Process *ret, Error *err)
{
    _cleanup_process_ Process process = PROCESS_INIT;
    int r = oci_runtime_call(runtime, call, err);

    if (r >= 0)
        r = adopt_process(runtime, directory_fd, &process, err);
    reap_others(process.pid);
    if (r < 0)
        return r;
    *ret = process;
    process = PROCESS_INIT;
    return 0;
}

static void forget_places(int directory_fd)
{
    (void)unlinkat(directory_fd, PID_NAME, 0);
    (void)unlinkat(directory_fd, CONSOLE_NAME, 0);
}

/* The command with options in front of its last argument, the container's id. */
static void add_places(StringList *ret, const OciCall *call, int directory_fd, bool has_terminal)
{
    const StringList *arguments = call->arguments;
    _cleanup_free_ char *directory = memory_printf("/proc/%d/fd/%d", (int)getpid(), directory_fd);

    for (size_t i = 0; i + 1 < arguments->count; i++)
        string_list_add(ret, arguments->items[i]);
    string_list_add(ret, "--pid-file");
    string_list_printf(ret, "%s/" PID_NAME, directory);
    if (has_terminal) {
        string_list_add(ret, "--console-socket");
        string_list_printf(ret, "%s/" CONSOLE_NAME, directory);
    }
    string_list_add(ret, arguments->items[arguments->count - 1]);
}

int oci_runtime_call_for_process(const OciRuntime *runtime, const OciCall *call, int directory_fd,
                                 Process *ret, int *ret_terminal, Error *err)
{
    _cleanup_process_ Process process = PROCESS_INIT;
    _cleanup_string_list_ StringList arguments = {};
    _cleanup_close_ int listen_fd = -EBADF;
    OciCall whole = *call;
    int r;

    forget_places(directory_fd); /* of an earlier call that was killed */
    add_places(&arguments, call, directory_fd, ret_terminal != NULL);
    whole.arguments = &arguments;
    if (ret_terminal) {
        listen_fd = socket_listen_stream_at(directory_fd, CONSOLE_NAME, 1);
        if (listen_fd < 0)
            return error_result(err, listen_fd, "listen for the container's terminal");
    }

    /* Only for the call: whatever a container without a pid namespace orphans later is the init
     * process's, as ever. */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    r = call_and_adopt(runtime, &whole, directory_fd, &process, err);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 0);
    if (r >= 0 && ret_terminal)
        r = receive_terminal(runtime, listen_fd, ret_terminal, err);
    forget_places(directory_fd);
    if (r < 0)
        return r;
    *ret = process;
    process = PROCESS_INIT;
    return 0;
}

void oci_runtime_delete(const OciRuntime *runtime, const char *id)
{
    _cleanup_string_list_ StringList arguments = {};
    const OciCall call = { .arguments = &arguments, .printed_fd = -EBADF };

    string_list_add(&arguments, "delete");
    string_list_add(&arguments, "--force");
    string_list_add(&arguments, id);
    (void)oci_runtime_call(runtime, &call, NULL); /* it may know nothing of it */
}
