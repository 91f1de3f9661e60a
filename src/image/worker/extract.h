/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Members of a layer become files of a tree. Every path is walked by handle and follows no symlink;
 * what a member replaces is deleted, never written through.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "image/worker-client.h"
#include "image/worker/tar-reader.h"
#include "image/worker/tree.h"

typedef struct ExtractOptions {
    const ImageLimits *limits;
    bool apply_whiteouts; /* OCI image specification, layer.md, "Whiteouts" */
} ExtractOptions;

/* All members of @reader into @tree. *ret_size is the bytes of regular files. */
int extract(TarReader *reader, Tree *tree, const ExtractOptions *options, int64_t *ret_size,
            Error *err);
