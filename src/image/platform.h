/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an image runs on: "linux/amd64", "linux/arm/v7", in the words of Go (OCI image index,
 * platform). Other words for the same machine ("x86_64", "aarch64") are understood.
 */

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json-fields.h"
#include "base/string-list.h"

typedef struct Platform {
    char *os;
    char *architecture;
    char *variant; /* NULL: none, or the usual one of the architecture */
    char *os_version;
    StringList os_features;
} Platform;

extern const JsonStruct platform_json;

/* Frees the members and zeroes the struct. */
void platform_done(Platform *platform);
#define _cleanup_platform_ _cleanup_(platform_done)

/* "os/architecture[/variant]", "os" or "architecture" alone. Errors: INVALID. */
int platform_parse(const char *text, Platform *ret, Error *err);

/* What this machine runs, by uname(2). */
void platform_host(Platform *ret);

/* @text as platform_parse() takes it; NULL is the host. Errors: INVALID. */
int platform_choose(const char *text, Platform *ret, Error *err);

/*
 * How well an image for @image fits where @wanted is wanted: 0 when it cannot be used; else the
 * newer its variant, the better, as it is at most the one that is wanted.
 */
int platform_rank(const Platform *wanted, const Platform *image);

/* True when an image for @image can be used where @wanted is wanted. */
bool platform_matches(const Platform *wanted, const Platform *image);

/* "linux/arm64/v8"; the caller frees it. */
char *platform_to_string(const Platform *platform);
