/* SPDX-License-Identifier: Apache-2.0 */

/* Writing the format of log-local.h. */

#include "supervisor/log-local.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "supervisor/log-private.h"

#define RECORD_MAX(text_size) (LOG_LOCAL_HEADER_SIZE + (text_size) + 1)

typedef struct LogLocal {
    LogSink sink;
    LogFile file;
} LogLocal;

static uint64_t payload_of(const char *record, size_t size)
{
    bool is_partial = memchr(LOG_LOCAL_PARTIAL, record[LOG_LOCAL_TIME_SIZE], 2);

    return size - LOG_LOCAL_HEADER_SIZE - is_partial;
}

/* Returns the record's size. */
static size_t record_make(LogLocal *local, const LogLine *line)
{
    static const char digits[] = "0123456789abcdef";
    char *to = local->file.buffer + local->file.used;

    for (int shift = 60; shift >= 0; shift -= 4)
        *to++ = digits[((uint64_t)line->time >> shift) & 0xf];
    *to++ = (line->is_partial ? LOG_LOCAL_PARTIAL : LOG_LOCAL_WHOLE)[line->stream];
    to = mempcpy(to, line->text, line->size);
    *to = '\n';
    return RECORD_MAX(line->size);
}

static void notice_add(LogLocal *local, int64_t time)
{
    char text[LOG_NOTICE_MAX];
    LogLine notice = { .stream = LOG_STREAM_STDERR, .time = time, .text = text };

    notice.size = log_file_take_notice(&local->file, text);
    if (notice.size > 0)
        log_file_commit_notice(&local->file, record_make(local, &notice));
}

static int local_take(LogSink *sink, const LogLine *line)
{
    LogLocal *local = (LogLocal *)sink;

    (void)log_file_reserve(&local->file, RECORD_MAX(LOG_NOTICE_MAX) + RECORD_MAX(line->size));
    if (local->file.lost > 0)
        notice_add(local, line->time);
    log_file_commit(&local->file, record_make(local, line));
    return 0;
}

static void local_flush(LogSink *sink)
{
    log_file_flush(&((LogLocal *)sink)->file);
}

static void local_rest(LogSink *sink)
{
    log_file_rest(&((LogLocal *)sink)->file);
}

static void local_free(LogSink *sink)
{
    log_file_done(&((LogLocal *)sink)->file);
    free(sink);
}

static const LogSinkType log_local_type = {
    .take = local_take,
    .flush = local_flush,
    .rest = local_rest,
    .free = local_free,
};

int log_local_open(const LogTarget *target, const LogFileSettings *settings, LogSink **ret,
                   Error *err)
{
    LogLocal *local = NEW(LogLocal);
    int r = log_file_open(&local->file, target->directory_fd, settings, payload_of, err);

    if (r < 0) {
        free(local);
        return r;
    }
    local->sink = (LogSink) { .type = &log_local_type, .wait_fd = -EBADF };
    *ret = &local->sink;
    return 0;
}
