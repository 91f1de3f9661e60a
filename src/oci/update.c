/* SPDX-License-Identifier: Apache-2.0 */

/* `cay-oci update`: other limits for a container that runs, as JSON or one option each. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "base/parse.h"
#include "oci/commands.h"
#include "oci/container.h"

typedef struct UpdateOptions {
    char *file; /* "-": standard input */
    LinuxResources resources;
} UpdateOptions;

static void update_options_done(UpdateOptions *options)
{
    free(options->file);
    json_struct_done(&linux_resources_json, &options->resources);
}

static void *member(const Option *option, void *target)
{
    return (char *)target + option->offset;
}

/* "512m", or "-1" for no limit. */
static int take_memory(const Option *option, const char *value, void *target, Error *err)
{
    OptionalInt64 *limit = member(option, target);

    limit->is_set = true;
    limit->value = -1;
    if (strcmp(value, "-1") == 0 || parse_size(value, &limit->value) >= 0)
        return 0;
    return error_set(err, ERROR_INVALID, "not a size: write bytes, or '512m', '1.5g'");
}

static int take_unsigned(const Option *option, const char *value, void *target, Error *err)
{
    OptionalUint64 *number = member(option, target);

    number->is_set = true;
    if (parse_u64(value, &number->value) >= 0)
        return 0;
    return error_set(err, ERROR_INVALID, "not a whole number");
}

static int take_pids(const Option *option, const char *value, void *target, Error *err)
{
    LinuxPids **pids = member(option, target);

    if (!*pids)
        *pids = NEW(LinuxPids);
    if (parse_i64(value, &(*pids)->limit) >= 0)
        return 0;
    return error_set(err, ERROR_INVALID, "not a whole number");
}

#define MEMBER(name) .offset = offsetof(UpdateOptions, resources.name)
#define UNSIGNED .type = OPTION_HANDLER, .handler = take_unsigned
#define BYTES .type = OPTION_HANDLER, .handler = take_memory, .argument = "bytes"

static const Option update_options[] = {
    { "blkio-weight", UNSIGNED, .argument = "weight", MEMBER(block_io.weight),
      .help = "Share of block I/O, 10 to 1000" },
    { "cpu-burst", UNSIGNED, .argument = "microseconds", MEMBER(cpu.burst),
      .help = "CPU time that may be saved up beyond the quota" },
    { "cpu-idle", .type = OPTION_OPTIONAL_INT64, .argument = "0|1", MEMBER(cpu.idle),
      .help = "Only run when nobody else does" },
    { "cpu-period", UNSIGNED, .argument = "microseconds", MEMBER(cpu.period),
      .help = "Period that the quota is of" },
    { "cpu-quota", .type = OPTION_OPTIONAL_INT64, .argument = "microseconds", MEMBER(cpu.quota),
      .help = "CPU time in each period; -1 for no limit" },
    { "cpu-rt-period", UNSIGNED, .argument = "microseconds", MEMBER(cpu.realtime_period),
      .help = "Period of real-time scheduling" },
    { "cpu-rt-runtime", .type = OPTION_OPTIONAL_INT64, .argument = "microseconds",
      MEMBER(cpu.realtime_runtime), .help = "CPU time in each period of real-time scheduling" },
    { "cpu-share", UNSIGNED, .argument = "shares", MEMBER(cpu.shares),
      .help = "Share of CPU time next to others" },
    { "cpuset-cpus", .type = OPTION_STRING, .argument = "list", MEMBER(cpu.cpus),
      .help = "CPUs to run on" },
    { "cpuset-mems", .type = OPTION_STRING, .argument = "list", MEMBER(cpu.mems),
      .help = "Memory nodes to use" },
    { "memory", BYTES, MEMBER(memory.limit), .help = "Memory limit; -1 for none" },
    { "memory-reservation", BYTES, MEMBER(memory.reservation),
      .help = "Memory that is left to it when memory is short" },
    { "memory-swap", BYTES, MEMBER(memory.swap),
      .help = "Limit of memory and swap together; -1 for none" },
    { "pids-limit", .type = OPTION_HANDLER, .handler = take_pids, .argument = "number",
      MEMBER(pids), .help = "How many processes there may be; 0 or -1 for any number" },
    { "resources", 'r', .type = OPTION_STRING, .argument = "file",
      .offset = offsetof(UpdateOptions, file),
      .help = "Limits as JSON from a file, or from standard input ('-'), instead of options" },
};

static const UnsupportedOption unsupported_options[] = {
    { "kernel-memory" },
    { "kernel-memory-tcp" },
    { "l3-cache-schema" },
    { "mem-bw-schema" },
};

const OptionTable update_option_table = {
    OPTION_TABLE(update_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
    .stop_at_positional = true,
};

static int read_resources(const char *path, LinuxResources *resources, Error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    _cleanup_close_ int file_fd = is_stdin ? -EBADF : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int fd = is_stdin ? STDIN_FILENO : file_fd;
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    size_t size;
    int r = fd < 0 ? -errno : fd_read_all(fd, RUNTIME_CONFIG_SIZE_MAX, &text, &size);

    if (r < 0)
        return error_result(err, r, "read the resources '%s'", path);
    json_struct_done(&linux_resources_json, resources);
    r = json_parse(text, size, &json, err);
    if (r >= 0)
        r = json_struct_read(&linux_resources_json, json, resources, err);
    return r < 0 ? error_wrap(err, r, "%s", path) : 0;
}

/* The rules for resources are those of a configuration that has them. */
static int validate(const Container *container, LinuxResources *resources, Error *err)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
    int r = container_read_config(container, &config, err);

    if (r < 0)
        return r;

    LinuxResources own = config->linux_config.resources;

    config->linux_config.resources = *resources;
    r = runtime_config_validate(config, err);
    config->linux_config.resources = own;
    return r;
}

static int update(Container *container, LinuxResources *resources, Error *err)
{
    RuntimeStatus status = container_status(container);
    Cgroup *cgroup;
    int r;

    if (status == RUNTIME_STOPPED || status == RUNTIME_CREATING)
        return error_set(err, ERROR_CONFLICT, "container not running: '%s' is %s",
                         container->record.id, runtime_status_to_string(status));
    r = validate(container, resources, err);
    if (r >= 0)
        r = container_open_cgroup(container, &cgroup, err);
    if (r < 0)
        return r;
    if (!cgroup)
        return error_set(err, ERROR_UNSUPPORTED, "container '%s' has no cgroup to be limited by",
                         container->record.id);
    return cgroup_update(cgroup, resources, err);
}

int oci_update(Invocation *invocation, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_(update_options_done) UpdateOptions options = {};
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0 && options.file)
        r = read_resources(options.file, &options.resources, err);
    if (r >= 0)
        r = container_open_argument(invocation, &container, err);
    return r < 0 ? r : update(container, &options.resources, err);
}
