/* SPDX-License-Identifier: Apache-2.0 */

/* `cay system df`: what images, containers and volumes occupy on disk. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/time-format.h"
#include "cli/commands.h"
#include "cli/container-text.h"
#include "cli/image-command.h"
#include "cli/open-engine.h"
#include "cli/row-writer.h"
#include "engine/disk-usage.h"

typedef struct DfOptions {
    bool verbose;
    char *format;
} DfOptions;

static const Option df_options[] = {
    { "format", .type = OPTION_STRING, .argument = "string", .offset = offsetof(DfOptions, format),
      .help = "'table', 'table TEMPLATE', 'json', or a Go template for each line" },
    { "verbose", 'v', .type = OPTION_BOOL, .offset = offsetof(DfOptions, verbose),
      .help = "Show each image, container and volume" },
};

const OptionTable system_df_option_table = { OPTION_TABLE(df_options) };

static const RowColumn columns[] = {
    { "Active", "ACTIVE" }, { "Reclaimable", "RECLAIMABLE" },
    { "Size", "SIZE" },     { "TotalCount", "TOTAL" },
    { "Type", "TYPE" },
};

static const RowLayout layout = {
    .table = "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
    .quiet = "{{.Type}}",
    .columns = columns,
    .n_columns = ARRAY_SIZE(columns),
};

static const RowColumn image_columns[] = {
    { "Containers", "CONTAINERS" },
    { "CreatedSince", "CREATED" },
    { "ID", "IMAGE ID" },
    { "Repository", "REPOSITORY" },
    { "SharedSize", "SHARED SIZE" },
    { "Size", "SIZE" },
    { "Tag", "TAG" },
    { "UniqueSize", "UNIQUE SIZE" },
};

static const RowLayout image_layout = {
    .table = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t"
             "{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}",
    .quiet = "{{.ID}}",
    .columns = image_columns,
    .n_columns = ARRAY_SIZE(image_columns),
};

static const RowColumn container_columns[] = {
    { "Command", "COMMAND" }, { "ID", "CONTAINER ID" },
    { "Image", "IMAGE" },     { "LocalVolumes", "LOCAL VOLUMES" },
    { "Names", "NAMES" },     { "RunningFor", "CREATED" },
    { "Size", "SIZE" },       { "Status", "STATUS" },
};

static const RowLayout container_layout = {
    .table = "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t"
             "{{.RunningFor}}\t{{.Status}}\t{{.Names}}",
    .quiet = "{{.ID}}",
    .columns = container_columns,
    .n_columns = ARRAY_SIZE(container_columns),
};

static const RowColumn volume_columns[] = {
    { "Links", "LINKS" },
    { "Name", "VOLUME NAME" },
    { "Size", "SIZE" },
};

static const RowLayout volume_layout = {
    .table = "table {{.Name}}\t{{.Links}}\t{{.Size}}",
    .quiet = "{{.Name}}",
    .columns = volume_columns,
    .n_columns = ARRAY_SIZE(volume_columns),
};

static void df_options_done(DfOptions *options)
{
    free(options->format);
}

typedef struct Line {
    const char *type;
    size_t total, active;
    int64_t size, reclaimable;
} Line;

static int add_line(RowWriter *writer, const Line *line, Error *err)
{
    _cleanup_free_ char *total = memory_printf("%zu", line->total);
    _cleanup_free_ char *active = memory_printf("%zu", line->active);
    _cleanup_free_ char *size = size_to_human(line->size);
    _cleanup_free_ char *bytes = size_to_human(line->reclaimable);
    _cleanup_free_ char *reclaimable =
        line->size > 0
            ? memory_printf("%s (%d%%)", bytes,
                            (int)(100.0 * (double)line->reclaimable / (double)line->size))
            : memory_strdup(bytes);
    _cleanup_json_ json_t *row =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "Active", active, "Reclaimable", reclaimable, "Size",
                  size, "TotalCount", total, "Type", line->type);

    return row_writer_add(writer, row, NULL, err);
}

static Line image_line(const DiskUsage *usage)
{
    Line line = {
        .type = "Images",
        .total = usage->images.count,
        .size = usage->images_size,
        .reclaimable = usage->images_reclaimable,
    };

    for (size_t i = 0; i < usage->images.count; i++)
        line.active += usage->image_usages[i].n_containers > 0;
    return line;
}

static Line container_line(const DiskUsage *usage)
{
    Line line = { .type = "Containers", .total = usage->containers.count };

    for (size_t i = 0; i < usage->containers.count; i++) {
        bool is_up = container_is_up(usage->containers.items[i]);

        line.active += is_up;
        line.size += usage->container_sizes[i];
        line.reclaimable += is_up ? 0 : usage->container_sizes[i];
    }
    return line;
}

static Line volume_line(const DiskUsage *usage)
{
    Line line = { .type = "Local Volumes", .total = usage->volumes.count };

    for (size_t i = 0; i < usage->volumes.count; i++) {
        bool is_used = usage->volumes.items[i]->n_users > 0;
        int64_t size = usage->volume_sizes[i] > 0 ? usage->volume_sizes[i] : 0;

        line.active += is_used;
        line.size += size;
        line.reclaimable += is_used ? 0 : size;
    }
    return line;
}

/* Builds do not exist: their line is there for who looks for it. */
static int print_summary(const DiskUsage *usage, const char *format, Error *err)
{
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    const Line lines[] = {
        image_line(usage),
        container_line(usage),
        volume_line(usage),
        { .type = "Build Cache" },
    };
    int r = row_writer_new(&layout, format, false, &writer, err);

    for (size_t i = 0; i < ARRAY_SIZE(lines) && r >= 0; i++)
        r = add_line(writer, &lines[i], err);
    return r < 0 ? r : row_writer_finish(writer, stdout, err);
}

static int add_image(RowWriter *writer, const Image *image, const char *name,
                     const ImageUsage *usage, Error *err)
{
    const char *colon = name ? strrchr(name, ':') : NULL;
    _cleanup_free_ char *repository =
        colon ? memory_strndup(name, (size_t)(colon - name)) : memory_strdup("<none>");
    _cleanup_free_ char *id = image_short_id(image->id.text, false);
    _cleanup_free_ char *since =
        image->created == 0 ? memory_strdup("N/A") : time_ago_text(image->created, time_now());
    _cleanup_free_ char *size = size_to_human(usage->size);
    _cleanup_free_ char *shared = size_to_human(usage->shared);
    _cleanup_free_ char *unique = size_to_human(usage->size - usage->shared);
    _cleanup_free_ char *containers = memory_printf("%zu", usage->n_containers);
    _cleanup_json_ json_t *row =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Containers", containers,
                  "CreatedSince", since, "ID", id, "Repository", repository, "SharedSize", shared,
                  "Size", size, "Tag", colon ? colon + 1 : "<none>", "UniqueSize", unique);

    return row_writer_add(writer, row, NULL, err);
}

static int print_images(const DiskUsage *usage, Error *err)
{
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    int r = row_writer_new(&image_layout, NULL, false, &writer, err);

    for (size_t i = 0; i < usage->images.count && r >= 0; i++) {
        const Image *image = usage->images.items[i];

        if (image->names.count == 0)
            r = add_image(writer, image, NULL, &usage->image_usages[i], err);
        for (size_t j = 0; j < image->names.count && r >= 0; j++)
            r = add_image(writer, image, image->names.items[j], &usage->image_usages[i], err);
    }
    return r < 0 ? r : row_writer_finish(writer, stdout, err);
}

static char *count_volumes(const ContainerSpec *spec)
{
    size_t count = 0;

    for (size_t i = 0; i < spec->mount_points.count; i++)
        count += strcmp(spec->mount_points.items[i].type, "volume") == 0;
    return memory_printf("%zu", count);
}

static int print_containers(const DiskUsage *usage, Error *err)
{
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    int r = row_writer_new(&container_layout, NULL, false, &writer, err);

    for (size_t i = 0; i < usage->containers.count && r >= 0; i++) {
        const Container *container = usage->containers.items[i];
        _cleanup_free_ char *id = memory_strndup(container->id, CONTAINER_SHORT_ID_LENGTH);
        _cleanup_free_ char *size = size_to_human(usage->container_sizes[i]);
        _cleanup_free_ char *since = time_ago_text(container->created_at, time_now());
        _cleanup_free_ char *status = container_status_text(container, time_now());
        _cleanup_free_ char *volumes = count_volumes(&container->spec);
        _cleanup_json_ json_t *row =
            json_pack("{s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Command",
                      container_command_text(&container->spec, false), "ID", id, "Image",
                      container->spec.image, "LocalVolumes", volumes, "Names", container->name,
                      "RunningFor", since, "Size", size, "Status", status);

        r = row_writer_add(writer, row, NULL, err);
    }
    return r < 0 ? r : row_writer_finish(writer, stdout, err);
}

static int print_volumes(const DiskUsage *usage, Error *err)
{
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    int r = row_writer_new(&volume_layout, NULL, false, &writer, err);

    for (size_t i = 0; i < usage->volumes.count && r >= 0; i++) {
        const Volume *volume = usage->volumes.items[i];
        _cleanup_free_ char *links = memory_printf("%lld", (long long)volume->n_users);
        _cleanup_free_ char *size = usage->volume_sizes[i] < 0
                                        ? memory_strdup("N/A")
                                        : size_to_human(usage->volume_sizes[i]);
        _cleanup_json_ json_t *row =
            json_pack("{s:s, s:s, s:s}", "Links", links, "Name", volume->name, "Size", size);

        r = row_writer_add(writer, row, NULL, err);
    }
    return r < 0 ? r : row_writer_finish(writer, stdout, err);
}

static int print_all(const DiskUsage *usage, Error *err)
{
    int r;

    printf("Images space usage:\n\n");
    r = print_images(usage, err);
    if (r < 0)
        return r;
    printf("\nContainers space usage:\n\n");
    r = print_containers(usage, err);
    if (r < 0)
        return r;
    printf("\nLocal Volumes space usage:\n\n");
    r = print_volumes(usage, err);
    if (r >= 0)
        printf("\nBuild cache usage: 0B\n\n"
               "CACHE ID   CACHE TYPE   SIZE      CREATED   LAST USED   USAGE     SHARED\n");
    return r;
}

int cli_system_df(Invocation *invocation, Error *err)
{
    _cleanup_(df_options_done) DfOptions options = {};
    _cleanup_disk_usage_ DiskUsage usage = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0 && options.verbose && options.format)
        r = invocation_misuse(invocation, error_set(err, ERROR_INVALID,
                                                    "the verbose and the format options conflict"));
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = disk_usage_read(engine, &usage, err);
    if (r < 0)
        return r;
    return options.verbose ? print_all(&usage, err) : print_summary(&usage, options.format, err);
}
