/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The keys that take a user away from a container without ending it: found in what is typed, which
 * comes in pieces of any size, and taken out of it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define DETACH_KEYS_DEFAULT "ctrl-p,ctrl-q"
#define DETACH_KEYS_MAX 16

typedef struct DetachKeys {
    char keys[DETACH_KEYS_MAX];
    size_t count;   /* 0: none, everything passes */
    size_t matched; /* so many were typed last, and are held back until it is clear what for */
} DetachKeys;

/*
 * Docker's notation: keys with commas between them, each a single character, "DEL", or "ctrl-" and
 * one of a-z @ [ \ ] ^ _. NULL and "" are DETACH_KEYS_DEFAULT. Errors: INVALID.
 */
int detach_keys_parse(const char *text, DetachKeys *ret, Error *err);

/*
 * Look through @size bytes of @data. What the container is to get of it, and of what was held back
 * before, goes to @output, which has room for DETACH_KEYS_MAX bytes more than @size; it may begin
 * that far before @data. Returns true when the keys are complete: what follows them is dropped.
 */
bool detach_keys_scan(DetachKeys *keys, const char *data, size_t size, char *output,
                      size_t *ret_size);

/* Nothing more will be typed: what is held back goes to @output (DETACH_KEYS_MAX bytes). Returns
 * how much that is. */
size_t detach_keys_flush(DetachKeys *keys, char *output);
