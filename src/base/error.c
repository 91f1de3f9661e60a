/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The one table of error kinds, and how a message is recorded and wrapped. Nothing here prints.
 */

#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/memory.h"

static const struct {
    const char *name;
    int errnum;
} kinds[_ERROR_KIND_MAX] = {
    [ERROR_NONE] = { "none", 0 },
    [ERROR_SYSTEM] = { "system", EIO },
    [ERROR_INVALID] = { "invalid", EINVAL },
    [ERROR_NOT_FOUND] = { "not-found", ENOENT },
    [ERROR_CONFLICT] = { "conflict", EBUSY },
    [ERROR_DENIED] = { "denied", EACCES },
    [ERROR_UNSUPPORTED] = { "unsupported", EOPNOTSUPP },
    [ERROR_UNAVAILABLE] = { "unavailable", EHOSTDOWN },
    [ERROR_EXHAUSTED] = { "exhausted", ENOSPC },
    [ERROR_CORRUPT] = { "corrupt", EBADMSG },
    [ERROR_PROGRAM_UNUSABLE] = { "program-unusable", ENOEXEC },
    [ERROR_PROGRAM_MISSING] = { "program-missing", ENOENT },
};

void error_done(Error *err)
{
    int saved_errno = errno;

    free(err->message);
    *err = (Error) {};
    errno = saved_errno;
}

int error_kind_to_result(ErrorKind kind)
{
    return -kinds[kind].errnum;
}

ErrorKind error_kind_from_errno(int errnum)
{
    switch (errnum) {
    case ENOENT:
        return ERROR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERROR_DENIED;
    case EEXIST:
    case EBUSY:
        return ERROR_CONFLICT;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return ERROR_EXHAUSTED;
    case EOPNOTSUPP:
    case ENOSYS:
        return ERROR_UNSUPPORTED;
    case EBADMSG:
        return ERROR_CORRUPT;
    default:
        return ERROR_SYSTEM;
    }
}

const char *error_kind_to_string(ErrorKind kind)
{
    return kinds[kind].name;
}

ErrorKind error_kind_from_string(const char *string)
{
    for (ErrorKind kind = ERROR_SYSTEM; kind < _ERROR_KIND_MAX; kind++)
        if (strcmp(kinds[kind].name, string) == 0)
            return kind;

    return ERROR_SYSTEM;
}

/* @message becomes the error's. */
static void record(Error *err, ErrorKind kind, int errnum, char *message)
{
    free(err->message);
    *err = (Error) { .kind = kind, .errnum = errnum, .message = message };
}

int error_set(Error *err, ErrorKind kind, const char *format, ...)
{
    if (err) {
        va_list arguments;

        va_start(arguments, format);
        record(err, kind, kinds[kind].errnum, memory_vprintf(format, arguments));
        va_end(arguments);
    }

    return error_kind_to_result(kind);
}

__attribute__((format(printf, 3, 0))) static void
record_errnum(Error *err, int errnum, const char *format, va_list arguments)
{
    _cleanup_free_ char *what = memory_vprintf(format, arguments);

    record(err, error_kind_from_errno(errnum), errnum,
           memory_printf("%s: %s", what, strerror(errnum)));
}

int error_errno(Error *err, const char *format, ...)
{
    int errnum = errno;

    if (err) {
        va_list arguments;

        va_start(arguments, format);
        record_errnum(err, errnum, format, arguments);
        va_end(arguments);
    }

    return -errnum;
}

int error_result(Error *err, int r, const char *format, ...)
{
    if (err) {
        va_list arguments;

        va_start(arguments, format);
        record_errnum(err, -r, format, arguments);
        va_end(arguments);
    }

    return r;
}

int error_wrap(Error *err, int r, const char *format, ...)
{
    va_list arguments;

    if (!err)
        return r;

    va_start(arguments, format);
    if (error_is_set(err)) {
        _cleanup_free_ char *what = memory_vprintf(format, arguments);

        char *message = memory_printf("%s: %s", what, err->message);

        record(err, err->kind, err->errnum, message);
    } else {
        record_errnum(err, -r, format, arguments);
    }
    va_end(arguments);
    return r;
}

void error_move(Error *target, Error *source)
{
    if (target) {
        error_done(target);
        *target = *source;
        *source = (Error) {};
    } else {
        error_done(source);
    }
}

const char *error_message(const Error *err)
{
    return err && err->message ? err->message : "unknown error";
}
