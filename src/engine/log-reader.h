/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading a container's log files while they are written and rotated. A reader holds the files that
 * it has yet to read open, and knows them by their inodes, so that a file which is renamed is
 * neither lost nor read twice. No more of them is read than is asked for.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "engine/log-record.h"

typedef struct LogReader LogReader;

typedef struct LogReaderOptions {
    int64_t since; /* nanoseconds since 1970: entries before are left out; INT64_MIN: none is */
    int64_t tail;  /* only so many of the last records; -1: all */
    bool follow;   /* go on with what is written from now on */
} LogReaderOptions;

/* @directory_fd stays the caller's and open. A log that nobody has written yet is empty. */
int log_reader_open(int directory_fd, const LogFileSettings *settings,
                    const LogReaderOptions *options, LogReader **ret, Error *err);
void log_reader_free(LogReader *reader);
DEFINE_CLEANUP(LogReader *, log_reader_free);

/*
 * The next entry, valid until the next call. Damaged records are passed over. Returns 1, 0 when
 * there is no more right now, or -errno.
 */
int log_reader_next(LogReader *reader, LogEntry *ret, Error *err);

/* Take hold of files that have been begun meanwhile, before they are rotated away. For those who
 * follow and are not about to read. */
int log_reader_hold(LogReader *reader, Error *err);
