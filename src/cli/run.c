/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay run`: a container in the foreground. Its exit status is the program's; 125, 126 and 127 say
 * that it did not get that far.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/commands.h"
#include "cli/open-engine.h"
#include "cli/run-options.h"
#include "engine/container.h"

/* The file that --cidfile names: made before there is a container, removed when there will be none.
 */
typedef struct IdFile {
    const char *path; /* NULL: none was asked for */
    int fd;
    bool is_kept;
} IdFile;

static void id_file_done(IdFile *file)
{
    int saved_errno = errno;

    if (file->fd >= 0 && !file->is_kept)
        (void)unlink(file->path); /* best effort on the way out */
    file->fd = fd_close(file->fd);
    errno = saved_errno;
}

static int id_file_open(IdFile *file, const char *path, Error *err)
{
    if (!path)
        return 0;
    file->path = path;
    file->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file->fd < 0 && errno == EEXIST)
        return error_set(
            err, ERROR_CONFLICT,
            "container ID file '%s' exists: make sure that its container is gone, then "
            "remove the file",
            path);
    return file->fd < 0 ? error_errno(err, "make container ID file '%s'", path) : 0;
}

static int id_file_write(IdFile *file, const char *id, Error *err)
{
    int r;

    if (!file->path)
        return 0;
    r = fd_write_all(file->fd, id, strlen(id));
    if (r < 0)
        return error_result(err, r, "write container ID file '%s'", file->path);
    file->is_kept = true;
    return 0;
}

static int check_pull_policy(PullPolicy pull, Error *err)
{
    if (pull == PULL_ALWAYS)
        return error_set(err, ERROR_UNSUPPORTED,
                         "'--pull always' is not supported by this version: it has no registry "
                         "client yet, use 'cay load', 'cay import' or 'cay image bootstrap'");
    return 0;
}

static int run_container(Engine *engine, RunOptions *options, ShimExit *ret, Error *err)
{
    _cleanup_(id_file_done) IdFile id_file = { .fd = -EBADF };
    _cleanup_(container_claim_freep) ContainerClaim *claim = NULL;
    RelayOptions relay = {
        .stdio = { options->spec.open_stdin ? STDIN_FILENO : -EBADF, STDOUT_FILENO, STDERR_FILENO },
        .terminal = options->spec.tty,
        .proxy_signals = options->sig_proxy,
    };
    int r = id_file_open(&id_file, options->cidfile, err);

    options->spec.stdin_once = options->spec.open_stdin; /* its input ends with ours */
    if (r >= 0)
        r = container_create(engine, &options->spec, &claim, err);
    if (r >= 0)
        r = id_file_write(&id_file, container_claim_get(claim)->id, err);
    if (r >= 0)
        r = container_start(claim, relay.terminal ? STDOUT_FILENO : -EBADF, err);
    if (r >= 0)
        r = container_relay(claim, &relay, ret, err);
    return r;
}

int cli_run(Invocation *invocation, Error *err)
{
    _cleanup_run_options_ RunOptions options = RUN_OPTIONS_INIT;
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_shim_exit_ ShimExit exit = {};
    int r = run_options_parse(invocation, &options, err);

    if (r < 0)
        return r;
    r = run_options_check_terminal(&options, isatty(STDIN_FILENO), err);
    if (r >= 0)
        r = check_pull_policy(options.pull, err);
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = run_container(engine, &options, &exit, err);
    return r < 0 ? r : exit.code;
}
