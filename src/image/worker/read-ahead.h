/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A second thread that stays a few blocks ahead of the first: it inflates and hashes while the
 * first one writes files. Blocks and the error that ends them arrive in the order in which they
 * were made, so whoever reads sees what it would see without the thread. What is shorter than a
 * block never needs one, and where the host allows no thread the reader makes the blocks itself.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"

#define READ_AHEAD_BLOCK_SIZE ((size_t)256 << 10)

/*
 * Fill @block with up to READ_AHEAD_BLOCK_SIZE bytes. Returns how many, 0 at the end, or -errno. It
 * is called by one thread at a time, and not again after the end or an error.
 */
typedef ssize_t (*ReadAheadFunction)(void *data, uint8_t *block, Error *err);

typedef struct ReadAhead ReadAhead;

/* @data must outlive the reader. Errors: SYSTEM. */
int read_ahead_new(ReadAheadFunction function, void *data, ReadAhead **ret, Error *err);

/* Tell the thread to end, whatever it waits for, and wait for that. */
void read_ahead_free(ReadAhead *ahead);
DEFINE_CLEANUP(ReadAhead *, read_ahead_free);

/* A descriptor that becomes readable when the thread is to end: its function waits for this one
 * wherever it waits for another. */
int read_ahead_stop_fd(const ReadAhead *ahead);

/* Only tell it. Who reads from it, if that is another thread, gets what there is, then the end. */
void read_ahead_stop(ReadAhead *ahead);

/* The next block, valid until the next call. Returns its size, 0 at the end, or -errno. */
ssize_t read_ahead_next(ReadAhead *ahead, const void **ret_block, Error *err);
