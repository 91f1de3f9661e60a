/* SPDX-License-Identifier: Apache-2.0 */

/* What the sandbox does for a container's own mounts, for whoever has memory to report errors. */

#include "sandbox/file-system.h"

#include "sandbox/mounts-private.h"
#include "sandbox/report-private.h"

int file_system_check(const char *type, const MountOptions *options, Error *err)
{
    Report report = {};
    int r = mount_check(type, &options->data, &report);

    return r < 0 ? report_to_error(&report, err) : 0;
}

int file_system_mount(const char *type, const char *source, const MountOptions *options,
                      int *ret_mount_fd, Error *err)
{
    Report report = {};
    int fd = mount_new(type, source, &options->data, mount_options_merged(options).value, &report);

    if (fd < 0)
        return report_to_error(&report, err);
    *ret_mount_fd = fd;
    return 0;
}
