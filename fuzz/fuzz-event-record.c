/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary bytes to the reader of event logs, whole and cut in two: wherever a log was read
 * to, the same events come out of it.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "supervisor/event-log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Number of good records in the bytes; *ret_used of them are done with. */
static size_t count_events(const char *data, size_t size, size_t *ret_used)
{
    size_t count = 0, used, length;
    const char *text;

    for (*ret_used = 0;; *ret_used += used) {
        _cleanup_event_ Event event = {};

        if (!event_record_find(data + *ret_used, size - *ret_used, &text, &length, &used)) {
            *ret_used += used;
            return count;
        }
        if (text < data || text + length > data + *ret_used + used)
            abort();
        count += event_record_parse(text, length, INT64_MIN, &event) > 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = memory_new(size + 1, 1); /* as the fuzzer's, but never NULL */
    size_t used, rest, whole, parts;

    if (size > 0)
        memcpy(text, data, size);
    whole = count_events(text, size, &used);
    parts = count_events(text, size / 2, &rest);
    if (used > size || rest > size / 2)
        abort();
    if (parts + count_events(text + rest, size - rest, &used) != whole)
        abort();
    return 0;
}
