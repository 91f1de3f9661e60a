/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cmocka with what it needs before it, and the check that most tests of messages make. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

/* The error has exactly this kind and message; it is released. */
static inline void check_error(Error *error, ErrorKind kind, const char *message)
{
    assert_string_equal(error_message(error), message);
    assert_int_equal(error->kind, kind);
    error_done(error);
}
