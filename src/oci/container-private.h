/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What container.c and container-claim.c share. */

#include "oci/container.h"

#define CONTAINER_RECORD_NAME "state.json"

/* Record that there is no container @id. Returns -errno. */
int container_report_missing(const char *id, Error *err);

/* Whether somebody makes or deletes it at this moment. */
bool container_is_locked(const Container *container);
