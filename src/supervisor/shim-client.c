/* SPDX-License-Identifier: Apache-2.0 */

/* Starting a shim, and asking it for things one at a time. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/socket.h"
#include "base/string-list.h"
#include "sandbox/self-exe.h"
#include "supervisor/shim-client-private.h"
#include "supervisor/shim-exit-private.h"
#include "supervisor/shim-settings.h"

static ShimClient *client_new(const char *container)
{
    ShimClient *client = NEW(ShimClient);

    client->socket = -EBADF;
    client->shim = PROCESS_INIT;
    client->container = memory_strdup(container);
    client->terminal_fd = -EBADF;
    return client;
}

void shim_client_free(ShimClient *client)
{
    if (!client)
        return;
    fd_close(client->socket);
    fd_close(client->shim.pidfd); /* not process_done(): the shim lives as long as its container */
    free(client->container);
    free(client);
}

pid_t shim_client_container_pid(const ShimClient *client)
{
    return client->container_pid;
}

pid_t shim_client_shim_pid(const ShimClient *client)
{
    return client->shim_pid;
}

static const char *client_name(const ShimClient *client)
{
    return client->container ? client->container : "?";
}

int shim_client_lost(ShimClient *client, Error *err)
{
    int status;

    /* Its end of the connection is closed, so it is ending: this does not wait for long. */
    if (client->shim.pid > 0 && process_wait(&client->shim, &status) == 0 && WIFSIGNALED(status))
        return error_set(err, ERROR_UNAVAILABLE, "the shim of container '%s' died of signal %d",
                         client_name(client), WTERMSIG(status));
    if (!client->is_owner)
        return error_set(err, ERROR_UNAVAILABLE,
                         "the container's shim died, or is of a version of cay that knows less");
    return error_set(err, ERROR_UNAVAILABLE, "the shim of container '%s' died",
                     client_name(client));
}

int shim_client_receive(ShimClient *client, ShimMessage *ret, Error *err)
{
    int r = shim_message_receive(client->socket, client->buffer, ret);

    if (r == -EPROTO)
        return error_set(err, ERROR_UNAVAILABLE,
                         "the shim of container '%s' is of another version of cay",
                         client_name(client));
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, "ask the shim of container '%s': %s",
                         client_name(client), strerror(-r));
    return r == 0 ? shim_client_lost(client, err) : 0;
}

int shim_client_send(ShimClient *client, const ShimMessage *message, Error *err)
{
    int r = shim_message_send(client->socket, message);

    if (r == -EPIPE || r == -ECONNRESET)
        return shim_client_lost(client, err);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, "tell the shim of container '%s' to %s: %s",
                         client_name(client), shim_message_name(message->type), strerror(-r));
    return 0;
}

int shim_client_send_window(ShimClient *client, int fd, Error *err)
{
    ShimMessage message = { .type = SHIM_MESSAGE_RESIZE };
    struct winsize size;

    if (fd < 0 || ioctl(fd, TIOCGWINSZ, &size) < 0)
        return 0;
    if (size.ws_row == client->window.rows && size.ws_col == client->window.columns)
        return 0;

    message.window = (ShimWindow) { .rows = size.ws_row, .columns = size.ws_col };
    client->window = message.window;
    return shim_client_send(client, &message, err);
}

int shim_client_read_exit(ShimClient *client, const ShimMessage *message, ShimExit *ret, Error *err)
{
    int r = shim_exit_from_text(message->tail, message->tail_size, ret, err);

    if (r >= 0)
        client->is_restarting = ret->is_restarting;
    if (client->is_owner)
        (void)shim_message_send_plain(client->socket, SHIM_MESSAGE_EXIT_TAKEN);
    return r;
}

/* Of several ends, those that are followed by a restart are not the answer to anything. */
static bool is_last_end(const ShimMessage *message)
{
    _cleanup_shim_exit_ ShimExit exit = {};

    return message->type == SHIM_MESSAGE_EXITED &&
           (shim_exit_from_text(message->tail, message->tail_size, &exit, NULL) < 0 ||
            !exit.is_restarting);
}

/*
 * Receive messages up to one of @type. FAILED is the error that the shim met, EXITED a NOT_FOUND
 * unless the container is started again; anything else is not for us.
 */
static int client_await(ShimClient *client, ShimMessageType type, ShimMessage *ret, Error *err)
{
    int r;

    do {
        r = shim_client_receive(client, ret, err);
        if (r < 0)
            return r;
        if (ret->type == SHIM_MESSAGE_FAILED) {
            /* The owner now knows, and the shim may end; if it has already, so much the better. */
            (void)shim_message_send_plain(client->socket, SHIM_MESSAGE_EXIT_TAKEN);
            r = error_set(err, (ErrorKind)ret->failure.kind, "%.*s", (int)ret->tail_size,
                          ret->tail);
            if (err)
                err->errnum = ret->failure.errnum;
            return ret->failure.errnum > 0 ? -ret->failure.errnum : r;
        }
        if (is_last_end(ret))
            return error_set(err, ERROR_NOT_FOUND, "the container has ended");
    } while (ret->type != type);

    return 0;
}

/* The program comes as a descriptor: no container can write to what we execute. */
static int client_execute(ShimClient *client, const ShimOptions *options, int socket_fd, Error *err)
{
    _cleanup_string_list_ StringList arguments = {};
    _cleanup_close_ int program_fd = -EBADF;
    int fds[SHIM_FD_CONFIG - SHIM_FD_SOCKET + SHIM_CONFIG_FDS_MAX] = {
        [SHIM_FD_SOCKET - SHIM_FD_SOCKET] = socket_fd,
        [SHIM_FD_BUNDLE - SHIM_FD_SOCKET] = options->bundle_fd,
        [SHIM_FD_RUNTIME - SHIM_FD_SOCKET] = options->runtime_fd,
        [SHIM_FD_ROOTFS - SHIM_FD_SOCKET] = options->rootfs_fd,
        [SHIM_FD_CACHE - SHIM_FD_SOCKET] = options->cache_fd,
        [SHIM_FD_LOCK - SHIM_FD_SOCKET] = options->lock_fd,
        [SHIM_FD_EVENTS - SHIM_FD_SOCKET] = options->events_fd,
        [SHIM_FD_CONTAINER - SHIM_FD_SOCKET] = options->exec_id ? options->container_pidfd : -EBADF,
    };
    SpawnOptions spawn = {
        .program = options->program,
        .program_fd = &program_fd,
        .stdio = { -EBADF, -EBADF, -EBADF },
        .fds = fds,
        .n_fds = SHIM_FD_CONFIG - SHIM_FD_SOCKET + options->n_config_fds,
        .new_session = true,
    };
    int r = self_exe_open_sealed(options->program, &program_fd, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < options->n_config_fds; i++)
        fds[SHIM_FD_CONFIG - SHIM_FD_SOCKET + i] = options->config_fds[i];

    string_list_add(&arguments, "cay-shim");
    string_list_add(&arguments, options->container);
    if (options->exec_id) {
        string_list_add(&arguments, "--exec");
        string_list_add(&arguments, options->exec_id);
        string_list_printf(&arguments, "%d", options->container_pid);
    }
    if (options->on_exit)
        string_list_add(&arguments, "--");
    for (size_t i = 0; options->on_exit && options->on_exit[i]; i++)
        string_list_add(&arguments, options->on_exit[i]);
    spawn.arguments = (const char *const *)arguments.items;

    r = process_spawn(&spawn, &client->shim, err);
    if (r < 0)
        return r;
    client->shim_pid = client->shim.pid;
    return 0;
}

int shim_client_spawn(const ShimOptions *options, ShimClient **ret, Error *err)
{
    _cleanup_(shim_client_freep) ShimClient *client = client_new(options->container);
    _cleanup_close_ int socket_fd = -EBADF;
    ShimMessage message;
    int ends[2], r;

    client->is_owner = true;
    client->is_attached = true;
    client->terminal_fd = options->terminal_fd;

    r = socket_pair(ends);
    if (r < 0)
        return error_result(err, r, "make a connection for the shim");
    client->socket = ends[0];
    socket_fd = ends[1];

    r = client_execute(client, options, socket_fd, err);
    if (r < 0)
        return r;
    fd_closep(&socket_fd); /* else we would not see the shim die */
    r = client_await(client, SHIM_MESSAGE_CREATED, &message, err);
    if (r < 0) {
        int status;

        /* It has told us and is ending; when it has ended, nothing is left. */
        if (client->shim.pid > 0)
            (void)process_wait(&client->shim, &status);
        return r;
    }

    client->container_pid = message.pid;
    *ret = TAKE_PTR(client);
    return 0;
}

int64_t shim_client_started_at(const ShimClient *client)
{
    return client->started_at;
}

int shim_client_start(ShimClient *client, bool is_attached, Error *err)
{
    ShimMessage message = {
        .type = is_attached ? SHIM_MESSAGE_START : SHIM_MESSAGE_START_DETACHED,
    };
    int r = shim_client_send_window(client, client->terminal_fd, err);

    if (r < 0)
        return r;
    r = shim_client_send(client, &message, err);
    if (r < 0)
        return r;
    r = client_await(client, SHIM_MESSAGE_STARTED, &message, err);
    if (r < 0)
        return r;
    client->started_at = message.time;
    client->is_attached = is_attached;
    return 0;
}

int shim_client_connect(int runtime_fd, ShimClient **ret, Error *err)
{
    _cleanup_(shim_client_freep) ShimClient *client = client_new(NULL);
    struct ucred credentials;
    socklen_t size = sizeof(credentials);
    ShimMessage message;
    int r;

    client->socket = socket_connect_at(runtime_fd, SHIM_SOCKET_NAME);
    if (client->socket == -ENOENT || client->socket == -ECONNREFUSED)
        return error_set(err, ERROR_NOT_FOUND,
                         "no shim listens at '%s': the container is not running", SHIM_SOCKET_NAME);
    if (client->socket < 0)
        return error_result(err, client->socket, "connect to '%s'", SHIM_SOCKET_NAME);
    if (getsockopt(client->socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
        return error_errno(err, "connect to '%s'", SHIM_SOCKET_NAME);
    client->shim_pid = credentials.pid;

    r = client_await(client, SHIM_MESSAGE_CREATED, &message, NULL);
    if (r >= 0) {
        client->container_pid = message.pid;
        r = client_await(client, SHIM_MESSAGE_STARTED, &message, NULL);
    }
    if (r < 0) /* it was about to end and has not accepted us */
        return error_set(err, ERROR_NOT_FOUND, "the shim at '%s' is ending", SHIM_SOCKET_NAME);
    client->started_at = message.time;
    *ret = TAKE_PTR(client);
    return 0;
}

int shim_client_signal(ShimClient *client, int signal, Error *err)
{
    ShimMessage message = { .type = SHIM_MESSAGE_SIGNAL, .signal = signal };
    int r;

    if (client->is_attached)
        return shim_client_send(client, &message, err);

    (void)shim_message_send(client->socket,
                            &message); /* a shim that ended may have said so before */
    r = client_await(client, SHIM_MESSAGE_SIGNALED, &message, err);
    if (r < 0)
        return r;
    if (message.errnum == ESRCH)
        return error_set(err, ERROR_NOT_FOUND, "the container has ended");
    if (message.errnum == EINVAL)
        return error_set(err, ERROR_INVALID, "there is no signal %d", signal);
    return message.errnum ? error_result(err, -message.errnum, "send signal %d", signal) : 0;
}

static const struct {
    int errnum;
    ErrorKind kind;
    const char *message;
} refusals[] = {
    { ESRCH, ERROR_NOT_FOUND, "the container has ended" },
    { EINVAL, ERROR_INVALID, "there is no such signal, or no such timeout" },
    { EBUSY, ERROR_CONFLICT, "the container waits for its restart" },
    { EBADMSG, ERROR_CORRUPT, "the container's '" SHIM_SETTINGS_NAME "' is corrupt" },
    { EOPNOTSUPP, ERROR_UNSUPPORTED, "the container's cgroup has no freezer" },
    { ETIMEDOUT, ERROR_UNAVAILABLE, "a process of the container cannot be stopped now" },
};

/* Ask for what is answered with DONE. */
static int client_request(ShimClient *client, const ShimMessage *request, Error *err)
{
    ShimMessage answer;
    int r;

    /* A shim that has ended may have said so before. */
    (void)shim_message_send(client->socket, request);
    r = client_await(client, SHIM_MESSAGE_DONE, &answer, err);
    if (r < 0 || answer.errnum == 0)
        return r;
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
        if (refusals[i].errnum == answer.errnum)
            return error_set(err, refusals[i].kind, "%s", refusals[i].message);
    return error_result(err, -answer.errnum, "%s the container", shim_message_name(request->type));
}

int shim_client_stop(ShimClient *client, int signal, int timeout, Error *err)
{
    const ShimMessage message = { .type = SHIM_MESSAGE_STOP,
                                  .stop = { .signal = signal, .timeout = timeout } };

    return client_request(client, &message, err);
}

int shim_client_kill(ShimClient *client, int signal, Error *err)
{
    const ShimMessage message = { .type = SHIM_MESSAGE_KILL, .signal = signal };

    return client_request(client, &message, err);
}

int shim_client_set_paused(ShimClient *client, bool is_paused, Error *err)
{
    const ShimMessage message = { .type = SHIM_MESSAGE_PAUSE, .is_paused = is_paused };
    _cleanup_error_ Error problem = {};
    int r = client_request(client, &message, &problem);

    if (r == -EALREADY)
        return error_set(err, ERROR_CONFLICT, "the container is %s paused",
                         is_paused ? "already" : "not");
    if (r < 0)
        error_move(err, &problem);
    return r;
}

int shim_client_hold(ShimClient *client, Error *err)
{
    const ShimMessage message = { .type = SHIM_MESSAGE_HOLD, .is_paused = true };
    _cleanup_error_ Error problem = {};
    int r = client_request(client, &message, &problem);

    if (r == -EALREADY)
        return error_set(err, ERROR_CONFLICT, "the container is paused");
    if (r < 0)
        error_move(err, &problem);
    return r;
}

int shim_client_let_go(ShimClient *client, Error *err)
{
    const ShimMessage message = { .type = SHIM_MESSAGE_HOLD, .is_paused = false };

    return client_request(client, &message, err);
}

int shim_client_reload(ShimClient *client, Error *err)
{
    const ShimMessage message = { .type = SHIM_MESSAGE_RELOAD };

    return client_request(client, &message, err);
}

int shim_client_await_exit(ShimClient *client, ShimExit *ret, Error *err)
{
    ShimMessage message;
    int r;

    do {
        r = shim_client_receive(client, &message, err);
        if (r < 0)
            return r;
    } while (message.type != SHIM_MESSAGE_EXITED);
    return shim_client_read_exit(client, &message, ret, err);
}

int shim_client_wait(ShimClient *client, Error *err)
{
    ShimMessage message;
    int status, r;

    if (client->is_restarting)
        return 0;
    if (client->shim.pid > 0) {
        r = process_wait(&client->shim, &status);
        if (r < 0)
            return error_result(err, r, "wait for the shim of container '%s'", client_name(client));
        if (WIFSIGNALED(status))
            return error_set(err, ERROR_UNAVAILABLE, "the shim of container '%s' died of signal %d",
                             client_name(client), WTERMSIG(status));
        return 0;
    }

    do
        r = shim_message_receive(client->socket, client->buffer, &message);
    while (r > 0);
    return r == 0 ? 0 : error_result(err, r, "wait for the shim");
}
