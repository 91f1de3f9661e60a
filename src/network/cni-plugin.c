/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One execution of a plug-in of CNI. Its configuration is a file in memory, so that one that does
 * not read it holds nobody up; what it prints is bounded, as is the time that it takes. It is over
 * when its process is, whatever that has left running, and it dies with us: what it has begun is
 * undone by whoever finds the chain that was kept.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/process.h"
#include "base/string-buffer.h"
#include "base/time-format.h"
#include "network/cni-private.h"

#define OUTPUT_MAX (1 << 20)
#define COMPLAINT_MAX 400 /* of what it says about a failure, in our message */
#define DEFAULT_TIMEOUT (180 * NANOSECONDS_PER_SECOND)
#define ENVIRONMENT_MAX (4 << 20)
#define FALLBACK_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *path_of(const CniOptions *options)
{
    return options->plugin_path ? options->plugin_path : CNI_DEFAULT_PLUGIN_PATH;
}

/* It gets root's rights, so it is nobody else's to change. Returns 1, or 0: it is no program. */
static int check_program(const char *path, Error *err)
{
    struct stat status;

    if (stat(path, &status) < 0 || !S_ISREG(status.st_mode) || access(path, X_OK) < 0)
        return 0;
    if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)))
        return error_set(err, ERROR_DENIED,
                         "CNI plug-in '%s' can be changed by others than root: 'chown root' and "
                         "'chmod go-w' it",
                         path);
    return 1;
}

static int find_program(const CniOptions *options, const char *type, char **ret, Error *err)
{
    _cleanup_string_list_ StringList directories = {};

    string_list_split(&directories, path_of(options), ':');
    for (size_t i = 0; i < directories.count; i++) {
        _cleanup_free_ char *path = NULL;
        int r;

        if (!path_is_absolute(directories.items[i]))
            continue; /* also the empty ones: nothing is executed from where we happen to be */
        path = path_join(directories.items[i], type);
        r = check_program(path, err);
        if (r < 0)
            return r;
        if (r == 0)
            continue;
        *ret = TAKE_PTR(path);
        return 0;
    }
    return error_set(err, ERROR_NOT_FOUND, "no CNI plug-in '%s' in '%s'", type, path_of(options));
}

/* Nothing of our environment but where programs are, as some of them execute iptables. */
static void fill_environment(const CniOptions *options, const CniCall *call, StringList *ret)
{
    const char *path = getenv("PATH");

    string_list_printf(ret, "CNI_COMMAND=%s", call->command);
    string_list_printf(ret, "CNI_PATH=%s", path_of(options));
    if (options->container)
        string_list_printf(ret, "CNI_CONTAINERID=%s", options->container);
    if (call->interface)
        string_list_printf(ret, "CNI_IFNAME=%s", call->interface);
    if (options->pid > 0)
        string_list_printf(ret, "CNI_NETNS=/proc/%lld/ns/net", (long long)options->pid);
    string_list_printf(ret, "PATH=%s", path && *path ? path : FALLBACK_PATH);
}

/* What comes out of a pipe, up to a limit. */
typedef struct Output {
    int fd; /* never blocks; -EBADF: it has ended */
    size_t limit;
    StringBuffer text;
    bool is_cut; /* more came than it may */
} Output;

typedef struct Run {
    Process process;
    Output output, complaint;
} Run;

static void run_done(Run *run)
{
    if (run->process.pid > 0)
        (void)kill(-run->process.pid, SIGKILL); /* not reaped, so the session is still its own */
    process_done(&run->process);
    run->output.fd = fd_close(run->output.fd);
    run->complaint.fd = fd_close(run->complaint.fd);
    string_buffer_done(&run->output.text);
    string_buffer_done(&run->complaint.text);
}

/* All that is there by now; what is beyond the limit is read and dropped. */
static void read_output(Output *output)
{
    char data[4096];
    ssize_t n;

    if (output->fd < 0)
        return;
    do {
        n = read(output->fd, data, sizeof(data));
        if (n > 0) {
            size_t room = output->limit - output->text.length;
            size_t fits = (size_t)n < room ? (size_t)n : room;

            string_buffer_add_bytes(&output->text, data, fits);
            output->is_cut |= fits < (size_t)n;
        }
    } while ((n > 0 && !output->is_cut) || (n < 0 && errno == EINTR));
    if (n == 0 || (n < 0 && errno != EAGAIN))
        output->fd = fd_close(output->fd);
}

static int open_output(Output *output, int *ret_write_fd)
{
    int fds[2], r;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    output->fd = fds[0];
    *ret_write_fd = fds[1];
    r = fd_set_nonblock(output->fd, true);
    return r;
}

static int open_input(const json_t *json)
{
    _cleanup_free_ char *text = json ? json_to_text(json) : memory_strdup("{}");

    return fd_from_data("cni-configuration", text, strlen(text));
}

static int start(const CniOptions *options, const CniCall *call, Run *run, Error *err)
{
    _cleanup_close_ int input_fd = -EBADF, output_fd = -EBADF, complaint_fd = -EBADF;
    _cleanup_string_list_ StringList environment = {};
    _cleanup_free_ char *program = NULL;
    const char *arguments[] = { NULL, NULL };
    int r = find_program(options, call->plugin, &program, err);

    if (r < 0)
        return r;
    r = input_fd = open_input(call->input);
    if (r >= 0)
        r = open_output(&run->output, &output_fd);
    if (r >= 0)
        r = open_output(&run->complaint, &complaint_fd);
    if (r < 0)
        return error_result(err, r, "prepare input and output of '%s'", program);
    fill_environment(options, call, &environment);
    arguments[0] = program;
    return process_spawn(
        &(SpawnOptions) {
            .program = program,
            .arguments = arguments,
            .environment = (const char *const *)environment.items,
            .stdio = { input_fd, output_fd, complaint_fd },
            .new_session = true,
            .die_with_parent = true,
        },
        &run->process, err);
}

/* Returns 0 when it has ended, -EFBIG when it prints without end, -ETIMEDOUT, or another -errno. */
static int wait_for_end(Run *run, int64_t deadline)
{
    for (;;) {
        struct pollfd fds[] = { { .fd = run->process.pidfd, .events = POLLIN },
                                { .fd = run->output.fd, .events = POLLIN },
                                { .fd = run->complaint.fd, .events = POLLIN } };
        int64_t left = deadline - time_monotonic();
        struct timespec timeout = { .tv_sec = left / NANOSECONDS_PER_SECOND,
                                    .tv_nsec = left % NANOSECONDS_PER_SECOND };
        int n = left <= 0 ? 0 : ppoll(fds, ARRAY_SIZE(fds), &timeout, NULL);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return -ETIMEDOUT;
        if (n > 0) {
            read_output(&run->output);
            read_output(&run->complaint);
        }
        if (run->output.is_cut)
            return -EFBIG;
        if (n > 0 && fds[0].revents)
            return 0;
    }
}

/* As one line, and not all of it: the end of @text where it is more. */
static char *shorten(const char *text)
{
    size_t length = strlen(text);
    char *line;

    if (length > COMPLAINT_MAX)
        text += length - COMPLAINT_MAX;
    line = memory_strdup(text);
    length = strlen(line);
    while (length > 0 && (unsigned char)line[length - 1] <= ' ')
        line[--length] = '\0';
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    return line;
}

/* A failure is an object with code, msg and details; else whatever was written. */
static char *describe_failure(const Run *run, const json_t *answer)
{
    const char *message = json_string_value(json_object_get(answer, "msg"));
    const char *details = json_string_value(json_object_get(answer, "details"));
    _cleanup_free_ char *both = NULL;

    if (!message || !*message)
        return shorten(string_buffer_get(run->complaint.text.length > 0 ? &run->complaint.text
                                                                        : &run->output.text));
    if (!details || !*details)
        return shorten(message);
    both = memory_printf("%s; %s", message, details);
    return shorten(both);
}

static int report_failure(const Run *run, int status, const json_t *answer, Error *err)
{
    _cleanup_free_ char *words = describe_failure(run, answer);
    const char *colon = *words ? ": " : "";

    if (WIFSIGNALED(status))
        return error_set(err, ERROR_UNAVAILABLE, "was killed by signal %d%s%s", WTERMSIG(status),
                         colon, words);
    return error_set(err, ERROR_UNAVAILABLE, "failed with status %d%s%s", WEXITSTATUS(status),
                     colon, words);
}

static int read_answer(const Run *run, int status, json_t **ret, Error *err)
{
    const StringBuffer *text = &run->output.text;
    _cleanup_json_ json_t *answer = NULL;
    _cleanup_error_ Error problem = {};
    bool is_empty = strspn(string_buffer_get(text), " \t\r\n") == text->length;
    int r = is_empty ? 0 : json_parse(text->data, text->length, &answer, &problem);

    if (status != 0)
        return report_failure(run, status, answer, err);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, "prints what is no JSON: %s",
                         error_message(&problem));
    *ret = TAKE_PTR(answer);
    return 0;
}

static int execute(const CniOptions *options, const CniCall *call, json_t **ret, Error *err)
{
    int64_t timeout = options->timeout > 0 ? options->timeout : DEFAULT_TIMEOUT;
    _cleanup_(run_done) Run run = { .process = PROCESS_INIT,
                                    .output = { .fd = -EBADF, .limit = OUTPUT_MAX },
                                    .complaint = { .fd = -EBADF, .limit = OUTPUT_MAX } };
    int status, r = start(options, call, &run, err);

    if (r < 0)
        return r;
    r = wait_for_end(&run, time_monotonic() + timeout);
    if (r == -ETIMEDOUT)
        return error_set(err, ERROR_UNAVAILABLE, "has not ended within %lld s and was killed",
                         (long long)(timeout / NANOSECONDS_PER_SECOND));
    if (r == -EFBIG)
        return error_set(err, ERROR_UNAVAILABLE, "prints more than %d bytes", OUTPUT_MAX);
    if (r >= 0) {
        read_output(&run.output);
        read_output(&run.complaint);
        r = process_wait(&run.process, &status);
    }
    if (r < 0)
        return error_result(err, r, "wait for it");
    return read_answer(&run, status, ret, err);
}

int cni_plugin_call(const CniOptions *options, const CniCall *call, json_t **ret, Error *err)
{
    int r = execute(options, call, ret, err);

    if (r < 0 && r != error_kind_to_result(ERROR_NOT_FOUND) &&
        r != error_kind_to_result(ERROR_DENIED)) /* they name it */
        return error_wrap(err, r, "CNI plug-in '%s': %s", call->plugin, call->command);
    return r;
}

/* --- what is left of those whose executor was killed --- */

/* Does the process have both variables? One that has ended meanwhile has none. */
static bool is_remains(int process_fd, const char *const variables[2])
{
    _cleanup_free_ char *text = NULL;
    bool found[2] = { false, false };
    size_t size, length;

    if (file_read_at(process_fd, "environ", ENVIRONMENT_MAX, &text, &size) < 0)
        return false;
    for (size_t i = 0; i < size; i += length + 1) {
        length = strlen(text + i); /* a NUL is behind the last one, too */
        for (size_t j = 0; j < 2; j++)
            found[j] = found[j] || strcmp(text + i, variables[j]) == 0;
    }
    return found[0] && found[1];
}

/* Returns 1 when @name was one and has ended now, else 0 or -errno. */
static int end_process(int proc_fd, const char *name, const char *const variables[2])
{
    _cleanup_close_ int process_fd =
        openat(proc_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    _cleanup_close_ int pidfd = -EBADF;
    struct pollfd end = { .events = POLLIN };
    uint32_t pid;

    if (process_fd < 0 || parse_u32(name, &pid) < 0 || !is_remains(process_fd, variables))
        return 0;
    pidfd = pidfd_open((pid_t)pid, 0);
    /* The directory is one process's for ever: still readable, it and the pidfd are the same. */
    if (pidfd < 0 || !is_remains(process_fd, variables))
        return 0;
    if (pidfd_send_signal(pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
        return -errno;
    end.fd = pidfd;
    while (poll(&end, 1, -1) < 0)
        if (errno != EINTR)
            return -errno;
    return 1;
}

/* One that is about to end may have started another one behind our back: look again until there is
 * none. */
int cni_end_remains(const char *container, Error *err)
{
    _cleanup_free_ char *variable = memory_printf("CNI_CONTAINERID=%s", container);
    const char *const variables[2] = { variable, "CNI_COMMAND=ADD" };
    _cleanup_close_ int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = proc_fd < 0 ? -errno : 1;

    while (r > 0) {
        _cleanup_directory_ DIR *directory = NULL;
        const struct dirent *entry;
        int n_ended = 0;

        r = directory_open_at(proc_fd, ".", &directory);
        while (r >= 0 && (r = directory_read(directory, &entry)) > 0) {
            r = end_process(proc_fd, entry->d_name, variables);
            n_ended += r > 0;
        }
        r = r < 0 ? r : n_ended;
    }
    return r < 0 ? error_result(err, r, "end what is left of plug-ins of CNI") : 0;
}
