/* SPDX-License-Identifier: Apache-2.0 */

/* What can be asked of a container and done to it, whoever has made it. */

#include "oci/container.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json-fields.h"
#include "oci/container-private.h"
#include "oci/process-identity.h"
#include "oci/root-directory.h"
#include "sandbox/sandbox.h"

void container_free(Container *container)
{
    if (!container)
        return;
    container_record_done(&container->record);
    cgroup_free(container->cgroup);
    fd_close(container->lock_fd);
    fd_close(container->dir_fd);
    free(container);
}

int container_open_argument(const Invocation *invocation, Container **ret, Error *err)
{
    _cleanup_close_ int root_fd = -EBADF;
    const char *id = invocation->arguments[0];
    int r = root_directory_open(invocation->global, &root_fd, err);

    if (r == -ENOENT)
        return container_report_missing(id, err);
    return r < 0 ? r : container_open(root_fd, id, ret, err);
}

int container_save(const Container *container, Error *err)
{
    _cleanup_free_ char *text = container_record_to_text(&container->record);
    int r = file_write_at(container->dir_fd, CONTAINER_RECORD_NAME, text, strlen(text), 0600, 0);

    return r < 0 ? error_result(err, r, "write the state of the container") : 0;
}

int container_read_config(const Container *container, RuntimeConfig **ret, Error *err)
{
    return runtime_config_read_at(container->dir_fd, CONTAINER_CONFIG_NAME, ret, err);
}

static bool is_frozen(Container *container)
{
    Cgroup *cgroup;

    return container_open_cgroup(container, &cgroup, NULL) >= 0 && cgroup &&
           cgroup_is_frozen(cgroup);
}

RuntimeStatus container_status(Container *container)
{
    const ContainerRecord *record = &container->record;

    if (record->pid == 0)
        return container_is_locked(container) ? RUNTIME_CREATING : RUNTIME_STOPPED;
    if (!process_is_alive(record->pid, record->start_time))
        return RUNTIME_STOPPED;
    if (is_frozen(container))
        return RUNTIME_PAUSED;
    if (sandbox_is_waiting_at(container->dir_fd, CONTAINER_SOCKET_NAME))
        return RUNTIME_CREATED;
    return RUNTIME_RUNNING;
}

RuntimeState container_state(const Container *container, RuntimeStatus status)
{
    const ContainerRecord *record = &container->record;

    return (RuntimeState) {
        .id = record->id,
        .status = status,
        .pid = record->pid,
        .bundle = record->bundle,
        .annotations = &record->annotations,
    };
}

char *container_state_text(const Container *container, RuntimeStatus status)
{
    const RuntimeState state = container_state(container, status);
    _cleanup_json_ json_t *json = runtime_state_to_json(&state);

    return json_to_text(json);
}

int container_open_process(const Container *container, int *ret_pidfd, Error *err)
{
    const ContainerRecord *record = &container->record;
    int fd = record->pid > 0 ? process_open(record->pid, record->start_time) : -ESRCH;

    if (fd == -ESRCH)
        return error_set(err, ERROR_CONFLICT, "container not running: '%s'", record->id);
    if (fd < 0)
        return error_result(err, fd, "find the first process of container '%s'", record->id);
    *ret_pidfd = fd;
    return 0;
}

int container_open_cgroup(Container *container, Cgroup **ret, Error *err)
{
    const char *path = container->record.cgroup_path;

    if (!container->cgroup && path) {
        _cleanup_error_ Error problem = {};
        int r = container->record.systemd_cgroup
                    ? cgroup_open_unit(path, &container->cgroup, &problem)
                    : cgroup_open(path, &container->cgroup, &problem);

        if (r < 0 && problem.kind != ERROR_NOT_FOUND) {
            error_move(err, &problem);
            return r;
        }
    }
    *ret = container->cgroup;
    return 0;
}

/* Kill the first process and wait for its end. It may be in no cgroup. */
static int end_first_process(const Container *container, Error *err)
{
    const ContainerRecord *record = &container->record;
    _cleanup_close_ int pidfd =
        record->pid > 0 ? process_open(record->pid, record->start_time) : -ESRCH;
    struct pollfd end = { .fd = pidfd, .events = POLLIN };

    if (pidfd == -ESRCH)
        return 0;
    if (pidfd < 0)
        return error_result(err, pidfd, "find the first process of container '%s'", record->id);
    if (pidfd_send_signal(pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
        return error_errno(err, "kill the first process of container '%s'", record->id);
    while (poll(&end, 1, -1) < 0)
        if (errno != EINTR)
            return error_errno(err, "wait for the end of container '%s'", record->id);
    return 0;
}

int container_stop(Container *container, Error *err)
{
    Cgroup *cgroup;
    int r = container_open_cgroup(container, &cgroup, err);

    /* A frozen process dies once it is let go, which only the cgroup knows how to do. */
    if (r >= 0 && cgroup)
        r = cgroup_kill(cgroup, err);
    if (r >= 0)
        r = end_first_process(container, err);
    return r < 0 ? error_wrap(err, r, "stop container '%s'", container->record.id) : 0;
}
