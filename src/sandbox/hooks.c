/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Hooks are run one after the other, each in a session of its own, so that a timeout ends all that
 * it has started and not only itself. Its output goes to a pipe of which the end is kept. It is
 * over when its first process is: one that leaves a daemon behind keeps nobody waiting.
 */

#include "sandbox/hooks-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/string-buffer.h"

#define OUTPUT_TAIL_MAX 300 /* of what a hook wrote: a Report has to hold it */

static const struct {
    const char *name;
    size_t offset; /* of its list in RuntimeHooks */
    RuntimeStatus status;
} kinds[_HOOK_KIND_MAX] = {
    [HOOK_PRESTART] = { "prestart", offsetof(RuntimeHooks, prestart), RUNTIME_CREATING },
    [HOOK_CREATE_RUNTIME] = { "createRuntime", offsetof(RuntimeHooks, create_runtime),
                              RUNTIME_CREATING },
    [HOOK_CREATE_CONTAINER] = { "createContainer", offsetof(RuntimeHooks, create_container),
                                RUNTIME_CREATING },
    [HOOK_START_CONTAINER] = { "startContainer", offsetof(RuntimeHooks, start_container),
                               RUNTIME_CREATED },
    [HOOK_POSTSTART] = { "poststart", offsetof(RuntimeHooks, poststart), RUNTIME_RUNNING },
    [HOOK_POSTSTOP] = { "poststop", offsetof(RuntimeHooks, poststop), RUNTIME_STOPPED },
};

const RuntimeHookList *hooks_of_kind(const RuntimeHooks *hooks, HookKind kind)
{
    return (const RuntimeHookList *)((const char *)hooks + kinds[kind].offset);
}

int hook_state_new(void)
{
    int fd = memfd_create("container-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    return fd < 0 ? -errno : fd;
}

int hook_state_fill(int state_fd, HookKind kind, const RuntimeState *state)
{
    RuntimeState current = *state;
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    int r;

    current.status = kinds[kind].status;
    json = runtime_state_to_json(&current);
    text = json_to_text(json);
    r = fd_write_all(state_fd, text, strlen(text));
    if (r < 0)
        return r;
    /* The hooks share it: none of them tells the next one what the state is. */
    return fcntl(state_fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) <
                   0
               ? -errno
               : 0;
}

/* A hook that runs. */
typedef struct HookRun {
    const RuntimeHook *hook;
    const char *place; /* "hooks.prestart[2]" */
    Process process;
    int output_fd; /* never blocks; -EBADF: it has ended */
    char tail[OUTPUT_TAIL_MAX + 1];
    size_t length;
} HookRun;

static void hook_run_done(HookRun *run)
{
    if (run->process.pid > 0)
        (void)kill(-run->process.pid, SIGKILL); /* not reaped, so the session is still its own */
    process_done(&run->process);
    run->output_fd = fd_close(run->output_fd);
}

/* Keep the end of it, as one line. */
static void keep_output(HookRun *run, const char *data, size_t size)
{
    size_t excess;

    if (size > OUTPUT_TAIL_MAX) {
        data += size - OUTPUT_TAIL_MAX;
        size = OUTPUT_TAIL_MAX;
    }
    excess = run->length + size > OUTPUT_TAIL_MAX ? run->length + size - OUTPUT_TAIL_MAX : 0;
    memmove(run->tail, run->tail + excess, run->length - excess);
    run->length -= excess;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)data[i];

        run->tail[run->length++] = c < ' ' || c == 0x7f ? ' ' : (char)c;
    }
}

/* All that is there by now. */
static void read_output(HookRun *run)
{
    char data[1024];
    ssize_t n;

    do {
        n = read(run->output_fd, data, sizeof(data));
        if (n > 0)
            keep_output(run, data, (size_t)n);
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (n == 0 || errno != EAGAIN)
        run->output_fd = fd_close(run->output_fd);
}

/* Where the session's leader is done, what it has left running is its own business. */
static const char *finish_output(HookRun *run)
{
    if (run->output_fd >= 0)
        read_output(run);
    while (run->length > 0 && run->tail[run->length - 1] == ' ')
        run->length--;
    run->tail[run->length] = '\0';
    return run->tail + strspn(run->tail, " ");
}

static int start_hook(HookRun *run, int state_fd, Report *report)
{
    const RuntimeHook *hook = run->hook;
    const char *const bare[] = { hook->path, NULL };
    _cleanup_close_ int write_fd = -EBADF;
    SpawnOptions options = {
        .program = hook->path,
        .arguments = hook->args.count > 0 ? (const char *const *)hook->args.items : bare,
        .environment = hook->env.count > 0 ? (const char *const *)hook->env.items : &bare[1],
        .new_session = true,
        .die_with_parent = true,
    };
    int pipes[2], r;

    if (lseek(state_fd, 0, SEEK_SET) < 0 || pipe2(pipes, O_CLOEXEC) < 0)
        return report_errno(report, run->place, " '", hook->path, "': prepare input and output");
    run->output_fd = pipes[0];
    write_fd = pipes[1];
    r = fd_set_nonblock(run->output_fd, true);
    if (r < 0)
        return report_result(report, r, run->place, " '", hook->path, "': prepare its output");

    options.stdio[0] = state_fd;
    options.stdio[1] = options.stdio[2] = write_fd;
    r = process_spawn(&options, &run->process, NULL); /* without an Error it allocates nothing */
    return r < 0 ? report_result(report, r, run->place, " '", hook->path, "': execute it") : 0;
}

static int64_t now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time); /* cannot fail for this clock */
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* What is left until @deadline as poll(2) takes it; -1: for ever. */
static int time_left(int64_t deadline)
{
    int64_t left = deadline - now();

    if (deadline < 0)
        return -1;
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* Returns 0 when it has ended, -ETIMEDOUT, or another -errno. */
static int wait_for_hook(HookRun *run)
{
    const OptionalInt64 *timeout = &run->hook->timeout;
    int64_t deadline = timeout->is_set ? now() + timeout->value * 1000 : -1;

    for (;;) {
        struct pollfd fds[] = { { .fd = run->process.pidfd, .events = POLLIN },
                                { .fd = run->output_fd, .events = POLLIN } };
        int left = time_left(deadline), n = poll(fds, ARRAY_SIZE(fds), left);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0 && fds[0].revents)
            return 0;
        if (n > 0 && fds[1].revents)
            read_output(run);
        if (n == 0 && left < INT32_MAX)
            return -ETIMEDOUT;
    }
}

static int report_end(HookRun *run, int status, Report *report)
{
    const char *output = finish_output(run);
    bool is_killed = WIFSIGNALED(status);
    char number[16];

    (void)snprintf(number, sizeof(number), "%d",
                   is_killed ? WTERMSIG(status) : WEXITSTATUS(status)); /* fits any int */
    return report_set(report, ERROR_SYSTEM, run->place, " '", run->hook->path,
                      is_killed ? "' was killed by signal " : "' ended with status ", number,
                      *output ? ": " : "", output);
}

static int report_timeout(HookRun *run, Report *report)
{
    const char *output = finish_output(run);
    char seconds[24];

    (void)snprintf(seconds, sizeof(seconds), "%lld",
                   (long long)run->hook->timeout.value); /* fits */
    return report_set(report, ERROR_UNAVAILABLE, run->place, " '", run->hook->path,
                      "' took longer than its timeout of ", seconds, " s", *output ? ": " : "",
                      output);
}

static int run_hook(const RuntimeHook *hook, const char *place, int state_fd, Report *report)
{
    _cleanup_(hook_run_done) HookRun run = {
        .hook = hook, .place = place, .process = PROCESS_INIT, .output_fd = -EBADF
    };
    int status, r = start_hook(&run, state_fd, report);

    if (r < 0)
        return r;
    r = wait_for_hook(&run);
    if (r == -ETIMEDOUT)
        return report_timeout(&run, report);
    if (r >= 0)
        r = process_wait(&run.process, &status);
    if (r < 0)
        return report_result(report, r, place, " '", hook->path, "': wait for it");
    return status == 0 ? 0 : report_end(&run, status, report);
}

static int run_hook_at(const RuntimeHookList *hooks, size_t index, HookKind kind, int state_fd,
                       Report *report)
{
    char place[64];

    (void)snprintf(place, sizeof(place), "hooks.%s[%zu]", kinds[kind].name, index); /* fits */
    return run_hook(&hooks->items[index], place, state_fd, report);
}

int hooks_execute(const RuntimeHookList *hooks, HookKind kind, int state_fd, Report *report)
{
    for (size_t i = 0; i < hooks->count; i++) {
        int r = run_hook_at(hooks, i, kind, state_fd, report);

        if (r < 0)
            return r;
    }
    return 0;
}

/* Each in turn, whatever becomes of the others; all failures make one message. */
static int run_all(const RuntimeHookList *hooks, HookKind kind, int state_fd, Error *err)
{
    _cleanup_string_buffer_ StringBuffer failures = {};
    int result = 0;

    for (size_t i = 0; i < hooks->count; i++) {
        _cleanup_error_ Error failure = {};
        Report report;
        int r = run_hook_at(hooks, i, kind, state_fd, &report);

        if (r >= 0)
            continue;
        (void)report_to_error(&report, &failure); /* returns r */
        string_buffer_printf(&failures, "%s%s", result < 0 ? "; " : "", error_message(&failure));
        result = error_set(err, failure.kind, "%s", failures.data);
    }
    return result;
}

bool hooks_exist(const RuntimeConfig *config)
{
    for (HookKind kind = 0; kind < _HOOK_KIND_MAX; kind++)
        if (hooks_of_kind(&config->hooks, kind)->count > 0)
            return true;
    return false;
}

int hooks_run(const RuntimeConfig *config, HookKind kind, const RuntimeState *state, Error *err)
{
    const RuntimeHookList *hooks = hooks_of_kind(&config->hooks, kind);
    _cleanup_close_ int state_fd = -EBADF;
    Report report;
    int r;

    if (hooks->count == 0)
        return 0;

    state_fd = hook_state_new();
    r = state_fd < 0 ? state_fd : hook_state_fill(state_fd, kind, state);
    if (r < 0)
        return error_result(err, r, "write the container's state for its hooks");
    if (kind == HOOK_POSTSTOP)
        return run_all(hooks, kind, state_fd, err);
    return hooks_execute(hooks, kind, state_fd, &report) < 0 ? report_to_error(&report, err) : 0;
}
