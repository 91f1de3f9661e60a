/* SPDX-License-Identifier: Apache-2.0 */

/* `cay commit`: an image of a container and what it has changed. */

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/open-engine.h"
#include "engine/container-image.h"

typedef struct CommitOptions {
    char *author;
    StringList changes;
    char *message;
    bool no_pause;
    bool pause;
} CommitOptions;

static const Option commit_options[] = {
    { "author", 'a', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(CommitOptions, author),
      .help = "Author (\"Ada Lovelace <ada@example.com>\")" },
    { "change", 'c', .type = OPTION_STRING_LIST, .argument = "list",
      .offset = offsetof(CommitOptions, changes),
      .help = "Apply a Dockerfile instruction to the image" },
    { "message", 'm', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(CommitOptions, message), .help = "Comment of the image" },
    { "no-pause", .type = OPTION_BOOL, .offset = offsetof(CommitOptions, no_pause),
      .help = "Let the container go on meanwhile" },
    { "pause", 'p', .type = OPTION_BOOL, .offset = offsetof(CommitOptions, pause),
      .help = "Pause the container meanwhile (default true)" },
};

const OptionTable container_commit_option_table = { OPTION_TABLE(commit_options) };

static void commit_options_done(CommitOptions *options)
{
    free(options->author);
    string_list_done(&options->changes);
    free(options->message);
}

static int commit(Engine *engine, Invocation *invocation, const CommitOptions *options,
                  const Reference *reference, Error *err)
{
    _cleanup_string_list_ StringList warnings = {};
    const ContainerCommit request = {
        .container = invocation->arguments[0],
        .reference = reference,
        .author = options->author,
        .message = options->message,
        .changes = &options->changes,
        .pause = options->pause && !options->no_pause,
    };
    Digest id;
    int r = container_commit(engine, &request, &id, &warnings, err);

    for (size_t i = 0; i < warnings.count; i++)
        log_warning("%s", warnings.items[i]);
    if (r >= 0)
        puts(id.text);
    return r;
}

int cli_container_commit(Invocation *invocation, Error *err)
{
    _cleanup_(commit_options_done) CommitOptions options = { .pause = true };
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_reference_ Reference reference = {};
    bool has_name = false;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0 && invocation->n_arguments > 1) {
        has_name = true;
        r = reference_parse(invocation->arguments[1], &reference, err);
    }
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = commit(engine, invocation, &options, has_name ? &reference : NULL, err);
    return r;
}
