/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/mount-spec.h"

/* @source as an absolute path if it starts with "." or "..", else as it is. */
int mount_spec_resolve_source(const char *source, const char *directory, char **ret, Error *err);
