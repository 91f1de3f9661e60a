/* SPDX-License-Identifier: Apache-2.0 */

/* `cay history`: the layers of an image, the newest first. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/string-buffer.h"
#include "base/time-format.h"
#include "cli/commands.h"
#include "cli/image-command.h"
#include "cli/row-writer.h"

#define CREATED_BY_WIDTH 45
#define ELLIPSIS "\u2026"

typedef struct HistoryOptions {
    bool human;
    bool no_trunc;
    bool quiet;
    char *format;
} HistoryOptions;

static const Option history_options[] = {
    { "format", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(HistoryOptions, format),
      .help = "'table', 'table TEMPLATE', 'json', or a Go template for each layer" },
    { "human", 'H', .type = OPTION_BOOL, .offset = offsetof(HistoryOptions, human),
      .help = "Print sizes and dates in human readable form (default true)" },
    { "no-trunc", .type = OPTION_BOOL, .offset = offsetof(HistoryOptions, no_trunc),
      .help = "Show everything in full" },
    { "quiet", 'q', .type = OPTION_BOOL, .offset = offsetof(HistoryOptions, quiet),
      .help = "Show ids only" },
};

static const UnsupportedOption unsupported_options[] = { { "platform" } };

const OptionTable image_history_option_table = {
    OPTION_TABLE(history_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
};

static const RowColumn columns[] = {
    { "Comment", "COMMENT" },
    { "CreatedAt", "CREATED AT" },
    { "CreatedBy", "CREATED BY" },
    { "CreatedSince", "CREATED" },
    { "ID", "IMAGE" },
    { "Size", "SIZE" },
};

#define LAYOUT(created)                                                                            \
    {                                                                                              \
        .table = "table {{.ID}}\t{{." created "}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",       \
        .quiet = "{{.ID}}", .columns = columns, .n_columns = ARRAY_SIZE(columns)                   \
    }

static const RowLayout human_layout = LAYOUT("CreatedSince");
static const RowLayout exact_layout = LAYOUT("CreatedAt");

static void history_options_done(HistoryOptions *options)
{
    free(options->format);
}

/* The command without tabs, cut to what a table has room for. */
static char *created_by(const ImageHistoryItem *item, bool no_trunc)
{
    _cleanup_string_buffer_ StringBuffer text = {};
    size_t characters = 0, cut = 0;

    for (const char *c = item->created_by ? item->created_by : ""; *c; c++) {
        if (((unsigned char)*c & 0xc0) != 0x80 && ++characters == CREATED_BY_WIDTH)
            cut = text.length;
        string_buffer_add_char(&text, *c == '\t' ? ' ' : *c);
    }
    if (no_trunc || characters <= CREATED_BY_WIDTH)
        return string_buffer_take(&text);
    return memory_printf("%.*s" ELLIPSIS, (int)cut, string_buffer_get(&text));
}

static char *created_since(const ImageHistoryItem *item, const char *created_at, bool human)
{
    if (!human)
        return memory_strdup(created_at);
    if (item->created == 0)
        return memory_strdup("");
    _cleanup_free_ char *age = time_to_human(time_now() - item->created * NANOSECONDS_PER_SECOND);
    return memory_printf("%s ago", age);
}

static int add_row(RowWriter *writer, const ImageHistoryItem *item, const HistoryOptions *options,
                   Error *err)
{
    _cleanup_free_ char *id = image_short_id(item->id, options->no_trunc);
    _cleanup_free_ char *at = time_to_rfc3339(item->created * NANOSECONDS_PER_SECOND);
    _cleanup_free_ char *since = created_since(item, at, options->human);
    _cleanup_free_ char *by = created_by(item, options->no_trunc);
    _cleanup_free_ char *size =
        options->human ? size_to_human(item->size) : memory_printf("%" PRId64, item->size);
    _cleanup_json_ json_t *row =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "Comment", item->comment ? item->comment : "",
                  "CreatedAt", at, "CreatedBy", by, "CreatedSince", since, "ID", id, "Size", size);

    return row_writer_add(writer, row, NULL, err);
}

static int write_rows(RowWriter *writer, ImageStore *images, const char *name,
                      const HistoryOptions *options, Error *err)
{
    _cleanup_(image_freep) Image *image = NULL;
    _cleanup_image_history_ ImageHistory history = {};
    int r = image_store_find(images, name, &image, err);

    if (r >= 0)
        r = image_store_history(images, image, &history, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < history.items.count; i++) {
        r = add_row(writer, &history.items.items[i], options, err);
        if (r < 0)
            return r;
    }
    return row_writer_finish(writer, stdout, err);
}

int cli_image_history(Invocation *invocation, Error *err)
{
    _cleanup_(history_options_done) HistoryOptions options = { .human = true };
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    _cleanup_(engine_closep) Engine *engine = NULL;
    ImageStore *images;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = row_writer_new(options.human ? &human_layout : &exact_layout, options.format,
                           options.quiet, &writer, err);
    if (r >= 0)
        r = open_images(invocation, &engine, &images, err);
    if (r >= 0)
        r = write_rows(writer, images, invocation->arguments[0], &options, err);
    return r;
}
