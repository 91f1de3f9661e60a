/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The text of --userns, parsed: whose user namespace a container has. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define USERNS_SIZE_DEFAULT 65536U

typedef enum UsernsKind {
    USERNS_AUTO,      /* "auto[:size=N]": its own, with a range of ids that nobody else has */
    USERNS_HOST,      /* "host": none of its own */
    USERNS_KEEP_ID,   /* "keep-id[:uid=U,gid=G,size=N]": as auto, but the caller has an id inside */
    USERNS_NOMAP,     /* "nomap[:size=N]": as auto, but the caller's id does not exist inside */
    USERNS_CONTAINER, /* "container:NAME": another container's */
} UsernsKind;

typedef struct UsernsMode {
    UsernsKind kind;
    uint32_t size; /* ids that it has */
    bool has_size; /* exactly so many were asked for */
    bool has_uid;  /* of keep-id: what the caller is inside; else as outside */
    bool has_gid;
    uint32_t uid;
    uint32_t gid;
    const char *container; /* a part of the text */
} UsernsMode;

/* Errors: INVALID, naming what is wrong and what there is. */
int userns_mode_parse(const char *text, UsernsMode *ret, Error *err);
