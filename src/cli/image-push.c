/* SPDX-License-Identifier: Apache-2.0 */

/* `cay push`: an image, or all tags of a repository, to a registry. */

#include <stdio.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/image-command.h"
#include "cli/transfer-display.h"
#include "engine/engine-push.h"

typedef struct PushOptions {
    bool all_tags;
    bool disable_content_trust;
    char *platform;
    bool quiet;
} PushOptions;

static const Option push_options[] = {
    { "all-tags", 'a', .type = OPTION_BOOL, .offset = offsetof(PushOptions, all_tags),
      .help = "Push all tags of the repository" },
    { "disable-content-trust", .type = OPTION_BOOL,
      .offset = offsetof(PushOptions, disable_content_trust),
      .help = "Skip image signing, as is always done (default true)" },
    { "platform", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(PushOptions, platform),
      .help = "Push nothing but an image for this platform" },
    { "quiet", 'q', .type = OPTION_BOOL, .offset = offsetof(PushOptions, quiet),
      .help = "Print nothing but the image's name" },
};

const OptionTable image_push_option_table = { OPTION_TABLE(push_options) };

static void push_options_done(PushOptions *options)
{
    free(options->platform);
}

static int check(const PushOptions *options, Error *err)
{
    return options->disable_content_trust
               ? 0
               : error_set(err, ERROR_UNSUPPORTED,
                           "'--disable-content-trust=false' is not supported: Docker's content "
                           "trust has been retired");
}

static int push(Engine *engine, const char *name, const PushOptions *options, Error *err)
{
    _cleanup_(transfer_display_freep) TransferDisplay *display =
        transfer_display_new(stdout, options->quiet);
    _cleanup_free_ char *complete = NULL;
    const EnginePush how = {
        .name = name,
        .all_tags = options->all_tags,
        .platform = options->platform,
        .progress = transfer_display_show,
        .progress_data = display,
    };
    int r = engine_push(engine, &how, &complete, err);

    if (r >= 0 && options->quiet)
        puts(complete);
    return r;
}

/* Docker says so, too, when no tag is given. */
static void tell_default(const char *name, const PushOptions *options)
{
    _cleanup_reference_ Reference reference = {};

    if (!options->all_tags && !options->quiet && reference_parse(name, &reference, NULL) >= 0 &&
        !reference.tag && !digest_is_set(&reference.digest))
        puts("Using default tag: " REFERENCE_DEFAULT_TAG);
}

int cli_image_push(Invocation *invocation, Error *err)
{
    _cleanup_(push_options_done) PushOptions options = { .disable_content_trust = true };
    _cleanup_(engine_closep) Engine *engine = NULL;
    ImageStore *images;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, check(&options, err));
    if (r >= 0)
        r = open_images(invocation, &engine, &images, err);
    if (r < 0)
        return r;
    tell_default(invocation->arguments[0], &options);
    return push(engine, invocation->arguments[0], &options, err);
}
