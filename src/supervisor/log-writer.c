/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From chunks to lines to sinks. A line that lies whole in its chunk is not copied; what has no
 * newline yet is kept for its stream until there is one, or until it is too long to be kept.
 */

#include "supervisor/log-writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/memory.h"
#include "supervisor/log-private.h"

#define SINKS_MAX 2

/* What has come of a stream since its last newline. */
typedef struct PendingLine {
    char *text; /* LOG_LINE_MAX bytes; NULL while there is nothing */
    size_t size;
} PendingLine;

struct LogWriter {
    LogSink *sinks[SINKS_MAX]; /* a driver, and what is kept of a log that is sent elsewhere */
    size_t n_sinks;
    EventLoop *loop;
    EventSource *source; /* waits for a sink's receiver */
    void (*on_taken)(void *data);
    void *data;
    bool may_drop;   /* the options want it so */
    bool is_patient; /* else it has to be so for now */

    PendingLine pending[_LOG_STREAM_MAX];
    LogStream stream; /* of the chunk that is being taken */
    const char *chunk;
    size_t chunk_size;
    int64_t time;
    bool is_finishing;

    LogLine line;       /* on its way to the sinks */
    bool is_from_chunk; /* else it is pending */
    bool has_line;
    size_t n_taken; /* sinks that have it */
};

/* Where to split @size bytes of a line that goes on: not inside a character. */
static size_t split_point(const char *text, size_t size)
{
    size_t n_continuation = 0;
    unsigned char lead;

    while (n_continuation < 3 && n_continuation < size &&
           ((unsigned char)text[size - 1 - n_continuation] & 0xc0) == 0x80)
        n_continuation++;
    if (n_continuation == size)
        return size;
    lead = (unsigned char)text[size - 1 - n_continuation];
    if ((lead >= 0xc0 && n_continuation < 1) || (lead >= 0xe0 && n_continuation < 2) ||
        (lead >= 0xf0 && n_continuation < 3))
        return size - 1 - n_continuation;
    return size;
}

static void line_set(LogWriter *writer, const char *text, size_t size, bool is_partial)
{
    writer->line = (LogLine) { .stream = writer->stream,
                               .is_partial = is_partial,
                               .time = writer->time,
                               .text = text,
                               .size = size };
    writer->has_line = true;
    writer->n_taken = 0;
}

static void chunk_advance(LogWriter *writer, size_t size)
{
    writer->chunk += size;
    writer->chunk_size -= size;
}

/* The next line lies in the chunk as a whole, or its rest does not end there: then it is kept. */
static void line_from_chunk(LogWriter *writer)
{
    size_t window = writer->chunk_size < LOG_LINE_MAX ? writer->chunk_size : LOG_LINE_MAX;
    const char *newline = memchr(writer->chunk, '\n', window);
    PendingLine *pending = &writer->pending[writer->stream];

    if (newline) {
        size_t size = (size_t)(newline - writer->chunk);

        line_set(writer, writer->chunk, size, false);
        writer->is_from_chunk = true;
        chunk_advance(writer, size + 1);
    } else if (window == LOG_LINE_MAX) {
        size_t size = split_point(writer->chunk, window);

        line_set(writer, writer->chunk, size, true);
        writer->is_from_chunk = true;
        chunk_advance(writer, size);
    } else {
        pending->text = NEW_ARRAY(char, LOG_LINE_MAX);
        pending->size = window;
        memcpy(pending->text, writer->chunk, window);
        chunk_advance(writer, window);
    }
}

/* What is pending is completed from the chunk. */
static void line_from_pending(LogWriter *writer)
{
    PendingLine *pending = &writer->pending[writer->stream];
    size_t room = LOG_LINE_MAX - pending->size;
    size_t window = writer->chunk_size < room ? writer->chunk_size : room;
    const char *newline = memchr(writer->chunk, '\n', window);
    size_t size = newline ? (size_t)(newline - writer->chunk) : window;

    memcpy(pending->text + pending->size, writer->chunk, size);
    pending->size += size;
    chunk_advance(writer, size + (newline ? 1 : 0));
    writer->is_from_chunk = false;
    if (newline)
        line_set(writer, pending->text, pending->size, false);
    else if (pending->size == LOG_LINE_MAX)
        line_set(writer, pending->text, split_point(pending->text, pending->size), true);
}

/* Streams that have ended give what they have left. */
static void line_from_end(LogWriter *writer)
{
    for (size_t i = 0; i < _LOG_STREAM_MAX && !writer->has_line; i++) {
        if (writer->pending[i].size == 0)
            continue;
        writer->stream = (LogStream)i;
        writer->is_from_chunk = false;
        line_set(writer, writer->pending[i].text, writer->pending[i].size, true);
    }
}

static void line_next(LogWriter *writer)
{
    while (writer->chunk_size > 0 && !writer->has_line) {
        if (writer->pending[writer->stream].text)
            line_from_pending(writer);
        else
            line_from_chunk(writer);
    }
    if (!writer->has_line && writer->is_finishing)
        line_from_end(writer);
}

static void line_done(LogWriter *writer)
{
    PendingLine *pending = &writer->pending[writer->line.stream];

    writer->has_line = false;
    if (writer->is_from_chunk)
        return;
    pending->size -= writer->line.size;
    if (pending->size == 0)
        free(TAKE_PTR(pending->text));
    else /* a character that was not to be split */
        memmove(pending->text, pending->text + writer->line.size, pending->size);
}

static int writer_on_room(EventSource *source, int fd, uint32_t events, void *data);

static bool writer_wait(LogWriter *writer, const LogSink *sink)
{
    if (writer->may_drop || !writer->is_patient)
        return false;
    return event_loop_add_fd(writer->loop, sink->wait_fd, EPOLLOUT, writer_on_room, writer,
                             &writer->source) >= 0;
}

/* Offer the line to the sinks that do not have it yet. False when one has to be waited for. */
static bool line_offer(LogWriter *writer)
{
    for (; writer->n_taken < writer->n_sinks; writer->n_taken++) {
        LogSink *sink = writer->sinks[writer->n_taken];

        if (sink->type->take(sink, &writer->line) != -EAGAIN)
            continue;
        if (writer_wait(writer, sink))
            return false;
        sink->type->lose(sink, &writer->line);
    }
    return true;
}

static bool writer_advance(LogWriter *writer)
{
    for (;;) {
        if (!writer->has_line)
            line_next(writer);
        if (!writer->has_line)
            break;
        if (!line_offer(writer))
            return false;
        line_done(writer);
    }

    writer->is_finishing = false;
    for (size_t i = 0; i < writer->n_sinks; i++)
        if (writer->sinks[i]->type->flush)
            writer->sinks[i]->type->flush(writer->sinks[i]);
    return true;
}

static int writer_on_room(EventSource *source, int fd, uint32_t events, void *data)
{
    LogWriter *writer = data;

    (void)fd;
    (void)events;
    event_source_free(source);
    writer->source = NULL;
    if (writer_advance(writer))
        writer->on_taken(writer->data);
    return 0;
}

bool log_writer_write(LogWriter *writer, LogStream stream, const char *data, size_t size,
                      int64_t time)
{
    writer->stream = stream;
    writer->chunk = data;
    writer->chunk_size = size;
    writer->time = time;
    return writer_advance(writer);
}

bool log_writer_finish(LogWriter *writer, int64_t time)
{
    writer->time = time;
    writer->is_finishing = true;
    return writer_advance(writer);
}

void log_writer_set_patience(LogWriter *writer, bool is_patient)
{
    writer->is_patient = is_patient;
    if (!is_patient && writer->source)
        (void)writer_on_room(writer->source, -EBADF, 0, writer);
}

void log_writer_rest(LogWriter *writer)
{
    for (size_t i = 0; i < writer->n_sinks; i++)
        if (writer->sinks[i]->type->rest)
            writer->sinks[i]->type->rest(writer->sinks[i]);
}

void log_writer_free(LogWriter *writer)
{
    if (writer->source)
        event_source_free(writer->source);
    for (size_t i = 0; i < writer->n_sinks; i++)
        writer->sinks[i]->type->free(writer->sinks[i]);
    for (size_t i = 0; i < _LOG_STREAM_MAX; i++)
        free(writer->pending[i].text);
    free(writer);
}

static int open_file_sink(LogWriter *writer, const LogTarget *target, Error *err)
{
    static int (*const open_format[])(const LogTarget *, const LogFileSettings *, LogSink **,
                                      Error *) = {
        [LOG_FORMAT_JSON] = log_json_open,
        [LOG_FORMAT_LOCAL] = log_local_open,
    };
    LogFileSettings settings;
    int r;

    log_file_settings(target->driver, target->options, target->container, &settings);
    if (settings.format == LOG_FORMAT_NONE)
        return 0;
    r = open_format[settings.format](target, &settings, &writer->sinks[writer->n_sinks], err);
    if (r >= 0)
        writer->n_sinks++;
    return r;
}

/* Those drivers that send a log away. */
static int open_remote_sink(LogWriter *writer, const LogTarget *target, Error *err)
{
    static const struct {
        const char *driver;
        int (*open)(const LogTarget *target, LogSink **ret, Error *err);
    } remotes[] = {
        { "journald", log_journald_open },
        { "syslog", log_syslog_open },
    };

    for (size_t i = 0; i < ARRAY_SIZE(remotes); i++) {
        int r;

        if (!target->driver || strcmp(remotes[i].driver, target->driver) != 0)
            continue;
        r = remotes[i].open(target, &writer->sinks[writer->n_sinks], err);
        if (r < 0)
            return error_wrap(err, r, "log driver '%s'", target->driver);
        writer->n_sinks++;
    }
    return 0;
}

int log_writer_open(const LogTarget *target, LogWriter **ret, Error *err)
{
    _cleanup_(log_writer_freep) LogWriter *writer = NEW(LogWriter);
    int r = log_options_validate(target->driver, target->options, err);

    writer->loop = target->loop;
    writer->on_taken = target->on_taken;
    writer->data = target->data;
    writer->may_drop = log_options_drop(target->options);
    writer->is_patient = true;
    if (r >= 0)
        r = open_file_sink(writer, target, err);
    if (r >= 0)
        r = open_remote_sink(writer, target, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(writer);
    return 0;
}
