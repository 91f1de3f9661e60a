/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Scope-bound ownership: every owned local carries a cleanup attribute, and ownership
 * moves out of it with TAKE_PTR or TAKE_FD. Cleanups keep errno.
 */

#include <stdlib.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

/* Defines `function##p`, the cleanup for a local of pointer type @type that @function frees. */
#define DEFINE_CLEANUP(type, function)                                                             \
    static inline void function##p(type *pointer)                                                  \
    {                                                                                              \
        if (*pointer)                                                                              \
            function(*pointer);                                                                    \
    }                                                                                              \
    struct cleanup_semicolon_##function

static inline void free_p(void *pointer)
{
    free(*(void **)pointer);
}

/* free() on scope exit; glibc's free() keeps errno. */
#define _cleanup_free_ _cleanup_(free_p)

/* Yield the pointer and forget it, so that its cleanup does nothing. */
#define TAKE_PTR(pointer)                                                                          \
    ({                                                                                             \
        __typeof__(pointer) *_slot = &(pointer);                                                   \
        __typeof__(pointer) _taken = *_slot;                                                       \
        *_slot = NULL;                                                                             \
        _taken;                                                                                    \
    })

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
