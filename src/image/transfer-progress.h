/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What goes on during a pull, a push or a copy, for people: the messages of Docker's progress
 * stream (Engine API: CreateImageInfo).
 */

#include <stdint.h>

typedef struct TransferProgress {
    const char *id;     /* first 12 digits of a layer's digest, or a tag; NULL: about no part */
    const char *status; /* "Downloading", "Pull complete", "Digest: sha256:..." */
    int64_t current;    /* bytes so far; with total */
    int64_t total;      /* 0: no amount is told */
} TransferProgress;

typedef void (*TransferProgressFunction)(void *data, const TransferProgress *progress);
