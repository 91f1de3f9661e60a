/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The status as JSON text of a fixed size, padded with spaces: one pwrite(2) inside one page, so
 * that a reader sees the old or the new one. What it may see half of does not parse, and is read
 * again.
 */

#include "supervisor/shim-status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json-fields.h"

#define STATUS_SIZE 512
#define READ_ATTEMPTS 100

static const JsonField status_fields[] = {
    JSON_FIELD(ShimStatus, state, "state", JSON_TYPE_STRING),
    JSON_FIELD(ShimStatus, pid, "pid", JSON_TYPE_INT64),
    JSON_FIELD(ShimStatus, shim_pid, "shimPid", JSON_TYPE_INT64),
    JSON_FIELD(ShimStatus, started_at, "startedAt", JSON_TYPE_INT64),
    JSON_FIELD(ShimStatus, finished_at, "finishedAt", JSON_TYPE_INT64),
    JSON_FIELD(ShimStatus, exit_code, "exitCode", JSON_TYPE_INT32),
    JSON_FIELD(ShimStatus, oom_killed, "oomKilled", JSON_TYPE_BOOL),
    JSON_FIELD(ShimStatus, restart_count, "restartCount", JSON_TYPE_INT64),
    JSON_FIELD(ShimStatus, health, "health", JSON_TYPE_STRING),
    JSON_FIELD(ShimStatus, failing_streak, "failingStreak", JSON_TYPE_INT64),
};
static const JsonStruct status_json = JSON_STRUCT(ShimStatus, status_fields);

void shim_status_done(ShimStatus *status)
{
    json_struct_done(&status_json, status);
}

int shim_status_write(int lock_fd, const ShimStatus *status)
{
    _cleanup_json_ json_t *json = json_struct_write(&status_json, status);
    _cleanup_free_ char *text = json_to_text(json);
    size_t length = strlen(text);
    char padded[STATUS_SIZE];
    ssize_t n;

    if (length >= sizeof(padded))
        return -EMSGSIZE;
    memset(padded, ' ', sizeof(padded));
    memcpy(padded, text, length);
    padded[sizeof(padded) - 1] = '\n';
    n = pwrite(lock_fd, padded, sizeof(padded), 0);
    if (n < 0)
        return -errno;
    return (size_t)n == sizeof(padded) ? 0 : -ENOSPC;
}

/* Without the padding, which is most of it: whoever lists containers reads hundreds of these. */
static size_t text_length(const char *text, size_t size)
{
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\n'))
        size--;
    return size;
}

int shim_status_read(int lock_fd, ShimStatus *ret)
{
    for (unsigned i = 0; i < READ_ATTEMPTS; i++) {
        _cleanup_json_ json_t *json = NULL;
        _cleanup_shim_status_ ShimStatus status = {};
        char text[STATUS_SIZE];
        ssize_t n = pread(lock_fd, text, sizeof(text), 0);

        if (n < 0)
            return -errno;
        if (n == 0 || (json_parse(text, text_length(text, (size_t)n), &json, NULL) >= 0 &&
                       json_struct_read(&status_json, json, &status, NULL) >= 0)) {
            *ret = status;
            status = (ShimStatus) {};
            return 0;
        }
    }
    return -EBADMSG;
}
