/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A run of the container that another OCI runtime makes. It gets a bundle in the container's
 * runtime directory, where the host sees all but the root: that is attached in a mount namespace
 * which nobody is in but the runtime while it is called, and which ends with us. The container's
 * first process becomes our child, so its end is ours to see as that of a sandbox is.
 *
 * What a shim that is killed leaves of such a container runs until the next command finds it.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/syscalls.h"
#include "supervisor/oci-runtime.h"
#include "supervisor/shim-private.h"

#define CONFIG_NAME "config.json"
#define ROOTFS_NAME "rootfs" /* as config.json has it */
#define OWN_FD_PREFIX "/proc/self/fd/"

/* Runtimes refuse a version that is newer than they are, whatever of it is used. */
#define CONFIG_VERSION "1.0.2"
#define CONFIG_VERSION_DOMAINNAME "1.1.0"

/* Of our default profile: it only makes programs faster, and not every runtime knows flags. */
#define SECCOMP_FLAG_SPEED "SECCOMP_FILTER_FLAG_SPEC_ALLOW"

struct ShimOci {
    char *directory; /* the container's below /run */
    char *program;   /* the container's, for error messages that speak of it */
    int mounts_fd;   /* a mount namespace with the root in it; -EBADF: not made yet, or over */
    Process first;   /* the container's first process; .pid 0: none */
    Cgroup *cgroup;  /* NULL: it has none */
    bool is_known;   /* the runtime may know of a container */
};

static OciRuntime runtime_of(const Shim *shim)
{
    return (OciRuntime) {
        .program = shim->settings.runtime,
        .directory = shim->oci->directory,
        .mounts_fd = shim->oci->mounts_fd,
    };
}

/* --- the bundle --- */

/* The number of the descriptor of ours that the source of a mount is, as text; NULL for others. */
static const char *own_fd_of(const char *path)
{
    size_t length = strlen(OWN_FD_PREFIX);

    return path && strncmp(path, OWN_FD_PREFIX, length) == 0 ? path + length : NULL;
}

static char *path_in_bundle(const Shim *shim, const char *name)
{
    return memory_printf("%s/" OCI_RUNTIME_BUNDLE_NAME "/%s", shim->oci->directory, name);
}

/* Something for the mount @mount_fd to lie on: a directory or a file. */
static int make_place(const char *path, int mount_fd)
{
    struct stat status;
    int r;

    if (fstat(mount_fd, &status) < 0)
        return -errno;
    r = S_ISDIR(status.st_mode) ? mkdir(path, 0700) : mknod(path, S_IFREG | 0600, 0);
    return r < 0 && errno != EEXIST ? -errno : 0;
}

static int attach(const Shim *shim, int mount_fd, const char *name)
{
    _cleanup_free_ char *path = path_in_bundle(shim, name);
    int r = make_place(path, mount_fd);

    if (r < 0)
        return r;
    if (move_mount(mount_fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return -errno;
    return mount(NULL, path, NULL, MS_PRIVATE, NULL) < 0 ? -errno : 0;
}

/* In the mount namespace that we are in, which is a new one: the root, and what else is a mount
 * that only we have a handle of. */
static int attach_all(const Shim *shim)
{
    const RuntimeConfig *config = shim->config;
    int r;

    /* Mounts of the host still arrive here, and go; ours do not get there. */
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        return -errno;
    r = attach(shim, shim->rootfs_fd, ROOTFS_NAME);
    for (size_t i = 0; i < config->mounts.count && r >= 0; i++) {
        const char *number = own_fd_of(config->mounts.items[i].source);
        int32_t fd;

        if (number)
            r = parse_i32(number, &fd);
        if (number && r >= 0)
            r = attach(shim, fd, number);
    }
    return r;
}

/*
 * Only what is a mount of its own can be attached, and a handle may lead to part of one of the
 * host's. It becomes one while we still are in the host's mount namespace. Before Linux 6.15 a
 * detached mount cannot be cloned; it is one already.
 */
static void clone_handles(const Shim *shim)
{
    for (size_t i = 0; i < shim->config->mounts.count; i++) {
        const char *number = own_fd_of(shim->config->mounts.items[i].source);
        _cleanup_close_ int clone = -EBADF;
        int32_t fd;

        if (!number || parse_i32(number, &fd) < 0)
            continue;
        clone =
            open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
        if (clone >= 0)
            (void)dup3(clone, fd, O_CLOEXEC); /* else attaching it says what is wrong */
    }
}

/* A mount attached once cannot be attached again: so it is for all runs. */
static int make_mounts(Shim *shim, Error *err)
{
    _cleanup_close_ int host_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    _cleanup_close_ int mounts_fd = -EBADF;
    int r;

    clone_handles(shim);
    if (host_fd < 0 || unshare(CLONE_NEWNS) < 0)
        return error_errno(err, "make a mount namespace for the runtime");
    r = attach_all(shim);
    mounts_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (r >= 0 && mounts_fd < 0)
        r = -errno;
    if (setns(host_fd, CLONE_NEWNS) < 0)
        r = -errno;
    if (r < 0)
        return error_result(err, r, "attach the root file system for the runtime");
    fd_closep(&shim->rootfs_fd);
    shim->oci->mounts_fd = TAKE_FD(mounts_fd);
    return 0;
}

/* What is mounted in the container cannot get to the host from the runtime's mount namespace. */
static int check_propagation(const RuntimeMount *mount, Error *err)
{
    static const char *const shared[] = { "shared", "rshared" };

    for (size_t i = 0; i < ARRAY_SIZE(shared); i++)
        if (string_list_contains(&mount->options, shared[i]))
            return error_set(err, ERROR_UNSUPPORTED,
                             "mount '%s': propagation '%s' does not work with another runtime",
                             mount->destination, shared[i]);
    return 0;
}

static void adapt_version(RuntimeConfig *config)
{
    free(config->oci_version);
    config->oci_version =
        memory_strdup(config->domainname ? CONFIG_VERSION_DOMAINNAME : CONFIG_VERSION);
}

static void replace(char **text, char *by)
{
    free(*text);
    *text = by;
}

/* Descriptors of ours become paths that lead to the same from the runtime. */
static int adapt_config(const Shim *shim, Error *err)
{
    RuntimeConfig *config = shim->config;

    adapt_version(config);
    if (config->linux_config.seccomp)
        (void)string_list_remove(&config->linux_config.seccomp->flags, SECCOMP_FLAG_SPEED);
    for (size_t i = 0; i < config->linux_config.namespaces.count; i++) {
        char **path = &config->linux_config.namespaces.items[i].path;

        if (own_fd_of(*path))
            replace(path, memory_printf("/proc/%d/fd/%s", (int)getpid(), own_fd_of(*path)));
    }
    for (size_t i = 0; i < config->mounts.count; i++) {
        char **source = &config->mounts.items[i].source;
        int r = check_propagation(&config->mounts.items[i], err);

        if (r < 0)
            return r;
        if (own_fd_of(*source))
            replace(source, path_in_bundle(shim, own_fd_of(*source)));
    }
    return 0;
}

static int write_config(const RuntimeConfig *config, int bundle_fd, Error *err)
{
    _cleanup_json_ json_t *json = runtime_config_to_json(config);
    _cleanup_free_ char *text = json_to_text(json);
    int r = file_write_at(bundle_fd, CONFIG_NAME, text, strlen(text), 0600, 0);

    return r < 0 ? error_result(err, r, "write the runtime's '%s'", CONFIG_NAME) : 0;
}

static int make_bundle(Shim *shim, Error *err)
{
    _cleanup_close_ int bundle_fd = -EBADF;
    int r = runtime_config_read_at(SHIM_FD_BUNDLE, CONFIG_NAME, &shim->config, err);

    if (r < 0)
        return r;
    bundle_fd = path_open_directory(SHIM_FD_RUNTIME, OCI_RUNTIME_BUNDLE_NAME, 0700);
    if (bundle_fd < 0)
        return error_result(err, bundle_fd, "make a bundle for the runtime");
    if (shim->oci->mounts_fd < 0)
        r = make_mounts(shim, err);
    if (r >= 0)
        r = adapt_config(shim, err);
    return r < 0 ? r : write_config(shim->config, bundle_fd, err);
}

/* --- the container --- */

static ShimOci *oci_of(Shim *shim)
{
    const RuntimeProcess *process = shim->config ? shim->config->process : NULL;

    if (!shim->oci) {
        shim->oci = NEW(ShimOci);
        *shim->oci = (ShimOci) { .mounts_fd = -EBADF, .first = PROCESS_INIT };
        shim->oci->directory = path_of_directory(SHIM_FD_RUNTIME);
    }
    if (process && !shim->oci->program && process->args.count > 0)
        shim->oci->program = memory_strdup(process->args.items[0]);
    return shim->oci;
}

static int call_create(Shim *shim, Error *err)
{
    _cleanup_stdio_ ContainerStdio stdio = { { -EBADF, -EBADF, -EBADF } };
    _cleanup_string_list_ StringList arguments = {};
    bool has_terminal = shim->config->process && shim->config->process->terminal;
    OciRuntime runtime = runtime_of(shim);
    OciCall call = { .arguments = &arguments, .container_program = shim->oci->program };
    int terminal_fd = -EBADF, r = stdio_open(shim, &stdio, err);

    if (r < 0)
        return r;
    call.printed_fd = has_terminal ? -EBADF : shim->output.streams[1].fd;
    call.stdio = has_terminal ? NULL : stdio.fds;
    string_list_add(&arguments, "create");
    string_list_add(&arguments, "--bundle");
    string_list_printf(&arguments, "%s/" OCI_RUNTIME_BUNDLE_NAME, shim->oci->directory);
    string_list_add(&arguments, shim->container);
    shim->oci->is_known = true;
    r = oci_runtime_call_for_process(&runtime, &call, SHIM_FD_RUNTIME, &shim->oci->first,
                                     has_terminal ? &terminal_fd : NULL, err);
    return r < 0 ? r : stdio_adopt_terminal(shim, terminal_fd, err);
}

/* One that the runtime has not made is none: then nothing counts, freezes or tells of memory. */
static int open_cgroup(Shim *shim, Error *err)
{
    const char *path = shim->config->linux_config.cgroups_path;
    _cleanup_error_ Error problem = {};
    int r = path ? cgroup_open(path, &shim->oci->cgroup, &problem) : 0;

    if (r >= 0 || problem.kind == ERROR_NOT_FOUND)
        return 0;
    error_move(err, &problem);
    return r;
}

static int oci_create(Shim *shim, Error *err)
{
    int r;

    (void)oci_of(shim);
    if (!shim->oci->directory)
        return error_set(err, ERROR_UNAVAILABLE, "another runtime needs '/proc'");
    r = oci_runtime_check(shim->settings.runtime, err);
    if (r >= 0)
        r = make_bundle(shim, err);
    (void)oci_of(shim);
    if (r >= 0)
        r = call_create(shim, err);
    return r < 0 ? r : open_cgroup(shim, err);
}

static int oci_start(Shim *shim, Error *err)
{
    _cleanup_string_list_ StringList arguments = {};
    OciRuntime runtime = runtime_of(shim);
    const OciCall call = {
        .arguments = &arguments,
        .printed_fd = -EBADF,
        .container_program = shim->oci->program,
    };

    string_list_add(&arguments, "start");
    string_list_add(&arguments, shim->container);
    return oci_runtime_call(&runtime, &call, err);
}

static pid_t oci_pid(const Shim *shim)
{
    return shim->oci ? shim->oci->first.pid : 0;
}

static int oci_pidfd(const Shim *shim)
{
    return shim->oci ? shim->oci->first.pidfd : -EBADF;
}

static Cgroup *oci_cgroup(const Shim *shim)
{
    return shim->oci ? shim->oci->cgroup : NULL;
}

/* The runtime's own way first: it may have made more than we know. */
static void remove_container(Shim *shim)
{
    ShimOci *oci = shim->oci;
    OciRuntime runtime = runtime_of(shim);

    oci_runtime_delete(&runtime, shim->container);
    (void)path_remove_tree(SHIM_FD_RUNTIME, OCI_RUNTIME_STATE_NAME);
    if (!oci->cgroup && shim->config && shim->config->linux_config.cgroups_path)
        (void)cgroup_open(shim->config->linux_config.cgroups_path, &oci->cgroup, NULL);
    if (oci->cgroup && cgroup_kill(oci->cgroup, NULL) >= 0) /* else recovery's: it tells why */
        (void)cgroup_remove(oci->cgroup, NULL);
}

static void oci_free(Shim *shim)
{
    ShimOci *oci = shim->oci;

    if (!oci)
        return;
    process_done(&oci->first);
    if (oci->is_known)
        remove_container(shim);
    oci->is_known = false;
    if (oci->cgroup)
        cgroup_free(TAKE_PTR(oci->cgroup));
    if (shim->state == SHIM_RESTARTING)
        return;
    fd_closep(&oci->mounts_fd); /* and the root with it */
    (void)path_remove_tree(SHIM_FD_RUNTIME, OCI_RUNTIME_BUNDLE_NAME);
    free(oci->directory);
    free(oci->program);
    free(TAKE_PTR(shim->oci));
}

const RunKind oci_run = {
    .create = oci_create,
    .start = oci_start,
    .pid = oci_pid,
    .pidfd = oci_pidfd,
    .cgroup = oci_cgroup,
    .free = oci_free,
};
