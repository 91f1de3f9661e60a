/* SPDX-License-Identifier: Apache-2.0 */

/* `cay update`: other limits, ports, rates or another restart policy for containers that exist. */

#include <stddef.h>

#include "base/parse.h"
#include "cli/commands.h"
#include "cli/each-argument.h"
#include "cli/open-engine.h"
#include "cli/run-network-options.h"
#include "cli/run-option-values.h"
#include "cli/run-options.h"
#include "engine/container.h"
#include "engine/published-port.h"

/* Docker has 0 for any number as well; in a specification it stands for the default. */
static int take_pids_limit(const Option *option, const char *value, void *target, Error *err)
{
    RunOptions *options = target;

    (void)option;
    if (parse_i64(value, &options->spec.pids_limit) < 0)
        return error_set(err, ERROR_INVALID, "not a whole number");
    if (options->spec.pids_limit == 0)
        options->spec.pids_limit = -1;
    return 0;
}

static int take_unpublish(const Option *option, const char *value, void *target, Error *err)
{
    (void)option;
    return published_port_parse(value, &((RunOptions *)target)->unpublish, err);
}

#define SPEC(member) .offset = offsetof(RunOptions, spec.member)
#define TEXT .type = OPTION_STRING, .argument = "string"
#define NUMBER .type = OPTION_INT64, .argument = "int"
#define BYTES .type = OPTION_SIZE, .argument = "bytes"
#define TAKEN_BY(function, placeholder)                                                            \
    .type = OPTION_HANDLER, .argument = (placeholder), .handler = (function)

static const Option update_options[] = {
    { "blkio-weight", NUMBER, SPEC(blkio_weight),
      .help = "Share of block I/O next to others, 10 to 1000" },
    { "cpu-period", NUMBER, SPEC(cpu_period), .help = "Period of the CPU quota in microseconds" },
    { "cpu-quota", NUMBER, SPEC(cpu_quota),
      .help = "CPU time in each period in microseconds (-1 for unlimited)" },
    { "cpu-rt-period", NUMBER, SPEC(cpu_rt_period),
      .help = "Period of real-time scheduling in microseconds" },
    { "cpu-rt-runtime", NUMBER, SPEC(cpu_rt_runtime),
      .help = "CPU time in each period of real-time scheduling in microseconds" },
    { "cpu-shares", 'c', NUMBER, SPEC(cpu_shares), .help = "CPU shares (relative weight)" },
    { "cpus", TAKEN_BY(run_take_cpus, "decimal"), .help = "Number of CPUs" },
    { "cpuset-cpus", TEXT, SPEC(cpuset_cpus),
      .help = "CPUs in which to allow execution (0-3, 0,1)" },
    { "cpuset-mems", TEXT, SPEC(cpuset_mems),
      .help = "Memory nodes in which to allow execution (0-3, 0,1)" },
    { "memory", 'm', BYTES, SPEC(memory), .help = "Memory limit" },
    { "memory-reservation", BYTES, SPEC(memory_reservation),
      .help = "Memory that is left to the container when memory is short" },
    { "memory-swap", TAKEN_BY(run_take_memory_swap, "bytes"),
      .help = "Limit of memory and swap together: -1 for unlimited swap" },
    { "net-rate", .type = OPTION_STRING_LIST, .argument = "list",
      .offset = offsetof(RunOptions, net_rates),
      .help = "Limit what comes in and goes out ([NETWORK:]ingress=RATE,egress=RATE; 0 for no "
              "limit)" },
    { "pids-limit", TAKEN_BY(take_pids_limit, "int"),
      .help = "Limit of the number of processes (-1 for unlimited)" },
    { "publish-add", TAKEN_BY(run_take_publish, "list"),
      .help = "Publish one more port or range ([[ADDRESS:]PORT:]PORT[/PROTOCOL])" },
    { "publish-allow", .type = OPTION_STRING_LIST, .argument = "list", SPEC(publish_allow),
      .help = "Who may connect to what '--publish-add' names (ADDRESS/LENGTH)" },
    { "publish-rm", TAKEN_BY(take_unpublish, "list"),
      .help = "Publish a port or range no more, at the address and port named or at all of them" },
    { "restart", TAKEN_BY(run_take_restart, "string"),
      .help = "Restart policy to apply when the container exits" },
};

static const UnsupportedOption unsupported_options[] = { { "kernel-memory" } };

const OptionTable container_update_option_table = {
    OPTION_TABLE(update_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
};

static int update_one(Engine *engine, const char *name, void *data, Error *err)
{
    return container_update(engine, name, data, err);
}

static bool is_empty(const ContainerChange *change)
{
    _cleanup_json_ json_t *json = json_struct_write(&container_spec_json, &change->spec);

    return json_object_size(json) == 0 && change->publish.count == 0 &&
           change->unpublish.count == 0 && change->net_rates.count == 0;
}

/* What @options say, as a change, which has their contents from here on. */
static int make_change(RunOptions *options, ContainerChange *ret, Error *err)
{
    ContainerPortBindings *added = &options->spec.port_bindings;
    int r = published_ports_validate(&options->spec, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < added->count; i++)
        string_list_copy(&added->items[i].allow, &options->spec.publish_allow);
    string_list_done(&options->spec.publish_allow);
    *ret = (ContainerChange) { .publish = *added,
                               .unpublish = options->unpublish,
                               .net_rates = options->net_rates };
    *added = options->unpublish = (ContainerPortBindings) {};
    options->net_rates = (StringList) {};
    ret->spec = options->spec;
    options->spec = (ContainerSpec) {};
    if (is_empty(ret))
        return error_set(err, ERROR_INVALID,
                         "you must provide one or more flags when using this command");
    return 0;
}

int cli_container_update(Invocation *invocation, Error *err)
{
    _cleanup_run_options_ RunOptions options = {};
    _cleanup_(container_change_done) ContainerChange change = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, make_change(&options, &change, err));
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    return r < 0 ? r : each_argument(invocation, engine, update_one, &change, err);
}
