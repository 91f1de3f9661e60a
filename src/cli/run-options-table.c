/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The options of `cay run`, those of Docker that this version lacks, and how each value that is
 * more than a plain type is taken.
 */

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/parse.h"
#include "cli/caller.h"
#include "cli/run-network-options.h"
#include "cli/run-option-values.h"
#include "cli/run-options.h"
#include "engine/mount-spec.h"
#include "engine/secret.h"

static int take_label(const Option *option, const char *value, void *target, Error *err)
{
    RunOptions *options = target;
    size_t length = strcspn(value, "=");
    _cleanup_free_ char *key = memory_strndup(value, length);

    (void)option, (void)err; /* an empty name is refused with the specification */
    string_map_set(&options->labels, key, value[length] ? value + length + 1 : "");
    return 0;
}

static int take_tmpfs(const Option *option, const char *value, void *target, Error *err)
{
    RunOptions *options = target;
    size_t length = strcspn(value, ":");
    _cleanup_free_ char *mount_point = memory_strndup(value, length);
    const char *parameters = value[length] ? value + length + 1 : "";
    int r = mount_spec_validate_tmpfs(mount_point, parameters, err);

    (void)option;
    if (r == 0)
        string_map_set(&options->spec.tmpfs, mount_point, parameters);
    return r;
}

static int take_volume(const Option *option, const char *value, void *target, Error *err)
{
    RunOptions *options = target;
    _cleanup_free_ char *directory = get_current_dir_name();
    char *complete;
    int r = mount_spec_complete_bind(value, directory, &complete, err);

    (void)option;
    if (r < 0)
        return r;
    if (strchr(complete, ':')) {
        string_list_take(&options->spec.binds, complete);
        return 0;
    }
    /* The target alone: an anonymous volume. */
    if (string_list_contains(&options->spec.volumes, complete))
        free(complete);
    else
        string_list_take(&options->spec.volumes, complete);
    return 0;
}

static int take_mount(const Option *option, const char *value, void *target, Error *err)
{
    ContainerSpec *spec = &((RunOptions *)target)->spec;
    _cleanup_free_ char *directory = get_current_dir_name();
    ContainerMount mount;
    int r = mount_spec_parse_mount(value, directory, &mount, err);

    (void)option;
    if (r < 0)
        return r;
    if (mount.match_user)
        caller_ids(&mount.match_uid, &mount.match_gid);
    *JSON_ARRAY_ADD(&spec->mounts) = mount;
    return 0;
}

static int take_secret(const Option *option, const char *value, void *target, Error *err)
{
    ContainerSpec *spec = &((RunOptions *)target)->spec;
    ContainerSecret secret;
    int r = secret_spec_parse(value, &secret, err);

    (void)option;
    if (r == 0)
        *JSON_ARRAY_ADD(&spec->secrets) = secret;
    return r;
}

static int read_limit(const char *text, int64_t *ret, Error *err)
{
    if (parse_i64(text, ret) < 0)
        return error_set(err, ERROR_INVALID, "'%s' is not a whole number", text);
    return 0;
}

/* "nofile=1024:2048", or one number for both limits. */
static int take_ulimit(const Option *option, const char *value, void *target, Error *err)
{
    ContainerSpec *spec = &((RunOptions *)target)->spec;
    _cleanup_string_list_ StringList limits = {};
    size_t length = strcspn(value, "=");
    ContainerUlimit limit = {};
    int r;

    (void)option;
    if (length == 0 || value[length] == '\0')
        return error_set(err, ERROR_INVALID, "write it as NAME=SOFT[:HARD]");
    string_list_split(&limits, value + length + 1, ':');
    if (limits.count > 2)
        return error_set(err, ERROR_INVALID, "more than two limits: write it as NAME=SOFT[:HARD]");
    r = read_limit(limits.items[0], &limit.soft, err);
    if (r == 0)
        r = read_limit(limits.items[limits.count - 1], &limit.hard, err);
    if (r < 0)
        return r;

    limit.name = memory_strndup(value, length);
    *JSON_ARRAY_ADD(&spec->ulimits) = limit;
    return 0;
}

/* The check that the options say parts of. */
static ContainerHealthcheck *healthcheck_of(RunOptions *options)
{
    if (!options->spec.healthcheck)
        options->spec.healthcheck = NEW(ContainerHealthcheck);
    return options->spec.healthcheck;
}

static int take_health_command(const Option *option, const char *value, void *target, Error *err)
{
    ContainerHealthcheck *healthcheck = healthcheck_of(target);

    (void)option, (void)err; /* without a command the image's counts */
    string_list_done(&healthcheck->test);
    if (*value != '\0') {
        string_list_add(&healthcheck->test, "CMD-SHELL");
        string_list_add(&healthcheck->test, value);
    }
    return 0;
}

/* The option's offset is that in the check. */
static int take_health_duration(const Option *option, const char *value, void *target, Error *err)
{
    int64_t *duration = (int64_t *)((char *)healthcheck_of(target) + option->offset);

    if (parse_duration(value, duration) < 0)
        return error_set(err, ERROR_INVALID, "write a time such as '30s' or '1m30s'");
    return 0;
}

static int take_health_retries(const Option *option, const char *value, void *target, Error *err)
{
    (void)option;
    return read_limit(value, &healthcheck_of(target)->retries, err);
}

static int take_pull(const Option *option, const char *value, void *target, Error *err)
{
    static const char *const policies[] = {
        [PULL_MISSING] = "missing",
        [PULL_ALWAYS] = "always",
        [PULL_NEVER] = "never",
    };
    RunOptions *options = target;

    (void)option;
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
        if (strcmp(policies[i], value) == 0) {
            options->pull = (PullPolicy)i;
            return 0;
        }
    return error_set(err, ERROR_INVALID, "use 'always', 'missing' or 'never'");
}

#define HEALTH(member)                                                                             \
    TAKEN_BY(take_health_duration, "duration"), .offset = offsetof(ContainerHealthcheck, member)
#define ASSIGNMENT(member)                                                                         \
    .type = OPTION_HANDLER, .argument = "map", .handler = run_take_assignment, SPEC(member)
#define RATE(member)                                                                               \
    .type = OPTION_HANDLER, .argument = "list", .handler = run_take_device_rate, SPEC(member)
#define SPEC(member) .offset = offsetof(RunOptions, spec.member)
#define OWN(member) .offset = offsetof(RunOptions, member)
#define FLAG .type = OPTION_BOOL
#define TEXT(placeholder) .type = OPTION_STRING, .argument = (placeholder)
#define LIST .type = OPTION_STRING_LIST, .argument = "list"
#define NUMBER .type = OPTION_INT64, .argument = "int"
#define BYTES .type = OPTION_SIZE, .argument = "bytes"
#define TAKEN_BY(function, placeholder)                                                            \
    .type = OPTION_HANDLER, .argument = (placeholder), .handler = (function)

static const Option options[] = {
    { "add-host", TAKEN_BY(run_take_add_host, "list"),
      .help = "Add a host to /etc/hosts (NAME:ADDRESS or NAME=ADDRESS, \"host-gateway\" for the "
              "host's address)" },
    { "annotation", ASSIGNMENT(annotations),
      .help = "Add an annotation to the container's OCI configuration" },
    { "attach", 'a', TAKEN_BY(run_take_attach, "list"),
      .help = "Attach to the container's stdin, stdout or stderr" },
    { "blkio-weight", NUMBER, SPEC(blkio_weight),
      .help = "Weight of block I/O from 10 to 1000, 0 for the default" },
    { "blkio-weight-device", TAKEN_BY(run_take_weight_device, "list"),
      .help = "Weight of block I/O on one device (DEVICE:WEIGHT)" },
    { "cap-add", LIST, SPEC(capabilities_add), .help = "Add Linux capabilities" },
    { "cap-drop", LIST, SPEC(capabilities_drop), .help = "Drop Linux capabilities" },
    { "cgroup-parent", TEXT("string"), SPEC(cgroup_parent),
      .help = "Cgroup below which the container's is made" },
    { "cgroupns", TEXT("string"), SPEC(cgroupns_mode),
      .help = "Cgroup namespace: host or private (default private)" },
    { "cidfile", TEXT("string"), OWN(cidfile), .help = "Write the container's ID to this file" },
    { "cpu-period", NUMBER, SPEC(cpu_period), .help = "Period of the CPU quota in microseconds" },
    { "cpu-quota", NUMBER, SPEC(cpu_quota), .help = "CPU time in each period in microseconds" },
    { "cpu-rt-period", NUMBER, SPEC(cpu_rt_period),
      .help = "Period of the real-time limit in microseconds" },
    { "cpu-rt-runtime", NUMBER, SPEC(cpu_rt_runtime),
      .help = "Real-time CPU time in each period in microseconds" },
    { "cpu-shares", 'c', NUMBER, SPEC(cpu_shares), .help = "CPU shares (relative weight)" },
    { "cpus", TAKEN_BY(run_take_cpus, "decimal"), .help = "Number of CPUs" },
    { "cpuset-cpus", TEXT("string"), SPEC(cpuset_cpus),
      .help = "CPUs in which to allow execution (0-3, 0,1)" },
    { "cpuset-mems", TEXT("string"), SPEC(cpuset_mems),
      .help = "Memory nodes in which to allow execution (0-3, 0,1)" },
    { "detach", 'd', FLAG, OWN(detach), .flags = OPTION_OF_VARIANT,
      .help = "Run the container in the background and print its ID" },
    { "detach-keys", TEXT("string"), OWN(detach_keys), .flags = OPTION_OF_VARIANT,
      .help = "Keys that leave a container with a terminal (default \"ctrl-p,ctrl-q\")" },
    { "device", TAKEN_BY(run_take_device, "list"),
      .help = "Add a device of the host (HOST[:CONTAINER][:PERMISSIONS]), or a CDI device by its "
              "name (VENDOR/CLASS=NAME)" },
    { "device-cgroup-rule", LIST, SPEC(device_cgroup_rules),
      .help = "Allow more devices (\"c 1:3 rwm\")" },
    { "device-read-bps", RATE(blkio_read_bps),
      .help = "Limit reading from a device (DEVICE:BYTES a second)" },
    { "device-read-iops", RATE(blkio_read_iops),
      .help = "Limit reads from a device (DEVICE:NUMBER a second)" },
    { "device-write-bps", RATE(blkio_write_bps),
      .help = "Limit writing to a device (DEVICE:BYTES a second)" },
    { "device-write-iops", RATE(blkio_write_iops),
      .help = "Limit writes to a device (DEVICE:NUMBER a second)" },
    { "dns", LIST, SPEC(dns), .help = "Set custom DNS servers" },
    { "dns-opt", LIST, SPEC(dns_options), .flags = OPTION_HIDDEN,
      .help = "The same as --dns-option" },
    { "dns-option", LIST, SPEC(dns_options), .help = "Set DNS options" },
    { "dns-search", LIST, SPEC(dns_search), .help = "Set custom DNS search domains" },
    { "domainname", TEXT("string"), SPEC(domainname), .help = "NIS domain name of the container" },
    { "entrypoint", TEXT("string"), OWN(entrypoint),
      .help = "Replace the image's entrypoint; empty resets it" },
    { "env", 'e', LIST, OWN(environment), .help = "Set environment variables" },
    { "env-file", LIST, OWN(environment_files), .help = "Read environment variables from a file" },
    { "expose", TAKEN_BY(run_take_expose, "list"),
      .help = "Tell that a port, or a range of ports, is served" },
    { "group-add", LIST, SPEC(groups_add), .help = "Add further groups to join" },
    { "health-cmd", TAKEN_BY(take_health_command, "string"),
      .help = "Command to run to check health" },
    { "health-interval", HEALTH(interval),
      .help = "Time between running the check (ms|s|m|h) (default 30s)" },
    { "health-retries", TAKEN_BY(take_health_retries, "int"),
      .help = "Consecutive failures needed to report unhealthy (default 3)" },
    { "health-start-interval", HEALTH(start_interval),
      .help = "Time between running the check during the start period (ms|s|m|h) (default 5s)" },
    { "health-start-period", HEALTH(start_period),
      .help = "Time to initialize, in which failures do not count (ms|s|m|h) (default 0s)" },
    { "health-timeout", HEALTH(timeout),
      .help = "Maximum time for one check to run (ms|s|m|h) (default 30s)" },
    { "hostname", 'h', TEXT("string"), SPEC(hostname), .help = "Host name of the container" },
    { "init", FLAG, SPEC(init),
      .help = "Run an init in the container that forwards signals and reaps processes" },
    { "interactive", 'i', FLAG, SPEC(open_stdin), .help = "Keep standard input open" },
    { "ip", TAKEN_BY(run_take_network_field, "ip"), .help = "IPv4 address (e.g., 172.30.100.104)" },
    { "ip6", TAKEN_BY(run_take_network_field, "ip"), .help = "IPv6 address (e.g., 2001:db8::33)" },
    { "ipc", TEXT("string"), SPEC(ipc_mode),
      .help = "IPC namespace: none, private, shareable, host or container:NAME" },
    { "label", 'l', TAKEN_BY(take_label, "list"), .help = "Set metadata on the container" },
    { "label-file", LIST, OWN(label_files), .help = "Read labels from a file" },
    { "link", TAKEN_BY(run_take_network_field, "list"), .help = "Add link to another container" },
    { "link-local-ip", TAKEN_BY(run_take_network_field, "list"),
      .help = "Container IPv4/IPv6 link-local addresses" },
    { "log-driver", TEXT("string"), SPEC(log_config.type),
      .help = "Where the output is logged (\"json-file\", \"local\", \"none\", \"journald\", "
              "\"syslog\") (default \"json-file\")" },
    { "log-opt", ASSIGNMENT(log_config.options), .help = "Options of the log driver" },
    { "mac-address", TAKEN_BY(run_take_network_field, "string"),
      .help = "Container MAC address (e.g., 92:d0:c6:0a:29:33)" },
    { "memory", 'm', BYTES, SPEC(memory), .help = "Memory limit" },
    { "memory-reservation", BYTES, SPEC(memory_reservation),
      .help = "Memory that is left to it when the host runs short" },
    { "memory-swap", TAKEN_BY(run_take_memory_swap, "bytes"),
      .help = "Limit of memory and swap together: -1 for unlimited swap" },
    { "memory-swappiness", .type = OPTION_OPTIONAL_INT64, .argument = "int",
      SPEC(memory_swappiness), .help = "How readily its memory is swapped out, 0 to 100" },
    { "mount", TAKEN_BY(take_mount, "mount"),
      .help = "Mount a path of the host, a volume, a tmpfs or an image" },
    { "name", TEXT("string"), SPEC(name), .help = "Name of the container" },
    { "net", TAKEN_BY(run_take_network, "network"), .flags = OPTION_HIDDEN,
      .help = "The same as --network" },
    { "net-alias", TAKEN_BY(run_take_network_field, "list"), .flags = OPTION_HIDDEN,
      .help = "The same as --network-alias" },
    { "net-rate", LIST, OWN(net_rates),
      .help =
          "Limit what comes in and goes out ([NETWORK:]ingress=RATE,egress=RATE; bits a second, "
          "or with a unit: 10mbit, 1mbyte)" },
    { "network", TAKEN_BY(run_take_network, "network"),
      .help = "Connect the container to a network (NAME[:alias=NAME,ip=ADDRESS,...]), or none, "
              "host, container:NAME, ns:PATH, cni:NAME" },
    { "network-alias", TAKEN_BY(run_take_network_field, "list"),
      .help = "Add network-scoped alias for the container" },
    { "no-healthcheck", FLAG, OWN(no_healthcheck), .help = "Do without the image's health check" },
    { "oom-kill-disable", FLAG, SPEC(oom_kill_disable),
      .help = "Do not kill it when it has used up its memory" },
    { "oom-score-adj", NUMBER, SPEC(oom_score_adj),
      .help = "Preference of the host's OOM killer, -1000 to 1000" },
    { "pid", TEXT("string"), SPEC(pid_mode), .help = "PID namespace: host or container:NAME" },
    { "pids-limit", NUMBER, SPEC(pids_limit),
      .help = "Limit of the number of processes (-1 for unlimited)" },
    { "platform", TEXT("string"), SPEC(platform),
      .help = "Platform of the image, where it has several" },
    { "privileged", FLAG, SPEC(privileged), .help = "Give extended privileges to the container" },
    { "publish", 'p', TAKEN_BY(run_take_publish, "list"),
      .help = "Publish a container's port(s) to the host ([[ADDRESS:]PORT:]PORT[/PROTOCOL])" },
    { "publish-all", 'P', FLAG, SPEC(publish_all_ports),
      .help = "Publish all exposed ports to random ports" },
    { "publish-allow", LIST, SPEC(publish_allow),
      .help = "Who may connect to published ports (ADDRESS/LENGTH) (default everybody)" },
    { "pull", TAKEN_BY(take_pull, "string"),
      .help = "Pull the image before running (\"always\", \"missing\", \"never\") (default "
              "\"missing\")" },
    { "quiet", 'q', FLAG, OWN(quiet), .help = "Print nothing about pulling" },
    { "read-only", FLAG, SPEC(read_only_rootfs),
      .help = "Mount the container's root file system read-only" },
    { "restart", TAKEN_BY(run_take_restart, "string"),
      .help = "Restart policy: no, always, unless-stopped, on-failure[:n] or unhealthy[:n]" },
    { "rm", FLAG, SPEC(auto_remove), .help = "Remove the container when it exits" },
    { "runtime", TAKEN_BY(run_take_runtime, "string"),
      .help = "Another OCI runtime: a path, or a program in PATH" },
    { "secret", TAKEN_BY(take_secret, "secret"),
      .help = "Give it a secret as a file in /run/secrets "
              "(NAME[,target=FILE][,uid=N][,gid=N][,mode=0444])" },
    { "security-opt", LIST, SPEC(security_options), .help = "Security options" },
    { "shm-size", BYTES, SPEC(shm_size), .help = "Size of /dev/shm" },
    { "sig-proxy", FLAG, OWN(sig_proxy), .flags = OPTION_OF_VARIANT,
      .help = "Pass received signals on to the process (default true)" },
    { "stop-signal", TEXT("string"), SPEC(stop_signal), .help = "Signal to stop the container" },
    { "stop-timeout", .type = OPTION_OPTIONAL_INT64, .argument = "int", SPEC(stop_timeout),
      .help = "Seconds to wait for the container to stop before it is killed" },
    { "storage-opt", ASSIGNMENT(storage_options),
      .help = "Options of the container's files: size=10G limits what they may take" },
    { "sysctl", ASSIGNMENT(sysctls), .help = "Kernel parameters of the container" },
    { "tmpfs", TAKEN_BY(take_tmpfs, "list"), .help = "Mount a tmpfs at a directory" },
    { "tty", 't', FLAG, SPEC(tty), .help = "Allocate a pseudo-terminal" },
    { "ulimit", TAKEN_BY(take_ulimit, "ulimit"), .help = "Ulimit options" },
    { "user", 'u', TEXT("string"), SPEC(user),
      .help = "User name or UID (format: <name|uid>[:<group|gid>])" },
    { "userns", TAKEN_BY(run_take_userns, "string"),
      .help = "User namespace: auto, host, keep-id, nomap, container:NAME" },
    { "uts", TEXT("string"), SPEC(uts_mode), .help = "UTS namespace: host" },
    { "volume", 'v', TAKEN_BY(take_volume, "list"),
      .help = "Mount a path of the host or a volume ([SOURCE:]TARGET[:OPTIONS])" },
    { "volume-driver", TEXT("string"), SPEC(volume_driver),
      .help = "Driver of the volumes that are made for the container" },
    { "volumes-from", LIST, SPEC(volumes_from),
      .help = "Mount what another container has mounted (CONTAINER[:ro|rw])" },
    { "workdir", 'w', TEXT("string"), SPEC(working_directory),
      .help = "Working directory inside the container" },
};

/* Why there is no such option. */
#define WINDOWS "it is for Windows containers"

static const UnsupportedOption unsupported[] = {
    { "cpu-count", .instead = WINDOWS },
    { "cpu-percent", .instead = WINDOWS },
    { "disable-content-trust", .instead = "images are not signed, so there is nothing to disable" },
    { "gpus", .instead = "name a CDI device, such as '--device nvidia.com/gpu=all'" },
    { "io-maxbandwidth", .instead = WINDOWS },
    { "io-maxiops", .instead = WINDOWS },
    { "isolation", .instead = WINDOWS },
    { "kernel-memory", .instead = "kernels have no such limit any more, use '--memory'" },
    { "use-api-socket", .instead = "there is no API socket" },
};

const OptionTable run_option_table = {
    OPTION_TABLE(options),
    OPTION_TABLE_UNSUPPORTED(unsupported),
    .stop_at_positional = true,
};

const OptionTable create_option_table = {
    OPTION_TABLE(options),
    OPTION_TABLE_UNSUPPORTED(unsupported),
    .without = OPTION_OF_VARIANT,
    .stop_at_positional = true,
};
