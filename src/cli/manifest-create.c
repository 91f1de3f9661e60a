/* SPDX-License-Identifier: Apache-2.0 */

/* `cay manifest create`: a list of images at registries, kept here until it is pushed. */

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/manifest-command.h"

typedef struct CreateOptions {
    bool amend;
    bool insecure;
} CreateOptions;

static const Option create_options[] = {
    { "amend", 'a', .type = OPTION_BOOL, .offset = offsetof(CreateOptions, amend),
      .help = "Add to a list that is there" },
    { "insecure", .type = OPTION_BOOL, .offset = offsetof(CreateOptions, insecure),
      .help = "Accept any certificate of a registry, or none" },
};

const OptionTable manifest_create_option_table = { OPTION_TABLE(create_options) };

/* The list as it is, or an empty one. */
static int begin(const ImageTransports *transports, const char *name, bool amend, ManifestList *ret,
                 Error *err)
{
    int r = find_list(transports, name, ret, err);

    if (r > 0 && !amend)
        return error_set(err, ERROR_CONFLICT,
                         "refusing to amend an existing manifest list with no --amend flag");
    if (r == 0)
        ret->name = memory_strdup(name);
    return r < 0 ? r : 0;
}

int cli_manifest_create(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_manifest_list_ ManifestList list = {};
    _cleanup_free_ char *name = NULL;
    CreateOptions options = {};
    ImageTransports transports;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = manifest_list_name(invocation->arguments[0], &name, err);
    if (r >= 0)
        r = open_transports(invocation, options.insecure, &engine, &transports, err);
    if (r >= 0)
        r = begin(&transports, name, options.amend, &list, err);
    for (size_t i = 1; r >= 0 && i < invocation->n_arguments; i++)
        r = manifest_list_add(&list, &transports, invocation->arguments[i], err);
    if (r >= 0)
        r = manifest_list_write(transports.store, &list, err);
    if (r >= 0)
        printf("Created manifest list %s\n", name);
    return r;
}
