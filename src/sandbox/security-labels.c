/* SPDX-License-Identifier: Apache-2.0 */

/* Writes to /proc/self/attr through handles whose file system is beyond doubt. */

#include "sandbox/security-labels-private.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"

#define APPARMOR_ENABLED "/sys/module/apparmor/parameters/enabled"
#define SELINUX_MOUNT "/sys/fs/selinux"

bool apparmor_is_enabled(void)
{
    _cleanup_close_ int fd = open(APPARMOR_ENABLED, O_RDONLY | O_CLOEXEC);
    char answer = 'N';

    return fd >= 0 && fd_is_on_fs(fd, SYSFS_MAGIC) && read(fd, &answer, 1) == 1 && answer == 'Y';
}

bool selinux_is_enabled(void)
{
    _cleanup_close_ int fd = open(SELINUX_MOUNT, O_PATH | O_DIRECTORY | O_CLOEXEC);

    return fd >= 0 && fd_is_on_fs(fd, SELINUX_MAGIC);
}

static const char *text_or_none(const char *text)
{
    return text && *text ? text : NULL;
}

int security_labels_plan(const RuntimeProcess *process, SecurityLabels *ret, Error *err)
{
    const char *profile = text_or_none(process->apparmor_profile);

    ret->selinux_label = text_or_none(process->selinux_label);
    if (profile && !apparmor_is_enabled())
        return error_set(err, ERROR_UNSUPPORTED,
                         "process.apparmorProfile: '%s': AppArmor is not enabled in this kernel",
                         profile);
    if (ret->selinux_label && !selinux_is_enabled())
        return error_set(err, ERROR_UNSUPPORTED,
                         "process.selinuxLabel: '%s': SELinux is not enabled in this kernel",
                         ret->selinux_label);
    if (profile)
        ret->apparmor_command = memory_printf("exec %s", profile);
    return 0;
}

void security_labels_done(SecurityLabels *labels)
{
    free(labels->apparmor_command);
    fd_close(labels->apparmor_fd);
    fd_close(labels->selinux_exec_fd);
    fd_close(labels->selinux_key_fd);
    *labels = SECURITY_LABELS_INIT;
}

int security_labels_open(SecurityLabels *labels, int procfs_fd, Report *report)
{
    int r = 0;

    if (labels->apparmor_command) {
        r = labels->apparmor_fd =
            path_open_in_root(procfs_fd, "self/attr/apparmor/exec", O_WRONLY, 0);
        if (r == -ENOENT) /* before Linux 5.8, the one security module's */
            r = labels->apparmor_fd = path_open_in_root(procfs_fd, "self/attr/exec", O_WRONLY, 0);
        if (r < 0)
            return report_result(report, r, "process.apparmorProfile: open the attribute");
    }
    if (labels->selinux_label) {
        r = labels->selinux_exec_fd = path_open_in_root(procfs_fd, "self/attr/exec", O_WRONLY, 0);
        if (r >= 0)
            r = labels->selinux_key_fd =
                path_open_in_root(procfs_fd, "self/attr/keycreate", O_WRONLY, 0);
        if (r < 0)
            return report_result(report, r, "process.selinuxLabel: open the attribute");
    }
    return 0;
}

/* One write(2), as the kernel wants it. */
static int poke(int fd, const char *text)
{
    return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int security_labels_apply(const SecurityLabels *labels, Report *report)
{
    int r = labels->apparmor_command ? poke(labels->apparmor_fd, labels->apparmor_command) : 0;

    if (r == -ENOENT)
        return report_set(report, ERROR_NOT_FOUND, "process.apparmorProfile: the profile '",
                          labels->apparmor_command + strlen("exec "), "' is not loaded");
    if (r < 0)
        return report_result(report, r, "process.apparmorProfile: '",
                             labels->apparmor_command + strlen("exec "), "'");
    r = labels->selinux_label ? poke(labels->selinux_exec_fd, labels->selinux_label) : 0;
    return r < 0 ? report_result(report, r, "process.selinuxLabel: '", labels->selinux_label, "'")
                 : 0;
}

int security_labels_apply_to_keys(const SecurityLabels *labels, bool is_set, Report *report)
{
    /* A single NUL resets the attribute; writing nothing would not reach the security module. */
    ssize_t n;

    if (!labels->selinux_label)
        return 0;
    n = is_set ? write(labels->selinux_key_fd, labels->selinux_label, strlen(labels->selinux_label))
               : write(labels->selinux_key_fd, "", 1);
    return n < 0 ? report_errno(report, "process.selinuxLabel: label the session keyring") : 0;
}
