/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Docker's --security-opt: a list of "key=value" ("key:value" is an older spelling). A seccomp
 * profile is its JSON text here: whoever takes a file name from the user reads the file. */

#include <stdbool.h>

#include "base/error.h"
#include "base/string-list.h"

typedef struct SecurityOptions {
    bool no_new_privileges;
    bool seccomp_unconfined;      /* no seccomp filter */
    const char *seccomp_profile;  /* JSON text, part of the list; NULL: the built-in profile */
    bool system_paths_unconfined; /* nothing masked or read-only below /proc and /sys */
} SecurityOptions;

/*
 * Errors: INVALID (unknown option or value), UNSUPPORTED (profiles and labels of security modules
 * that this version does not apply; to ask for their absence is accepted).
 */
int security_options_parse(const StringList *list, SecurityOptions *ret, Error *err);
