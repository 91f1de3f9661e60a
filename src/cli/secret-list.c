/* SPDX-License-Identifier: Apache-2.0 */

/* `cay secret ls`: a row for each secret, by name. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/string-buffer.h"
#include "base/time-format.h"
#include "cli/commands.h"
#include "cli/container-text.h"
#include "cli/open-engine.h"
#include "cli/row-writer.h"
#include "engine/secret.h"

typedef struct ListOptions {
    StringList filters;
    char *format;
    bool quiet;
} ListOptions;

static const Option list_options[] = {
    { "filter", 'f', .type = OPTION_STRING_LIST, .argument = "filter",
      .offset = offsetof(ListOptions, filters),
      .help = "Show only secrets that fit: id=, label=, name=" },
    { "format", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(ListOptions, format),
      .help = "'table', 'table TEMPLATE', 'json', or a Go template for each secret" },
    { "quiet", 'q', .type = OPTION_BOOL, .offset = offsetof(ListOptions, quiet),
      .help = "Show ids only" },
};

static const UnsupportedOption unsupported_options[] = {
    { "noheading", 'n', .instead = "use a '--format' without 'table'" },
};

const OptionTable secret_list_option_table = {
    OPTION_TABLE(list_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
};

static void list_options_done(ListOptions *options)
{
    string_list_done(&options->filters);
    free(options->format);
}

static const RowColumn columns[] = {
    { "ID", "ID" },
    { "Name", "NAME" },
    { "Driver", "DRIVER" },
    { "CreatedAt", "CREATED" },
    { "UpdatedAt", "UPDATED" },
    { "Labels", "LABELS", .may_be_cut = true },
};

static const RowLayout layout = {
    .table = "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.CreatedAt}}\t{{.UpdatedAt}}",
    .quiet = "{{.ID}}",
    .columns = columns,
    .n_columns = ARRAY_SIZE(columns),
};

/* As in Docker, ids and names fit by their beginnings; of several values of a filter one has to
 * fit, and of labels all. */
static bool match_id(const char *wanted, const Secret *secret)
{
    return strncmp(secret->id, wanted, strlen(wanted)) == 0;
}

static bool match_name(const char *wanted, const Secret *secret)
{
    return strncmp(secret->name, wanted, strlen(wanted)) == 0;
}

static bool match_label(const char *wanted, const Secret *secret)
{
    return string_map_matches(&secret->labels, wanted);
}

static const struct {
    const char *name;
    bool (*matches)(const char *wanted, const Secret *secret);
    bool all_have_to;
} filters[] = {
    { "id", match_id, false },
    { "label", match_label, true },
    { "name", match_name, false },
};

/* The value of @text if it is of filter @name. */
static const char *value_of(const char *text, const char *name)
{
    size_t length = strlen(name);

    return strncmp(text, name, length) == 0 && text[length] == '=' ? text + length + 1 : NULL;
}

static int check_filters(const StringList *list, Error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        bool is_known = false;

        for (size_t j = 0; j < ARRAY_SIZE(filters); j++)
            is_known = is_known || value_of(list->items[i], filters[j].name);
        if (!is_known)
            return error_set(
                err, ERROR_INVALID,
                "invalid filter '%s': there are id=, label= and name=", list->items[i]);
    }
    return 0;
}

static bool is_shown(const StringList *wanted, const Secret *secret)
{
    for (size_t j = 0; j < ARRAY_SIZE(filters); j++) {
        bool is_asked = false, fits = filters[j].all_have_to;

        for (size_t i = 0; i < wanted->count; i++) {
            const char *value = value_of(wanted->items[i], filters[j].name);
            bool matches = value && filters[j].matches(value, secret);

            if (value)
                fits = filters[j].all_have_to ? fits && matches : fits || matches;
            is_asked = is_asked || value;
        }
        if (is_asked && !fits)
            return false;
    }
    return true;
}

static char *labels_text(const StringMap *labels)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    for (size_t i = 0; i < labels->count; i++)
        string_buffer_printf(&text, "%s%s=%s", i > 0 ? "," : "", labels->items[i].key,
                             labels->items[i].value);
    return memory_strdup(string_buffer_get(&text));
}

static int add_row(RowWriter *writer, const Secret *secret, Error *err)
{
    int64_t now = time_now();
    _cleanup_free_ char *created = time_ago_text(secret->created_at, now);
    _cleanup_free_ char *updated = time_ago_text(secret->updated_at, now);
    _cleanup_free_ char *text = labels_text(&secret->labels);
    _cleanup_json_ json_t *labels = json_object(), *methods = NULL, *row = NULL;

    for (size_t i = 0; i < secret->labels.count; i++)
        json_object_set_new(labels, secret->labels.items[i].key,
                            json_string(secret->labels.items[i].value));
    methods = json_pack("{s:O}", "Label", labels);
    row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "ID", secret->id, "Name", secret->name,
                    "Driver", "", "CreatedAt", created, "UpdatedAt", updated, "Labels", text);
    return row_writer_add(writer, row, methods, err);
}

int cli_secret_list(Invocation *invocation, Error *err)
{
    _cleanup_(list_options_done) ListOptions options = {};
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_secret_list_ SecretList list = {};
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, check_filters(&options.filters, err));
    if (r >= 0)
        r = row_writer_new(&layout, options.format, options.quiet, &writer, err);
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = secret_list(engine, &list, err);
    for (size_t i = 0; i < list.count && r >= 0; i++)
        if (is_shown(&options.filters, list.items[i]))
            r = add_row(writer, list.items[i], err);
    return r < 0 ? r : row_writer_finish(writer, stdout, err);
}
