/* SPDX-License-Identifier: Apache-2.0 */

/* `cay volume ls`: a row for each volume, by name. */

#include <stdlib.h>

#include "base/json-fields.h"
#include "cli/commands.h"
#include "cli/open-engine.h"
#include "cli/row-writer.h"
#include "cli/volume-filter.h"

typedef struct ListOptions {
    bool quiet;
    char *format;
    StringList filters;
} ListOptions;

static const Option list_options[] = {
    { "filter", 'f', .type = OPTION_STRING_LIST, .argument = "filter",
      .offset = offsetof(ListOptions, filters),
      .help = "Show only volumes that fit: dangling=, driver=, label=, name=" },
    { "format", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(ListOptions, format),
      .help = "'table', 'table TEMPLATE', 'json', or a Go template for each volume" },
    { "quiet", 'q', .type = OPTION_BOOL, .offset = offsetof(ListOptions, quiet),
      .help = "Show names only" },
};

static const UnsupportedOption unsupported_options[] = {
    { "cluster", .instead = "there are no cluster volumes" },
};

const OptionTable volume_list_option_table = {
    OPTION_TABLE(list_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
};

static const RowColumn columns[] = {
    { "Availability", "AVAILABILITY" },
    { "Driver", "DRIVER" },
    { "Group", "GROUP" },
    { "Labels", "LABELS" },
    { "Links", "LINKS" },
    { "Mountpoint", "MOUNTPOINT" },
    { "Name", "VOLUME NAME" },
    { "Scope", "SCOPE" },
    { "Size", "SIZE" },
    { "Status", "STATUS" },
};

static const RowLayout layout = {
    .table = "table {{.Driver}}\t{{.Name}}",
    .quiet = "{{.Name}}",
    .columns = columns,
    .n_columns = ARRAY_SIZE(columns),
};

static void list_options_done(ListOptions *options)
{
    free(options->format);
    string_list_done(&options->filters);
}

static int add_row(RowWriter *writer, const Volume *volume, Error *err)
{
    _cleanup_string_list_ StringList pairs = {};
    _cleanup_free_ char *labels = NULL;
    _cleanup_json_ json_t *row = NULL, *methods = NULL;
    json_t *by_name = json_object();

    for (size_t i = 0; i < volume->labels.count; i++) {
        const StringPair *label = &volume->labels.items[i];

        string_list_printf(&pairs, "%s=%s", label->key, label->value);
        json_object_set_new(by_name, label->key, json_string(label->value));
    }
    methods = json_pack("{s:o}", "Label", by_name);
    labels = string_list_join(&pairs, ",");
    /* What is N/A is known of cluster volumes, or by `cay system df -v`; a plug-in is not asked. */
    row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Availability", "N/A",
                    "Driver", volume->driver, "Group", "N/A", "Labels", labels, "Links", "N/A",
                    "Mountpoint", volume->mount_point ? volume->mount_point : "", "Name",
                    volume->name, "Scope", "local", "Size", "N/A", "Status", "N/A");
    return row_writer_add(writer, row, methods, err);
}

static int write_rows(RowWriter *writer, Engine *engine, const VolumeFilter *filter, Error *err)
{
    _cleanup_volume_list_ VolumeList list = {};
    int r = volume_list(engine, &list, err);

    for (size_t i = 0; i < list.count && r >= 0; i++)
        if (volume_filter_matches(filter, list.items[i]))
            r = add_row(writer, list.items[i], err);
    return r < 0 ? r : row_writer_finish(writer, stdout, err);
}

int cli_volume_list(Invocation *invocation, Error *err)
{
    _cleanup_(list_options_done) ListOptions options = {};
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_volume_filter_ VolumeFilter filter = {};
    int r = invocation_parse(invocation, &options, err);

    for (size_t i = 0; i < options.filters.count && r >= 0; i++)
        r = invocation_misuse(invocation,
                              volume_filter_add(&filter, options.filters.items[i], err));
    if (r >= 0)
        r = row_writer_new(&layout, options.format, options.quiet, &writer, err);
    if (r >= 0)
        r = open_engine_recovered(invocation, &engine, err); /* a killed run uses no volume */
    return r < 0 ? r : write_rows(writer, engine, &filter, err);
}
