/* SPDX-License-Identifier: Apache-2.0 */

/* One row per kind of --userns. */

#include "engine/userns-mode.h"

#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/string-list.h"

/* Ids from 0 up, and the last one is none. */
#define SIZE_MAX_IDS (UINT32_MAX - 1)

enum {
    TAKES_SIZE = 1 << 0,
    TAKES_IDS = 1 << 1,
    TAKES_NAME = 1 << 2,
};

static const struct {
    const char *name;
    UsernsKind kind;
    unsigned takes;
} kinds[] = {
    { "auto", USERNS_AUTO, TAKES_SIZE },
    { "host", USERNS_HOST, 0 },
    { "keep-id", USERNS_KEEP_ID, TAKES_SIZE | TAKES_IDS },
    { "nomap", USERNS_NOMAP, TAKES_SIZE },
    { "container", USERNS_CONTAINER, TAKES_NAME },
};

static int take_option(UsernsMode *mode, unsigned takes, const char *option, Error *err)
{
    const char *value = strchr(option, '=');
    size_t length = value ? (size_t)(value - option) : strlen(option);
    const struct {
        const char *name;
        unsigned needs;
        uint32_t *number;
        bool *is_set;
    } options[] = {
        { "size", TAKES_SIZE, &mode->size, &mode->has_size },
        { "uid", TAKES_IDS, &mode->uid, &mode->has_uid },
        { "gid", TAKES_IDS, &mode->gid, &mode->has_gid },
    };

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (!(options[i].needs & takes) || strlen(options[i].name) != length ||
            strncmp(options[i].name, option, length) != 0)
            continue;
        if (!value || parse_u32(value + 1, options[i].number) < 0)
            return error_set(err, ERROR_INVALID, "'%s' is no number of ids", option);
        *options[i].is_set = true;
        return 0;
    }
    return error_set(err, ERROR_INVALID, "unknown option '%s', there is %s", option,
                     takes & TAKES_IDS ? "uid=U, gid=G and size=N" : "size=N");
}

static int take_options(UsernsMode *mode, unsigned takes, const char *text, Error *err)
{
    _cleanup_string_list_ StringList options = {};
    int r = 0;

    string_list_split(&options, text, ',');
    for (size_t i = 0; r == 0 && i < options.count; i++)
        r = take_option(mode, takes, options.items[i], err);
    if (r == 0 && (mode->size == 0 || mode->size > SIZE_MAX_IDS))
        return error_set(err, ERROR_INVALID, "size=%u: a user namespace has from 1 to %u ids",
                         mode->size, SIZE_MAX_IDS);
    return r;
}

int userns_mode_parse(const char *text, UsernsMode *ret, Error *err)
{
    size_t length = strcspn(text, ":");
    const char *rest = text[length] ? text + length + 1 : NULL;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        UsernsMode mode = { .kind = kinds[i].kind, .size = USERNS_SIZE_DEFAULT };
        int r = 0;

        if (strlen(kinds[i].name) != length || strncmp(kinds[i].name, text, length) != 0)
            continue;
        if (kinds[i].takes & TAKES_NAME) {
            if (!rest || !*rest)
                return error_set(err, ERROR_INVALID, "'%s' names no container", text);
            mode.container = rest;
        } else if (rest && kinds[i].takes == 0) {
            return error_set(err, ERROR_INVALID, "'%s' takes no options, but got '%s'",
                             kinds[i].name, rest);
        } else if (rest) {
            r = take_options(&mode, kinds[i].takes, rest, err);
        }
        if (r == 0)
            *ret = mode;
        return r;
    }
    return error_set(err, ERROR_INVALID,
                     "unknown user namespace '%s', use one of auto[:size=N] host keep-id nomap "
                     "container:NAME",
                     text);
}
