/* SPDX-License-Identifier: Apache-2.0 */

/* `cay import`: a root file system in a tar archive becomes an image. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "cli/archive-options.h"
#include "cli/commands.h"
#include "cli/image-command.h"

typedef struct ImportOptions {
    StringList changes;
    char *message;
    char *platform;
    ImageLimits limits;
} ImportOptions;

static const Option import_options[] = {
    { "change", 'c', .type = OPTION_STRING_LIST, .argument = "list",
      .offset = offsetof(ImportOptions, changes),
      .help = "Apply a Dockerfile instruction to the image" },
    ARCHIVE_LIMIT_OPTIONS(ImportOptions),
    { "message", 'm', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(ImportOptions, message), .help = "Comment of the image" },
    { "platform", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(ImportOptions, platform),
      .help = "Platform of the image (default that of this host)" },
};

const OptionTable image_import_option_table = { OPTION_TABLE(import_options) };

static void import_options_done(ImportOptions *options)
{
    string_list_done(&options->changes);
    free(options->message);
    free(options->platform);
}

static int refuse_url(const char *source, Error *err)
{
    if (strncmp(source, "http://", 7) != 0 && strncmp(source, "https://", 8) != 0)
        return 0;
    return error_set(err, ERROR_UNSUPPORTED,
                     "import from a URL is not supported by this version: use 'curl %s | cay "
                     "import -'",
                     source);
}

static int import(Engine *engine, ImageStore *images, const char *source,
                  const Reference *reference, const ImportOptions *options, Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    Digest id;
    int r = archive_open(source, &fd, err);

    if (r < 0)
        return r;
    r = image_import(images,
                     &(ImageImportOptions) { .input_fd = fd,
                                             .reference = reference,
                                             .changes = &options->changes,
                                             .message = options->message,
                                             .platform = options->platform,
                                             .limits = &options->limits },
                     &id, err);
    if (r < 0)
        return r;
    engine_tell_image(engine, "import", id.text, NULL);
    puts(id.text);
    return 0;
}

int cli_image_import(Invocation *invocation, Error *err)
{
    _cleanup_(import_options_done) ImportOptions options = { .limits = image_limits_default() };
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_reference_ Reference reference = {};
    ImageStore *images;
    bool has_name = false;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, archive_limits_check(&options.limits, err));
    if (r >= 0)
        r = refuse_url(invocation->arguments[0], err);
    if (r >= 0 && invocation->n_arguments > 1) {
        has_name = true;
        r = reference_parse(invocation->arguments[1], &reference, err);
    }
    if (r >= 0)
        r = open_images(invocation, &engine, &images, err);
    if (r >= 0)
        r = import(engine, images, invocation->arguments[0], has_name ? &reference : NULL, &options,
                   err);
    return r;
}
