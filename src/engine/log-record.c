/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Decoding the two formats. json-file's records are read by what they are, objects of a few string
 * members, and not with the JSON library: a log has millions of them. Members in another order and
 * unknown ones are accepted, as other programs write such files too.
 */

#include "engine/log-record.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/time-format.h"
#include "supervisor/log-local.h"

/* What is left of a record; @end is its newline. */
typedef struct Cursor {
    char *position;
    char *end;
} Cursor;

typedef struct Slice {
    char *data; /* NULL: absent */
    size_t size;
} Slice;

static bool take(Cursor *cursor, char character)
{
    while (cursor->position < cursor->end && *cursor->position == ' ')
        cursor->position++;
    if (cursor->position == cursor->end || *cursor->position != character)
        return false;
    cursor->position++;
    return true;
}

static bool take_hex(Cursor *cursor, unsigned *ret)
{
    unsigned value = 0;

    if (cursor->end - cursor->position < 4)
        return false;
    for (unsigned i = 0; i < 4; i++) {
        char digit = *cursor->position++;

        if (digit >= '0' && digit <= '9')
            value = value << 4 | (unsigned)(digit - '0');
        else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
            value = value << 4 | (unsigned)((digit | 0x20) - 'a' + 10);
        else
            return false;
    }
    *ret = value;
    return true;
}

static char *put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *to++ = (char)(0xe0 | code >> 12);
        } else {
            *to++ = (char)(0xf0 | code >> 18);
            *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (code & 0x3f));
    return to;
}

/* After "\u": a character, or two halves of one. A half alone stands for no character. */
static bool take_code(Cursor *cursor, char **to)
{
    unsigned code, low;

    if (!take_hex(cursor, &code))
        return false;
    if (code >= 0xd800 && code < 0xdc00 && cursor->end - cursor->position >= 6 &&
        cursor->position[0] == '\\' && cursor->position[1] == 'u') {
        Cursor half = { cursor->position + 2, cursor->end };

        if (take_hex(&half, &low) && low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            *cursor = half;
        }
    }
    if (code >= 0xd800 && code < 0xe000)
        code = 0xfffd;
    *to = put_utf8(*to, code);
    return true;
}

/* After a backslash. What it stands for is never longer than how it is written. */
static bool take_escape(Cursor *cursor, char **to)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *found;
    char name;

    if (cursor->position == cursor->end)
        return false;
    name = *cursor->position++;
    if (name == 'u')
        return take_code(cursor, to);
    found = name ? strchr(names, name) : NULL;
    if (!found)
        return false;
    *(*to)++ = values[found - names];
    return true;
}

/* A string after its opening quote, decoded in its place, where a NUL follows it. */
static bool take_string(Cursor *cursor, Slice *ret)
{
    char *begin = cursor->position, *to = begin;

    for (;;) {
        char *from = cursor->position;

        while (cursor->position < cursor->end && *cursor->position != '"' &&
               *cursor->position != '\\')
            cursor->position++;
        if (to != from)
            memmove(to, from, (size_t)(cursor->position - from));
        to += cursor->position - from;
        if (cursor->position == cursor->end)
            return false;
        if (*cursor->position++ == '"')
            break;
        if (!take_escape(cursor, &to))
            return false;
    }
    *to = '\0'; /* at the latest in the place of the closing quote */
    *ret = (Slice) { begin, (size_t)(to - begin) };
    return true;
}

/* Any value but a string, undecoded: up to the comma or brace that follows it. */
static bool skip_value(Cursor *cursor, Slice *ret)
{
    char *begin = cursor->position;
    size_t depth = 0;
    bool in_string = false;

    for (; cursor->position < cursor->end; cursor->position++) {
        char character = *cursor->position;

        if (in_string) {
            if (character == '\\' && cursor->position + 1 < cursor->end)
                cursor->position++;
            else if (character == '"')
                in_string = false;
        } else if (character == '"') {
            in_string = true;
        } else if (character == '{' || character == '[') {
            depth++;
        } else if (depth == 0 && (character == ',' || character == '}')) {
            *ret = (Slice) { begin, (size_t)(cursor->position - begin) };
            return true;
        } else if (character == '}' || character == ']') {
            depth--;
        }
        if (depth == SIZE_MAX)
            return false;
    }
    return false;
}

enum { MEMBER_LOG, MEMBER_STREAM, MEMBER_TIME, MEMBER_ATTRIBUTES, _MEMBER_MAX };

static const struct {
    const char *name;
    bool is_string;
} members[_MEMBER_MAX] = {
    [MEMBER_LOG] = { "log", true },
    [MEMBER_STREAM] = { "stream", true },
    [MEMBER_TIME] = { "time", true },
    [MEMBER_ATTRIBUTES] = { "attrs", false },
};

static bool take_member(Cursor *cursor, Slice found[_MEMBER_MAX])
{
    Slice name, value;
    bool is_string;

    if (!take(cursor, '"') || !take_string(cursor, &name) || !take(cursor, ':'))
        return false;
    is_string = take(cursor, '"');
    if (!(is_string ? take_string(cursor, &value) : skip_value(cursor, &value)))
        return false;
    for (size_t i = 0; i < _MEMBER_MAX; i++)
        if (members[i].is_string == is_string && strcmp(members[i].name, name.data) == 0)
            found[i] = value;
    return true;
}

static bool decode_json(char *line, size_t size, LogEntry *ret)
{
    Cursor cursor = { line, line + size - 1 };
    Slice found[_MEMBER_MAX] = {};
    int64_t time;

    if (!take(&cursor, '{'))
        return false;
    do
        if (!take_member(&cursor, found))
            return false;
    while (take(&cursor, ','));
    if (!take(&cursor, '}') || !found[MEMBER_LOG].data || !found[MEMBER_TIME].data ||
        time_from_rfc3339(found[MEMBER_TIME].data, &time) < 0)
        return false;
    *ret = (LogEntry) {
        .time = time,
        .is_stderr = found[MEMBER_STREAM].data && strcmp(found[MEMBER_STREAM].data, "stderr") == 0,
        .text = found[MEMBER_LOG].data,
        .size = found[MEMBER_LOG].size,
        .attributes = found[MEMBER_ATTRIBUTES].data,
        .attributes_size = found[MEMBER_ATTRIBUTES].size,
    };
    return true;
}

static bool decode_local(char *line, size_t size, LogEntry *ret)
{
    uint64_t time = 0;
    const char *letter;
    bool is_partial;

    if (size <= LOG_LOCAL_HEADER_SIZE)
        return false;
    for (size_t i = 0; i < LOG_LOCAL_TIME_SIZE; i++) {
        char digit = line[i];

        if (digit >= '0' && digit <= '9')
            time = time << 4 | (uint64_t)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            time = time << 4 | (uint64_t)(digit - 'a' + 10);
        else
            return false;
    }
    letter = memchr(LOG_LOCAL_WHOLE LOG_LOCAL_PARTIAL, line[LOG_LOCAL_TIME_SIZE],
                    strlen(LOG_LOCAL_WHOLE LOG_LOCAL_PARTIAL));
    if (!letter || time > INT64_MAX)
        return false;
    is_partial = *letter == LOG_LOCAL_PARTIAL[0] || *letter == LOG_LOCAL_PARTIAL[1];
    *ret = (LogEntry) {
        .time = (int64_t)time,
        .is_stderr = *letter == LOG_LOCAL_WHOLE[1] || *letter == LOG_LOCAL_PARTIAL[1],
        .text = line + LOG_LOCAL_HEADER_SIZE,
        .size = size - LOG_LOCAL_HEADER_SIZE - is_partial,
    };
    return true;
}

bool log_record_decode(LogFormat format, char *line, size_t size, LogEntry *ret)
{
    return format == LOG_FORMAT_JSON ? decode_json(line, size, ret) : decode_local(line, size, ret);
}
