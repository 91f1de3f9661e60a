/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The texts of Docker's --volume, --mount and --tmpfs, parsed and checked. Only text: whether a
 * source exists, and what a target is, is found out by handle when the container is made.
 */

#include "base/cleanup.h"
#include "base/error.h"
#include "engine/container-spec.h"

/* Frees the members and zeroes the struct. */
void container_mount_done(ContainerMount *mount);
#define _cleanup_container_mount_ _cleanup_(container_mount_done)

/* @ret is empty before. */
void container_mount_copy(const ContainerMount *mount, ContainerMount *ret);

/*
 * Parse one --volume, "source:target[:options]" (ContainerSpec.binds), into a bind mount. A source
 * that starts with "." is taken from @directory (absolute; NULL refuses it). A missing source is to
 * be made, as Docker does.
 * Errors: INVALID; UNSUPPORTED (named and anonymous volumes, options of volumes).
 */
int mount_spec_parse_bind(const char *text, const char *directory, ContainerMount *ret, Error *err);

/* The same text with an absolute source, checked; the caller frees *ret. */
int mount_spec_complete_bind(const char *text, const char *directory, char **ret, Error *err);

/*
 * Parse one --mount, "type=bind,source=/a,target=/b,readonly", fields quoted as in CSV.
 * Errors: INVALID (named field), UNSUPPORTED (types and fields that this version lacks).
 */
int mount_spec_parse_mount(const char *text, const char *directory, ContainerMount *ret,
                           Error *err);

/* Check one mount, whoever made it. Errors: INVALID, UNSUPPORTED. */
int mount_spec_validate(const ContainerMount *mount, Error *err);

/*
 * Check one --tmpfs: the absolute @target and its comma-separated @options (may be NULL or empty):
 * those flags and parameters of tmpfs(5) and mount(8) that Docker allows. Errors: INVALID.
 */
int mount_spec_validate_tmpfs(const char *target, const char *options, Error *err);
