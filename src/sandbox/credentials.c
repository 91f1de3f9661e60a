/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Groups before the user id, the bounding set before both, kept capabilities after, the filter
 * last: each step takes a right that a later one gives up. Before all of them come the attributes
 * of process-attributes-private.h.
 */

#include "sandbox/credentials-private.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/process-files-private.h"
#include "sandbox/seccomp-listener-private.h"

#define DEFAULT_UMASK 0022

int credentials_plan(const RuntimeProcess *process, const LinuxConfig *settings, int cache_fd,
                     Credentials *ret, Error *err)
{
    const LinuxSeccomp *profile = settings->seccomp;

    *ret = (Credentials) {
        .uid = process->user.uid,
        .gid = process->user.gid,
        .groups = process->user.additional_gids.items,
        .n_groups = process->user.additional_gids.count,
        .umask = process->user.umask.is_set ? (mode_t)process->user.umask.value : DEFAULT_UMASK,
        .no_new_privileges = process->no_new_privileges,
    };
    capabilities_from_config(process->capabilities, &ret->capabilities);
    ret->filters_late =
        ret->no_new_privileges || (ret->capabilities.effective & ret->capabilities.permitted &
                                   ret->capabilities.bounding & CAPABILITY(CAP_SYS_ADMIN));

    return profile ? seccomp_program_load(profile, cache_fd, &ret->seccomp, err) : 0;
}

void credentials_done(Credentials *credentials)
{
    seccomp_program_done(&credentials->seccomp);
}

static int set_limit(pid_t pid, const RuntimeRlimit *limit, Error *err)
{
    const struct rlimit64 wanted = { .rlim_cur = limit->soft, .rlim_max = limit->hard };
    struct rlimit64 current = {};
    int number = runtime_rlimit_number(limit->type);

    if (prlimit64(pid, (enum __rlimit_resource)number, &wanted, &current) == 0)
        return 0;
    if (errno == EPERM && prlimit64(pid, (enum __rlimit_resource)number, NULL, &current) == 0 &&
        wanted.rlim_max > current.rlim_max)
        return error_set(err, ERROR_DENIED,
                         "process.rlimits: raising the hard %s from %ju to %ju takes "
                         "CAP_SYS_RESOURCE",
                         limit->type, (uintmax_t)current.rlim_max, (uintmax_t)wanted.rlim_max);
    return error_errno(err, "process.rlimits: set %s to %ju:%ju", limit->type,
                       (uintmax_t)limit->soft, (uintmax_t)limit->hard);
}

int process_limits_apply(pid_t pid, const RuntimeProcess *process, Error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < process->rlimits.count; i++)
        r = set_limit(pid, &process->rlimits.items[i], err);
    if (r >= 0 && process->oom_score_adj.is_set)
        r = process_set_oom_score(pid, process->oom_score_adj.value, err);
    return r;
}

/*
 * With all rights in its user namespace, EPERM means that nobody there may change groups: those
 * that an ordinary user's process has it keeps then, and no other one can be added.
 */
static int set_groups(const Credentials *credentials, Report *report)
{
    if (syscall(SYS_setgroups, credentials->n_groups, credentials->groups) == 0)
        return 0;
    if (errno == EPERM && credentials->may_keep_groups && credentials->n_groups == 0)
        return 0;
    return report_errno(report, "process.user.additionalGids: set the supplementary groups");
}

/* System calls, not libc's functions: those are free to allocate and to talk to other threads. */
static int change_user(const Credentials *credentials, Report *report)
{
    int r = set_groups(credentials, report);

    if (r < 0)
        return r;
    if (syscall(SYS_setresgid, credentials->gid, credentials->gid, credentials->gid) < 0)
        return report_errno(report, "set the group id");
    if (syscall(SYS_setresuid, credentials->uid, credentials->uid, credentials->uid) < 0)
        return report_errno(report, "set the user id");
    return 0;
}

static int apply_filter(const Credentials *credentials, int control_fd, Report *report)
{
    int r = credentials->seccomp.count > 0 ? seccomp_program_apply(&credentials->seccomp) : 0;

    if (r < 0)
        return report_result(report, r, "load the seccomp filter");
    return seccomp_program_notifies(&credentials->seccomp)
               ? seccomp_listener_offer(r, control_fd, report)
               : 0;
}

int credentials_apply(const Credentials *credentials, int control_fd, Report *report)
{
    int r;

    (void)umask(credentials->umask);
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return report_errno(report, "keep capabilities over the change of user");
    r = capabilities_drop_bounding(credentials->capabilities.bounding);
    if (r < 0)
        return report_result(report, r, "drop capabilities from the bounding set");

    r = credentials->filters_late ? 0 : apply_filter(credentials, control_fd, report);
    if (r < 0)
        return r;
    r = change_user(credentials, report);
    if (r < 0)
        return r;

    /* A change of credentials clears it, so not earlier: whoever kills our parent kills us. */
    if (credentials->dies_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return report_errno(report, "tie the container to its supervisor");
    r = capabilities_apply(&credentials->capabilities);
    if (r < 0)
        return report_result(report, r, "set the capabilities");
    if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
        return report_errno(report, "stop keeping capabilities");

    if (credentials->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return report_errno(report, "set no_new_privs");
    return 0;
}

int credentials_apply_filter(const Credentials *credentials, int control_fd, Report *report)
{
    return credentials->filters_late ? apply_filter(credentials, control_fd, report) : 0;
}
