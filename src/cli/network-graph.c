/* SPDX-License-Identifier: Apache-2.0 */

/* `cay network graph`: what there is of networks, drawn. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/output-file.h"
#include "base/string-buffer.h"
#include "cli/commands.h"
#include "cli/graph-draw.h"
#include "cli/help.h"
#include "cli/open-engine.h"

typedef struct GraphOptions {
    char *format;
    char *output;
} GraphOptions;

static const Option graph_options[] = {
    { "format", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(GraphOptions, format),
      .help = "How to draw: 'text' (the default) or 'svg'" },
    { "output", 'o', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(GraphOptions, output),
      .help = "Write to a file instead of standard output" },
};

const OptionTable network_graph_option_table = { OPTION_TABLE(graph_options) };

static void graph_options_done(GraphOptions *options)
{
    free(options->format);
    free(options->output);
}

static int check_format(const char *format, bool *ret_is_svg, Error *err)
{
    *ret_is_svg = format && strcmp(format, "svg") == 0;
    if (format && !*ret_is_svg && strcmp(format, "text") != 0)
        return error_set(err, ERROR_INVALID, "invalid --format '%s': use text or svg", format);
    return 0;
}

static int write_text(const StringBuffer *text, const char *path, Error *err)
{
    _cleanup_output_file_ OutputFile file = { .fd = -EBADF, .directory_fd = -EBADF };
    int r;

    if (!path) {
        (void)fwrite(text->data, 1, text->length, stdout); /* its failure is seen at the end */
        return 0;
    }
    r = output_file_open(path, &file, err);
    if (r < 0)
        return r;
    r = fd_write_all(file.fd, text->data, text->length);
    if (r < 0)
        return error_result(err, r, "write '%s'", path);
    return output_file_finish(&file, err);
}

static int draw(Engine *engine, const StringList *names, const GraphOptions *options, bool is_svg,
                Error *err)
{
    _cleanup_network_graph_ NetworkGraph graph = {};
    _cleanup_string_buffer_ StringBuffer text = {};
    int r = network_graph_read(engine, names, &graph, err);

    if (r < 0)
        return r;
    if (is_svg)
        graph_draw_svg(&graph, &text);
    else
        graph_draw_text(&graph, help_width(stdout), &text);
    return write_text(&text, options->output, err);
}

int cli_network_graph(Invocation *invocation, Error *err)
{
    _cleanup_(graph_options_done) GraphOptions options = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_string_list_ StringList names = {};
    bool is_svg;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, check_format(options.format, &is_svg, err));
    if (r >= 0)
        r = open_engine_recovered(invocation, &engine, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < invocation->n_arguments; i++)
        string_list_add(&names, invocation->arguments[i]);
    return draw(engine, &names, &options, is_svg, err);
}
