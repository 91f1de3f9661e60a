/* SPDX-License-Identifier: Apache-2.0 */

/* Docker's three ways to name a point in time, told apart by their form alone. */

#include "base/time-parse.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/parse.h"
#include "base/time-format.h"

/* Exactly @count digits from *@text that make a number from @first to @last. */
static bool scan_number(const char **text, unsigned count, int first, int last, int *ret)
{
    int value = 0;

    for (unsigned i = 0; i < count; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        value = value * 10 + (**text - '0');
    }
    *ret = value;
    return value >= first && value <= last;
}

/* At least one digit from *@text as the fraction of a second; digits beyond the ninth count
 * nothing. */
static bool scan_fraction(const char **text, int64_t *ret)
{
    const char *begin = *text;
    int64_t place = NANOSECONDS_PER_SECOND, fraction = 0;

    for (; **text >= '0' && **text <= '9'; (*text)++) {
        place /= 10;
        fraction += place * (**text - '0');
    }
    *ret = fraction;
    return *text > begin;
}

/* "T15", "T15:04", "T15:04:05" or "T15:04:05.25", if there is any of it. */
static bool scan_time_of_day(const char **text, struct tm *tm, int64_t *ret_fraction)
{
    if (**text != 'T')
        return true;
    (*text)++;
    if (!scan_number(text, 2, 0, 23, &tm->tm_hour))
        return false;
    if (**text != ':')
        return true;
    (*text)++;
    if (!scan_number(text, 2, 0, 59, &tm->tm_min))
        return false;
    if (**text != ':')
        return true;
    (*text)++;
    if (!scan_number(text, 2, 0, 60, &tm->tm_sec))
        return false;
    if (**text != '.')
        return true;
    (*text)++;
    return scan_fraction(text, ret_fraction);
}

/* Seconds since 1970 of @tm in the zone that *@text has, else in local time. */
static bool scan_zone(const char **text, struct tm *tm, int64_t *ret)
{
    char sign = **text;
    int hours, minutes;

    if (sign == '\0') {
        tm->tm_isdst = -1; /* whichever holds on that day */
        *ret = mktime(tm);
        return true;
    }
    (*text)++;
    *ret = timegm(tm);
    if (sign == 'Z')
        return true;
    if ((sign != '+' && sign != '-') || !scan_number(text, 2, 0, 23, &hours) || *(*text)++ != ':' ||
        !scan_number(text, 2, 0, 59, &minutes))
        return false;
    *ret -= (sign == '-' ? -1 : 1) * (hours * INT64_C(3600) + minutes * INT64_C(60));
    return true;
}

static int time_from_parts(int64_t seconds, int64_t fraction, int64_t *ret)
{
    int64_t time;

    if (__builtin_mul_overflow(seconds, NANOSECONDS_PER_SECOND, &time) ||
        __builtin_add_overflow(time, fraction, &time))
        return -ERANGE;
    *ret = time;
    return 0;
}

static int parse_date(const char *text, int64_t *ret)
{
    int64_t seconds, fraction = 0;
    struct tm tm = {};

    if (!scan_number(&text, 4, 0, 9999, &tm.tm_year) || *text++ != '-' ||
        !scan_number(&text, 2, 1, 12, &tm.tm_mon) || *text++ != '-' ||
        !scan_number(&text, 2, 1, 31, &tm.tm_mday) || !scan_time_of_day(&text, &tm, &fraction))
        return -EINVAL;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    if (!scan_zone(&text, &tm, &seconds) || *text != '\0')
        return -EINVAL;
    return time_from_parts(seconds, fraction, ret);
}

static int parse_seconds(const char *text, int64_t *ret)
{
    const char *end = text;
    int64_t seconds = 0, fraction = 0;

    for (; *end >= '0' && *end <= '9'; end++)
        if (__builtin_mul_overflow(seconds, 10, &seconds) ||
            __builtin_add_overflow(seconds, *end - '0', &seconds))
            return -ERANGE;
    if (end == text)
        return -EINVAL;
    if (*end == '.') {
        end++;
        if (!scan_fraction(&end, &fraction))
            return -EINVAL;
    }
    return *end == '\0' ? time_from_parts(seconds, fraction, ret) : -EINVAL;
}

int time_parse_when(const char *text, int64_t now, int64_t *ret)
{
    int64_t duration, time;

    /* A bare "0" is both a duration and a time: Docker takes the time. */
    if (strspn(text, "0123456789") >= 4 && text[4] == '-')
        return parse_date(text, ret);
    if (text[strspn(text, "0123456789.")] == '\0')
        return parse_seconds(text, ret);
    if (parse_duration(text, &duration) < 0)
        return -EINVAL;
    if (__builtin_sub_overflow(now, duration, &time))
        return -ERANGE;
    *ret = time;
    return 0;
}
