/* SPDX-License-Identifier: Apache-2.0 */

/* `cay pull`: an image, or all tags of a repository, from a registry. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/image-command.h"
#include "cli/transfer-display.h"
#include "engine/engine-pull.h"

typedef struct PullOptions {
    char *platform;
    bool all_tags;
    bool quiet;
    bool disable_content_trust;
} PullOptions;

static const Option pull_options[] = {
    { "all-tags", 'a', .type = OPTION_BOOL, .offset = offsetof(PullOptions, all_tags),
      .help = "Pull all tags of the repository" },
    { "disable-content-trust", .type = OPTION_BOOL,
      .offset = offsetof(PullOptions, disable_content_trust),
      .help = "Skip image verification, as is always done (default true)" },
    { "platform", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(PullOptions, platform),
      .help = "Pull the image for this platform, where there are several" },
    { "quiet", 'q', .type = OPTION_BOOL, .offset = offsetof(PullOptions, quiet),
      .help = "Print nothing but the image's name" },
};

const OptionTable image_pull_option_table = { OPTION_TABLE(pull_options) };

static void pull_options_done(PullOptions *options)
{
    free(options->platform);
}

/* What the name has to be, and whether it leaves the tag to us. */
static int check_name(const char *name, const PullOptions *options, bool *ret_wants_default,
                      Error *err)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_platform_ Platform platform = {};
    int r = reference_parse(name, &reference, err);

    if (r >= 0 && options->platform)
        r = platform_parse(options->platform, &platform, err);
    if (r < 0)
        return r;
    *ret_wants_default = !reference.tag && !digest_is_set(&reference.digest);
    if (options->all_tags && !*ret_wants_default)
        return error_set(err, ERROR_INVALID, "tag can't be used with --all-tags/-a");
    if (!options->disable_content_trust)
        return error_set(err, ERROR_UNSUPPORTED,
                         "'--disable-content-trust=false' is not supported: Docker's content trust "
                         "has been retired");
    return 0;
}

static int pull(Engine *engine, const char *name, const PullOptions *options, Error *err)
{
    _cleanup_(transfer_display_freep) TransferDisplay *display =
        transfer_display_new(stdout, options->quiet);
    EnginePull how = {
        .name = name,
        .all_tags = options->all_tags,
        .platform = options->platform,
        .progress = transfer_display_show,
        .progress_data = display,
    };
    _cleanup_free_ char *complete = NULL;
    int r = engine_pull(engine, &how, &complete, err);

    if (r >= 0)
        printf("%s\n", complete);
    return r;
}

int cli_image_pull(Invocation *invocation, Error *err)
{
    _cleanup_(pull_options_done) PullOptions options = { .disable_content_trust = true };
    _cleanup_(engine_closep) Engine *engine = NULL;
    bool wants_default;
    ImageStore *images;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation,
                              check_name(invocation->arguments[0], &options, &wants_default, err));
    if (r >= 0)
        r = open_images(invocation, &engine, &images, err);
    if (r < 0)
        return r;
    if (wants_default && !options.all_tags && !options.quiet) {
        printf("Using default tag: " REFERENCE_DEFAULT_TAG "\n");
        (void)fflush(stdout); /* main() tells of a full disk */
    }
    return pull(engine, invocation->arguments[0], &options, err);
}
