/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a shim has to know of its container beyond the runtime configuration: a file next to
 * config.json, written whole by the engine when the container is made, renamed or updated, and read
 * by the shim at its start and on RELOAD. A member that a shim does not know is none of its
 * business: shims of older versions go on.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json-fields.h"
#include "base/string-list.h"

#define SHIM_SETTINGS_NAME "shim.json"

/* Health checks, complete: every default is filled in, so there is one for each container that is
 * checked. Times in nanoseconds. */
typedef struct ShimHealthcheck {
    StringList arguments; /* the program and its arguments */
    int64_t interval;
    int64_t timeout;
    int64_t start_period;
    int64_t start_interval;
    int64_t retries; /* failures in a row that make it unhealthy */
} ShimHealthcheck;

typedef struct ShimSettings {
    /* for events and log messages */
    char *name;
    char *image;
    StringMap labels;

    bool open_stdin;              /* keep a pipe (or the terminal) for input; else /dev/null */
    bool stdin_once;              /* the input ends when the first client's does */
    bool auto_remove;             /* it is gone with its end: no policy applies */
    char *restart;                /* as ContainerRestartPolicy.name; NULL: "no" */
    int64_t restart_maximum;      /* 0: without limit */
    int32_t stop_signal;          /* number; 0: SIGTERM */
    int64_t stop_timeout;         /* seconds until SIGKILL; -1: never */
    ShimHealthcheck *healthcheck; /* NULL: none */
    char *log_driver;             /* NULL: "none" */
    StringMap log_options;        /* "tag" is expanded */
    StringMap log_attributes;     /* what each entry of the log bears */
    char *runtime;                /* absolute path of another OCI runtime; NULL: our sandbox */
    StringList plug; /* argv (the path absolute) of what makes the networks of a restarted
                        container, to which its pid is added; empty: it has none */
} ShimSettings;

extern const JsonStruct shim_settings_json;

/* Frees the members and zeroes the struct. */
void shim_settings_done(ShimSettings *settings);
#define _cleanup_shim_settings_ _cleanup_(shim_settings_done)

/* Read them from, or write them into, the container's directory. A missing file is no settings at
 * all. Errors: CORRUPT, EXHAUSTED, SYSTEM. */
int shim_settings_read(int bundle_fd, ShimSettings *ret, Error *err);
int shim_settings_write(int bundle_fd, const ShimSettings *settings, Error *err);
