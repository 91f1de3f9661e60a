/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What went wrong, for programs (kind, errnum) and for people (message).
 *
 * Functions return 0 or a documented positive, else -errno. Leaf calls return that alone;
 * whatever can say what it was doing also takes an `Error *` as its last argument, which may
 * be NULL. Kinds decide, messages are for people: nothing branches on text. Messages are
 * lower case, without a full stop, names in single quotes.
 */

#include <stdbool.h>

#include "base/cleanup.h"

typedef enum ErrorKind {
    ERROR_NONE = 0,
    ERROR_SYSTEM,           /* the kernel or a library refused; errnum says why */
    ERROR_INVALID,          /* the request itself is wrong */
    ERROR_NOT_FOUND,        /* the named thing does not exist */
    ERROR_CONFLICT,         /* taken, in use, or in the wrong state */
    ERROR_DENIED,           /* not permitted */
    ERROR_UNSUPPORTED,      /* this version, host or kernel cannot do it */
    ERROR_UNAVAILABLE,      /* a service or program that is needed does not answer */
    ERROR_EXHAUSTED,        /* no space, no id, no address left, or a limit is reached */
    ERROR_CORRUPT,          /* bytes are not what their digest, size or format promises */
    ERROR_PROGRAM_UNUSABLE, /* the container's program exists but cannot be executed */
    ERROR_PROGRAM_MISSING,  /* the container's program does not exist */
    _ERROR_KIND_MAX,
} ErrorKind;

typedef struct Error {
    ErrorKind kind;
    int errnum;    /* positive */
    char *message; /* owned */
} Error;

/* Release the message and become "no error" again. */
void error_done(Error *err);

#define _cleanup_error_ _cleanup_(error_done)

/* True once an error was recorded. */
static inline bool error_is_set(const Error *err)
{
    return err && err->kind != ERROR_NONE;
}

/*
 * Record an error of @kind. What was recorded before is replaced.
 * Returns the -errno that stands for @kind, for `return error_set(...)`.
 */
int error_set(Error *err, ErrorKind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Record errno with its text appended: "open rootfs '/x': No such file or directory". Returns
 * -errno. */
int error_errno(Error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a leaf call's result @r (negative errno). Returns @r. */
int error_result(Error *err, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Prefix the recorded message: "start container 'web': join bridge 'br0': No such device".
 * Where nothing was recorded, record @r as error_result() would. Returns @r.
 */
int error_wrap(Error *err, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Move @source into @target (which may be NULL); @source is "no error" afterwards. */
void error_move(Error *target, Error *source);

/* The -errno that stands for @kind, and the kind that an errno (positive) most often means. */
int error_kind_to_result(ErrorKind kind);
ErrorKind error_kind_from_errno(int errnum);

/* "not-found" and the like: how a kind travels between programs. ERROR_SYSTEM for unknown text. */
const char *error_kind_to_string(ErrorKind kind);
ErrorKind error_kind_from_string(const char *string);

/* The message, or a fallback: never NULL. */
const char *error_message(const Error *err);
