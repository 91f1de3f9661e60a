/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay events`: what happens, from now on or from a time or an event on. Each is written out at
 * once. With JSON an event comes with its id, from which another `cay events --since` continues.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "base/string-buffer.h"
#include "base/time-format.h"
#include "base/time-parse.h"
#include "cli/commands.h"
#include "cli/event-filter.h"
#include "cli/open-engine.h"
#include "cli/template.h"
#include "cli/terminal-text.h"
#include "engine/event-stream.h"

typedef struct EventsOptions {
    char *format;
    char *since;
    char *until;
    StringList filters;
} EventsOptions;

#define OWN(member) .offset = offsetof(EventsOptions, member)

static const Option events_options[] = {
    { "filter", 'f', .type = OPTION_STRING_LIST, .argument = "filter", OWN(filters),
      .help = "Only events for which this holds ('container=web', 'event=die')" },
    { "format", .type = OPTION_STRING, .argument = "string", OWN(format),
      .help = "'json', or a Go template for each event" },
    { "since", .type = OPTION_STRING, .argument = "string", OWN(since),
      .help = "Also events since a time (\"2026-01-02T13:23:37Z\"), for so long (\"42m\"), or "
              "after an event's id" },
    { "until", .type = OPTION_STRING, .argument = "string", OWN(until),
      .help = "Only events before a time (\"2026-01-02T13:23:37Z\"), or older than (\"42m\")" },
};

const OptionTable events_option_table = { OPTION_TABLE(events_options) };

static void events_options_done(EventsOptions *options)
{
    free(options->format);
    free(options->since);
    free(options->until);
    string_list_done(&options->filters);
}

static int parse_when(const char *name, const char *text, int64_t *ret, Error *err)
{
    if (time_parse_when(text, time_now(), ret) >= 0)
        return 0;
    return error_set(err, ERROR_INVALID,
                     "invalid value for '--%s': '%s' is neither a time nor a duration", name, text);
}

static int parse_range(const EventsOptions *options, EventStreamOptions *ret, Error *err)
{
    bool has_since = options->since && *options->since;
    bool has_until = options->until && *options->until;
    int r = 0;

    /* As with Docker's, only what is to come, unless it is asked for in either way. */
    *ret = (EventStreamOptions) { .since = has_until ? INT64_MIN : INT64_MAX, .until = INT64_MAX };
    if (has_since && *options->since == 'e')
        ret->after = options->since;
    else if (has_since)
        r = parse_when("since", options->since, &ret->since, err);
    if (has_until && r >= 0)
        r = parse_when("until", options->until, &ret->until, err);
    ret->follow = ret->until > time_now();
    return r;
}

typedef struct EventOutput {
    Template *template; /* NULL: lines of text */
    bool is_json;       /* members are named as in the Engine API, instead of as in Go */
} EventOutput;

static int output_init(EventOutput *output, const char *format, Error *err)
{
    if (!format || *format == '\0')
        return 0;
    output->is_json = strcmp(format, "json") == 0 || strcmp(format, "{{json .}}") == 0;
    return template_parse(output->is_json ? "{{json .}}" : format, 0, &output->template, err);
}

static void output_done(EventOutput *output)
{
    if (output->template)
        template_free(output->template);
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, json_string(text));
}

/* Engine API: EventMessage. Its Go struct's members have other names, for templates. */
static json_t *event_to_json(const Event *event, const char *id, bool is_json)
{
    const char *image = string_map_get(&event->attributes, "image");
    json_t *json = json_object(), *attributes = json_object();

    for (size_t i = 0; i < event->attributes.count; i++)
        set_text(attributes, event->attributes.items[i].key, event->attributes.items[i].value);
    if (strcmp(event->type, "container") == 0 || strcmp(event->type, "image") == 0) {
        set_text(json, is_json ? "status" : "Status", event->action);
        set_text(json, is_json ? "id" : "ID", event->actor);
    }
    if (image || !is_json)
        set_text(json, is_json ? "from" : "From", image ? image : "");
    set_text(json, "Type", event->type);
    set_text(json, "Action", event->action);
    json_object_set_new(json, "Actor",
                        json_pack("{s:s, s:o}", "ID", event->actor, "Attributes", attributes));
    set_text(json, is_json ? "scope" : "Scope", "local");
    json_object_set_new(json, is_json ? "time" : "Time",
                        json_integer(event->time / NANOSECONDS_PER_SECOND));
    json_object_set_new(json, is_json ? "timeNano" : "TimeNano", json_integer(event->time));
    set_text(json, is_json ? "eventID" : "EventID", id);
    return json;
}

/* Go's RFC 3339 with all nine digits, in local time. */
static void add_time(StringBuffer *line, int64_t time)
{
    time_t seconds = time / NANOSECONDS_PER_SECOND;
    char text[32] = "", zone[8] = "";
    struct tm local = {};

    (void)localtime_r(&seconds, &local);
    (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &local);
    (void)strftime(zone, sizeof(zone), "%z", &local);
    string_buffer_printf(line, "%s.%09lld", text, (long long)(time % NANOSECONDS_PER_SECOND));
    if (strcmp(zone, "+0000") == 0 || strlen(zone) != 5)
        string_buffer_add_char(line, 'Z');
    else
        string_buffer_printf(line, "%.3s:%s", zone, zone + 3);
}

static int compare_pairs(const void *a, const void *b)
{
    return strcmp(((const StringPair *)a)->key, ((const StringPair *)b)->key);
}

/* "... container start ID (image=debian, name=web)". */
static void add_line(StringBuffer *line, Event *event)
{
    StringMap *attributes = &event->attributes;

    add_time(line, event->time);
    string_buffer_printf(line, " %s %s %s", event->type, event->action, event->actor);
    if (attributes->count == 0)
        return;
    qsort(attributes->items, attributes->count, sizeof(attributes->items[0]), compare_pairs);
    for (size_t i = 0; i < attributes->count; i++)
        string_buffer_printf(line, "%s%s=%s", i == 0 ? " (" : ", ", attributes->items[i].key,
                             attributes->items[i].value);
    string_buffer_add_char(line, ')');
}

static int write_event(const EventOutput *output, Event *event, const char *id, Error *err)
{
    _cleanup_string_buffer_ StringBuffer line = {}, safe = {};
    _cleanup_json_ json_t *json = NULL;
    int r = 0;

    if (output->template) {
        json = event_to_json(event, id, output->is_json);
        r = template_execute(output->template, &(TemplateData) { .value = json }, &safe, err);
    } else {
        add_line(&line, event);
        terminal_text_add(&safe, string_buffer_get(&line));
    }
    if (r < 0)
        return r;
    string_buffer_add_char(&safe, '\n');
    r = fd_write_all(STDOUT_FILENO, safe.data, safe.length);
    return r < 0 ? error_result(err, r, "write events") : 0;
}

static int write_events(EventStream *stream, const EventFilter *filter, const EventOutput *output,
                        Error *err)
{
    for (;;) {
        _cleanup_event_ Event event = {};
        char id[EVENT_ID_SIZE];
        int r = event_stream_next(stream, &event, id, err);

        if (r == EVENT_STREAM_WAIT)
            r = event_stream_wait(stream, err);
        else if (r <= 0)
            return r;
        else if (event_filter_matches(filter, &event))
            r = write_event(output, &event, id, err);
        if (r < 0)
            return r;
    }
}

static int parse_all(const EventsOptions *options, EventFilter *filter, EventOutput *output,
                     EventStreamOptions *range, Error *err)
{
    int r = parse_range(options, range, err);

    for (size_t i = 0; i < options->filters.count && r >= 0; i++)
        r = event_filter_add(filter, options->filters.items[i], err);
    return r < 0 ? r : output_init(output, options->format, err);
}

int cli_events(Invocation *invocation, Error *err)
{
    _cleanup_(events_options_done) EventsOptions options = {};
    _cleanup_event_filter_ EventFilter filter = {};
    _cleanup_(output_done) EventOutput output = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_(event_stream_freep) EventStream *stream = NULL;
    EventStreamOptions range;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, parse_all(&options, &filter, &output, &range, err));
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = event_stream_open(engine, &range, &stream, err);
    if (r < 0)
        return r;
    engine_close(TAKE_PTR(engine)); /* following may take days */
    return write_events(stream, &filter, &output, err);
}
