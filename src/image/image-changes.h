/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `--change`: single Dockerfile instructions that alter an image's defaults: CMD ENTRYPOINT ENV
 * EXPOSE LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR. They are applied by the rules of the
 * Dockerfile reference, without variables being expanded.
 */

#include "base/error.h"
#include "base/string-list.h"
#include "image/image-config.h"

/* Apply all of @changes to @defaults in order. Errors: INVALID, naming the instruction. */
int image_changes_apply(const StringList *changes, ImageDefaults *defaults, Error *err);
