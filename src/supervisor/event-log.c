/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Appending to the event log. Each record is a JSON text sequence's (RFC 7464): a record separator,
 * the text, a line feed; so that one which a full disk has cut short costs no other.
 */

#include "supervisor/event-log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "base/time-format.h"

#define CURRENT_NAME "current"

static const JsonField event_fields[] = {
    JSON_FIELD(Event, time, "time", JSON_TYPE_INT64),
    JSON_FIELD(Event, type, "type", JSON_TYPE_STRING),
    JSON_FIELD(Event, action, "action", JSON_TYPE_STRING),
    JSON_FIELD(Event, actor, "actor", JSON_TYPE_STRING),
    JSON_FIELD(Event, attributes, "attributes", JSON_TYPE_STRING_MAP),
};
static const JsonStruct event_json = JSON_STRUCT(Event, event_fields);

void event_done(Event *event)
{
    json_struct_done(&event_json, event);
}

int event_log_append(int events_fd, const Event *event)
{
    Event stamped = *event;
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL, *record = NULL;
    _cleanup_close_ int fd = openat(events_fd, CURRENT_NAME,
                                    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return -errno;
    if (stamped.time == 0)
        stamped.time = time_now();
    json = json_struct_write(&event_json, &stamped);
    text = json_to_text(json);
    record = memory_printf("\x1e%s\n", text);
    return fd_write_all(fd, record, strlen(record));
}
