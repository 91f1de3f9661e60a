/* SPDX-License-Identifier: Apache-2.0 */

/* `cay manifest push`: a list, with all its images, to the repository that it is named after. */

#include <stdio.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/manifest-command.h"

typedef struct PushOptions {
    bool insecure;
    bool purge;
} PushOptions;

static const Option push_options[] = {
    { "insecure", .type = OPTION_BOOL, .offset = offsetof(PushOptions, insecure),
      .help = "Accept any certificate of a registry, or none" },
    { "purge", 'p', .type = OPTION_BOOL, .offset = offsetof(PushOptions, purge),
      .help = "Remove the list here after the push" },
};

const OptionTable manifest_push_option_table = { OPTION_TABLE(push_options) };

int cli_manifest_push(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_manifest_list_ ManifestList list = {};
    _cleanup_free_ char *name = NULL;
    PushOptions options = {};
    ImageTransports transports;
    Digest digest;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = manifest_list_name(invocation->arguments[0], &name, err);
    if (r >= 0)
        r = open_transports(invocation, options.insecure, &engine, &transports, err);
    if (r >= 0)
        r = manifest_list_read(transports.store, name, &list, err);
    if (r >= 0)
        r = manifest_list_push(&list, &transports, &digest, err);
    if (r >= 0 && options.purge)
        r = manifest_list_remove(transports.store, name, err);
    if (r >= 0)
        puts(digest.text);
    return r;
}
