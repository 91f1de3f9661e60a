/* SPDX-License-Identifier: Apache-2.0 */

/* `cay version`. There is no server: what asks for the server's version gets the same answer. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/json-fields.h"
#include "base/string-buffer.h"
#include "cay-config.h"
#include "cli/commands.h"
#include "cli/template.h"
#include "engine/images.h"

typedef struct VersionOptions {
    char *format;
} VersionOptions;

static const Option version_options[] = {
    { "format", 'f', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(VersionOptions, format),
      .help = "Format the output with a Go template, or 'json'" },
};

const OptionTable version_option_table = { OPTION_TABLE(version_options) };

static const char default_format[] = "cay:\n"
                                     " Version:    {{.Client.Version}}\n"
                                     " OS/Arch:    {{.Client.Os}}/{{.Client.Arch}}\n"
                                     " Kernel:     {{.Client.KernelVersion}}";

static void version_options_done(VersionOptions *options)
{
    free(options->format);
}

static json_t *make_version(void)
{
    _cleanup_(platform_done) Platform platform = {};
    struct utsname names;
    json_t *part;

    platform_host(&platform);
    if (uname(&names) < 0) /* only a bad address makes it fail */
        names = (struct utsname) {};
    part = json_pack("{s:s, s:s, s:s, s:s}", "Version", CAY_VERSION, "Os", platform.os, "Arch",
                     platform.architecture, "KernelVersion", names.release);
    return json_pack("{s:o, s:O}", "Client", part, "Server", part);
}

static int print_version(const char *format, Error *err)
{
    _cleanup_(template_freep) Template *template = NULL;
    _cleanup_json_ json_t *version = make_version();
    _cleanup_string_buffer_ StringBuffer text = {};
    int r;

    if (!format || *format == '\0')
        format = default_format;
    else if (strcmp(format, "json") == 0)
        format = "{{json .}}";
    r = template_parse(format, 0, &template, err);
    if (r >= 0)
        r = template_execute(template, &(TemplateData) { .value = version }, &text, err);
    if (r >= 0)
        puts(string_buffer_get(&text));
    return r < 0 ? r : 0;
}

int cli_version(Invocation *invocation, Error *err)
{
    _cleanup_(version_options_done) VersionOptions options = {};
    int r = invocation_parse(invocation, &options, err);

    return r < 0 ? r : print_version(options.format, err);
}
