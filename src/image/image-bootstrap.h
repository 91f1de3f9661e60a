/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `cay image bootstrap`: a base image straight from the Debian archive, made by mmdebstrap, so that
 * a machine without any registry has a real image. The same state of the archive gives the same
 * layer, to the byte: nothing of this machine and nothing of this moment goes in.
 */

#include "base/digest.h"
#include "base/error.h"
#include "base/string-list.h"
#include "image/image-import.h"
#include "image/image-store.h"

typedef struct ImageBootstrapOptions {
    const Reference *reference;
    const char *suite;         /* NULL: "bookworm" */
    const StringList *include; /* further packages; or NULL */
    const char *mirror; /* URL; NULL: what this host's apt uses for the suite, else Debian's */
    ImageProgressFunction progress; /* or NULL */
    void *progress_data;
} ImageBootstrapOptions;

/*
 * Errors: UNAVAILABLE (mmdebstrap is not installed, the mirror cannot be reached), NOT_FOUND (no
 * such suite at the mirror), INVALID (a malformed suite, package or URL), CORRUPT, EXHAUSTED,
 * SYSTEM.
 */
int image_bootstrap(ImageStore *store, const ImageBootstrapOptions *options, Digest *ret_id,
                    Error *err);
