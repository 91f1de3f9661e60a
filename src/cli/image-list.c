/* SPDX-License-Identifier: Apache-2.0 */

/* `cay images`: a row for each name of each image, newest first. */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/time-format.h"
#include "cli/commands.h"
#include "cli/image-command.h"
#include "cli/image-filter.h"
#include "cli/row-writer.h"

#define NOTHING "<none>"

typedef struct ListOptions {
    bool all;
    bool digests;
    bool no_trunc;
    bool quiet;
    char *format;
    StringList filters;
} ListOptions;

static const Option list_options[] = {
    { "all", 'a', .type = OPTION_BOOL, .offset = offsetof(ListOptions, all),
      .help = "Show all images (those without a name are always shown, too)" },
    { "digests", .type = OPTION_BOOL, .offset = offsetof(ListOptions, digests),
      .help = "Show digests" },
    { "filter", 'f', .type = OPTION_STRING_LIST, .argument = "filter",
      .offset = offsetof(ListOptions, filters),
      .help = "Show only images that fit: before=, dangling=, label=, reference=, since=" },
    { "format", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(ListOptions, format),
      .help = "'table', 'table TEMPLATE', 'json', or a Go template for each image" },
    { "no-trunc", .type = OPTION_BOOL, .offset = offsetof(ListOptions, no_trunc),
      .help = "Show ids in full" },
    { "quiet", 'q', .type = OPTION_BOOL, .offset = offsetof(ListOptions, quiet),
      .help = "Show ids only" },
};

static const UnsupportedOption unsupported_options[] = { { "tree" } };

const OptionTable image_list_option_table = {
    OPTION_TABLE(list_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
};

static const RowColumn columns[] = {
    { "Containers", "CONTAINERS" },
    { "CreatedAt", "CREATED AT" },
    { "CreatedSince", "CREATED" },
    { "Digest", "DIGEST" },
    { "ID", "IMAGE ID" },
    { "Repository", "REPOSITORY" },
    { "SharedSize", "SHARED SIZE" },
    { "Size", "SIZE" },
    { "Tag", "TAG" },
    { "UniqueSize", "UNIQUE SIZE" },
    { "VirtualSize", "SIZE" },
};

#define CREATED "{{if .CreatedSince}}{{.CreatedSince}}{{else}}N/A{{end}}"
#define LAYOUT(table_format)                                                                       \
    {                                                                                              \
        .table = "table " table_format, .quiet = "{{.ID}}", .columns = columns,                    \
        .n_columns = ARRAY_SIZE(columns)                                                           \
    }

static const RowLayout layout =
    LAYOUT("{{.Repository}}\t{{.Tag}}\t{{.ID}}\t" CREATED "\t{{.Size}}");
static const RowLayout digest_layout =
    LAYOUT("{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t" CREATED "\t{{.Size}}");

static void list_options_done(ListOptions *options)
{
    free(options->format);
    string_list_done(&options->filters);
}

/* As Go prints a local time: "2026-01-02 03:04:05 +0100 CET". */
static char *created_at(const Image *image)
{
    time_t seconds = (time_t)(image->created / NANOSECONDS_PER_SECOND);
    char text[64] = "";
    struct tm local;

    if (localtime_r(&seconds, &local))
        (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z %Z", &local);
    return memory_strdup(text);
}

static char *created_since(const Image *image)
{
    if (image->created == 0)
        return memory_strdup("");
    _cleanup_free_ char *age = time_to_human(time_now() - image->created);
    return memory_printf("%s ago", age);
}

/* @name is "repository:tag", "repository@digest" or NULL, @digest the text after the '@' of a
 * digest or NULL. */
static int add_row(RowWriter *writer, const Image *image, const char *name, const char *digest,
                   const ListOptions *options, Error *err)
{
    const char *at_digest = name ? strchr(name, '@') : NULL;
    const char *colon = name && !at_digest ? strrchr(name, ':') : NULL;
    const char *end = at_digest ? at_digest : colon;
    _cleanup_free_ char *repository =
        end ? memory_strndup(name, (size_t)(end - name)) : memory_strdup(NOTHING);
    _cleanup_free_ char *id = image_short_id(image->id.text, options->no_trunc);
    _cleanup_free_ char *at = created_at(image);
    _cleanup_free_ char *since = created_since(image);
    _cleanup_free_ char *size = size_to_human(image->size);
    _cleanup_json_ json_t *row =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Containers", "N/A",
                  "CreatedAt", at, "CreatedSince", since, "Digest", digest ? digest : NOTHING, "ID",
                  id, "Repository", repository, "SharedSize", "N/A", "Size", size, "Tag",
                  colon ? colon + 1 : NOTHING, "UniqueSize", "N/A", "VirtualSize", size);

    return row_writer_add(writer, row, NULL, err);
}

/* The digest under which the repository of @name has the image; NULL when there is none. */
static const char *digest_of_name(const Image *image, const char *name)
{
    const char *colon = strrchr(name, ':');
    size_t length = colon ? (size_t)(colon - name) : strlen(name);

    for (size_t i = 0; i < image->digests.count; i++) {
        const char *digest = image->digests.items[i];

        if (strncmp(digest, name, length) == 0 && digest[length] == '@')
            return digest + length + 1;
    }
    return NULL;
}

static bool has_tag_in(const Image *image, const char *repository)
{
    size_t length = strlen(repository);

    for (size_t i = 0; i < image->names.count; i++)
        if (strncmp(image->names.items[i], repository, length) == 0 &&
            image->names.items[i][length] == ':')
            return true;
    return false;
}

/* A row for each repository that has the image under a digest only. */
static int add_digests(RowWriter *writer, const Image *image, const ImageFilter *filter,
                       bool wants_digest, const ListOptions *options, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < image->digests.count && r == 0; i++) {
        const char *name = image->digests.items[i], *digest = strchr(name, '@');
        _cleanup_free_ char *repository = memory_strndup(name, (size_t)(digest - name));

        if (!has_tag_in(image, repository) && image_filter_matches_name(filter, name))
            r = add_row(writer, image, name, wants_digest ? digest + 1 : NULL, options, err);
    }
    return r;
}

static int add_image(RowWriter *writer, const Image *image, const ImageFilter *filter,
                     const ListOptions *options, Error *err)
{
    bool wants_digest = options->digests || row_writer_wants(writer, "Digest");
    int r = 0;

    if (image_is_nameless(image))
        return add_row(writer, image, NULL, NULL, options, err);
    for (size_t i = 0; i < image->names.count && r == 0; i++) {
        const char *name = image->names.items[i];
        const char *digest = wants_digest ? digest_of_name(image, name) : NULL;

        if (image_filter_matches_name(filter, name))
            r = add_row(writer, image, name, digest, options, err);
    }
    return r < 0 ? r : add_digests(writer, image, filter, wants_digest, options, err);
}

static int make_filter(const Invocation *invocation, const ListOptions *options, ImageStore *images,
                       ImageFilter *filter, Error *err)
{
    int r = 0;

    if (invocation->n_arguments > 0)
        string_list_add(&filter->references, invocation->arguments[0]);
    for (size_t i = 0; i < options->filters.count && r == 0; i++)
        r = image_filter_add(filter, options->filters.items[i], images, err);
    return r;
}

static int write_rows(RowWriter *writer, ImageStore *images, const ImageFilter *filter,
                      const ListOptions *options, Error *err)
{
    _cleanup_image_list_ ImageList list = {};
    int r = image_store_list(images, &list, err);

    for (size_t i = 0; i < list.count && r == 0; i++)
        if (image_filter_matches(filter, list.items[i]))
            r = add_image(writer, list.items[i], filter, options, err);
    return r < 0 ? r : row_writer_finish(writer, stdout, err);
}

int cli_image_list(Invocation *invocation, Error *err)
{
    _cleanup_(list_options_done) ListOptions options = {};
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_image_filter_ ImageFilter filter = {};
    ImageStore *images;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = row_writer_new(options.digests ? &digest_layout : &layout, options.format,
                           options.quiet, &writer, err);
    if (r >= 0)
        r = open_images(invocation, &engine, &images, err);
    if (r >= 0)
        r = make_filter(invocation, &options, images, &filter, err);
    if (r >= 0)
        r = write_rows(writer, images, &filter, &options, err);
    return r;
}
