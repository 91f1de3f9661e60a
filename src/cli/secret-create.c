/* SPDX-License-Identifier: Apache-2.0 */

/* `cay secret create`: the content goes from its source into locked memory and nowhere else. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/open-engine.h"
#include "cli/pair-option.h"
#include "engine/secret.h"

typedef struct CreateOptions {
    StringMap labels;
    char *driver;
    bool from_environment;
    bool replace;
} CreateOptions;

static const Option create_options[] = {
    { "driver", 'd', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(CreateOptions, driver),
      .help = "Where the secret is kept: there is 'file' (default \"file\")" },
    { "env", .type = OPTION_BOOL, .offset = offsetof(CreateOptions, from_environment),
      .help = "Take the content from the environment variable that is named instead of a file" },
    { "label", 'l', .type = OPTION_HANDLER, .argument = "list", .handler = option_take_pair,
      .offset = offsetof(CreateOptions, labels), .help = "Set metadata on the secret" },
    { "replace", .type = OPTION_BOOL, .offset = offsetof(CreateOptions, replace),
      .help = "Give a secret that exists this content, for the next start of its containers" },
};

static const UnsupportedOption unsupported_options[] = {
    { "driver-opts", .instead = "the only driver has no options" },
    { "ignore", .instead = "'--replace' takes a name that is in use" },
    { "template-driver", .instead = "contents are taken as they are" },
};

const OptionTable secret_create_option_table = {
    OPTION_TABLE(create_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
};

static void create_options_done(CreateOptions *options)
{
    string_map_done(&options->labels);
    free(options->driver);
}

static int check_driver(const char *driver, Error *err)
{
    if (!driver || !*driver || strcmp(driver, "file") == 0)
        return 0;
    return error_set(err, ERROR_UNSUPPORTED, "there is no secret driver '%s', only 'file'", driver);
}

static int read_variable(const char *name, LockedMemory *ret, Error *err)
{
    const char *value = getenv(name);
    int r;

    if (!value)
        return error_set(err, ERROR_NOT_FOUND, "there is no environment variable '%s'", name);
    r = locked_memory_new(strlen(value), ret);
    if (r < 0)
        return error_result(err, r, "lock memory for a secret");
    memcpy(ret->data, value, ret->size);
    return 0;
}

static int read_file(const char *path, LockedMemory *ret, Error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "standard input" : path;
    _cleanup_close_ int fd =
        is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    int r;

    if (fd < 0)
        return error_errno(err, "open '%s'", name);
    r = locked_memory_read(fd, SECRET_SIZE_MAX, ret);
    if (r == -EFBIG)
        return error_set(err, ERROR_INVALID, "'%s': a secret has at most %zu bytes", name,
                         SECRET_SIZE_MAX);
    return r < 0 ? error_result(err, r, "read '%s'", name) : 0;
}

static int create(Invocation *invocation, const CreateOptions *options, Error *err)
{
    const SecretRequest request = {
        .name = invocation->arguments[0],
        .labels = &options->labels,
        .replace = options->replace,
    };
    const char *source = invocation->arguments[1];
    _cleanup_locked_memory_ LockedMemory content = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    char id[SECRET_ID_LENGTH + 1];
    int r = secret_name_validate(request.name, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    process_hide_memory();
    if (r >= 0)
        r = options->from_environment ? read_variable(source, &content, err)
                                      : read_file(source, &content, err);
    if (r >= 0)
        r = secret_create(engine, &request, &content, id, err);
    if (r >= 0)
        printf("%s\n", id);
    return r;
}

int cli_secret_create(Invocation *invocation, Error *err)
{
    _cleanup_(create_options_done) CreateOptions options = {};
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, check_driver(options.driver, err));
    return r < 0 ? r : create(invocation, &options, err);
}
