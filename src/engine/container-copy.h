/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Copies between a container, in any state, and the host, by Docker's rules:
 *
 *     source          target                result
 *     file            does not exist        a file of that name; with a slash at the end refused
 *     file            file                  replaced
 *     file            directory             put into it
 *     directory       does not exist        a directory of that name with what the source holds
 *     directory       file                  refused
 *     directory       directory             put into it; of "directory/." what it holds is
 *
 * Paths in a container begin at its root, whatever they begin with, and nothing leads out of it;
 * those of the host are absolute. Links at the end of a source are copied as links, those of a
 * target are followed.
 */

#include <stdbool.h>

#include "engine/engine.h"
#include "storage/tree-copy.h"

typedef struct ContainerCopyOptions {
    bool keep_owners;       /* else files belong to root in a container, and to us on the host */
    bool follow_link;       /* copy what the source, if it is a link, leads to */
    TreeCopyTotals *totals; /* what was copied is added; may be NULL */
} ContainerCopyOptions;

/*
 * Copy the host's @source into container @name. Errors: NOT_FOUND (container, file), INVALID,
 * CONFLICT (by the rules above; the container restarts, or another command has it), DENIED (the
 * target is read-only), UNSUPPORTED (of the kernel's own file systems), EXHAUSTED (no space).
 */
int container_copy_in(Engine *engine, const char *name, const char *source, const char *target,
                      const ContainerCopyOptions *options, Error *err);

/* Copy @source of container @name to the host. Errors: the same. */
int container_copy_out(Engine *engine, const char *name, const char *source, const char *target,
                       const ContainerCopyOptions *options, Error *err);

/*
 * Unpack the tar archive that comes from @input_fd into the directory @target of container @name.
 * Owners are the archive's. All of it has to be in order before the first file is put there.
 * Errors: as above, and those of image_worker_unpack().
 */
int container_copy_in_archive(Engine *engine, const char *name, int input_fd, const char *target,
                              Error *err);

/*
 * Write a tar archive of @source of container @name to @output_fd, with the owners that its files
 * have in the container. It begins with the source's own name, but for "directory/.". Errors: as
 * above, and those of image_worker_pack().
 */
int container_copy_out_archive(Engine *engine, const char *name, const char *source, int output_fd,
                               const ContainerCopyOptions *options, Error *err);
