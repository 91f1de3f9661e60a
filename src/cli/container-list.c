/* SPDX-License-Identifier: Apache-2.0 */

/* `cay ps`: containers as a table. */

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/string-buffer.h"
#include "base/time-format.h"
#include "cli/commands.h"
#include "cli/open-engine.h"
#include "cli/row-writer.h"
#include "engine/container.h"

#define COMMAND_WIDTH 20

typedef struct ListOptions {
    bool all;
    bool latest;
    bool no_trunc;
    bool quiet;
    int64_t last; /* 0: no limit */
    char *format;
} ListOptions;

static const Option list_options[] = {
    { "all", 'a', .type = OPTION_BOOL, .offset = offsetof(ListOptions, all),
      .help = "Show all containers, not only running ones" },
    { "format", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(ListOptions, format),
      .help = "'table', 'table TEMPLATE', 'json', or a Go template for each container" },
    { "last", 'n', .type = OPTION_INT64, .argument = "int", .offset = offsetof(ListOptions, last),
      .help = "Show the n containers that were created last, in any state" },
    { "latest", 'l', .type = OPTION_BOOL, .offset = offsetof(ListOptions, latest),
      .help = "Show the container that was created last, in any state" },
    { "no-trunc", .type = OPTION_BOOL, .offset = offsetof(ListOptions, no_trunc),
      .help = "Show everything in full" },
    { "quiet", 'q', .type = OPTION_BOOL, .offset = offsetof(ListOptions, quiet),
      .help = "Show ids only" },
};

static const UnsupportedOption unsupported_options[] = { { "filter", 'f' }, { "size", 's' } };

const OptionTable container_list_option_table = {
    OPTION_TABLE(list_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
};

static const RowColumn columns[] = {
    { "ID", "CONTAINER ID" },      { "Image", "IMAGE" },        { "Command", "COMMAND" },
    { "CreatedAt", "CREATED AT" }, { "RunningFor", "CREATED" }, { "State", "STATE" },
    { "Status", "STATUS" },        { "Ports", "PORTS" },        { "Names", "NAMES" },
    { "Labels", "LABELS" },        { "Mounts", "MOUNTS" },      { "Networks", "NETWORKS" },
};

static const RowLayout layout = {
    .table = "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t"
             "{{.Names}}",
    .quiet = "{{.ID}}",
    .columns = columns,
    .n_columns = ARRAY_SIZE(columns),
};

static void list_options_done(ListOptions *options)
{
    free(options->format);
}

/* The program and its arguments in quotes, cut to what a table has room for. */
static json_t *make_command(const ContainerSpec *spec, bool no_trunc)
{
    _cleanup_free_ char *entrypoint = string_list_join(&spec->entrypoint, " ");
    _cleanup_free_ char *arguments = string_list_join(&spec->command, " ");
    _cleanup_free_ char *command =
        memory_printf("%s%s%s", entrypoint, *entrypoint && *arguments ? " " : "", arguments);
    _cleanup_free_ char *text = NULL;
    json_t *json;

    if (no_trunc || strlen(command) <= COMMAND_WIDTH)
        text = memory_printf("\"%s\"", command);
    else
        text = memory_printf("\"%.*s…\"", COMMAND_WIDTH - 1, command);
    json = json_string(text);
    return json ? json : json_string("\"?\""); /* a program's name need not be text */
}

/* "Up 5 minutes", "Exited (1) 2 hours ago", "Created". */
static char *make_status(const Container *container, int64_t now)
{
    _cleanup_free_ char *age = NULL;

    if (container->state == CONTAINER_RUNNING) {
        age = time_to_human(now - container->started_at);
        return memory_printf("Up %s", age);
    }
    if (container->state == CONTAINER_EXITED) {
        age = time_to_human(now - container->finished_at);
        return memory_printf("Exited (%lld) %s ago", (long long)container->exit_code, age);
    }
    return memory_strdup(container->state == CONTAINER_REMOVING ? "Removal In Progress"
                                                                : "Created");
}

static json_t *make_labels(const StringMap *labels)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    for (size_t i = 0; i < labels->count; i++)
        string_buffer_printf(&text, "%s%s=%s", i > 0 ? "," : "", labels->items[i].key,
                             labels->items[i].value);
    return json_string(string_buffer_get(&text));
}

static json_t *make_row(const Container *container, bool no_trunc)
{
    int64_t now = time_now();
    _cleanup_free_ char *created_at = time_to_rfc3339(container->created_at);
    _cleanup_free_ char *age = time_to_human(now - container->created_at);
    _cleanup_free_ char *running_for = memory_printf("%s ago", age);
    _cleanup_free_ char *status = make_status(container, now);
    _cleanup_free_ char *id =
        memory_strndup(container->id, no_trunc ? CONTAINER_ID_LENGTH : CONTAINER_SHORT_ID_LENGTH);
    ContainerState state =
        container->state == CONTAINER_CREATING ? CONTAINER_CREATED : container->state;
    json_t *row =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "ID", id, "Image",
                  container->spec.image, "CreatedAt", created_at, "RunningFor", running_for,
                  "State", container_state_to_string(state), "Status", status, "Ports", "", "Names",
                  container->name, "Mounts", "", "Networks", container->spec.network_mode);

    json_object_set_new(row, "Command", make_command(&container->spec, no_trunc));
    json_object_set_new(row, "Labels", make_labels(&container->spec.labels));
    return row;
}

/* What `{{.Label "key"}}` answers. */
static json_t *make_methods(const Container *container)
{
    json_t *labels = json_object();

    for (size_t i = 0; i < container->spec.labels.count; i++)
        json_object_set_new(labels, container->spec.labels.items[i].key,
                            json_string(container->spec.labels.items[i].value));
    return json_pack("{s:o}", "Label", labels);
}

static int write_rows(Engine *engine, const ListOptions *options, RowWriter *writer, Error *err)
{
    _cleanup_container_list_ ContainerList list = {};
    int64_t limit = options->latest ? 1 : options->last;
    int r = container_list(engine, &list, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < list.count && (limit <= 0 || (int64_t)i < limit); i++) {
        _cleanup_json_ json_t *row = NULL, *methods = NULL;

        if (limit <= 0 && !options->all && list.items[i]->state != CONTAINER_RUNNING)
            continue;
        row = make_row(list.items[i], options->no_trunc);
        methods = make_methods(list.items[i]);
        r = row_writer_add(writer, row, methods, err);
        if (r < 0)
            return r;
    }
    return row_writer_finish(writer, stdout, err);
}

int cli_container_list(Invocation *invocation, Error *err)
{
    _cleanup_(list_options_done) ListOptions options = {};
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = row_writer_new(&layout, options.format, options.quiet, &writer, err);
    if (r >= 0)
        r = open_engine_recovered(invocation, &engine, err);
    if (r >= 0)
        r = write_rows(engine, &options, writer, err);
    return r;
}
