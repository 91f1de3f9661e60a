/* SPDX-License-Identifier: Apache-2.0 */

/* `cay pull`: an image, or all tags of a repository, from a registry; or an image from a file. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* What is pulled: a name at a registry, or a location that is a file or a directory. */
typedef struct PullTarget {
    ImageLocation location;
    bool is_file;
    bool wants_default; /* the name leaves the tag to us */
} PullTarget;

static void pull_target_done(PullTarget *target)
{
    image_location_done(&target->location);
}

static int check_name(PullTarget *target, const PullOptions *options, Error *err)
{
    _cleanup_reference_ Reference reference = {};
    int r = reference_parse(target->location.name, &reference, err);

    if (r < 0)
        return r;
    target->wants_default = !reference.tag && !digest_is_set(&reference.digest);
    if (options->all_tags && !target->wants_default)
        return error_set(err, ERROR_INVALID, "tag can't be used with --all-tags/-a");
    return 0;
}

static int check_location(PullTarget *target, const char *text, const PullOptions *options,
                          Error *err)
{
    int r = image_location_parse(text, &target->location, err);

    if (r < 0)
        return r;
    if (target->location.transport == IMAGE_TRANSPORT_REGISTRY)
        return check_name(target, options, err);
    if (target->location.transport == IMAGE_TRANSPORT_STORE) {
        if (strcmp(target->location.name, text) != 0)
            return error_set(err, ERROR_INVALID, "'%s' is the store that is pulled into", text);
        return check_name(target, options, err);
    }
    target->is_file = true;
    if (options->all_tags)
        return error_set(err, ERROR_UNSUPPORTED,
                         "'--all-tags' is for registries: 'cay load' takes all of an archive");
    return 0;
}

static int check(PullTarget *target, const char *text, const PullOptions *options, Error *err)
{
    _cleanup_platform_ Platform platform = {};
    int r = options->platform ? platform_parse(options->platform, &platform, err) : 0;

    if (r < 0)
        return r;
    if (!options->disable_content_trust)
        return error_set(err, ERROR_UNSUPPORTED,
                         "'--disable-content-trust=false' is not supported: Docker's content trust "
                         "has been retired");
    return check_location(target, text, options, err);
}

static int pull(Engine *engine, const PullTarget *target, const PullOptions *options, Error *err)
{
    _cleanup_(transfer_display_freep) TransferDisplay *display =
        transfer_display_new(stdout, options->quiet);
    EnginePull how = {
        .name = target->location.name,
        .all_tags = options->all_tags,
        .platform = options->platform,
        .progress = transfer_display_show,
        .progress_data = display,
    };
    _cleanup_free_ char *complete = NULL;
    int r = target->is_file ? engine_pull_location(engine, &target->location, &how, &complete, err)
                            : engine_pull(engine, &how, &complete, err);

    if (r >= 0)
        printf("%s\n", complete);
    return r;
}

int cli_image_pull(Invocation *invocation, Error *err)
{
    _cleanup_(pull_options_done) PullOptions options = { .disable_content_trust = true };
    _cleanup_(pull_target_done) PullTarget target = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    ImageStore *images;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, check(&target, invocation->arguments[0], &options, err));
    if (r >= 0)
        r = open_images(invocation, &engine, &images, err);
    if (r < 0)
        return r;
    if (target.wants_default && !options.all_tags && !options.quiet) {
        printf("Using default tag: " REFERENCE_DEFAULT_TAG "\n");
        (void)fflush(stdout); /* main() tells of a full disk */
    }
    return pull(engine, &target, &options, err);
}
