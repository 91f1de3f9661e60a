/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Text to values, strictly: the whole string must be used, ranges are checked, nothing is
 * guessed. All return 0, -EINVAL (malformed) or -ERANGE (does not fit).
 */

#include <stdbool.h>
#include <stdint.h>

int parse_u64(const char *text, uint64_t *ret);
int parse_i64(const char *text, int64_t *ret);
int parse_u32(const char *text, uint32_t *ret);
int parse_i32(const char *text, int32_t *ret);
/* Octal, as a file mode: at most 07777. */
int parse_mode(const char *text, uint32_t *ret);
/* true, false, 1, 0, t, f, T, F, TRUE, FALSE, True, False: what Docker's boolean options take. */
int parse_bool(const char *text, bool *ret);
/* Bytes: a number (decimals allowed) and b, k, m, g, t or p, with optional "b" or "ib", powers of
 * 1024: Docker's RAMInBytes. */
int parse_size(const char *text, int64_t *ret);
/* Bits a second: a number (decimals allowed), k, m or g (powers of 1000), and "bit" or "byte":
 * "10mbit", "1.5Mbyte", "800k". */
int parse_bit_rate(const char *text, int64_t *ret);
/* A decimal number of CPUs in units of 1e-9 ("1.5" -> 1500000000), as --cpus takes it. */
int parse_nano(const char *text, int64_t *ret);
/* Go's duration ("1h2m3.5s", "100ms") in nanoseconds. */
int parse_duration(const char *text, int64_t *ret);
/* A name with or without "SIG", or a number from 1 to 64; "RTMIN+3" too. */
int parse_signal(const char *text, int *ret);

/* CPUs or memory nodes, as sched_setaffinity(2) and set_mempolicy(2) take them. */
#define NUMBER_SET_MAX 8192
#define NUMBER_SET_WORD (8 * sizeof(unsigned long))
typedef struct NumberSet {
    unsigned long bits[NUMBER_SET_MAX / NUMBER_SET_WORD];
} NumberSet;

/* "0-3,7": numbers below NUMBER_SET_MAX, ranges ascending, blanks between them ignored. */
int parse_number_set(const char *text, NumberSet *ret);
/* Whether it is such a list. */
int parse_cpu_list(const char *text);
