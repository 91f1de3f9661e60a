/* SPDX-License-Identifier: Apache-2.0 */

/* `cay secret inspect`: what is known of secrets. Their content is not shown to anybody. */

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/time-format.h"
#include "cli/commands.h"
#include "cli/inspect-output.h"
#include "cli/open-engine.h"
#include "cli/terminal-text.h"
#include "engine/secret.h"

typedef struct InspectOptions {
    char *format;
    bool pretty;
} InspectOptions;

static const Option inspect_options[] = {
    { "format", 'f', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(InspectOptions, format),
      .help = "Format the output with a Go template, or 'json' for one line" },
    { "pretty", .type = OPTION_BOOL, .offset = offsetof(InspectOptions, pretty),
      .help = "Show it in a form for people" },
};

static const UnsupportedOption unsupported_options[] = {
    { "showsecret", .instead = "a secret's content is for the containers that have it, alone" },
};

const OptionTable secret_inspect_option_table = {
    OPTION_TABLE(inspect_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
};

static void inspect_options_done(InspectOptions *options)
{
    free(options->format);
}

static void print_time(const char *title, int64_t time)
{
    _cleanup_free_ char *text = time_to_rfc3339(time);

    printf("%-18s%s\n", title, text);
}

static void print_pretty(const Secret *secret)
{
    printf("%-18s%s\n%-18s%s\n", "ID:", secret->id, "Name:", secret->name);
    if (secret->labels.count > 0)
        printf("Labels:\n");
    for (size_t i = 0; i < secret->labels.count; i++) {
        _cleanup_string_buffer_ StringBuffer text = {};

        terminal_text_add(&text, secret->labels.items[i].key);
        string_buffer_add(&text, "=");
        terminal_text_add(&text, secret->labels.items[i].value);
        printf(" - %s\n", string_buffer_get(&text));
    }
    print_time("Created at:", secret->created_at);
    print_time("Updated at:", secret->updated_at);
}

/* What is found is shown, even when something is not. */
static int inspect(Invocation *invocation, const InspectOptions *options, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_json_ json_t *objects = json_array();
    int r = open_engine(invocation, &engine, err), printed, result = 0;

    if (r < 0)
        return r;
    for (size_t i = 0; i < invocation->n_arguments; i++) {
        _cleanup_(secret_freep) Secret *secret = NULL;
        _cleanup_error_ Error problem = {};

        r = secret_find(engine, invocation->arguments[i], &secret, &problem);
        if (r < 0)
            result = invocation_continue(invocation, result, r, &problem, err);
        else if (options->pretty)
            print_pretty(secret);
        else
            json_array_append_new(objects, secret_to_inspect(secret));
    }
    if (options->pretty)
        return result;
    printed = inspect_print(objects, options->format, stdout, result < 0 ? NULL : err);
    return result < 0 ? result : printed;
}

int cli_secret_inspect(Invocation *invocation, Error *err)
{
    _cleanup_(inspect_options_done) InspectOptions options = {};
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0 && options.pretty && options.format)
        r = invocation_misuse(
            invocation,
            error_set(err, ERROR_INVALID, "conflicting options: '--pretty' and '--format'"));
    return r < 0 ? r : inspect(invocation, &options, err);
}
