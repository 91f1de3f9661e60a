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
#include "image/worker/write-behind.h"

typedef struct ExtractOptions {
    const ImageLimits *limits;
    bool apply_whiteouts; /* OCI image specification, layer.md, "Whiteouts" */
    WriteBehind *behind;  /* told of what is written; NULL: nobody is */
} ExtractOptions;

typedef struct ExtractResult {
    int64_t size;  /* bytes of regular files */
    bool has_root; /* there is a member for the top directory itself */
} ExtractResult;

/* All members of @reader into @tree. */
int extract(TarReader *reader, Tree *tree, const ExtractOptions *options, ExtractResult *ret,
            Error *err);
