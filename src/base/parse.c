/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Strict parsers for what users and configuration files write. Built on one digit scanner, so that
 * overflow is checked in one place.
 */

#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

/* Consume digits of @base from *@text into *@ret. -EINVAL without one, -ERANGE on overflow. */
static int scan_digits(const char **text, unsigned base, uint64_t *ret)
{
    const char *position = *text;
    uint64_t value = 0;

    while (*position >= '0' && *position < (char)('0' + base)) {
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*position - '0'), &value))
            return -ERANGE;
        position++;
    }
    if (position == *text)
        return -EINVAL;

    *text = position;
    *ret = value;
    return 0;
}

static int parse_whole(const char *text, unsigned base, uint64_t limit, uint64_t *ret)
{
    uint64_t value;
    int r = scan_digits(&text, base, &value);

    if (r < 0)
        return r;
    if (*text != '\0')
        return -EINVAL;
    if (value > limit)
        return -ERANGE;
    *ret = value;
    return 0;
}

int parse_u64(const char *text, uint64_t *ret)
{
    return parse_whole(text, 10, UINT64_MAX, ret);
}

int parse_i64(const char *text, int64_t *ret)
{
    bool negative = *text == '-';
    uint64_t value;
    int r = parse_whole(text + negative, 10, (uint64_t)INT64_MAX + negative, &value);

    if (r < 0)
        return r;
    *ret = (int64_t)(negative ? -value : value);
    return 0;
}

int parse_u32(const char *text, uint32_t *ret)
{
    uint64_t value;
    int r = parse_whole(text, 10, UINT32_MAX, &value);

    if (r < 0)
        return r;
    *ret = (uint32_t)value;
    return 0;
}

int parse_i32(const char *text, int32_t *ret)
{
    int64_t value;
    int r = parse_i64(text, &value);

    if (r < 0)
        return r;
    if (value < INT32_MIN || value > INT32_MAX)
        return -ERANGE;
    *ret = (int32_t)value;
    return 0;
}

int parse_mode(const char *text, uint32_t *ret)
{
    uint64_t value;
    int r = parse_whole(text, 8, 07777, &value);

    if (r < 0)
        return r;
    *ret = (uint32_t)value;
    return 0;
}

int parse_bool(const char *text, bool *ret)
{
    static const char *const words[][6] = {
        { "0", "f", "F", "false", "FALSE", "False" },
        { "1", "t", "T", "true", "TRUE", "True" },
    };

    for (size_t value = 0; value < ARRAY_SIZE(words); value++) {
        for (size_t i = 0; i < ARRAY_SIZE(words[value]); i++) {
            if (strcmp(text, words[value][i]) == 0) {
                *ret = value == 1;
                return 0;
            }
        }
    }

    return -EINVAL;
}

/*
 * Consume a decimal number with an optional fraction from *@text and yield it times @unit,
 * rounded down. Fraction digits beyond what the unit resolves are read and dropped.
 */
static int scan_scaled(const char **text, uint64_t unit, uint64_t *ret)
{
    unsigned __int128 value;
    uint64_t whole = 0, place = unit;
    bool has_digits = isdigit((unsigned char)**text);
    int r;

    if (has_digits) {
        r = scan_digits(text, 10, &whole);
        if (r < 0)
            return r;
    }
    value = (unsigned __int128)whole * unit;

    if (**text == '.') {
        unsigned __int128 fraction = 0, scale = 1;

        while (isdigit((unsigned char)*++*text)) {
            has_digits = true;
            if (scale < UINT64_MAX / 10) {
                fraction = fraction * 10 + (unsigned)(**text - '0');
                scale *= 10;
            }
        }
        value += fraction * place / scale;
    }
    if (!has_digits)
        return -EINVAL;
    if (value > INT64_MAX)
        return -ERANGE;

    *ret = (uint64_t)value;
    return 0;
}

int parse_size(const char *text, int64_t *ret)
{
    static const char units[] = "bkmgtp";
    const char *number = text, *end = text;
    uint64_t unit = 1, value;
    int r;

    end += strspn(end, "0123456789.");
    if (*end == ' ')
        end++;
    if (*end) {
        const char *letter = strchr(units, tolower((unsigned char)*end));

        if (!letter)
            return -EINVAL;
        unit = UINT64_C(1) << (10 * (letter - units));
        end++;
        if (letter != units && (*end == 'i' || *end == 'I') && (end[1] == 'b' || end[1] == 'B'))
            end += 2;
        else if (letter != units && (*end == 'b' || *end == 'B'))
            end++;
        if (*end)
            return -EINVAL;
    }

    r = scan_scaled(&number, unit, &value);
    if (r < 0)
        return r;
    if (*number && *number != ' ' && !isalpha((unsigned char)*number))
        return -EINVAL;
    *ret = (int64_t)value;
    return 0;
}

int parse_bit_rate(const char *text, int64_t *ret)
{
    static const struct {
        const char *name;
        uint64_t bits;
    } units[] = { { "", 1 }, { "bit", 1 }, { "byte", 8 } };
    static const char prefixes[] = "kmg";
    const char *end = text + strspn(text, "0123456789.");
    uint64_t factor = 1, value;
    const char *prefix = *end ? strchr(prefixes, tolower((unsigned char)*end)) : NULL;

    for (const char *passed = prefixes; prefix && passed <= prefix; passed++)
        factor *= 1000;
    end += factor > 1;
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        int r;

        if (strcasecmp(units[i].name, end) != 0)
            continue;
        r = scan_scaled(&text, factor * units[i].bits, &value);
        if (r < 0)
            return r;
        if (isdigit((unsigned char)*text) || *text == '.')
            return -EINVAL;
        *ret = (int64_t)value;
        return 0;
    }
    return -EINVAL;
}

int parse_nano(const char *text, int64_t *ret)
{
    uint64_t value;
    int r = scan_scaled(&text, 1000000000, &value);

    if (r < 0)
        return r;
    if (*text)
        return -EINVAL;
    *ret = (int64_t)value;
    return 0;
}

static const struct {
    const char *name;
    uint64_t nanoseconds;
} duration_units[] = {
    /* "ms" before "m": the first that fits is taken */
    { "ns", 1 },
    { "us", 1000 },
    { "µs", 1000 },
    { "ms", 1000000 },
    { "s", 1000000000 },
    { "m", UINT64_C(60) * 1000000000 },
    { "h", UINT64_C(3600) * 1000000000 },
};

/* The unit that *@text starts with, consumed; 0 when it starts with none. */
static uint64_t scan_duration_unit(const char **text)
{
    for (size_t i = 0; i < ARRAY_SIZE(duration_units); i++) {
        size_t length = strlen(duration_units[i].name);

        if (strncmp(*text, duration_units[i].name, length) == 0) {
            *text += length;
            return duration_units[i].nanoseconds;
        }
    }

    return 0;
}

int parse_duration(const char *text, int64_t *ret)
{
    bool negative = *text == '-';
    uint64_t total = 0;

    if (*text == '-' || *text == '+')
        text++;
    if (strcmp(text, "0") == 0) {
        *ret = 0;
        return 0;
    }
    if (*text == '\0')
        return -EINVAL;

    while (*text) {
        const char *number = text;
        uint64_t unit, value;
        int r;

        text += strspn(text, "0123456789.");
        unit = scan_duration_unit(&text);
        if (unit == 0)
            return -EINVAL;
        r = scan_scaled(&number, unit, &value);
        if (r < 0)
            return r;
        if (__builtin_add_overflow(total, value, &total) || total > INT64_MAX)
            return -ERANGE;
    }

    *ret = negative ? -(int64_t)total : (int64_t)total;
    return 0;
}

/* "RTMIN", "RTMIN+3", "RTMAX-2": real-time signals have no names of their own. */
static int parse_realtime_signal(const char *name, int *ret)
{
    uint64_t offset = 0;
    bool from_max;
    int signal;

    if (strncasecmp(name, "RTMIN", 5) != 0 && strncasecmp(name, "RTMAX", 5) != 0)
        return -EINVAL;
    from_max = tolower((unsigned char)name[3]) == 'a';
    name += 5;
    if (*name) {
        int r;

        if (*name != (from_max ? '-' : '+'))
            return -EINVAL;
        r = parse_whole(name + 1, 10, (uint64_t)(SIGRTMAX - SIGRTMIN), &offset);
        if (r < 0)
            return r;
    }

    signal = from_max ? SIGRTMAX - (int)offset : SIGRTMIN + (int)offset;
    *ret = signal;
    return 0;
}

int parse_signal(const char *text, int *ret)
{
    uint64_t number;
    int r;

    if (isdigit((unsigned char)*text)) {
        r = parse_whole(text, 10, 64, &number);
        if (r < 0)
            return r;
        if (number == 0)
            return -ERANGE;
        *ret = (int)number;
        return 0;
    }

    if (strncasecmp(text, "SIG", 3) == 0)
        text += 3;
    for (int signal = 1; signal < SIGRTMIN; signal++) {
        const char *name = sigabbrev_np(signal);

        if (name && strcasecmp(name, text) == 0) {
            *ret = signal;
            return 0;
        }
    }

    return parse_realtime_signal(text, ret);
}

/* Blanks are allowed around a range, as the kernel's own lists and the OCI schema have them. */
static void skip_blanks(const char **text)
{
    *text += strspn(*text, " ");
}

static int scan_range(const char **text, uint64_t *ret_first, uint64_t *ret_last)
{
    int r;

    skip_blanks(text);
    r = scan_digits(text, 10, ret_first);
    if (r < 0)
        return r;
    *ret_last = *ret_first;
    if (**text == '-') {
        (*text)++;
        r = scan_digits(text, 10, ret_last);
    }
    skip_blanks(text);
    return r;
}

int parse_number_set(const char *text, NumberSet *ret)
{
    NumberSet set = {};

    for (;;) {
        uint64_t first, last;
        int r = scan_range(&text, &first, &last);

        if (r < 0)
            return r;
        if (last < first)
            return -EINVAL;
        if (last >= NUMBER_SET_MAX)
            return -ERANGE;
        for (uint64_t i = first; i <= last; i++)
            set.bits[i / NUMBER_SET_WORD] |= 1UL << i % NUMBER_SET_WORD;
        if (*text == '\0')
            break;
        if (*text++ != ',')
            return -EINVAL;
    }
    *ret = set;
    return 0;
}

int parse_cpu_list(const char *text)
{
    NumberSet set;

    return parse_number_set(text, &set);
}
