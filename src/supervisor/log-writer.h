/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A container's output on its way into its log: split into lines, and handed to the driver that was
 * chosen for it. A part of the shim: nothing here blocks, memory is bounded, and a log that cannot
 * be written never stops the container; what was lost is said in the log as soon as that is
 * possible again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/event-loop.h"
#include "base/string-list.h"

typedef enum LogStream {
    LOG_STREAM_STDOUT,
    LOG_STREAM_STDERR,
    _LOG_STREAM_MAX,
} LogStream;

/* Longer lines are kept in parts. */
#define LOG_LINE_MAX ((size_t)16 * 1024)

/* All is copied. */
typedef struct LogTarget {
    const char *container; /* its id */
    const char *name;
    const char *image;
    const char *driver;       /* NULL: the default */
    const StringMap *options; /* valid; "tag" is expanded */
    const StringMap
        *attributes;  /* what the user wants each entry to bear: labels, variables, tag */
    int directory_fd; /* for files; stays the caller's and open */
    EventLoop *loop;  /* of drivers that may have to wait */
    void (*on_taken)(void *data); /* what log_writer_write() has left is taken now */
    void *data;
} LogTarget;

typedef struct LogWriter LogWriter;

/* Errors: INVALID (no such driver), NOT_FOUND and UNAVAILABLE (nobody takes logs there), SYSTEM. */
int log_writer_open(const LogTarget *target, LogWriter **ret, Error *err);
void log_writer_free(LogWriter *writer);
DEFINE_CLEANUP(LogWriter *, log_writer_free);

/*
 * Log @size bytes that were read from @stream at @time (nanoseconds since 1970). False when the
 * receiver of the log has no room for all of it yet: @data then has to stay until on_taken() is
 * called, and nothing more may be written before.
 */
bool log_writer_write(LogWriter *writer, LogStream stream, const char *data, size_t size,
                      int64_t time);

/* The streams have ended: what has come after their last newline is logged too. As above. */
bool log_writer_finish(LogWriter *writer, int64_t time);

/*
 * Whether the receiver is waited for, as it is at first unless the options say otherwise. Without,
 * what it has no room for is lost, and counted; so is what waits right now.
 */
void log_writer_set_patience(LogWriter *writer, bool is_patient);

/* Give back memory that only flowing output needs. */
void log_writer_rest(LogWriter *writer);
