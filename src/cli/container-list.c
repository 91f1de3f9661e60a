/* SPDX-License-Identifier: Apache-2.0 */

/* `cay ps`: containers as a table. */

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/string-buffer.h"
#include "base/time-format.h"
#include "cli/commands.h"
#include "cli/container-filter.h"
#include "cli/container-text.h"
#include "cli/open-engine.h"
#include "cli/row-writer.h"
#include "engine/container.h"
#include "engine/network.h"
#include "engine/published-port.h"
#include "engine/volume.h"

#define MOUNT_WIDTH 15

typedef struct ListOptions {
    bool all;
    bool latest;
    bool no_trunc;
    bool quiet;
    bool size;
    int64_t last; /* 0: no limit */
    char *format;
    StringList filters;
} ListOptions;

static const Option list_options[] = {
    { "all", 'a', .type = OPTION_BOOL, .offset = offsetof(ListOptions, all),
      .help = "Show all containers, not only running ones" },
    { "filter", 'f', .type = OPTION_STRING_LIST, .argument = "filter",
      .offset = offsetof(ListOptions, filters),
      .help = "Show only containers for which this holds ('status=exited', 'name=web')" },
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
    { "size", 's', .type = OPTION_BOOL, .offset = offsetof(ListOptions, size),
      .help = "Show how much they occupy on disk" },
};

const OptionTable container_list_option_table = { OPTION_TABLE(list_options) };

static const RowColumn columns[] = {
    { "ID", "CONTAINER ID" },
    { "Image", "IMAGE", .may_be_cut = true },
    { "Command", "COMMAND", .may_be_cut = true },
    { "CreatedAt", "CREATED AT" },
    { "RunningFor", "CREATED" },
    { "State", "STATE" },
    { "Status", "STATUS" },
    { "Ports", "PORTS", .may_be_cut = true },
    { "Names", "NAMES" },
    { "Labels", "LABELS", .may_be_cut = true },
    { "Mounts", "MOUNTS", .may_be_cut = true },
    { "Networks", "NETWORKS", .may_be_cut = true },
    { "LocalVolumes", "LOCAL VOLUMES" },
    { "Size", "SIZE" },
};

#define DEFAULT_TABLE                                                                              \
    "table "                                                                                       \
    "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"

static const RowLayout layout = {
    .table = DEFAULT_TABLE,
    .quiet = "{{.ID}}",
    .columns = columns,
    .n_columns = ARRAY_SIZE(columns),
};

static void list_options_done(ListOptions *options)
{
    free(options->format);
    string_list_done(&options->filters);
}

static json_t *make_labels(const StringMap *labels)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    for (size_t i = 0; i < labels->count; i++)
        string_buffer_printf(&text, "%s%s=%s", i > 0 ? "," : "", labels->items[i].key,
                             labels->items[i].value);
    return json_string(string_buffer_get(&text));
}

/* Where its mounts come from; as in Docker each cut to what a table has room for. */
static json_t *make_mounts(const ContainerSpec *spec, bool no_trunc)
{
    _cleanup_string_buffer_ StringBuffer text = {};
    int width = no_trunc ? INT_MAX : MOUNT_WIDTH;

    for (size_t i = 0; i < spec->mount_points.count; i++) {
        const char *source = spec->mount_points.items[i].source;
        bool is_cut = source && strlen(source) > (size_t)width;

        if (source)
            string_buffer_printf(&text, "%s%.*s%s", text.length > 0 ? "," : "",
                                 is_cut ? width - 1 : INT_MAX, source, is_cut ? "…" : "");
    }
    return json_string(string_buffer_get(&text));
}

static json_t *count_local_volumes(const ContainerSpec *spec)
{
    _cleanup_free_ char *text = NULL;
    size_t count = 0;

    for (size_t i = 0; i < spec->mount_points.count; i++) {
        const char *driver = spec->mount_points.items[i].volume_driver;

        count += driver && strcmp(driver, VOLUME_DRIVER_LOCAL) == 0;
    }
    text = memory_printf("%zu", count);
    return json_string(text);
}

static int set_size(json_t *row, Engine *engine, const Container *container, Error *err)
{
    _cleanup_free_ char *own_text = NULL, *all_text = NULL, *text = NULL;
    int64_t own, all;
    int r = container_measure(engine, container, &own, &all, err);

    if (r < 0)
        return r;
    own_text = size_to_human(own);
    all_text = size_to_human(all);
    text = memory_printf("%s (virtual %s)", own_text, all_text);
    json_object_set_new(row, "Size", json_string(text));
    return 0;
}

/* What only some formats show. */
static void add_details(json_t *row, const Container *container, bool no_trunc)
{
    _cleanup_free_ char *created_at = time_to_rfc3339(container->created_at);

    json_object_set_new(row, "CreatedAt", json_string(created_at));
    json_object_set_new(row, "Mounts", make_mounts(&container->spec, no_trunc));
    json_object_set_new(row, "LocalVolumes", count_local_volumes(&container->spec));
    json_object_set_new(row, "Labels", make_labels(&container->spec.labels));
}

/* What is read of all containers at once, by their ids. */
typedef struct NetworkColumns {
    StringMap ports;
    StringMap networks; /* names, of those that are in any */
} NetworkColumns;

static void network_columns_done(NetworkColumns *columns_of)
{
    string_map_done(&columns_of->ports);
    string_map_done(&columns_of->networks);
}

static const char *network_name(const NetworkList *networks, const char *id)
{
    for (size_t i = 0; i < networks->count; i++)
        if (strcmp(networks->items[i]->spec.id, id) == 0)
            return networks->items[i]->spec.name;
    return id;
}

static int read_networks(Engine *engine, StringMap *ret, Error *err)
{
    _cleanup_network_list_ NetworkList networks = {};
    _cleanup_endpoint_list_ EndpointList endpoints = {};
    int r = network_list(engine, &networks, err);

    if (r >= 0)
        r = endpoint_list_of_network(engine, NULL, &endpoints, err);
    for (size_t i = 0; i < endpoints.count; i++) {
        const char *container = endpoints.items[i].container;
        const char *name = network_name(&networks, endpoints.items[i].network);
        const char *before = string_map_get(ret, container);
        _cleanup_free_ char *text =
            memory_printf("%s%s%s", before ? before : "", before ? "," : "", name);

        string_map_set(ret, container, text);
    }
    return r;
}

static int network_columns_read(NetworkColumns *ret, Engine *engine, const RowWriter *writer,
                                Error *err)
{
    int r =
        row_writer_wants(writer, "Ports") ? published_ports_describe(engine, &ret->ports, err) : 0;

    if (r >= 0 && row_writer_wants(writer, "Networks"))
        r = read_networks(engine, &ret->networks, err);
    return r;
}

static void set_network_columns(json_t *row, const Container *container,
                                const NetworkColumns *columns_of)
{
    const char *ports = string_map_get(&columns_of->ports, container->id);
    const char *networks = string_map_get(&columns_of->networks, container->id);

    if (ports && container_is_up(container))
        json_object_set_new(row, "Ports", json_string(ports));
    if (networks)
        json_object_set_new(row, "Networks", json_string(networks));
}

static json_t *make_row(const Container *container, bool no_trunc)
{
    /* One in another one's network is in none itself. */
    const char *mode = container->spec.network_mode;
    int64_t now = time_now();
    _cleanup_free_ char *running_for = time_ago_text(container->created_at, now);
    _cleanup_free_ char *status = container_status_text(container, now);
    _cleanup_free_ char *id =
        memory_strndup(container->id, no_trunc ? CONTAINER_ID_LENGTH : CONTAINER_SHORT_ID_LENGTH);
    ContainerState state =
        container->state == CONTAINER_CREATING ? CONTAINER_CREATED : container->state;
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "ID", id, "Image",
                            container->spec.image, "RunningFor", running_for, "State",
                            container_state_to_string(state), "Status", status, "Ports", "",
                            "Names", container->name, "Size", "0B", "LocalVolumes", "0", "Networks",
                            mode && !container_mode_joined(mode) ? mode : "");

    json_object_set_new(row, "Command", container_command_text(&container->spec, no_trunc));
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

static bool is_shown(const ListOptions *options, const ContainerFilter *filter,
                     const Container *container)
{
    bool shows_all =
        options->all || options->latest || options->last > 0 || container_filter_wants_all(filter);

    return (shows_all || container_is_up(container)) && container_filter_matches(filter, container);
}

static int write_rows(Engine *engine, const ListOptions *options, const ContainerFilter *filter,
                      RowWriter *writer, Error *err)
{
    _cleanup_(network_columns_done) NetworkColumns network_columns = {};
    _cleanup_container_list_ ContainerList list = {};
    bool wants_size = options->size || row_writer_wants(writer, "Size");
    bool wants_spec = row_writer_wants(writer, "Labels") || row_writer_wants(writer, "Mounts") ||
                      row_writer_wants(writer, "Label") || container_filter_wants_spec(filter);
    bool wants_details = wants_spec || row_writer_wants(writer, "CreatedAt");
    bool wants_all =
        options->all || options->latest || options->last > 0 || container_filter_wants_all(filter);
    int64_t limit = options->latest ? 1 : options->last > 0 ? options->last : INT64_MAX;
    int r = container_list_live(
        engine, (wants_all ? 0U : CONTAINER_LIST_UP) | (wants_spec ? 0U : CONTAINER_LIST_BRIEF),
        &list, err);

    if (r >= 0)
        r = network_columns_read(&network_columns, engine, writer, err);
    for (size_t i = 0; i < list.count && r >= 0 && limit > 0; i++) {
        _cleanup_json_ json_t *row = NULL, *methods = NULL;

        if (!is_shown(options, filter, list.items[i]))
            continue;
        limit--;
        row = make_row(list.items[i], options->no_trunc);
        set_network_columns(row, list.items[i], &network_columns);
        if (wants_details)
            add_details(row, list.items[i], options->no_trunc);
        if (wants_spec)
            methods = make_methods(list.items[i]);
        if (wants_size)
            r = set_size(row, engine, list.items[i], err);
        if (r >= 0)
            r = row_writer_add(writer, row, methods, err);
    }
    return r < 0 ? r : row_writer_finish(writer, stdout, err);
}

int cli_container_list(Invocation *invocation, Error *err)
{
    _cleanup_(list_options_done) ListOptions options = {};
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    _cleanup_container_filter_ ContainerFilter filter = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    const char *format;
    int r = invocation_parse(invocation, &options, err);

    if (r < 0)
        return r;
    /* --size adds a column to the table, and nothing to a format of the user's own. */
    format = options.size && !options.format && !options.quiet ? DEFAULT_TABLE "\t{{.Size}}"
                                                               : options.format;
    r = row_writer_new(&layout, format, options.quiet, &writer, err);
    if (r >= 0 && !options.no_trunc)
        row_writer_fit(writer, row_writer_terminal_width());
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    for (size_t i = 0; i < options.filters.count && r >= 0; i++)
        r = container_filter_add(&filter, options.filters.items[i], engine, err);
    if (r >= 0)
        r = write_rows(engine, &options, &filter, writer, err);
    return r;
}
