/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Numbers above INT64_MAX, which jansson's signed integers cannot hold and container managers
 * write all the same ("unlimited" is 18446744073709551615). In memory such a number is a string of
 * a NUL character and its digits: no other string of ours begins with one.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A new reference; @number is above INT64_MAX. */
json_t *json_large_number_new(uint64_t number);
bool json_is_large_number(const json_t *json);
uint64_t json_large_number_value(const json_t *json);

/*
 * The text @data with each number from INT64_MAX + 1 to UINT64_MAX written as such a string, to be
 * parsed with JSON_ALLOW_NUL. The caller frees it. NULL where @data has a NUL of its own.
 */
char *json_text_hide_large_numbers(const char *data, size_t size, size_t *ret_size);

/* The reverse, on what jansson wrote: consumes @text, the caller frees the result. */
char *json_text_show_large_numbers(char *text);
