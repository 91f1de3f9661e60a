/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files as block devices. A device ends with its last user: nothing has to be given back. */

#include <stdbool.h>

#include "base/error.h"

/*
 * A loop device with what the regular file @file_fd holds: the one that another user of the file
 * has already, as two of them would not see each other's writes, or a new one. Who has mounted
 * *ret_path may close *ret_fd, which keeps the device until then.
 * Errors: UNSUPPORTED (no loop devices here), EXHAUSTED, SYSTEM.
 */
int loop_device_open(int file_fd, bool read_only, int *ret_fd, char **ret_path, Error *err);
