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

/* What a mount is that says nothing of its type. */
#define MOUNT_TYPE_DEFAULT "volume"

/*
 * Parse one --volume (ContainerSpec.binds): "SOURCE:TARGET[:OPTIONS]", where the source is a path
 * of the host or a volume's name, or "TARGET" for an anonymous volume. A source that starts with
 * "." is taken from @directory (absolute; NULL refuses it). A missing source is to be made, as
 * Docker does. Errors: INVALID; UNSUPPORTED (labels, with SELinux).
 */
int mount_spec_parse_bind(const char *text, const char *directory, ContainerMount *ret, Error *err);

/* The same text with an absolute source or a name, checked; the caller frees *ret. */
int mount_spec_complete_bind(const char *text, const char *directory, char **ret, Error *err);

/*
 * Parse one --mount, "type=bind,source=/a,target=/b,readonly", fields quoted as in CSV.
 * Errors: INVALID (named field).
 */
int mount_spec_parse_mount(const char *text, const char *directory, ContainerMount *ret,
                           Error *err);

/* Parse one --volumes-from, "CONTAINER[:ro|rw]". Free *ret_container. Errors: INVALID. */
int mount_spec_parse_volumes_from(const char *text, char **ret_container, bool *ret_read_only,
                                  Error *err);

/* Check where something is to be mounted: not on the root, not in /proc. Errors: INVALID. */
int mount_spec_validate_target(const char *target, Error *err);

/* Check one mount, whoever made it. Errors: INVALID. */
int mount_spec_validate(const ContainerMount *mount, Error *err);

/*
 * Check one --tmpfs: the absolute @target and its comma-separated @options (may be NULL or empty):
 * those flags and parameters of tmpfs(5) and mount(8) that Docker allows. Errors: INVALID.
 */
int mount_spec_validate_tmpfs(const char *target, const char *options, Error *err);
