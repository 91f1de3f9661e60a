/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From the list of namespaces to clone3(2) flags and setns(2) handles. Joined ones are opened
 * before the clone, so that their paths mean what they meant to the caller.
 */

#include "sandbox/namespaces-private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/syscalls.h"
#include "sandbox/id-mapping.h"
#include "sandbox/user-namespace-private.h"

static const struct {
    int flag;
    const char *file; /* in /proc/PID/ns */
} files[] = {
    { CLONE_NEWNS, "mnt" },    { CLONE_NEWPID, "pid" },       { CLONE_NEWNET, "net" },
    { CLONE_NEWUTS, "uts" },   { CLONE_NEWIPC, "ipc" },       { CLONE_NEWUSER, "user" },
    { CLONE_NEWTIME, "time" }, { CLONE_NEWCGROUP, "cgroup" },
};

static int open_namespace(const LinuxNamespace *namespace, int flag, int *ret_fd, Error *err)
{
    _cleanup_close_ int fd = open(namespace->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return error_errno(err, "join the %s namespace '%s'", namespace->type, namespace->path);
    if (!fd_is_on_fs(fd, NSFS_MAGIC) || ioctl(fd, NS_GET_NSTYPE) != flag)
        return error_set(err, ERROR_INVALID, "'%s' is not a %s namespace", namespace->path,
                         namespace->type);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static bool is_our_own(int fd, int flag)
{
    char path[64];
    struct stat own, other;

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        if (files[i].flag != flag)
            continue;
        (void)snprintf(path, sizeof(path), "/proc/self/ns/%s", files[i].file); /* fits */
        return stat(path, &own) == 0 && fstat(fd, &other) == 0 && own.st_dev == other.st_dev &&
               own.st_ino == other.st_ino;
    }
    return false;
}

/* What would be ours that is changed, although a namespace is in the list. */
static int check_own(const LinuxNamespace *namespace, int flag, const RuntimeConfig *config,
                     Error *err)
{
    const StringMap *sysctl = &config->linux_config.sysctl;
    const struct {
        const char *member;
        int flag;
        bool is_set;
    } settings[] = {
        { "hostname", CLONE_NEWUTS, config->hostname },
        { "domainname", CLONE_NEWUTS, config->domainname },
        { "linux.netDevices", CLONE_NEWNET, config->linux_config.net_devices.count },
        { "mounts", CLONE_NEWNS, true },
    };
    const char *member = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
        if (settings[i].flag == flag && settings[i].is_set)
            member = settings[i].member;
    for (size_t i = 0; i < sysctl->count; i++)
        if (linux_sysctl_namespace(sysctl->items[i].key) == flag)
            member = "linux.sysctl";
    if (!member)
        return 0;
    return error_set(err, ERROR_INVALID, "%s: the %s namespace '%s' is the runtime's own", member,
                     namespace->type, namespace->path);
}

/*
 * The user namespace first, for the rights in it that the others may take; the mount namespace
 * last, for the names in it are others.
 */
static int join_rank(int flag)
{
    return flag == CLONE_NEWUSER ? 0 : flag == CLONE_NEWNS ? 2 : 1;
}

static void add_join(NamespacePlan *plan, const NamespaceJoin *join)
{
    size_t i = plan->n_join++;

    for (; i > 0 && join_rank(plan->join[i - 1].flag) > join_rank(join->flag); i--)
        plan->join[i] = plan->join[i - 1];
    plan->join[i] = *join;
}

static int plan_join(NamespacePlan *plan, const LinuxNamespace *namespace, int flag,
                     const RuntimeConfig *config, Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (plan->n_join == NAMESPACES_MAX)
        return error_set(err, ERROR_INVALID, "linux.namespaces: too many");
    r = open_namespace(namespace, flag, &fd, err);
    if (r < 0)
        return r;
    if (is_our_own(fd, flag)) /* where we are already, and setns(2) may refuse to go again */
        return check_own(namespace, flag, config, err);

    add_join(plan, &(NamespaceJoin) { TAKE_FD(fd), flag, namespace->type, namespace->path });
    return 0;
}

static int check_mapped(const LinuxIdMappings *mappings, const char *list, const char *member,
                        uint32_t id, Error *err)
{
    if (id_mapping_has(mappings, id))
        return 0;
    return error_set(err, ERROR_INVALID, "process.user.%s: %u is not mapped in linux.%s", member,
                     id, list);
}

/* The kernel would say no more than "Invalid argument", and not before the start. */
static int check_user(const RuntimeConfig *config, Error *err)
{
    const LinuxIdMappings *uids = &config->linux_config.uid_mappings;
    const LinuxIdMappings *gids = &config->linux_config.gid_mappings;
    const RuntimeUser *user = &config->process->user;
    int r = check_mapped(uids, "uidMappings", "uid", user->uid, err);

    if (r == 0)
        r = check_mapped(gids, "gidMappings", "gid", user->gid, err);
    for (size_t i = 0; r == 0 && i < user->additional_gids.count; i++)
        r = check_mapped(gids, "gidMappings", "additionalGids", user->additional_gids.items[i],
                         err);
    if (r == 0 && user->additional_gids.count > 0 &&
        user_namespace_denies_groups(&config->linux_config))
        return error_set(err, ERROR_DENIED,
                         "process.user.additionalGids: an ordinary user's namespace without "
                         "newgidmap has no supplementary groups");
    return r;
}

static void plan_time_offsets(NamespacePlan *plan, const LinuxTimeOffsets *offsets)
{
    const LinuxTimeOffset *monotonic = &offsets->monotonic, *boottime = &offsets->boottime;

    if (monotonic->secs || monotonic->nanosecs || boottime->secs || boottime->nanosecs)
        (void)snprintf(plan->time_offsets, sizeof(plan->time_offsets), /* four numbers: fits */
                       "monotonic %" PRId64 " %" PRIu32 "\nboottime %" PRId64 " %" PRIu32 "\n",
                       monotonic->secs, monotonic->nanosecs, boottime->secs, boottime->nanosecs);
}

static bool has_join(const NamespacePlan *plan, int flag)
{
    for (size_t i = 0; i < plan->n_join; i++)
        if (plan->join[i].flag == flag)
            return true;

    return false;
}

static int check_plan(const NamespacePlan *plan, const RuntimeConfig *config, Error *err)
{
    if (!(plan->create & CLONE_NEWNS) && !has_join(plan, CLONE_NEWNS))
        return error_set(err, ERROR_UNSUPPORTED,
                         "linux.namespaces: a container needs a mount namespace of its own");
    if (plan->is_ordinary && !namespace_plan_has_user(plan))
        return error_set(err, ERROR_DENIED,
                         "linux.namespaces: an ordinary user needs a 'user' namespace");
    return namespace_plan_makes_user(plan) ? check_user(config, err) : 0;
}

int namespace_plan_make(NamespacePlan *plan, const RuntimeConfig *config, Error *err)
{
    const LinuxConfig *settings = &config->linux_config;

    plan->is_ordinary = geteuid() != 0;
    for (size_t i = 0; i < settings->namespaces.count; i++) {
        const LinuxNamespace *namespace = &settings->namespaces.items[i];
        int flag = linux_namespace_flag(namespace->type);

        if (namespace->path) {
            int r = plan_join(plan, namespace, flag, config, err);

            if (r < 0)
                return r;
        } else if (flag == CLONE_NEWCGROUP) {
            plan->new_cgroup = true;
        } else {
            plan->create |= (uint64_t)flag;
        }
    }
    plan_time_offsets(plan, &settings->time_offsets);
    return check_plan(plan, config, err);
}

void namespace_plan_done(NamespacePlan *plan)
{
    for (size_t i = 0; i < plan->n_join; i++)
        plan->join[i].fd = fd_close(plan->join[i].fd);
}

bool namespace_plan_has_user(const NamespacePlan *plan)
{
    return namespace_plan_makes_user(plan) || has_join(plan, CLONE_NEWUSER);
}

bool namespace_plan_is_staged(const NamespacePlan *plan)
{
    return (namespace_plan_makes_user(plan) && (plan->n_join > 0 || plan->is_ordinary)) ||
           (plan->create & CLONE_NEWTIME) || has_join(plan, CLONE_NEWUSER) ||
           has_join(plan, CLONE_NEWPID);
}

pid_t namespace_plan_clone(const NamespacePlan *plan, uint64_t flags, int cgroup_fd, int *ret_pidfd)
{
    struct clone_args arguments = {
        .flags = plan->create | CLONE_PIDFD | flags,
        .pidfd = (uint64_t)(uintptr_t)ret_pidfd,
        .exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD, /* a sibling has its maker's */
    };
    pid_t pid;

    if (cgroup_fd >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)cgroup_fd;
    }
    pid = sys_clone3(&arguments);
    return pid < 0 ? -errno : pid;
}

int namespace_plan_join(NamespacePlan *plan, bool is_last, Report *report)
{
    for (size_t i = 0; i < plan->n_join; i++) {
        NamespaceJoin *join = &plan->join[i];

        if (join->fd < 0 || (join->flag == CLONE_NEWUSER && !is_last))
            continue;
        if (setns(join->fd, join->flag) == 0)
            join->fd = fd_close(join->fd);
        else if (is_last || errno != EPERM)
            return report_errno(report, "join the ", join->type, " namespace '", join->path, "'");
    }
    return 0;
}

int namespace_become_root(const RuntimeUser *user, Report *report)
{
    /* EPERM: denied in this namespace; whether the program may keep them, credentials.c decides. */
    if (syscall(SYS_setgroups, 0, NULL) < 0 && errno != EPERM)
        return report_errno(report, "drop the supplementary groups");
    if (syscall(SYS_setresgid, 0, 0, 0) < 0 &&
        (errno != EINVAL || syscall(SYS_setresgid, user->gid, user->gid, user->gid) < 0))
        return report_errno(report, "process.user.gid: become this group in the user namespace");
    if (syscall(SYS_setresuid, 0, 0, 0) < 0 &&
        (errno != EINVAL || syscall(SYS_setresuid, user->uid, user->uid, user->uid) < 0))
        return report_errno(report, "process.user.uid: become this user in the user namespace");
    return 0;
}

int namespace_raise_loopback(Report *report)
{
    _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };

    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        return report_errno(report, "bring the loopback interface up");
    return 0;
}
