/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The progress of a pull or a push, as Docker shows it: on a terminal a line for each part that is
 * rewritten in place, with a bar; elsewhere a line for each step, and none for amounts.
 */

#include <stdbool.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "image/transfer-progress.h"

typedef struct TransferDisplay TransferDisplay;

/* @stream stays the caller's. With @is_quiet, nothing is ever shown. */
TransferDisplay *transfer_display_new(FILE *stream, bool is_quiet);
void transfer_display_free(TransferDisplay *display);
DEFINE_CLEANUP(TransferDisplay *, transfer_display_free);

/* A TransferProgressFunction whose data is the display. */
void transfer_display_show(void *data, const TransferProgress *progress);
