/* SPDX-License-Identifier: Apache-2.0 */

/* `cay manifest annotate`: what an image of a list is for, if its configuration does not say. */

#include <stdlib.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/manifest-command.h"

typedef struct AnnotateOptions {
    char *arch;
    char *os;
    StringList os_features;
    char *os_version;
    char *variant;
} AnnotateOptions;

static const Option annotate_options[] = {
    { "arch", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(AnnotateOptions, arch), .help = "Set the architecture" },
    { "os", .type = OPTION_STRING, .argument = "string", .offset = offsetof(AnnotateOptions, os),
      .help = "Set the operating system" },
    { "os-features", .type = OPTION_STRING_LIST, .argument = "list",
      .offset = offsetof(AnnotateOptions, os_features),
      .help = "Add features of the operating system" },
    { "os-version", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(AnnotateOptions, os_version),
      .help = "Set the operating system's version" },
    { "variant", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(AnnotateOptions, variant), .help = "Set the architecture's variant" },
};

const OptionTable manifest_annotate_option_table = { OPTION_TABLE(annotate_options) };

static void annotate_options_done(AnnotateOptions *options)
{
    free(options->arch);
    free(options->os);
    string_list_done(&options->os_features);
    free(options->os_version);
    free(options->variant);
}

static void set(char **member, const char *value)
{
    if (!value)
        return;
    free(*member);
    *member = memory_strdup(value);
}

static int annotate(ManifestListEntry *entry, const AnnotateOptions *options, Error *err)
{
    Platform *platform = entry->descriptor.platform;
    _cleanup_platform_ Platform os = {}, architecture = {};

    if (!platform)
        platform = entry->descriptor.platform = NEW(Platform);
    set(&platform->architecture, options->arch);
    set(&platform->os, options->os);
    set(&platform->os_version, options->os_version);
    set(&platform->variant, options->variant);
    for (size_t i = 0; i < options->os_features.count; i++)
        if (!string_list_contains(&platform->os_features, options->os_features.items[i]))
            string_list_add(&platform->os_features, options->os_features.items[i]);
    if (!platform->os || platform_parse(platform->os, &os, NULL) < 0 || !platform->architecture ||
        platform_parse(platform->architecture, &architecture, NULL) < 0)
        return error_set(err, ERROR_INVALID,
                         "manifest entry for image has unsupported os/arch combination: '%s/%s'",
                         platform->os ? platform->os : "",
                         platform->architecture ? platform->architecture : "");
    return 0;
}

static int find(ManifestList *list, const char *text, ManifestListEntry **ret, Error *err)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *complete = NULL;
    int r = reference_parse(text, &reference, err);

    if (r < 0)
        return r;
    reference_set_default_tag(&reference);
    complete = reference_to_string(&reference);
    *ret = manifest_list_find(list, complete);
    return *ret ? 0
                : error_set(err, ERROR_NOT_FOUND, "manifest for image '%s' does not exist in '%s'",
                            text, list->name);
}

int cli_manifest_annotate(Invocation *invocation, Error *err)
{
    _cleanup_(annotate_options_done) AnnotateOptions options = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_manifest_list_ ManifestList list = {};
    _cleanup_free_ char *name = NULL;
    ManifestListEntry *entry;
    ImageTransports transports;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = manifest_list_name(invocation->arguments[0], &name, err);
    if (r >= 0)
        r = open_transports(invocation, false, &engine, &transports, err);
    if (r >= 0)
        r = manifest_list_read(transports.store, name, &list, err);
    if (r >= 0)
        r = find(&list, invocation->arguments[1], &entry, err);
    if (r >= 0)
        r = annotate(entry, &options, err);
    if (r >= 0)
        r = manifest_list_write(transports.store, &list, err);
    return r;
}
