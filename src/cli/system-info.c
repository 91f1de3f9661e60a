/* SPDX-License-Identifier: Apache-2.0 */

/* `cay info`: this machine and what cay has on it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json-fields.h"
#include "base/string-buffer.h"
#include "base/time-format.h"
#include "cli/commands.h"
#include "cli/open-engine.h"
#include "cli/template.h"
#include "engine/engine-info.h"

typedef struct InfoOptions {
    char *format;
} InfoOptions;

static const Option info_options[] = {
    { "format", 'f', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(InfoOptions, format),
      .help = "Format the output with a Go template, or 'json'" },
};

const OptionTable system_info_option_table = { OPTION_TABLE(info_options) };

static const char default_format[] =
    "Containers: {{.Containers}}\n"
    " Running: {{.ContainersRunning}}\n"
    " Paused: {{.ContainersPaused}}\n"
    " Stopped: {{.ContainersStopped}}\n"
    "Images: {{.Images}}\n"
    "Version: {{.ServerVersion}}\n"
    "Storage Driver: {{.Driver}}\n"
    "Logging Driver: {{.LoggingDriver}}\n"
    "Cgroup Driver: {{.CgroupDriver}}\n"
    "Cgroup Version: {{.CgroupVersion}}\n"
    "Plugins:\n"
    " Volume:{{range .Plugins.Volume}} {{.}}{{end}}\n"
    " Network:{{range .Plugins.Network}} {{.}}{{end}}\n"
    " Log:{{range .Plugins.Log}} {{.}}{{end}}\n"
    "Runtimes:{{range $name, $runtime := .Runtimes}} {{$name}}{{end}}\n"
    "Default Runtime: {{.DefaultRuntime}}\n"
    "Init Binary: {{.InitBinary}}\n"
    "Security Options:\n"
    "{{range .SecurityOptions}} {{.}}\n{{end}}"
    "Kernel Version: {{.KernelVersion}}\n"
    "Operating System: {{.OperatingSystem}}\n"
    "OSType: {{.OSType}}\n"
    "Architecture: {{.Architecture}}\n"
    "CPUs: {{.NCPU}}\n"
    "Total Memory: {{.TotalMemory}}\n"
    "Name: {{.Name}}\n"
    "Root Dir: {{.DockerRootDir}}\n"
    "Runtime Dir: {{.RuntimeDir}}"
    "{{with .RegistryConfig}}\n"
    "Insecure Registries:"
    "{{range .IndexConfigs}}{{if not .Secure}}\n {{.Name}}{{end}}{{end}}"
    "{{range .InsecureRegistryCIDRs}}\n {{.}}{{end}}"
    "{{if .Mirrors}}\nRegistry Mirrors:{{range .Mirrors}}\n {{.}}{{end}}{{end}}"
    "{{end}}";

static void info_options_done(InfoOptions *options)
{
    free(options->format);
}

/* For the text only: the API's member is a number. */
static void add_total_memory(json_t *info)
{
    _cleanup_free_ char *text =
        size_to_human_binary(json_integer_value(json_object_get(info, "MemTotal")));

    json_object_set_new(info, "TotalMemory", json_string(text));
}

static void print_warnings(const json_t *info)
{
    json_t *warning;
    size_t i;

    json_array_foreach(json_object_get(info, "Warnings"), i, warning)(void)
        fprintf(stderr, "WARNING: %s\n", json_string_value(warning));
}

static int print_info(json_t *info, const char *format, Error *err)
{
    _cleanup_(template_freep) Template *template = NULL;
    _cleanup_string_buffer_ StringBuffer text = {};
    bool is_default = !format || *format == '\0';
    int r;

    if (is_default)
        add_total_memory(info);
    else if (strcmp(format, "json") == 0)
        format = "{{json .}}";
    r = template_parse(is_default ? default_format : format, 0, &template, err);
    if (r >= 0)
        r = template_execute(template, &(TemplateData) { .value = info }, &text, err);
    if (r < 0)
        return r;
    puts(string_buffer_get(&text));
    if (is_default)
        print_warnings(info);
    return 0;
}

int cli_system_info(Invocation *invocation, Error *err)
{
    _cleanup_(info_options_done) InfoOptions options = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_json_ json_t *info = NULL;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = engine_to_info(engine, &info, err);
    return r < 0 ? r : print_info(info, options.format, err);
}
