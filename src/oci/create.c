/* SPDX-License-Identifier: Apache-2.0 */

/* `cay-oci create`: a container whose program waits for `start`. */

#include "oci/commands.h"
#include "oci/container-create.h"

static const Option create_options[] = {
    { "bundle", 'b', .type = OPTION_STRING, .argument = "directory",
      .offset = offsetof(CreateOptions, bundle),
      .help = "Where config.json is (default the current directory)" },
    { "console-socket", .type = OPTION_STRING, .argument = "socket",
      .offset = offsetof(CreateOptions, console_socket),
      .help = "Unix socket that gets the master side of the terminal" },
    { "no-new-keyring", .type = OPTION_BOOL, .offset = offsetof(CreateOptions, no_new_keyring),
      .help = "Keep the session keyring of the caller" },
    { "no-pivot", .type = OPTION_BOOL, .offset = offsetof(CreateOptions, no_pivot),
      .help = "Change the root in a way that works on an initramfs too" },
    { "pid-file", .type = OPTION_STRING, .argument = "file",
      .offset = offsetof(CreateOptions, pid_file),
      .help = "Write the pid of the first process to a file" },
    { "pidfd-socket", .type = OPTION_STRING, .argument = "socket",
      .offset = offsetof(CreateOptions, pidfd_socket),
      .help = "Unix socket that gets a pidfd of the first process" },
    { "preserve-fds", .type = OPTION_INT64, .argument = "number",
      .offset = offsetof(CreateOptions, preserve_fds),
      .help = "Pass so many more descriptors on, from 3 (and those of LISTEN_FDS) on" },
};

const OptionTable create_option_table = {
    OPTION_TABLE(create_options),
    .stop_at_positional = true,
};

int oci_create(Invocation *invocation, Error *err)
{
    _cleanup_create_options_ CreateOptions options = { .detach = true };
    _cleanup_creation_ Creation creation = CREATION_INIT;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = inherited_fds_take(options.preserve_fds, true, &options.inherited, err);
    if (r >= 0)
        r = container_create(invocation, &options, &creation, err);
    if (r < 0)
        return r;
    sandbox_detach(TAKE_PTR(creation.sandbox));
    return 0;
}
