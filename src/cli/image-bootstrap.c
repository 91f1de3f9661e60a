/* SPDX-License-Identifier: Apache-2.0 */

/* `cay image bootstrap`: a base image from the Debian archive. */

#include <stdio.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/image-command.h"

typedef struct BootstrapOptions {
    char *suite;
    StringList include;
    char *mirror;
    bool quiet;
} BootstrapOptions;

/* "--include a,b" as debootstrap has it, and repeatable. */
static int take_include(const Option *option, const char *value, void *target, Error *err)
{
    (void)option, (void)err;
    string_list_split(&((BootstrapOptions *)target)->include, value, ',');
    return 0;
}

static const Option bootstrap_options[] = {
    { "include", .type = OPTION_HANDLER, .argument = "list", .handler = take_include,
      .help = "Further packages to install, separated by commas" },
    { "mirror", .type = OPTION_STRING, .argument = "url",
      .offset = offsetof(BootstrapOptions, mirror),
      .help = "Archive to install from (default what this host's apt uses)" },
    { "quiet", 'q', .type = OPTION_BOOL, .offset = offsetof(BootstrapOptions, quiet),
      .help = "Print only the image's id" },
    { "suite", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(BootstrapOptions, suite),
      .help = "Release to install (default \"bookworm\")" },
};

const OptionTable image_bootstrap_option_table = { OPTION_TABLE(bootstrap_options) };

static void bootstrap_options_done(BootstrapOptions *options)
{
    free(options->suite);
    string_list_done(&options->include);
    free(options->mirror);
}

static void print_progress(void *data, const char *line)
{
    (void)data;
    fprintf(stderr, "%s\n", line);
}

static int bootstrap(Engine *engine, ImageStore *images, const Reference *reference,
                     const BootstrapOptions *options, Error *err)
{
    Digest id;
    int r = image_bootstrap(images,
                            &(ImageBootstrapOptions) {
                                .reference = reference,
                                .suite = options->suite,
                                .include = &options->include,
                                .mirror = options->mirror,
                                .progress = options->quiet ? NULL : print_progress,
                            },
                            &id, err);

    if (r < 0)
        return r;
    engine_tell_image(engine, "import", id.text, NULL);
    puts(id.text);
    return 0;
}

int cli_image_bootstrap(Invocation *invocation, Error *err)
{
    _cleanup_(bootstrap_options_done) BootstrapOptions options = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_reference_ Reference reference = {};
    ImageStore *images;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = reference_parse(invocation->arguments[0], &reference, err);
    if (r >= 0)
        r = open_images(invocation, &engine, &images, err);
    if (r >= 0)
        r = bootstrap(engine, images, &reference, &options, err);
    return r;
}
