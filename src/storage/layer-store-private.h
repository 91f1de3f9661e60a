/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the layer store share: the directory, its names, its work in progress. */

#include "storage/layer-store.h"

#define LAYER_ROOT "diff"

/* "<chain-id hex>/diff" */
#define LAYER_PATH_SIZE (DIGEST_HEX_LENGTH + sizeof("/" LAYER_ROOT))

/* ".<16 random hex digits>" */
#define LAYER_WORK_DIGITS 16
#define LAYER_WORK_NAME_SIZE (1 + LAYER_WORK_DIGITS + 1)

struct LayerStore {
    int fd; /* O_RDONLY, the directory "layers" */
};

void layer_path(char buffer[static LAYER_PATH_SIZE], const Digest *chain_id);

/* A new name for work in progress. */
void layer_work_name(char buffer[static LAYER_WORK_NAME_SIZE]);

/*
 * Delete the work in progress @name unless a living process holds its lock; a missing one is
 * success. Returns 0 or -errno.
 */
int layer_work_delete(const LayerStore *store, const char *name);
