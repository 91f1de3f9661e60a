/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay-oci run`: create and start. In the foreground the container is ours: it ends with us, and is
 * deleted when its program has ended. With --detach it goes on, as if `create` and `start` had been
 * called.
 */

#include "base/fd.h"
#include "oci/commands.h"
#include "oci/container-create.h"
#include "oci/container-start.h"
#include "oci/foreground.h"

static const Option run_options[] = {
    { "bundle", 'b', .type = OPTION_STRING, .argument = "directory",
      .offset = offsetof(CreateOptions, bundle),
      .help = "Where config.json is (default the current directory)" },
    { "console-socket", .type = OPTION_STRING, .argument = "socket",
      .offset = offsetof(CreateOptions, console_socket),
      .help = "Unix socket that gets the master side of the terminal" },
    { "detach", 'd', .type = OPTION_BOOL, .offset = offsetof(CreateOptions, detach),
      .help = "Do not wait for the end of the program" },
    { "keep", .type = OPTION_BOOL, .offset = offsetof(CreateOptions, keep),
      .help = "Do not delete the container when its program has ended" },
    { "no-new-keyring", .type = OPTION_BOOL, .offset = offsetof(CreateOptions, no_new_keyring),
      .help = "Keep the session keyring of the caller" },
    { "no-pivot", .type = OPTION_BOOL, .offset = offsetof(CreateOptions, no_pivot),
      .help = "Change the root in a way that works on an initramfs too" },
    { "no-subreaper", .type = OPTION_BOOL, .offset = offsetof(CreateOptions, no_subreaper),
      .help = "Do not reap processes that the container leaves behind" },
    { "pid-file", .type = OPTION_STRING, .argument = "file",
      .offset = offsetof(CreateOptions, pid_file),
      .help = "Write the pid of the first process to a file" },
    { "pidfd-socket", .type = OPTION_STRING, .argument = "socket",
      .offset = offsetof(CreateOptions, pidfd_socket),
      .help = "Unix socket that gets a pidfd of the first process" },
    { "preserve-fds", .type = OPTION_INT64, .argument = "number",
      .offset = offsetof(CreateOptions, preserve_fds),
      .help = "Pass so many more descriptors on, from 3 (and those of LISTEN_FDS) on" },
};

const OptionTable run_option_table = {
    OPTION_TABLE(run_options),
    .stop_at_positional = true,
};

static int run_detached(const Invocation *invocation, const CreateOptions *options, Error *err)
{
    _cleanup_creation_ Creation creation = CREATION_INIT;
    int r = container_create(invocation, options, &creation, err);

    if (r < 0)
        return r;
    r = container_start(creation.container, err);
    if (r < 0) {
        (void)creation_undo(&creation, NULL); /* why it failed is what counts */
        return r;
    }
    sandbox_detach(TAKE_PTR(creation.sandbox));
    return 0;
}

static int start_and_wait(Creation *creation, Foreground *foreground, Error *err)
{
    Sandbox *sandbox = creation->sandbox;
    int r = sandbox_start(sandbox, err);

    if (r >= 0)
        r = container_after_start(creation->container, err);
    if (r < 0)
        return r;
    return foreground_wait(foreground, sandbox_pid(sandbox), sandbox_pidfd(sandbox),
                           sandbox_take_terminal(sandbox), err);
}

/* The program has ended, or could not be started. Somebody else may have deleted it meanwhile. */
static int finish(Creation *creation, bool keep, Error *err)
{
    int r = container_lock_again(creation->container, err);

    if (r == 0 || keep)
        sandbox_detach(TAKE_PTR(creation->sandbox));
    return r > 0 && !keep ? creation_undo(creation, err) : r;
}

static int run_in_foreground(const Invocation *invocation, const CreateOptions *options, Error *err)
{
    _cleanup_foreground_ Foreground foreground = FOREGROUND_INIT;
    _cleanup_creation_ Creation creation = CREATION_INIT;
    int r = foreground_prepare(&foreground, !options->no_subreaper, err), finished;

    if (r >= 0)
        r = container_create(invocation, options, &creation, err);
    if (r < 0)
        return r;
    container_unlock(creation.container);
    r = start_and_wait(&creation, &foreground, err);
    /* Why it failed is what counts. */
    finished = finish(&creation, r >= 0 && options->keep, r < 0 ? NULL : err);
    return r >= 0 && finished < 0 ? finished : r;
}

int oci_run(Invocation *invocation, Error *err)
{
    _cleanup_create_options_ CreateOptions options = {};
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = inherited_fds_take(options.preserve_fds, true, &options.inherited, err);
    if (r < 0)
        return r;
    if (options.detach)
        return run_detached(invocation, &options, err);
    return run_in_foreground(invocation, &options, err);
}
