/* SPDX-License-Identifier: Apache-2.0 */

/* `cay logs`: what a container has written, from its log, each stream to its own. */

#include "engine/container-logs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/string-buffer.h"
#include "base/time-format.h"
#include "base/time-parse.h"
#include "cli/commands.h"
#include "cli/open-engine.h"

#define OUTPUT_SIZE ((size_t)64 * 1024)

typedef struct LogsOptions {
    bool follow;
    bool details;
    bool timestamps;
    char *since;
    char *until;
    char *tail;
} LogsOptions;

#define OWN(member) .offset = offsetof(LogsOptions, member)

static const Option logs_options[] = {
    { "details", .type = OPTION_BOOL, OWN(details),
      .help = "Show the labels and variables that entries bear" },
    { "follow", 'f', .type = OPTION_BOOL, OWN(follow), .help = "Go on with what is written" },
    { "since", .type = OPTION_STRING, .argument = "string", OWN(since),
      .help = "Only entries since a time (\"2026-01-02T13:23:37Z\") or for so long (\"42m\")" },
    { "tail", 'n', .type = OPTION_STRING, .argument = "string", OWN(tail),
      .help = "Only so many of the last entries (default \"all\")" },
    { "timestamps", 't', .type = OPTION_BOOL, OWN(timestamps), .help = "Show timestamps" },
    { "until", .type = OPTION_STRING, .argument = "string", OWN(until),
      .help = "Only entries before a time (\"2026-01-02T13:23:37Z\"), or older than (\"42m\")" },
};

const OptionTable container_logs_option_table = { OPTION_TABLE(logs_options) };

static void logs_options_done(LogsOptions *options)
{
    free(options->since);
    free(options->until);
    free(options->tail);
}

static int parse_when(const char *name, const char *text, int64_t *ret, Error *err)
{
    if (!text || !*text || time_parse_when(text, time_now(), ret) >= 0)
        return 0;
    return error_set(err, ERROR_INVALID,
                     "invalid value for '--%s': '%s' is neither a time nor a duration", name, text);
}

static int parse_range(const LogsOptions *options, ContainerLogsOptions *ret, Error *err)
{
    ContainerLogsOptions range = {
        .since = INT64_MIN, .until = INT64_MAX, .tail = -1, .follow = options->follow
    };
    int r = parse_when("since", options->since, &range.since, err);

    if (r >= 0)
        r = parse_when("until", options->until, &range.until, err);
    if (r < 0)
        return r;
    if (options->tail && strcmp(options->tail, "all") != 0 &&
        parse_i64(options->tail, &range.tail) < 0)
        return error_set(err, ERROR_INVALID,
                         "invalid value for '--tail': '%s' is neither 'all' nor "
                         "a number",
                         options->tail);
    *ret = range;
    return 0;
}

typedef struct LogsOutput {
    ContainerLogs *logs;
    const LogsOptions *options;
    StringBuffer buffer;
    bool is_stderr;    /* what is in the buffer */
    bool is_inside[2]; /* a line of the stream that is not over yet */
    char *attributes;  /* of the last entry with any, and how they are shown */
    size_t attributes_size;
    char *details;
} LogsOutput;

static void output_done(LogsOutput *output)
{
    string_buffer_done(&output->buffer);
    free(output->attributes);
    free(output->details);
}

/* A reader that is slow is waited for with an eye on the log's files. */
static int output_flush(LogsOutput *output, Error *err)
{
    int fd = output->is_stderr ? STDERR_FILENO : STDOUT_FILENO;
    /* So much a pipe takes at once where it takes anything (pipe(7)). */
    size_t step = output->options->follow ? PIPE_BUF : SIZE_MAX;

    for (size_t written = 0; written < output->buffer.length;) {
        size_t rest = output->buffer.length - written, size = rest < step ? rest : step;
        int r = output->options->follow ? container_logs_wait(output->logs, fd, err) : 0;

        if (r < 0)
            return r;
        r = fd_write_all(fd, output->buffer.data + written, size);
        if (r < 0)
            return error_result(err, r, "write the log");
        written += size;
    }
    output->buffer.length = 0;
    return 0;
}

/* Go's time.RFC3339Nano with all its digits, so that lines stand below each other. */
static void add_timestamp(StringBuffer *buffer, int64_t time)
{
    time_t seconds = time / NANOSECONDS_PER_SECOND;
    int64_t fraction = time % NANOSECONDS_PER_SECOND;
    char text[32];
    struct tm tm;

    if (fraction < 0) {
        fraction += NANOSECONDS_PER_SECOND;
        seconds--;
    }
    (void)gmtime_r(&seconds, &tm); /* 64 bits of nanoseconds end in 2262 */
    (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    string_buffer_printf(buffer, "%s.%09dZ ", text, (int)fraction);
}

/* As Go's url.QueryEscape: so a comma or a blank only ever separates. */
static void add_escaped(StringBuffer *buffer, const char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if ((byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') ||
            strchr("-_.~", byte))
            string_buffer_add_char(buffer, *text);
        else if (byte == ' ')
            string_buffer_add_char(buffer, '+');
        else
            string_buffer_printf(buffer, "%%%02X", byte);
    }
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "key=value,key=value ", sorted. */
static char *details_make(const char *attributes, size_t size)
{
    _cleanup_string_buffer_ StringBuffer buffer = {};
    _cleanup_string_list_ StringList keys = {};
    _cleanup_json_ json_t *json = NULL;
    const char *key;
    json_t *value;

    if (attributes && json_parse(attributes, size, &json, NULL) >= 0)
        json_object_foreach(json, key, value) if (json_is_string(value))
            string_list_add(&keys, key);
    if (keys.count > 0)
        qsort(keys.items, keys.count, sizeof(keys.items[0]), compare_keys);
    for (size_t i = 0; i < keys.count; i++) {
        if (i > 0)
            string_buffer_add_char(&buffer, ',');
        add_escaped(&buffer, keys.items[i]);
        string_buffer_add_char(&buffer, '=');
        add_escaped(&buffer, json_string_value(json_object_get(json, keys.items[i])));
    }
    string_buffer_add_char(&buffer, ' ');
    return string_buffer_take(&buffer);
}

/* Most entries bear what the one before did. */
static void add_details(LogsOutput *output, const LogEntry *entry)
{
    if (!output->details || entry->attributes_size != output->attributes_size ||
        (entry->attributes_size > 0 &&
         memcmp(entry->attributes, output->attributes, entry->attributes_size) != 0)) {
        free(output->details);
        free(output->attributes);
        output->details = details_make(entry->attributes, entry->attributes_size);
        output->attributes = memory_dup(entry->attributes, entry->attributes_size);
        output->attributes_size = entry->attributes_size;
    }
    string_buffer_add(&output->buffer, output->details);
}

static int output_add(LogsOutput *output, const LogEntry *entry, Error *err)
{
    int r = 0;

    if (entry->is_stderr != output->is_stderr || output->buffer.length > OUTPUT_SIZE)
        r = output_flush(output, err);
    if (r < 0)
        return r;
    output->is_stderr = entry->is_stderr;
    if (!output->is_inside[entry->is_stderr]) {
        if (output->options->timestamps)
            add_timestamp(&output->buffer, entry->time);
        if (output->options->details)
            add_details(output, entry);
    }
    string_buffer_add_bytes(&output->buffer, entry->text, entry->size);
    output->is_inside[entry->is_stderr] = entry->size > 0 && entry->text[entry->size - 1] != '\n';
    return 0;
}

static int print_logs(LogsOutput *output, Error *err)
{
    for (;;) {
        LogEntry entry;
        int r = container_logs_next(output->logs, &entry, err), flushed;

        if (r == CONTAINER_LOGS_ENTRY) {
            r = output_add(output, &entry, err);
            if (r < 0)
                return r;
            continue;
        }
        flushed = output_flush(output, r < 0 ? NULL : err);
        if (r != CONTAINER_LOGS_WAIT || flushed < 0)
            return r < 0 ? r : flushed;
        r = container_logs_wait(output->logs, -EBADF, err);
        if (r < 0)
            return r;
    }
}

int cli_container_logs(Invocation *invocation, Error *err)
{
    _cleanup_(logs_options_done) LogsOptions options = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_(container_logs_freep) ContainerLogs *logs = NULL;
    _cleanup_(output_done) LogsOutput output = { .options = &options };
    ContainerLogsOptions range;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, parse_range(&options, &range, err));
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = container_find(engine, invocation->arguments[0], &container, err);
    if (r >= 0)
        r = container_logs_open(engine, container, &range, &logs, err);
    if (r < 0)
        return r;
    engine_close(TAKE_PTR(engine)); /* following may take days */
    output.logs = logs;
    return print_logs(&output, err);
}
