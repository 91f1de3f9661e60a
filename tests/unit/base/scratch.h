/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A directory of its own for each test, gone afterwards; and what every test program includes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct Scratch {
    char path[64];
    int fd; /* O_RDONLY */
} Scratch;

/* As cmocka's setup and teardown: *state is the Scratch. */
int scratch_setup(void **state);
int scratch_teardown(void **state);

/* A test that gets a scratch directory. */
#define scratch_test(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)
