/* SPDX-License-Identifier: Apache-2.0 */

/* `cay-oci spec`: a config.json to begin with. One that exists is never replaced. */

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "oci/commands.h"
#include "oci/default-config.h"

#define CONFIG_NAME "config.json"

typedef struct SpecOptions {
    char *bundle;
    bool rootless;
} SpecOptions;

static const Option spec_options[] = {
    { "bundle", 'b', .type = OPTION_STRING, .argument = "directory",
      .offset = offsetof(SpecOptions, bundle),
      .help = "Where to write it (default the current directory)" },
    { "rootless", .type = OPTION_BOOL, .offset = offsetof(SpecOptions, rootless),
      .help = "Write one for a user without privileges" },
};

const OptionTable spec_option_table = {
    OPTION_TABLE(spec_options),
    .stop_at_positional = true,
};

static char *make_text(bool rootless)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = default_config_new(rootless);
    _cleanup_json_ json_t *json = runtime_config_to_json(config);
    _cleanup_free_ char *text = json_dumps(json, JSON_INDENT(4));

    return memory_printf("%s\n", text);
}

static int write_config(const char *directory, const char *text, Error *err)
{
    _cleanup_close_ int dir_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (dir_fd < 0)
        return error_errno(err, "open the bundle '%s'", directory);
    fd = openat(dir_fd, CONFIG_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST)
        return error_set(err, ERROR_CONFLICT, "'%s/%s' exists: remove it first", directory,
                         CONFIG_NAME);
    if (fd < 0)
        return error_errno(err, "make '%s/%s'", directory, CONFIG_NAME);
    r = fd_write_all(fd, text, strlen(text));
    return r < 0 ? error_result(err, r, "write '%s/%s'", directory, CONFIG_NAME) : 0;
}

int oci_spec(Invocation *invocation, Error *err)
{
    SpecOptions options = {};
    int r = invocation_parse(invocation, &options, err);
    _cleanup_free_ char *bundle = options.bundle, *text = NULL;

    if (r < 0)
        return r;
    text = make_text(options.rootless);
    return write_config(bundle ? bundle : ".", text, err);
}
