/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Log drivers and their options, as --log-driver and --log-opt name them: which there are, what
 * they may be, and which file of the container's directory a container's log is in.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/string-list.h"

#define LOG_DRIVER_DEFAULT "json-file"
#define LOG_SYSLOG_TAG_DEFAULT "{{.ID}}" /* also journald's */

/* How a log file is written. */
typedef enum LogFormat {
    LOG_FORMAT_NONE,  /* there is no file */
    LOG_FORMAT_JSON,  /* Docker's json-file (log-json-private.h) */
    LOG_FORMAT_LOCAL, /* our own (log-local.h) */
} LogFormat;

typedef struct LogFileSettings {
    LogFormat format;
    char name[96];     /* of the newest file; older ones have ".1", ".2", ... appended */
    int64_t max_size;  /* bytes; -1: unlimited */
    int64_t max_files; /* at least 1 */
} LogFileSettings;

/*
 * Check driver (NULL: the default) and options. What is not known is answered with what is.
 * Errors: INVALID, UNSUPPORTED.
 */
int log_options_validate(const char *driver, const StringMap *options, Error *err);

/* Whether output is to be lost rather than held back while the log's receiver has no room for it.
 */
bool log_options_drop(const StringMap *options);

/*
 * Where the log of container @id can be read: its own file, or that which a driver that sends it
 * elsewhere keeps besides. The options must be valid.
 */
void log_file_settings(const char *driver, const StringMap *options, const char *id,
                       LogFileSettings *ret);
