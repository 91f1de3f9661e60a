/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a container has made of its image: as a list of changes, as an archive, as another image.
 * Whether it runs does not matter. Volumes, and whatever else is mounted in it, are no part of it.
 */

#include "base/digest.h"
#include "base/error.h"
#include "base/string-list.h"
#include "engine/engine.h"
#include "image/reference.h"
#include "storage/overlay-changes.h"

/* What the container @name has changed in its root file system. Errors: NOT_FOUND, CONFLICT (it is
 * being removed), SYSTEM. */
int container_diff(Engine *engine, const char *name, OverlayChanges *ret, Error *err);

/*
 * Write the root file system of the container @name to @output_fd as a tar archive, owners as in
 * images. What is not in it as it is in the container is told in @warnings. Errors: those of
 * image_worker_pack(), NOT_FOUND, CONFLICT.
 */
int container_export(Engine *engine, const char *name, int output_fd, StringList *warnings,
                     Error *err);

typedef struct ContainerCommit {
    const char *container;
    const Reference *reference; /* NULL: the image gets no name */
    const char *author;         /* NULL: nobody */
    const char *message;        /* NULL: none */
    const StringList *changes;  /* Dockerfile instructions (image/image-changes.h) */
    bool pause;                 /* keep it from changing anything meanwhile. However we end, it goes
                                   on then */
} ContainerCommit;

/*
 * Make an image of a container: its image's layers, and one with what it has changed; it runs what
 * the container runs. Errors: those of image_commit(), INVALID (a change), CONFLICT.
 */
int container_commit(Engine *engine, const ContainerCommit *commit, Digest *ret_id,
                     StringList *warnings, Error *err);
