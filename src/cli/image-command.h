/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the image commands share: ids as they are shown, and the store. */

#include "cli/command.h"
#include "engine/images.h"

/* An image's id as a table shows it: its first 12 digits, or all with "sha256:". Caller frees. */
char *image_short_id(const char *id, bool no_trunc);

/* Open the engine and its images. The store stays the engine's. */
int open_images(const Invocation *invocation, Engine **ret_engine, ImageStore **ret_images,
                Error *err);

/* What a pruning has removed, as Docker prints it. */
void image_prune_print(const ImageRemovals *list);
