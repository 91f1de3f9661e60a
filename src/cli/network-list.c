/* SPDX-License-Identifier: Apache-2.0 */

/* `cay network ls`: a row for each network, by name. */

#include <stdlib.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "cli/commands.h"
#include "cli/network-filter.h"
#include "cli/open-engine.h"
#include "cli/row-writer.h"

typedef struct ListOptions {
    bool no_trunc;
    bool quiet;
    char *format;
    StringList filters;
} ListOptions;

static const Option list_options[] = {
    { "filter", 'f', .type = OPTION_STRING_LIST, .argument = "filter",
      .offset = offsetof(ListOptions, filters),
      .help = "Show only networks that fit: dangling=, driver=, id=, label=, name=, scope=, "
              "type=" },
    { "format", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(ListOptions, format),
      .help = "'table', 'table TEMPLATE', 'json', or a Go template for each network" },
    { "no-trunc", .type = OPTION_BOOL, .offset = offsetof(ListOptions, no_trunc),
      .help = "Show whole ids" },
    { "quiet", 'q', .type = OPTION_BOOL, .offset = offsetof(ListOptions, quiet),
      .help = "Show ids only" },
};

const OptionTable network_list_option_table = { OPTION_TABLE(list_options) };

static const RowColumn columns[] = {
    { "CreatedAt", "CREATED AT" },
    { "Driver", "DRIVER" },
    { "ID", "NETWORK ID" },
    { "IPv4", "IPV4" },
    { "IPv6", "IPV6" },
    { "Internal", "INTERNAL" },
    { "Labels", "LABELS" },
    { "Name", "NAME" },
    { "Scope", "SCOPE" },
};

static const RowLayout layout = {
    .table = "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
    .quiet = "{{.ID}}",
    .columns = columns,
    .n_columns = ARRAY_SIZE(columns),
};

static void list_options_done(ListOptions *options)
{
    free(options->format);
    string_list_done(&options->filters);
}

static const char *bool_text(bool value)
{
    return value ? "true" : "false";
}

static int add_row(RowWriter *writer, const Network *network, const ListOptions *options,
                   Error *err)
{
    const NetworkSpec *spec = &network->spec;
    _cleanup_free_ char *created_at = time_to_rfc3339(network->created_at);
    _cleanup_free_ char *id = memory_printf("%.*s", options->no_trunc ? -1 : 12, spec->id);
    _cleanup_free_ char *labels = NULL;
    _cleanup_string_list_ StringList pairs = {};
    _cleanup_json_ json_t *row = NULL, *methods = NULL;
    json_t *by_name = json_object();

    for (size_t i = 0; i < spec->labels.count; i++) {
        const StringPair *label = &spec->labels.items[i];

        string_list_printf(&pairs, "%s=%s", label->key, label->value);
        json_object_set_new(by_name, label->key, json_string(label->value));
    }
    methods = json_pack("{s:o}", "Label", by_name);
    labels = string_list_join(&pairs, ",");
    row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "CreatedAt", created_at,
                    "Driver", spec->driver, "ID", id, "IPv4", bool_text(spec->ipv4), "IPv6",
                    bool_text(spec->ipv6), "Internal", bool_text(spec->is_internal), "Labels",
                    labels, "Name", spec->name, "Scope", "local");
    return row_writer_add(writer, row, methods, err);
}

static int write_rows(RowWriter *writer, Engine *engine, const NetworkFilter *filter,
                      const ListOptions *options, Error *err)
{
    _cleanup_network_list_ NetworkList list = {};
    int r = network_list(engine, &list, err);

    for (size_t i = 0; i < list.count && r >= 0; i++)
        if (network_filter_matches(filter, list.items[i]))
            r = add_row(writer, list.items[i], options, err);
    return r < 0 ? r : row_writer_finish(writer, stdout, err);
}

int cli_network_list(Invocation *invocation, Error *err)
{
    _cleanup_(list_options_done) ListOptions options = {};
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_network_filter_ NetworkFilter filter = {};
    int r = invocation_parse(invocation, &options, err);

    for (size_t i = 0; i < options.filters.count && r >= 0; i++)
        r = invocation_misuse(invocation,
                              network_filter_add(&filter, options.filters.items[i], err));
    if (r >= 0)
        r = row_writer_new(&layout, options.format, options.quiet, &writer, err);
    if (r >= 0)
        r = open_engine_recovered(invocation, &engine, err); /* a killed run is in no network */
    return r < 0 ? r : write_rows(writer, engine, &filter, &options, err);
}
