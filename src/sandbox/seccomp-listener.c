/* SPDX-License-Identifier: Apache-2.0 */

/* The way of a seccomp listener: offered by number, taken by handle, sent with its description. */

#include "sandbox/seccomp-listener-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/socket.h"

#define MEMBER "linux.seccomp.listenerPath"

/* The specification's ContainerProcessState (config-linux.md, "The Container Process State"). */
typedef struct ProcessState {
    char *oci_version;
    StringList fds;
    int32_t pid;
    char *metadata;
    json_t *state;
} ProcessState;

static const JsonField process_state_fields[] = {
    JSON_FIELD(ProcessState, oci_version, "ociVersion", JSON_TYPE_STRING),
    JSON_FIELD(ProcessState, fds, "fds", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ProcessState, pid, "pid", JSON_TYPE_INT32),
    JSON_FIELD(ProcessState, metadata, "metadata", JSON_TYPE_STRING),
    JSON_FIELD(ProcessState, state, "state", JSON_TYPE_RAW),
};
static const JsonStruct process_state_json = JSON_STRUCT(ProcessState, process_state_fields);

static void process_state_done(ProcessState *state)
{
    json_struct_done(&process_state_json, state);
}

int seccomp_listener_check(const LinuxSeccomp *profile, const char *state, Error *err)
{
    if (profile && profile->listener_path && !state)
        return error_set(err, ERROR_INVALID, MEMBER ": the container's state is not known here");
    return 0;
}

int seccomp_listener_offer(int listener_fd, int control_fd, Report *report)
{
    const Report offer = { .kind = ERROR_NONE, .errnum = listener_fd };
    char answer = 0;
    ssize_t n;

    /* Nothing else may be called in between: see the header. */
    if (write(control_fd, &offer, sizeof(offer)) != sizeof(offer))
        return report_errno(report, MEMBER ": offer the listener");
    do
        n = read(control_fd, &answer, 1);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return report_errno(report, MEMBER ": wait until the listener is taken");
    if (n != 1 || answer != LISTENER_TAKEN)
        _exit(EXIT_FAILURE);
    return 0;
}

int seccomp_listener_message(const SeccompListener *listener, char **ret, Error *err)
{
    _cleanup_(process_state_done) ProcessState state = { .pid = listener->pid };
    _cleanup_json_ json_t *json = NULL;
    int r;

    r = json_parse(listener->state, strlen(listener->state), &state.state, err);
    if (r < 0)
        return error_wrap(err, r, "the container's state");
    if (!json_is_object(state.state))
        return error_set(err, ERROR_INVALID, "the container's state is not an object");
    json_object_set_new(state.state, "pid", json_integer(listener->container_pid));
    state.oci_version = memory_strdup(RUNTIME_CONFIG_VERSION);
    string_list_add(&state.fds, "seccompFd");
    state.metadata = memory_strdup(listener->profile->listener_metadata);
    json = json_struct_write(&process_state_json, &state);
    *ret = json_to_text(json);
    return 0;
}

/* By way of a handle, for paths that are longer than sun_path. */
static int connect_to_agent(const char *path, int *ret_fd, Error *err)
{
    _cleanup_close_ int file_fd = open(path, O_PATH | O_CLOEXEC);
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char name[32];

    if (file_fd < 0 || fd < 0)
        return error_errno(err, MEMBER ": open '%s'", path);
    memcpy(address.sun_path, path_of_fd(name, file_fd), sizeof(name));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
        *ret_fd = TAKE_FD(fd);
        return 0;
    }
    if (errno == ECONNREFUSED)
        return error_set(err, ERROR_UNAVAILABLE, MEMBER ": nobody listens at '%s'", path);
    return error_errno(err, MEMBER ": connect to '%s'", path);
}

static int send_to_agent(const SeccompListener *listener, int listener_fd, Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    _cleanup_free_ char *message = NULL;
    int r;

    r = seccomp_listener_message(listener, &message, err);
    if (r >= 0)
        r = connect_to_agent(listener->profile->listener_path, &fd, err);
    if (r < 0)
        return r;
    r = socket_send(fd, message, strlen(message), &listener_fd, 1);
    return r < 0 ? error_result(err, r, MEMBER ": send to '%s'", listener->profile->listener_path)
                 : 0;
}

int seccomp_listener_accept(const SeccompListener *listener, const Report *offer, int control_fd,
                            Error *err)
{
    const char answer = LISTENER_TAKEN;
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (!listener->profile || !listener->profile->listener_path || !listener->state)
        return error_set(err, ERROR_INVALID, MEMBER ": it was not said to whom to send");
    fd = pidfd_getfd(listener->pidfd, offer->errnum, 0);
    if (fd < 0)
        return error_errno(err, MEMBER ": take the listener from process %d", listener->pid);
    r = send_to_agent(listener, fd, err);
    if (r < 0)
        return r;
    r = socket_send(control_fd, &answer, sizeof(answer), NULL, 0);
    return r < 0 ? error_result(err, r, MEMBER ": release process %d", listener->pid) : 0;
}
