/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Letting a process go that waits with everything set up: the last step of a start, and of exec. */

#include "base/error.h"
#include "sandbox/seccomp-listener-private.h"

/*
 * Send INIT_START over @control_fd, and serve the process until it has executed its program:
 * whoever made it need not be who releases it. Errors: what the process reports, and those of
 * seccomp_listener_accept().
 */
int init_release(int control_fd, const SeccompListener *listener, Error *err);
