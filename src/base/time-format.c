/* SPDX-License-Identifier: Apache-2.0 */

/* Times and sizes for JSON and for people, by the rules Docker's users know. */

#include "base/time-format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/memory.h"

static int64_t clock_nanoseconds(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now); /* cannot fail for these clocks */
    return now.tv_sec * NANOSECONDS_PER_SECOND + now.tv_nsec;
}

int64_t time_now(void)
{
    return clock_nanoseconds(CLOCK_REALTIME);
}

int64_t time_monotonic(void)
{
    return clock_nanoseconds(CLOCK_MONOTONIC);
}

char *time_to_rfc3339(int64_t time)
{
    time_t seconds = time / NANOSECONDS_PER_SECOND;
    int64_t fraction = time % NANOSECONDS_PER_SECOND;
    char date[40], digits[16] = "";
    struct tm tm;

    if (time == 0)
        return memory_strdup("0001-01-01T00:00:00Z");
    if (fraction < 0) {
        fraction += NANOSECONDS_PER_SECOND;
        seconds--;
    }

    (void)gmtime_r(&seconds, &tm); /* 64 bits of nanoseconds end in 2262 */
    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    if (fraction > 0) {
        size_t length = (size_t)snprintf(digits, sizeof(digits), ".%09d", (int)fraction);

        while (length > 1 && digits[length - 1] == '0')
            digits[--length] = '\0';
    }
    return memory_printf("%s%sZ", date, digits);
}

/* The zone at the end of an RFC 3339 time, in seconds east of UTC. */
static int parse_zone(const char *text, int64_t *ret)
{
    int hours, minutes, used = 0;

    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
        *ret = 0;
        return 0;
    }
    if ((*text != '+' && *text != '-') ||
        sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || used != 5 || text[6] != '\0')
        return -EINVAL;

    *ret = (hours * INT64_C(3600) + minutes * INT64_C(60)) * (*text == '-' ? -1 : 1);
    return 0;
}

int time_from_rfc3339(const char *text, int64_t *ret)
{
    int64_t fraction = 0, zone, seconds, time;
    struct tm tm = {};
    const char *rest;
    int r;

    rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest)
        return -EINVAL;
    if (*rest == '.') {
        int64_t place = NANOSECONDS_PER_SECOND;

        for (rest++; *rest >= '0' && *rest <= '9'; rest++) {
            place /= 10;
            fraction += place * (*rest - '0');
        }
    }
    r = parse_zone(rest, &zone);
    if (r < 0)
        return r;

    seconds = timegm(&tm) - zone;
    if (tm.tm_year == 1 - 1900) { /* Go's zero time stands for "never" */
        *ret = 0;
        return 0;
    }
    if (__builtin_mul_overflow(seconds, NANOSECONDS_PER_SECOND, &time) ||
        __builtin_add_overflow(time, fraction, &time))
        return -EINVAL;
    *ret = time;
    return 0;
}

char *time_to_human(int64_t nanoseconds)
{
    int64_t seconds = nanoseconds / NANOSECONDS_PER_SECOND;
    int64_t minutes = seconds / 60, hours = (minutes + 30) / 60;

    if (seconds < 1)
        return memory_strdup("Less than a second");
    if (seconds == 1)
        return memory_strdup("1 second");
    if (seconds < 60)
        return memory_printf("%lld seconds", (long long)seconds);
    if (minutes == 1)
        return memory_strdup("About a minute");
    if (minutes < 60)
        return memory_printf("%lld minutes", (long long)minutes);
    if (hours == 1)
        return memory_strdup("About an hour");
    if (hours < 48)
        return memory_printf("%lld hours", (long long)hours);
    if (hours < 24 * 7 * 2)
        return memory_printf("%lld days", (long long)(hours / 24));
    if (hours < 24 * 30 * 2)
        return memory_printf("%lld weeks", (long long)(hours / 24 / 7));
    if (hours < 24 * 365 * 2)
        return memory_printf("%lld months", (long long)(hours / 24 / 30));
    return memory_printf("%lld years", (long long)(hours / 24 / 365));
}

static char *size_to_text(int64_t bytes, double step, int precision, const char *const units[],
                          size_t n_units)
{
    double size = (double)bytes;
    size_t unit = 0;

    for (; size >= step && unit + 1 < n_units; unit++)
        size /= step;
    return memory_printf("%.*g%s", precision, size, units[unit]);
}

char *size_to_human(int64_t bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };

    return size_to_text(bytes, 1000, 3, units, ARRAY_SIZE(units));
}

char *size_to_human_binary(int64_t bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };

    return size_to_text(bytes, 1024, 4, units, ARRAY_SIZE(units));
}
