/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary text to every parser of values that people type. None may accept what does not
 * fit its documented range, and what is accepted as a number must not depend on more than the text.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/parse.h"

#define MAX_MODE 07777
#define MAX_SIGNAL 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is decimal and fits must come out again as the same number. */
static void check_integers(const char *text)
{
    char again[32];
    uint64_t u64 = 0, u64_again = 0;
    int64_t i64 = 0, i64_again = 0;
    uint32_t u32 = 0;
    int32_t i32 = 0;

    if (parse_u64(text, &u64) == 0) {
        (void)snprintf(again, sizeof(again), "%llu", (unsigned long long)u64);
        if (parse_u64(again, &u64_again) < 0 || u64_again != u64)
            abort();
    }
    if (parse_i64(text, &i64) == 0) {
        (void)snprintf(again, sizeof(again), "%lld", (long long)i64);
        if (parse_i64(again, &i64_again) < 0 || i64_again != i64)
            abort();
    }
    /* the narrow ones accept exactly what the wide ones accept and what fits */
    if ((parse_u32(text, &u32) == 0) != (parse_u64(text, &u64) == 0 && u64 <= UINT32_MAX))
        abort();
    if ((parse_i32(text, &i32) == 0) !=
        (parse_i64(text, &i64) == 0 && i64 >= INT32_MIN && i64 <= INT32_MAX))
        abort();
}

static void check_ranges(const char *text)
{
    int64_t value = 0;
    uint32_t mode = 0;
    int signal = 0;
    bool flag = false;

    if (parse_mode(text, &mode) == 0 && mode > MAX_MODE)
        abort();
    if (parse_signal(text, &signal) == 0 && (signal < 1 || signal > MAX_SIGNAL))
        abort();
    if (parse_size(text, &value) == 0 && value < 0)
        abort();
    if (parse_nano(text, &value) == 0 && value < 0)
        abort();
    (void)parse_duration(text, &value); /* may be negative, as in Go */
    (void)parse_bool(text, &flag);
    (void)parse_cpu_list(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = memory_strndup((const char *)data, size);

    check_integers(text);
    check_ranges(text);
    return 0;
}
