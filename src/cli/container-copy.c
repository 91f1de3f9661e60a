/* SPDX-License-Identifier: Apache-2.0 */

/* `cay cp`: which of the two arguments is a container's, and what is said at the end. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/time-format.h"
#include "cli/commands.h"
#include "cli/open-engine.h"
#include "engine/container-copy.h"

#define TAR_END_SIZE 1024 /* two blocks of zeros */

typedef struct CopyOptions {
    bool archive;
    bool follow_link;
    OptionalBool quiet;
} CopyOptions;

static const Option copy_options[] = {
    { "archive", 'a', .type = OPTION_BOOL, .offset = offsetof(CopyOptions, archive),
      .help = "Keep the owners of files (all uid/gid information)" },
    { "follow-link", 'L', .type = OPTION_BOOL, .offset = offsetof(CopyOptions, follow_link),
      .help = "Copy what a symbolic link SRC_PATH leads to" },
    { "quiet", 'q', .type = OPTION_OPTIONAL_BOOL, .offset = offsetof(CopyOptions, quiet),
      .help = "Say nothing after the copy; as when output is no terminal" },
};

const OptionTable container_copy_option_table = { OPTION_TABLE(copy_options) };

/* One argument: "CONTAINER:PATH", or a path on the host. */
typedef struct CopyArgument {
    char *container; /* NULL: the host */
    char *path;
} CopyArgument;

static void copy_argument_done(CopyArgument *argument)
{
    free(argument->container);
    free(argument->path);
}

/* As Docker: what begins with "/" or "." is a path of the host, whatever is in it. */
static void copy_argument_parse(const char *text, CopyArgument *ret)
{
    const char *colon = strchr(text, ':');

    if (path_is_absolute(text) || text[0] == '.' || !colon) {
        ret->path = memory_strdup(text);
        return;
    }
    ret->container = memory_strndup(text, (size_t)(colon - text));
    ret->path = memory_strdup(colon + 1);
}

static bool is_stream(const CopyArgument *argument)
{
    return !argument->container && strcmp(argument->path, "-") == 0;
}

/* Make a path of the host absolute; a slash or "/." at its end stays. */
static int make_absolute(CopyArgument *argument, Error *err)
{
    _cleanup_free_ char *directory = NULL, *path = TAKE_PTR(argument->path);

    if (!path_is_absolute(path)) {
        directory = get_current_dir_name();
        if (!directory)
            return error_errno(err, "find the working directory");
    }
    argument->path =
        memory_printf("%s%s%s", directory ? directory : "", directory ? "/" : "", path);
    return 0;
}

static void tell(const CopyOptions *options, const TreeCopyTotals *totals,
                 const CopyArgument *target)
{
    _cleanup_free_ char *size = size_to_human((int64_t)(totals->archive_bytes + TAR_END_SIZE));
    bool is_quiet = options->quiet.is_set ? options->quiet.value : !isatty(STDOUT_FILENO);

    if (!is_quiet)
        (void)fprintf(stderr, "Successfully copied %s to %s%s%s\n", size,
                      target->container ? target->container : "", target->container ? ":" : "",
                      target->path);
}

static int copy_to_stream(Engine *engine, const CopyArgument *source, const CopyOptions *options,
                          Error *err)
{
    const ContainerCopyOptions copying = { .follow_link = options->follow_link };

    if (isatty(STDOUT_FILENO))
        return error_set(err, ERROR_INVALID,
                         "standard output is a terminal, and what comes is a tar archive: redirect "
                         "it to a file or a pipe");
    return container_copy_out_archive(engine, source->container, source->path, STDOUT_FILENO,
                                      &copying, err);
}

static int copy_from_stream(Engine *engine, const CopyArgument *target, Error *err)
{
    if (isatty(STDIN_FILENO))
        return error_set(err, ERROR_INVALID,
                         "standard input is a terminal: redirect a tar archive to it");
    return container_copy_in_archive(engine, target->container, STDIN_FILENO, target->path, err);
}

static int copy(Engine *engine, const CopyArgument *source, const CopyArgument *target,
                const CopyOptions *options, Error *err)
{
    TreeCopyTotals totals = {};
    const ContainerCopyOptions copying = { .keep_owners = options->archive,
                                           .follow_link = options->follow_link,
                                           .totals = &totals };
    int r;

    if (target->container)
        r = container_copy_in(engine, target->container, source->path, target->path, &copying, err);
    else
        r = container_copy_out(engine, source->container, source->path, target->path, &copying,
                               err);
    if (r >= 0)
        tell(options, &totals, target);
    return r;
}

static int check_arguments(const CopyArgument *source, const CopyArgument *target, Error *err)
{
    if (source->container && target->container)
        return error_set(err, ERROR_UNSUPPORTED, "copying between containers is not supported");
    if (!source->container && !target->container)
        return error_set(err, ERROR_INVALID, "must specify at least one container source");
    if (!*source->path && !source->container)
        return error_set(err, ERROR_INVALID, "source can not be empty");
    if (!*target->path && !target->container)
        return error_set(err, ERROR_INVALID, "destination can not be empty");
    return 0;
}

int cli_container_copy(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_(copy_argument_done) CopyArgument source = {}, target = {};
    CopyOptions options = {};
    int r = invocation_parse(invocation, &options, err);

    if (r < 0)
        return r;
    copy_argument_parse(invocation->arguments[0], &source);
    copy_argument_parse(invocation->arguments[1], &target);
    r = check_arguments(&source, &target, err);
    if (r >= 0 && !source.container && !is_stream(&source))
        r = make_absolute(&source, err);
    if (r >= 0 && !target.container && !is_stream(&target))
        r = make_absolute(&target, err);
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r < 0)
        return r;
    if (is_stream(&source))
        return copy_from_stream(engine, &target, err);
    if (is_stream(&target))
        return copy_to_stream(engine, &source, &options, err);
    return copy(engine, &source, &target, &options, err);
}
