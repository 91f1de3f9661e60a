/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A container as `inspect` shows it: Docker's ContainerInspectResponse, from field tables over the
 * row, and over the spec once as Config and once as HostConfig.
 */

#include <string.h>

#include "base/memory.h"
#include "base/time-format.h"
#include "engine/container-files.h"
#include "engine/container-private.h"
#include "engine/mount-spec.h"

#define KEPT(member, json_name, json_type)                                                         \
    JSON_FIELD_FLAGS(ContainerSpec, member, json_name, json_type, JSON_KEEP_EMPTY)

static const JsonField config_fields[] = {
    KEPT(hostname, "Hostname", JSON_TYPE_STRING),
    KEPT(user, "User", JSON_TYPE_STRING),
    KEPT(tty, "Tty", JSON_TYPE_BOOL),
    KEPT(open_stdin, "OpenStdin", JSON_TYPE_BOOL),
    KEPT(environment, "Env", JSON_TYPE_STRING_LIST),
    KEPT(command, "Cmd", JSON_TYPE_STRING_LIST),
    KEPT(image, "Image", JSON_TYPE_STRING),
    KEPT(working_directory, "WorkingDir", JSON_TYPE_STRING),
    KEPT(entrypoint, "Entrypoint", JSON_TYPE_STRING_LIST),
    KEPT(labels, "Labels", JSON_TYPE_STRING_MAP),
    JSON_FIELD(ContainerSpec, stop_signal, "StopSignal", JSON_TYPE_STRING),
    JSON_FIELD(ContainerSpec, stop_timeout, "StopTimeout", JSON_TYPE_OPTIONAL_INT64),
};

static const JsonStruct config_json = JSON_STRUCT(ContainerSpec, config_fields);

static const JsonField ulimit_fields[] = {
    JSON_FIELD_FLAGS(ContainerUlimit, name, "Name", JSON_TYPE_STRING, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(ContainerUlimit, hard, "Hard", JSON_TYPE_INT64, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(ContainerUlimit, soft, "Soft", JSON_TYPE_INT64, JSON_KEEP_EMPTY),
};

static const JsonStruct ulimit_json = JSON_STRUCT(ContainerUlimit, ulimit_fields);

static const JsonField host_config_fields[] = {
    KEPT(binds, "Binds", JSON_TYPE_STRING_LIST),
    KEPT(network_mode, "NetworkMode", JSON_TYPE_STRING),
    KEPT(auto_remove, "AutoRemove", JSON_TYPE_BOOL),
    KEPT(capabilities_add, "CapAdd", JSON_TYPE_STRING_LIST),
    KEPT(capabilities_drop, "CapDrop", JSON_TYPE_STRING_LIST),
    KEPT(groups_add, "GroupAdd", JSON_TYPE_STRING_LIST),
    KEPT(privileged, "Privileged", JSON_TYPE_BOOL),
    KEPT(read_only_rootfs, "ReadonlyRootfs", JSON_TYPE_BOOL),
    KEPT(security_options, "SecurityOpt", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ContainerSpec, tmpfs, "Tmpfs", JSON_TYPE_STRING_MAP),
    KEPT(shm_size, "ShmSize", JSON_TYPE_INT64),
    JSON_FIELD(ContainerSpec, sysctls, "Sysctls", JSON_TYPE_STRING_MAP),
    KEPT(cpu_shares, "CpuShares", JSON_TYPE_INT64),
    KEPT(memory, "Memory", JSON_TYPE_INT64),
    KEPT(nano_cpus, "NanoCpus", JSON_TYPE_INT64),
    KEPT(cpuset_cpus, "CpusetCpus", JSON_TYPE_STRING),
    KEPT(memory_swap, "MemorySwap", JSON_TYPE_INT64),
    KEPT(pids_limit, "PidsLimit", JSON_TYPE_INT64),
    KEPT(init, "Init", JSON_TYPE_BOOL),
    { .name = "Ulimits",
      .type = JSON_TYPE_STRUCT_ARRAY,
      .offset = offsetof(ContainerSpec, ulimits),
      .flags = JSON_KEEP_EMPTY,
      .type_of = &ulimit_json },
};

static const JsonStruct host_config_json = JSON_STRUCT(ContainerSpec, host_config_fields);

static void set_time(json_t *object, const char *name, int64_t time)
{
    _cleanup_free_ char *text = time_to_rfc3339(time);

    json_object_set_new(object, name, json_string(text));
}

static json_t *make_state(const Container *container)
{
    ContainerState state = container->state;
    bool is_running = state == CONTAINER_RUNNING;
    json_t *json = json_pack(
        "{s:s, s:b, s:b, s:b, s:b, s:b, s:I, s:I, s:s}", "Status",
        state == CONTAINER_CREATING ? "created" : container_state_to_string(state), "Running",
        is_running, "Paused", 0, "Restarting", 0, "OOMKilled", container->oom_killed, "Dead",
        state == CONTAINER_REMOVING, "Pid", (json_int_t)container->pid, "ExitCode",
        (json_int_t)container->exit_code, "Error", container->error ? container->error : "");

    set_time(json, "StartedAt", container->started_at);
    set_time(json, "FinishedAt", container->finished_at);
    return json;
}

/* The program and its arguments, as they are executed. */
static json_t *make_command(const ContainerSpec *spec, const char **ret_path)
{
    json_t *arguments = json_array();

    *ret_path = "";
    for (size_t i = 0; i < spec->entrypoint.count + spec->command.count; i++) {
        const char *word = i < spec->entrypoint.count
                               ? spec->entrypoint.items[i]
                               : spec->command.items[i - spec->entrypoint.count];

        if (i == 0)
            *ret_path = word;
        else
            json_array_append_new(arguments, json_string(word));
    }
    return arguments;
}

static json_t *make_mount(const ContainerMount *mount)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:s}", "Type", mount->type, "Source",
                     mount->source ? mount->source : "", "Destination", mount->target, "Mode", "",
                     "RW", !mount->read_only, "Propagation",
                     mount->propagation            ? mount->propagation
                     : strcmp(mount->type, "bind") ? ""
                                                   : "rprivate");
}

static int make_mounts(const ContainerSpec *spec, json_t **ret, Error *err)
{
    _cleanup_json_ json_t *mounts = json_array();

    for (size_t i = 0; i < spec->binds.count; i++) {
        ContainerMount mount = {};
        int r = mount_spec_parse_bind(spec->binds.items[i], NULL, &mount, err);

        if (r >= 0)
            json_array_append_new(mounts, make_mount(&mount));
        container_mount_done(&mount);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < spec->mounts.count; i++)
        json_array_append_new(mounts, make_mount(&spec->mounts.items[i]));

    *ret = TAKE_PTR(mounts);
    return 0;
}

static void set_path(json_t *object, const char *name, const char *directory, const char *file)
{
    _cleanup_free_ char *path = memory_printf("%s/%s", directory, file);

    json_object_set_new(object, name, json_string(path));
}

static json_t *make_network_settings(const Container *container)
{
    return json_pack("{s:{s:{s:s, s:s}}}", "Networks", container->spec.network_mode, "NetworkID",
                     "", "IPAddress", "");
}

int container_to_inspect(Engine *engine, const Container *container, json_t **ret, Error *err)
{
    _cleanup_free_ char *directory =
        memory_printf("%s/containers/%s", engine->state_path, container->id);
    _cleanup_free_ char *hostname = container_hostname(container);
    _cleanup_free_ char *name = memory_printf("/%s", container->name);
    _cleanup_json_ json_t *json = json_object();
    json_t *config = json_struct_write(&config_json, &container->spec), *mounts = NULL, *arguments;
    const char *path;
    int r;

    json_object_set_new(config, "Hostname", json_string(hostname));
    json_object_set_new(json, "Id", json_string(container->id));
    set_time(json, "Created", container->created_at);
    arguments = make_command(&container->spec, &path);
    json_object_set_new(json, "Path", json_string(path));
    json_object_set_new(json, "Args", arguments);
    json_object_set_new(json, "State", make_state(container));
    json_object_set_new(json, "Image", json_string(container->image.text));
    set_path(json, "ResolvConfPath", directory, "resolv.conf");
    set_path(json, "HostnamePath", directory, "hostname");
    set_path(json, "HostsPath", directory, "hosts");
    json_object_set_new(json, "Name", json_string(name));
    json_object_set_new(json, "RestartCount", json_integer(0));
    json_object_set_new(json, "Driver", json_string("overlay"));
    json_object_set_new(json, "Platform", json_string("linux"));
    json_object_set_new(json, "HostConfig", json_struct_write(&host_config_json, &container->spec));
    json_object_set_new(json, "Config", config);
    r = make_mounts(&container->spec, &mounts, err);
    if (r < 0)
        return r;
    json_object_set_new(json, "Mounts", mounts);
    json_object_set_new(json, "NetworkSettings", make_network_settings(container));

    *ret = TAKE_PTR(json);
    return 0;
}
