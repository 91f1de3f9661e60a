/* SPDX-License-Identifier: Apache-2.0 */

/* `cay export`: the root file system of a container as a tar archive. */

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/output-file.h"
#include "cli/commands.h"
#include "cli/open-engine.h"
#include "engine/container-image.h"

typedef struct ExportOptions {
    char *output;
} ExportOptions;

static const Option export_options[] = {
    { "output", 'o', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(ExportOptions, output),
      .help = "Write to a file instead of standard output" },
};

const OptionTable container_export_option_table = { OPTION_TABLE(export_options) };

static void export_options_done(ExportOptions *options)
{
    free(options->output);
}

int cli_container_export(Invocation *invocation, Error *err)
{
    _cleanup_(export_options_done) ExportOptions options = {};
    _cleanup_output_file_ OutputFile file = { .fd = -EBADF, .directory_fd = -EBADF };
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_string_list_ StringList warnings = {};
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = output_file_open(options.output, &file, err);
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = container_export(engine, invocation->arguments[0], file.fd, &warnings, err);
    if (r >= 0)
        r = output_file_finish(&file, err);
    for (size_t i = 0; i < warnings.count; i++)
        log_warning("%s", warnings.items[i]);
    return r;
}
