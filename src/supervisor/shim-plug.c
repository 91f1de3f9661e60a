/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The networks of a run that the restart policy has begun: its namespaces are new, and a program of
 * the engine's (`cay container plug`) makes links into them while the container's first process
 * waits. Its end is waited for in the loop, and what it writes is the reason of its failure.
 */

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/process.h"
#include "supervisor/shim-private.h"

#define REASON_MAX 4096
#define REASON_PREFIX "cay: "

struct ShimPlug {
    Process process;
    int reason_fd; /* a file in memory: nobody has to read it while it is written */
    EventSource *end;
    PlugHandler handler;
};

bool plug_is_wanted(const Shim *shim)
{
    return !shim->exec && shim->settings.plug.count > 0;
}

static void plug_free(ShimPlug *plug)
{
    if (plug->end)
        event_source_free(plug->end);
    process_done(&plug->process);
    fd_close(plug->reason_fd);
    free(plug);
}

void plug_cancel(Shim *shim)
{
    if (shim->plug)
        plug_free(TAKE_PTR(shim->plug));
}

/* The first line that it has written. */
static int report_failure(const ShimPlug *plug, Error *err)
{
    char text[REASON_MAX] = "";
    const char *reason = text;
    ssize_t length = pread(plug->reason_fd, text, sizeof(text) - 1, 0);

    text[length > 0 ? length : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (strncmp(reason, REASON_PREFIX, strlen(REASON_PREFIX)) == 0)
        reason += strlen(REASON_PREFIX);
    return error_set(err, ERROR_UNAVAILABLE, "set up its networks: %s",
                     *reason ? reason : "it was killed");
}

static int on_plug_end(EventSource *source, int fd, uint32_t events, void *data)
{
    Shim *shim = data;
    ShimPlug *plug = TAKE_PTR(shim->plug);
    _cleanup_error_ Error err = {};
    PlugHandler handler = plug->handler;
    int status, r;

    (void)source;
    (void)fd;
    (void)events;
    r = process_wait(&plug->process, &status);
    if (r < 0)
        r = error_result(&err, r, "set up its networks");
    else if (process_status_to_code(status) != 0)
        r = report_failure(plug, &err);
    plug_free(plug);
    handler(shim, r, &err);
    return 0;
}

static int plug_spawn(const Shim *shim, ShimPlug *plug, Error *err)
{
    _cleanup_string_list_ StringList arguments = {};

    string_list_copy(&arguments, &shim->settings.plug);
    string_list_printf(&arguments, "%d", (int)run_pid(shim));
    return process_spawn(
        &(SpawnOptions) {
            .program = arguments.items[0],
            .arguments = (const char *const *)arguments.items,
            .stdio = { -EBADF, -EBADF, plug->reason_fd },
            .die_with_parent = true,
        },
        &plug->process, err);
}

int plug_begin(Shim *shim, PlugHandler handler, Error *err)
{
    ShimPlug *plug = shim->plug = NEW(ShimPlug);
    int r = 0;

    *plug = (ShimPlug) { .process = PROCESS_INIT, .handler = handler };
    plug->reason_fd = memfd_create("plug", MFD_CLOEXEC);
    if (plug->reason_fd < 0)
        r = error_errno(err, "set up its networks");
    if (r >= 0)
        r = plug_spawn(shim, plug, err);
    if (r >= 0) {
        r = event_loop_add_fd(shim->loop, plug->process.pidfd, EPOLLIN, on_plug_end, shim,
                              &plug->end);
        if (r < 0)
            r = error_result(err, r, "set up its networks");
    }
    if (r < 0)
        plug_cancel(shim);
    return r;
}
