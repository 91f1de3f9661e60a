/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay stats`: what containers use, once or again and again. A share of the processors is what was
 * used between two looks: the first one is not shown.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/event-loop.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "cli/commands.h"
#include "cli/open-engine.h"
#include "cli/row-writer.h"
#include "engine/container-stats.h"

#define FIRST_INTERVAL (NANOSECONDS_PER_SECOND / 5)
#define INTERVAL NANOSECONDS_PER_SECOND
#define CURSOR_HOME "\x1b[H"
#define CLEAR_BELOW "\x1b[J"

typedef struct StatsOptions {
    bool all;
    bool no_stream;
    bool no_trunc;
    char *format;
} StatsOptions;

#define OWN(member) .offset = offsetof(StatsOptions, member)

static const Option stats_options[] = {
    { "all", 'a', .type = OPTION_BOOL, OWN(all),
      .help = "Show all containers, not only running ones" },
    { "format", .type = OPTION_STRING, .argument = "string", OWN(format),
      .help = "'table', 'table TEMPLATE', 'json', or a Go template for each container" },
    { "no-stream", .type = OPTION_BOOL, OWN(no_stream), .help = "Show them once" },
    { "no-trunc", .type = OPTION_BOOL, OWN(no_trunc), .help = "Show ids in full" },
};

const OptionTable container_stats_option_table = { OPTION_TABLE(stats_options) };

static const RowColumn columns[] = {
    { "BlockIO", "BLOCK I/O" }, { "CPUPerc", "CPU %" }, { "Container", "CONTAINER" },
    { "ID", "CONTAINER ID" },   { "MemPerc", "MEM %" }, { "MemUsage", "MEM USAGE / LIMIT" },
    { "Name", "NAME" },         { "NetIO", "NET I/O" }, { "NetPackets", "NET PACKETS" },
    { "PIDs", "PIDS" },
};

static const RowLayout layout = {
    .table = "table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t"
             "{{.BlockIO}}\t{{.PIDs}}",
    .quiet = "{{.ID}}",
    .columns = columns,
    .n_columns = ARRAY_SIZE(columns),
};

/* The last look at one container. */
typedef struct Sample {
    char id[CONTAINER_ID_LENGTH + 1];
    ContainerStats stats;
} Sample;

typedef struct Samples {
    Sample *items;
    size_t count;
    size_t capacity;
} Samples;

typedef struct StatsView {
    const StatsOptions *options;
    char *const *names; /* of the containers that were asked for */
    size_t n_names;     /* 0: all */
    Engine *engine;
    EventLoop *loop;
    Samples samples;
    bool has_samples; /* this is not the first look */
    bool is_terminal;
    Error *err;
} StatsView;

static void stats_options_done(StatsOptions *options)
{
    free(options->format);
}

static void view_done(StatsView *view)
{
    if (view->loop)
        event_loop_free(view->loop);
    free(view->samples.items);
}

static const ContainerStats *find_sample(const StatsView *view, const char *id)
{
    for (size_t i = 0; i < view->samples.count; i++)
        if (strcmp(view->samples.items[i].id, id) == 0)
            return &view->samples.items[i].stats;
    return NULL;
}

static void add_sample(Samples *samples, const char *id, const ContainerStats *stats)
{
    samples->items =
        memory_grow(samples->items, &samples->capacity, samples->count + 1, sizeof(Sample));
    samples->items[samples->count].stats = *stats;
    memcpy(samples->items[samples->count++].id, id, CONTAINER_ID_LENGTH + 1);
}

/* Percent of one processor: more than 100 with several. */
static double cpu_share(const ContainerStats *before, const ContainerStats *now)
{
    if (!before || now->cpu < before->cpu || now->time <= before->time) /* it was restarted */
        return 0;
    return 100.0 * (double)(now->cpu - before->cpu) / (double)(now->time - before->time);
}

static json_t *make_pair(char *(*to_text)(int64_t), uint64_t first, uint64_t second)
{
    _cleanup_free_ char *first_text = to_text((int64_t)first);
    _cleanup_free_ char *second_text = to_text((int64_t)second);
    _cleanup_free_ char *text = memory_printf("%s / %s", first_text, second_text);

    return json_string(text);
}

static char *count_to_text(int64_t count)
{
    return memory_printf("%lld", (long long)count);
}

static json_t *make_percent(double percent)
{
    _cleanup_free_ char *text = memory_printf("%.2f%%", percent);

    return json_string(text);
}

static json_t *make_row(const Container *container, const ContainerStats *stats,
                        const ContainerStats *before, bool no_trunc)
{
    _cleanup_free_ char *pids = memory_printf("%llu", (unsigned long long)stats->pids);
    _cleanup_free_ char *id =
        memory_strndup(container->id, no_trunc ? CONTAINER_ID_LENGTH : CONTAINER_SHORT_ID_LENGTH);
    double memory =
        stats->memory_limit > 0 ? 100.0 * (double)stats->memory / (double)stats->memory_limit : 0;
    json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "Container", id, "ID", id, "Name",
                            container->name, "PIDs", pids);

    json_object_set_new(row, "CPUPerc", make_percent(cpu_share(before, stats)));
    json_object_set_new(row, "MemUsage",
                        make_pair(size_to_human_binary, stats->memory, stats->memory_limit));
    json_object_set_new(row, "MemPerc", make_percent(memory));
    json_object_set_new(row, "NetIO",
                        make_pair(size_to_human, stats->network_received, stats->network_sent));
    json_object_set_new(
        row, "NetPackets",
        make_pair(count_to_text, stats->network_received_packets, stats->network_sent_packets));
    json_object_set_new(row, "BlockIO",
                        make_pair(size_to_human, stats->block_read, stats->block_written));
    return row;
}

/* One that was asked for by name and has been removed since is left out. */
static int find_named(StatsView *view, ContainerList *list, Error *err)
{
    for (size_t i = 0; i < view->n_names; i++) {
        _cleanup_error_ Error problem = {};
        Container *container;
        int r = container_find_live(view->engine, view->names[i], &container, &problem);

        if (r < 0 && (problem.kind != ERROR_NOT_FOUND || !view->has_samples)) {
            error_move(err, &problem);
            return r;
        }
        if (r < 0)
            continue;
        list->items =
            memory_grow(list->items, &list->capacity, list->count + 1, sizeof(Container *));
        list->items[list->count++] = container;
    }
    return 0;
}

/* Look at all of them. @writer may be NULL: nothing is shown. */
static int look(StatsView *view, const ContainerList *list, RowWriter *writer, Error *err)
{
    Samples samples = {};
    int r = 0;

    for (size_t i = 0; i < list->count && r >= 0; i++) {
        const Container *container = list->items[i];
        _cleanup_json_ json_t *row = NULL;
        ContainerStats stats;

        r = container_read_stats(container, &stats, err);
        if (r < 0)
            break;
        add_sample(&samples, container->id, &stats);
        if (!writer)
            continue;
        row =
            make_row(container, &stats, find_sample(view, container->id), view->options->no_trunc);
        r = row_writer_add(writer, row, NULL, err);
    }
    free(view->samples.items);
    view->samples = samples;
    return r;
}

/* A terminal shows each table in the place of the one before. */
static int show(const StatsView *view, RowWriter *writer, Error *err)
{
    int r;

    if (view->is_terminal)
        fputs(CURSOR_HOME CLEAR_BELOW, stdout);
    r = row_writer_finish(writer, stdout, err);
    if (r >= 0 && fflush(stdout) != 0)
        r = error_errno(err, "write statistics");
    return r;
}

static int on_timer(EventSource *source, void *data);

/* Returns 1 when there is more to come, 0 at the end, or -errno. */
static int step(StatsView *view, Error *err)
{
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    _cleanup_container_list_ ContainerList list = {};
    int r = view->n_names > 0
                ? find_named(view, &list, err)
                : container_list_live(view->engine,
                                      CONTAINER_LIST_BRIEF |
                                          (view->options->all ? 0 : CONTAINER_LIST_UP),
                                      &list, err);

    if (r >= 0) /* also at first: a faulty template is refused at once */
        r = row_writer_new(&layout, view->options->format, false, &writer, err);
    if (r >= 0)
        r = look(view, &list, view->has_samples ? writer : NULL, err);
    if (r >= 0 && view->has_samples)
        r = show(view, writer, err);
    if (r < 0)
        return r;
    if (view->has_samples && (view->options->no_stream || (view->n_names > 0 && list.count == 0)))
        return 0;
    r = event_loop_add_timer(view->loop,
                             time_monotonic() + (view->has_samples ? INTERVAL : FIRST_INTERVAL),
                             on_timer, view, NULL);
    view->has_samples = true;
    return r < 0 ? error_result(err, r, "set a timer") : 1;
}

static int on_timer(EventSource *source, void *data)
{
    StatsView *view = data;
    int r = step(view, view->err);

    event_source_free(source);
    if (r == 0)
        event_loop_quit(view->loop, 0);
    return r < 0 ? r : 0;
}

static int run(StatsView *view, Error *err)
{
    int r = event_loop_new(&view->loop);

    if (r < 0)
        return error_result(err, r, "make an event loop");
    view->is_terminal = !view->options->no_stream && isatty(STDOUT_FILENO);
    view->err = err;
    r = step(view, err);
    return r <= 0 ? r : event_loop_run(view->loop);
}

int cli_container_stats(Invocation *invocation, Error *err)
{
    _cleanup_(stats_options_done) StatsOptions options = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_(view_done) StatsView view = { .options = &options };
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r < 0)
        return r;
    view.engine = engine;
    view.names = invocation->arguments;
    view.n_names = invocation->n_arguments;
    return run(&view, err);
}
