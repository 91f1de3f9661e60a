/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The order matters: what can be refused is refused before anything is made; the record is written
 * before the cgroup is made, so that it is found when we are killed; and again once the pid is
 * known, before the engine hears of it.
 */

#include "oci/container-create.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/socket.h"
#include "base/time-format.h"
#include "oci/container-id.h"
#include "oci/descriptor-socket.h"
#include "oci/foreground.h"
#include "oci/pid-file.h"
#include "oci/process-identity.h"
#include "oci/root-directory.h"

/* How many may knock at a container that waits: `state` does, to see whether it waits. */
#define SOCKET_BACKLOG 64

/* What the engine has given us. */
typedef struct Request {
    const CreateOptions *options;
    char *bundle;      /* absolute */
    char *config_text; /* as it is in the bundle */
    int bundle_fd;
    int console_fd;
    int pidfd_fd;
} Request;

static void request_done(Request *request)
{
    free(request->bundle);
    free(request->config_text);
    fd_close(request->bundle_fd);
    fd_close(request->console_fd);
    fd_close(request->pidfd_fd);
}

void create_options_done(CreateOptions *options)
{
    free(options->bundle);
    free(options->console_socket);
    free(options->pidfd_socket);
    free(options->pid_file);
}

void creation_done(Creation *creation)
{
    if (creation->sandbox)
        sandbox_free(TAKE_PTR(creation->sandbox));
    if (creation->config)
        runtime_config_free(TAKE_PTR(creation->config));
    if (creation->container)
        container_free(TAKE_PTR(creation->container));
    fd_closep(&creation->root_fd);
}

int creation_undo(Creation *creation, Error *err)
{
    if (creation->sandbox)
        sandbox_free(TAKE_PTR(creation->sandbox));
    return container_delete(creation->root_fd, creation->container, err);
}

static int find_bundle(Request *request, Error *err)
{
    const char *path = request->options->bundle ? request->options->bundle : ".";
    _cleanup_free_ char *current = path_is_absolute(path) ? NULL : getcwd(NULL, 0);

    if (!path_is_absolute(path) && !current)
        return error_errno(err, "find the current directory");
    request->bundle = path_join(current ? current : "/", path);
    request->bundle_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (request->bundle_fd < 0)
        return error_errno(err, "open the bundle '%s'", path);
    return 0;
}

static int read_config(Request *request, RuntimeConfig **ret, Error *err)
{
    size_t size;
    int r = file_read_at(request->bundle_fd, CONTAINER_CONFIG_NAME, RUNTIME_CONFIG_SIZE_MAX,
                         &request->config_text, &size);

    if (r < 0)
        return error_result(err, r, "read '%s/%s'", request->bundle, CONTAINER_CONFIG_NAME);
    r = runtime_config_parse(request->config_text, size, ret, err);
    return r < 0 ? error_wrap(err, r, "%s/%s", request->bundle, CONTAINER_CONFIG_NAME) : 0;
}

/* Somebody has to hold the terminal, and it cannot be one who leaves. */
static int check_terminal(const CreateOptions *options, const RuntimeConfig *config, Error *err)
{
    bool has_terminal = config->process && config->process->terminal;

    if (has_terminal && options->detach && !options->console_socket)
        return error_set(err, ERROR_INVALID,
                         "process.terminal: nobody holds the terminal: use --console-socket");
    if (!has_terminal && options->console_socket)
        return error_set(err, ERROR_INVALID,
                         "--console-socket: there is no terminal: set process.terminal");
    return 0;
}

static int connect_sockets(Request *request, Error *err)
{
    const CreateOptions *options = request->options;
    int r = descriptor_socket_connect("console-socket", options->console_socket,
                                      &request->console_fd, err);

    if (r >= 0)
        r = descriptor_socket_connect("pidfd-socket", options->pidfd_socket, &request->pidfd_fd,
                                      err);
    return r;
}

static bool has_own_pids(const RuntimeConfig *config)
{
    for (size_t i = 0; i < config->linux_config.namespaces.count; i++) {
        const LinuxNamespace *namespace = &config->linux_config.namespaces.items[i];

        if (strcmp(namespace->type, "pid") == 0)
            return !namespace->path;
    }
    return false;
}

/* Where the cgroup will be, as far as that is known before it is made; free it. */
static char *expected_cgroup(const Invocation *invocation, const char *path)
{
    if (invocation->global->systemd_cgroup)
        return NULL; /* systemd removes what has lost its process */
    return path_is_absolute(path) ? memory_strdup(path) : memory_printf("/%s", path);
}

static void fill_record(const Invocation *invocation, const Request *request, RuntimeConfig *config,
                        ContainerRecord *record)
{
    LinuxConfig *settings = &config->linux_config;

    record->systemd_cgroup = invocation->global->systemd_cgroup;
    if (!settings->cgroups_path)
        settings->cgroups_path = cgroup_default_path(record->id, record->systemd_cgroup);
    record->cgroup_path = expected_cgroup(invocation, settings->cgroups_path);
    record->bundle = memory_strdup(request->bundle);
    record->rootfs = path_join(request->bundle, config->root->path);
    record->shares_pids = !has_own_pids(config);
    record->has_agent = settings->seccomp && settings->seccomp->listener_path;
    record->has_rdt = settings->intel_rdt;
    record->has_poststart = config->hooks.poststart.count > 0;
    record->has_poststop = config->hooks.poststop.count > 0;
    record->created = time_now();
    record->owner = geteuid();
    string_map_copy(&record->annotations, &config->annotations);
}

/* The socket that the start comes through. */
static int listen_for_start(const Container *container, int *ret_fd, Error *err)
{
    int fd = socket_listen_at(container->dir_fd, CONTAINER_SOCKET_NAME, SOCKET_BACKLOG);

    if (fd < 0)
        return error_result(err, fd, "listen for the start of the container");
    *ret_fd = fd;
    return 0;
}

static int make_sandbox(const Request *request, Creation *creation, Error *err)
{
    _cleanup_free_ char *state = container_state_text(creation->container, RUNTIME_CREATING);
    _cleanup_close_ int cache_fd = root_directory_open_cache(creation->root_fd);
    const ContainerRecord *record = &creation->container->record;
    _cleanup_close_ int start_fd = -EBADF;
    int r = 0;

    if (request->options->detach)
        r = listen_for_start(creation->container, &start_fd, err);
    if (r < 0)
        return r;

    const SandboxOptions options = {
        .bundle_fd = request->bundle_fd,
        .rootfs_fd = -EBADF,
        .start_fd = start_fd,
        .stdio = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
        .cache_fd = cache_fd,
        .no_pivot = request->options->no_pivot,
        .systemd_cgroup = record->systemd_cgroup,
        .id = record->id,
        .bundle = record->bundle,
        .state = record->has_agent ? state : NULL,
        .no_new_keyring = request->options->no_new_keyring,
        .preserve_fds = request->options->inherited.count,
        .listen_fds = request->options->inherited.listen,
    };
    return sandbox_create(creation->config, &options, &creation->sandbox, err);
}

static int send_descriptors(const Request *request, Sandbox *sandbox, Error *err)
{
    int r = 0;

    if (request->console_fd >= 0) {
        _cleanup_close_ int terminal_fd = sandbox_take_terminal(sandbox);

        r = descriptor_socket_send_terminal(request->console_fd, terminal_fd, err);
    }
    if (r >= 0 && request->pidfd_fd >= 0)
        r = descriptor_socket_send_pidfd(request->pidfd_fd, sandbox_pidfd(sandbox), err);
    return r;
}

/* Where it really is. */
static int record_cgroup(const Invocation *invocation, const Creation *creation, Error *err)
{
    ContainerRecord *record = &creation->container->record;
    const Cgroup *cgroup = sandbox_cgroup(creation->sandbox);
    const char *rootless = invocation->global->rootless;

    free(TAKE_PTR(record->cgroup_path));
    if (!cgroup_is_empty(cgroup))
        record->cgroup_path = memory_strdup(cgroup_path(cgroup));
    else if (rootless && strcmp(rootless, "false") == 0)
        return error_set(err, ERROR_DENIED, "--rootless=false: no cgroup can be made");
    return 0;
}

static int record_process(const Request *request, const Creation *creation, Error *err)
{
    ContainerRecord *record = &creation->container->record;
    pid_t pid = sandbox_pid(creation->sandbox);
    int r = process_start_time(pid, &record->start_time);

    if (r < 0)
        return error_result(err, r, "find when the container's first process has started");
    record->pid = pid;
    r = container_save(creation->container, err);
    return r < 0 ? r : pid_file_write(request->options->pid_file, pid, err);
}

/* What has to be undone when it fails: the id is ours. */
static int create_claimed(const Invocation *invocation, const Request *request, Creation *creation,
                          Error *err)
{
    const Container *container = creation->container;
    int r = container_save(container, err);

    if (r < 0)
        return r;
    if (!request->options->detach && !request->options->console_socket)
        foreground_set_console_size(creation->config->process);
    r = file_write_at(container->dir_fd, CONTAINER_CONFIG_NAME, request->config_text,
                      strlen(request->config_text), 0600, 0);
    if (r < 0)
        return error_result(err, r, "keep the configuration of the container");
    r = make_sandbox(request, creation, err);
    if (r >= 0)
        r = record_cgroup(invocation, creation, err);
    if (r >= 0)
        r = send_descriptors(request, creation->sandbox, err);
    if (r >= 0)
        r = record_process(request, creation, err);
    return r;
}

static int open_request(const Invocation *invocation, const CreateOptions *options,
                        Request *request, RuntimeConfig **ret_config, Error *err)
{
    int r = container_id_validate(invocation->arguments[0], err);

    if (r >= 0)
        r = find_bundle(request, err);
    if (r >= 0)
        r = read_config(request, ret_config, err);
    if (r >= 0)
        r = check_terminal(options, *ret_config, err);
    if (r >= 0)
        r = connect_sockets(request, err);
    return r;
}

int container_create(const Invocation *invocation, const CreateOptions *options, Creation *ret,
                     Error *err)
{
    _cleanup_(request_done) Request request = {
        .options = options, .bundle_fd = -EBADF, .console_fd = -EBADF, .pidfd_fd = -EBADF
    };
    _cleanup_creation_ Creation creation = CREATION_INIT;
    int r = open_request(invocation, options, &request, &creation.config, err);

    if (r >= 0)
        r = root_directory_make(invocation->global, &creation.root_fd, err);
    if (r >= 0)
        r = container_claim(creation.root_fd, invocation->arguments[0], &creation.container, err);
    if (r < 0)
        return r;

    fill_record(invocation, &request, creation.config, &creation.container->record);
    r = create_claimed(invocation, &request, &creation, err);
    if (r < 0) {
        (void)creation_undo(&creation, NULL); /* why it failed is what counts */
        return r;
    }
    *ret = creation;
    creation = CREATION_INIT;
    return 0;
}
