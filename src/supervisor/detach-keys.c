/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The text that is held back is always a beginning of the keys. When the next byte does not go on
 * with it, its longest end that is a beginning as well is kept and the rest is let go: with
 * "ctrl-p,ctrl-q", the second of two ctrl-p may be the first of the pair.
 */

#include "supervisor/detach-keys.h"

#include <string.h>

#include "base/string-list.h"

#define CONTROL_PREFIX "ctrl-"
#define CONTROL_BITS 0x1f
#define DELETE '\x7f'

static bool parse_control(const char *name, char *ret)
{
    if (strlen(name) != 1 || (!(*name >= 'a' && *name <= 'z') && !strchr("@[\\]^_", *name)))
        return false;
    *ret = (char)(*name & CONTROL_BITS);
    return true;
}

static bool parse_key(const char *name, char *ret)
{
    if (strncmp(name, CONTROL_PREFIX, strlen(CONTROL_PREFIX)) == 0)
        return parse_control(name + strlen(CONTROL_PREFIX), ret);
    *ret = strcmp(name, "DEL") == 0 ? DELETE : *name;
    return *ret == DELETE || strlen(name) == 1;
}

int detach_keys_parse(const char *text, DetachKeys *ret, Error *err)
{
    _cleanup_string_list_ StringList names = {};
    DetachKeys keys = {};

    string_list_split(&names, text && *text ? text : DETACH_KEYS_DEFAULT, ',');
    if (names.count > DETACH_KEYS_MAX)
        return error_set(err, ERROR_INVALID, "detach keys '%s': more than %d keys", text,
                         DETACH_KEYS_MAX);
    for (; keys.count < names.count; keys.count++)
        if (!parse_key(names.items[keys.count], &keys.keys[keys.count]))
            return error_set(err, ERROR_INVALID,
                             "detach keys '%s': unknown key '%s': write a character or "
                             "'ctrl-' and one of a-z @ [ \\ ] ^ _",
                             text, names.items[keys.count]);
    *ret = keys;
    return 0;
}

/* Let go of what cannot be the beginning of the keys any more. Returns how much that is; it is at
 * the beginning of keys->keys. */
static size_t let_go(DetachKeys *keys)
{
    for (size_t n = 1; n < keys->matched; n++) {
        if (memcmp(keys->keys, keys->keys + n, keys->matched - n) == 0) {
            keys->matched -= n;
            return n;
        }
    }
    return detach_keys_flush(keys, keys->keys);
}

bool detach_keys_scan(DetachKeys *keys, const char *data, size_t size, char *output,
                      size_t *ret_size)
{
    size_t written = 0;

    for (size_t i = 0; i < size; i++) {
        char byte = data[i];

        while (keys->matched > 0 && keys->keys[keys->matched] != byte) {
            size_t n = let_go(keys);

            memcpy(output + written, keys->keys, n);
            written += n;
        }
        if (keys->count == 0 || keys->keys[keys->matched] != byte) {
            output[written++] = byte;
        } else if (++keys->matched == keys->count) {
            keys->matched = 0;
            *ret_size = written;
            return true;
        }
    }
    *ret_size = written;
    return false;
}

size_t detach_keys_flush(DetachKeys *keys, char *output)
{
    size_t size = keys->matched;

    memmove(output, keys->keys, size);
    keys->matched = 0;
    return size;
}
