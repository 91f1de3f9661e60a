/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a name to a process: the container is found in the database, its first process in the status
 * that its shim writes. From then on a pidfd stands for it, which counts only when the process that
 * it names is in the container's cgroup: a pid that was used again leads nowhere, and neither does
 * that of an earlier run.
 *
 * A directory of its own in the container's runtime directory is each exec's. It is locked by who
 * made it and shared with the shim, so that one without a lock was left by a shim that was killed.
 */

#include "engine/container-exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/process.h"
#include "base/random-id.h"
#include "base/variables.h"
#include "engine/container-private.h"
#include "engine/container-user.h"
#include "supervisor/exec-request.h"
#include "supervisor/shim-status.h"

#define DIRECTORY_MODE 0700
#define STAT_LINE_MAX 1024
#define PROCESS_IS_EXITING 0x4U /* the kernel's PF_EXITING */

struct ContainerExec {
    char id[CONTAINER_ID_LENGTH + 1];
    ShimClient *shim;
};

/* A container that runs, by handles. */
typedef struct Target {
    Container *container;
    int bundle_fd;
    int runtime_fd;
    pid_t pid; /* of the first process; the pidfd says whether it is still that */
    int pidfd;
} Target;

static void target_done(Target *target)
{
    if (target->container)
        container_free(target->container);
    fd_close(target->bundle_fd);
    fd_close(target->runtime_fd);
    fd_close(target->pidfd);
}

void container_exec_options_done(ContainerExecOptions *options)
{
    string_list_done(&options->command);
    string_list_done(&options->environment);
    free(options->user);
    free(options->working_directory);
    *options = (ContainerExecOptions) { .terminal_fd = -EBADF };
}

static int not_running(const Target *target, Error *err)
{
    return error_set(err, ERROR_CONFLICT, "container '%s' is not running", target->container->name);
}

/* What the row alone says may be long over: whoever owned the container may have been killed. */
static int check_state(const Target *target, Error *err)
{
    const char *name = target->container->name;

    switch (target->container->state) {
    case CONTAINER_RUNNING:
        return 0;
    case CONTAINER_PAUSED:
        return error_set(err, ERROR_CONFLICT,
                         "container '%s' is paused, unpause the container before exec", name);
    case CONTAINER_RESTARTING:
        return error_set(err, ERROR_CONFLICT,
                         "container '%s' is restarting, wait until the container is running", name);
    default:
        return not_running(target, err);
    }
}

/*
 * Is the first process on its way out, or gone? Then that is why whatever went wrong did. Its pidfd
 * only tells when the last process of the pid namespace has ended (proc_pid_stat(5), flags).
 */
static bool is_ending(const Target *target)
{
    _cleanup_close_ int fd = -EBADF;
    char line[STAT_LINE_MAX], path[32];
    const char *after_command;
    unsigned flags;
    ssize_t n;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", target->pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
    if (n <= 0 || !container_process_is_alive(target->pidfd))
        return true;
    line[n] = '\0';
    after_command = strrchr(line, ')');
    return !after_command || sscanf(after_command, ") %*c %*s %*s %*s %*s %*s %u", &flags) != 1 ||
           (flags & PROCESS_IS_EXITING);
}

static int target_open(Engine *engine, const char *name, Target *target, Error *err)
{
    int r = container_find(engine, name, &target->container, err);

    if (r < 0)
        return r;
    container_refresh(engine, target->container);
    r = check_state(target, err);
    if (r < 0)
        return r;
    target->runtime_fd = openat(engine->runtime_fd, target->container->id,
                                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    target->bundle_fd = openat(engine->containers_fd, target->container->id,
                               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (target->runtime_fd < 0 || target->bundle_fd < 0)
        return not_running(target, err);
    target->pid = (pid_t)target->container->pid;
    return container_process_open(target->container, &target->pidfd, err);
}

static bool spec_sets(const ContainerSpec *spec, const char *variable)
{
    return variables_find(&spec->environment, variable) < spec->environment.count;
}

/* The user's home and the terminal's type, where the container itself leaves them open. */
static void add_environment(ExecRequest *request, const ContainerExecOptions *options,
                            const ContainerSpec *spec, const char *home)
{
    if (home && !spec_sets(spec, "HOME"))
        string_list_printf(&request->environment, "HOME=%s", home);
    if (options->tty != spec->tty && !spec_sets(spec, "TERM"))
        string_list_add(&request->environment, options->tty ? "TERM=xterm" : "TERM");
    for (size_t i = 0; i < options->environment.count; i++)
        string_list_add(&request->environment, options->environment.items[i]);
}

static int look_up_user(const Target *target, const char *name, ExecUser **ret, char **ret_home,
                        Error *err)
{
    _cleanup_container_user_ ContainerUser resolved = {};
    _cleanup_close_ int root_fd = -EBADF;
    ExecUser *user;
    int r = container_process_open_root(target->container, target->pidfd, &root_fd, err);

    if (r >= 0)
        r = container_user_look_up(root_fd, name, &target->container->spec.groups_add, &resolved,
                                   err);
    if (r < 0)
        return r;
    user = NEW(ExecUser);
    user->uid = resolved.uid;
    user->gid = resolved.gid;
    for (size_t i = 0; i < resolved.n_groups; i++)
        *JSON_ARRAY_ADD(&user->groups) = resolved.groups[i];
    *ret = user;
    *ret_home = TAKE_PTR(resolved.home);
    return 0;
}

static int make_request(const Target *target, const ContainerExecOptions *options,
                        ExecRequest *request, Error *err)
{
    const char *directory = options->working_directory;
    _cleanup_free_ char *home = NULL;
    int r = 0;

    if (directory && !path_is_absolute(directory))
        return error_set(err, ERROR_INVALID,
                         "the working directory '%s' is invalid, it needs to be an absolute path",
                         directory);
    if (options->user && *options->user)
        r = look_up_user(target, options->user, &request->user, &home, err);
    if (r < 0)
        return r;
    string_list_copy(&request->arguments, &options->command);
    request->working_directory = directory ? path_clean(directory) : NULL;
    request->tty = options->tty;
    request->open_stdin = options->open_stdin;
    request->privileged = options->privileged;
    add_environment(request, options, &target->container->spec, home);
    return 0;
}

/* Is somebody responsible for this directory? If not, it was left by who was killed, and goes. */
static bool is_live(int parent_fd, const char *name)
{
    _cleanup_close_ int fd =
        openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return false;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return true;
    (void)path_remove_tree(parent_fd, name); /* else the next one does */
    return false;
}

static void list_live(int parent_fd, StringList *ret)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;

    if (directory_open_at(parent_fd, ".", &directory) < 0)
        return;
    while (directory_read(directory, &entry) > 0)
        if (is_live(parent_fd, entry->d_name) && entry->d_name[0] != '.')
            string_list_add(ret, entry->d_name);
}

/* It gets its name when it is locked. Returns 0 where it was taken for a dead one's before, and
 * -ENOENT where the parent is gone. */
static int try_make_directory(int parent_fd, const char *id)
{
    _cleanup_free_ char *hidden = memory_printf(".%s", id);
    _cleanup_close_ int fd = -EBADF;

    if (mkdirat(parent_fd, hidden, DIRECTORY_MODE) < 0 && errno != EEXIST)
        return -errno;
    fd = openat(parent_fd, hidden, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (flock(fd, LOCK_EX) < 0) /* who looks after dead ones holds it for a moment */
        return errno == EINTR ? 0 : -errno;
    if (renameat(parent_fd, hidden, parent_fd, id) < 0)
        return errno == ENOENT ? 0 : -errno;
    return TAKE_FD(fd);
}

static int make_directory(int parent_fd, const char *id)
{
    _cleanup_string_list_ StringList others = {};
    int fd;

    list_live(parent_fd, &others);
    do
        fd = try_make_directory(parent_fd, id);
    while (fd == 0);
    return fd;
}

static int spawn(const Engine *engine, const Target *target, const ContainerExecOptions *options,
                 int exec_fd, ContainerExec *exec, Error *err)
{
    _cleanup_free_ char *program = process_find_sibling("cay-shim");
    const ShimOptions shim = {
        .program = program,
        .container = target->container->id,
        .bundle_fd = target->bundle_fd,
        .runtime_fd = exec_fd,
        .rootfs_fd = -EBADF,
        .cache_fd = engine->cache_fd,
        .lock_fd = -EBADF,
        .events_fd = engine->events_fd,
        .terminal_fd = options->tty ? options->terminal_fd : -EBADF,
        .exec_id = exec->id,
        .container_pid = target->pid,
        .container_pidfd = target->pidfd,
    };
    int r = shim_client_spawn(&shim, &exec->shim, err);

    return r < 0 ? r : shim_client_start(exec->shim, true, err);
}

/* Make the directory with the request in it, and a shim that takes care of both. */
static int execute(const Engine *engine, const Target *target, const ContainerExecOptions *options,
                   ContainerExec *exec, Error *err)
{
    _cleanup_exec_request_ ExecRequest request = {};
    _cleanup_close_ int parent_fd = -EBADF, exec_fd = -EBADF;
    int r = make_request(target, options, &request, err);

    if (r < 0)
        return r;
    parent_fd = path_open_directory(target->runtime_fd, EXEC_DIRECTORY_NAME, DIRECTORY_MODE);
    exec_fd = parent_fd < 0 ? parent_fd : make_directory(parent_fd, exec->id);
    if (exec_fd < 0)
        return error_result(err, exec_fd, "make a directory for the exec");
    r = exec_request_write(exec_fd, &request, err);
    if (r >= 0)
        r = spawn(engine, target, options, exec_fd, exec, err);
    if (r < 0)
        (void)path_remove_tree(parent_fd, exec->id); /* its shim has, unless it was killed */
    return r;
}

int container_exec_start(Engine *engine, const char *name, const ContainerExecOptions *options,
                         ContainerExec **ret, Error *err)
{
    _cleanup_(container_exec_freep) ContainerExec *exec = NEW(ContainerExec);
    _cleanup_(target_done) Target target = {
        .bundle_fd = -EBADF,
        .runtime_fd = -EBADF,
        .pidfd = -EBADF,
    };
    int r = target_open(engine, name, &target, err);

    if (r < 0)
        return r;
    random_hex(exec->id, CONTAINER_ID_LENGTH);
    r = execute(engine, &target, options, exec, err);
    if (r < 0)
        return is_ending(&target) ? not_running(&target, err) : r;
    *ret = TAKE_PTR(exec);
    return 0;
}

const char *container_exec_id(const ContainerExec *exec)
{
    return exec->id;
}

int container_exec_relay(ContainerExec *exec, const RelayOptions *options, ShimExit *ret,
                         Error *err)
{
    int r = shim_client_relay(exec->shim, options, ret, err);

    if (r == 0)
        (void)shim_client_wait(exec->shim, NULL); /* so that nothing is left of it */
    return r;
}

void container_exec_free(ContainerExec *exec)
{
    if (exec->shim)
        shim_client_free(exec->shim);
    free(exec);
}

void container_exec_list(Engine *engine, const char *id, StringList *ret)
{
    _cleanup_free_ char *path = memory_printf("%s/" EXEC_DIRECTORY_NAME, id);
    _cleanup_close_ int parent_fd =
        openat(engine->runtime_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (parent_fd >= 0)
        list_live(parent_fd, ret);
}
