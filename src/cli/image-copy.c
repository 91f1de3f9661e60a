/* SPDX-License-Identifier: Apache-2.0 */

/* `cay image copy`: an image from anywhere to anywhere else, as it is. */

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cli/archive-options.h"
#include "cli/commands.h"
#include "cli/image-command.h"
#include "cli/transfer-display.h"

typedef struct CopyOptions {
    bool all;
    bool insecure;
    ImageLimits limits;
    char *platform;
    bool quiet;
} CopyOptions;

static const Option copy_options[] = {
    { "all", 'a', .type = OPTION_BOOL, .offset = offsetof(CopyOptions, all),
      .help = "Copy an index whole, with its images for all platforms" },
    { "insecure", .type = OPTION_BOOL, .offset = offsetof(CopyOptions, insecure),
      .help = "Accept any certificate of a registry, or none" },
    ARCHIVE_LIMIT_OPTIONS(CopyOptions),
    { "platform", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(CopyOptions, platform),
      .help = "Copy of an index the image for this platform (default: this machine's)" },
    { "quiet", 'q', .type = OPTION_BOOL, .offset = offsetof(CopyOptions, quiet),
      .help = "Print nothing but the digest" },
};

const OptionTable image_copy_option_table = { OPTION_TABLE(copy_options) };

static void copy_options_done(CopyOptions *options)
{
    free(options->platform);
}

static int check(const CopyOptions *options, char *const *arguments, ImageLocation *source,
                 ImageLocation *destination, Error *err)
{
    int r = archive_limits_check(&options->limits, err);

    if (r >= 0 && options->all && options->platform)
        r = error_set(err, ERROR_INVALID, "'--all' and '--platform' exclude each other");
    if (r >= 0)
        r = image_location_parse(arguments[0], source, err);
    if (r >= 0)
        r = image_location_parse(arguments[1], destination, err);
    if (r >= 0 && options->all && destination->transport == IMAGE_TRANSPORT_STORE)
        return error_set(
            err, ERROR_INVALID,
            "this machine's store has images for one platform each: leave out '--all'");
    return r;
}

/* Of an index this machine's image is taken, unless something else is asked for. */
static char *choose_platform(const CopyOptions *options)
{
    _cleanup_platform_ Platform host = {};

    if (options->all)
        return NULL;
    if (options->platform)
        return memory_strdup(options->platform);
    platform_host(&host);
    return platform_to_string(&host);
}

typedef struct Copying {
    Engine *engine;
    const ImageTransports *transports;
    const ImageLocation *from, *to;
    const CopyOptions *options;
    ImageSource *source;
    TransferDisplay *display;
} Copying;

/* Into the store of this machine an image is unpacked: that is a pull. */
static int pull(const Copying *copying, Digest *ret, Error *err)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *name = NULL;
    ImagePullResult result = {};
    ImagePullOptions how = {
        .source = copying->source,
        .reference = &reference,
        .platform = copying->options->platform,
        .limits = &copying->options->limits,
        .progress = transfer_display_show,
        .progress_data = copying->display,
    };
    int r = reference_parse(copying->to->name, &reference, err);

    if (r < 0)
        return r;
    reference_set_default_tag(&reference);
    r = image_pull(copying->transports->store, &how, &result, err);
    if (r < 0)
        return r;
    name = reference_to_familiar(&reference);
    engine_tell_image(copying->engine, "pull", result.id.text, name);
    *ret = result.digest;
    return 0;
}

static int copy_out(const Copying *copying, Digest *ret, Error *err)
{
    _cleanup_(image_destination_freep) ImageDestination *destination = NULL;
    _cleanup_free_ char *platform = choose_platform(copying->options);
    ImageCopyOptions how = {
        .source = copying->source,
        .content = image_store_content(copying->transports->store),
        .platform = platform,
        .progress = transfer_display_show,
        .progress_data = copying->display,
    };
    int r = image_location_open_destination(copying->to, copying->transports, &destination, err);

    if (r < 0)
        return r;
    image_destination_registry_mount_from(destination, copying->from);
    how.destination = destination;
    return image_copy(&how, ret, NULL, err);
}

static int copy(Copying *copying, Error *err)
{
    _cleanup_(transfer_display_freep) TransferDisplay *display =
        transfer_display_new(stdout, copying->options->quiet);
    _cleanup_(image_source_freep) ImageSource *source = NULL;
    Digest digest;
    int r = image_location_open_source(copying->from, copying->transports, &source, err);

    if (r < 0)
        return r;
    copying->display = display;
    copying->source = source;
    r = copying->to->transport == IMAGE_TRANSPORT_STORE ? pull(copying, &digest, err)
                                                        : copy_out(copying, &digest, err);
    if (r >= 0)
        puts(digest.text);
    return r;
}

int cli_image_copy(Invocation *invocation, Error *err)
{
    _cleanup_(copy_options_done) CopyOptions options = { .limits = image_limits_default() };
    _cleanup_image_location_ ImageLocation source = {}, destination = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    ImageTransports transports = {};
    Copying copying = {
        .transports = &transports, .from = &source, .to = &destination, .options = &options
    };
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation,
                              check(&options, invocation->arguments, &source, &destination, err));
    if (r >= 0)
        r = open_images(invocation, &engine, &transports.store, err);
    if (r >= 0)
        r = engine_registry_settings(engine, &transports.registries, err);
    if (r < 0)
        return r;
    transports.insecure = options.insecure;
    transports.limits = &options.limits;
    copying.engine = engine;
    return copy(&copying, err);
}
