/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A container as `inspect` shows it: Docker's ContainerInspectResponse, member for member. Its
 * parts are in files of their own (inspect-*.c); here is what holds them together.
 */

#include <string.h>

#include "base/memory.h"
#include "engine/container-exec.h"
#include "engine/inspect-private.h"
#include "supervisor/log-options.h"

/* The program and its arguments, as they are executed. */
static void set_command(json_t *json, const json_t *spec)
{
    json_t *words = json_array(), *path;

    json_array_extend(words, json_object_get(spec, "Entrypoint"));
    json_array_extend(words, json_object_get(spec, "Cmd"));
    path = json_array_get(words, 0);
    json_object_set_new(json, "Path", path ? json_incref(path) : json_string(""));
    json_array_remove(words, 0);
    json_object_set_new(json, "Args", words);
}

static void set_path(json_t *json, const char *name, const char *directory, const char *file)
{
    _cleanup_free_ char *path = memory_printf("%s/%s", directory, file);

    json_object_set_new(json, name, json_string(path));
}

/* As in Docker, it tells where json-file writes, whose format others read too. */
static void set_log_path(json_t *json, const Container *container, const char *directory)
{
    const ContainerLogConfig *log = &container->spec.log_config;
    LogFileSettings settings;

    log_file_settings(log->type, &log->options, container->id, &settings);
    if (settings.format == LOG_FORMAT_JSON)
        set_path(json, "LogPath", directory, settings.name);
    else
        json_object_set_new(json, "LogPath", json_string(""));
}

static json_t *make_exec_ids(Engine *engine, const Container *container)
{
    _cleanup_string_list_ StringList ids = {};
    json_t *array;

    container_exec_list(engine, container->id, &ids);
    if (ids.count == 0)
        return json_null();
    array = json_array();
    for (size_t i = 0; i < ids.count; i++)
        json_array_append_new(array, json_string(ids.items[i]));
    return array;
}

static void add_identity(json_t *json, const Container *container, const json_t *spec)
{
    json_object_set_new(json, "Id", json_string(container->id));
    inspect_set_time(json, "Created", container->created_at);
    set_command(json, spec);
}

static void add_files(json_t *json, const Container *container, const char *directory)
{
    set_path(json, "ResolvConfPath", directory, "resolv.conf");
    set_path(json, "HostnamePath", directory, "hostname");
    set_path(json, "HostsPath", directory, "hosts");
    set_log_path(json, container, directory);
}

static void add_environment(json_t *json, Engine *engine, const Container *container)
{
    _cleanup_free_ char *name = memory_printf("/%s", container->name);

    json_object_set_new(json, "Name", json_string(name));
    json_object_set_new(json, "RestartCount", json_integer(container->restart_count));
    json_object_set_new(json, "Driver", json_string(CONTAINER_STORAGE_DRIVER));
    json_object_set_new(json, "Platform", json_string("linux"));
    json_object_set_new(json, "MountLabel", json_string(""));
    json_object_set_new(json, "ProcessLabel", json_string(""));
    json_object_set_new(json, "AppArmorProfile", json_string(""));
    json_object_set_new(json, "ExecIDs", make_exec_ids(engine, container));
}

int container_to_inspect(Engine *engine, const Container *container, bool with_size, json_t **ret,
                         Error *err)
{
    _cleanup_free_ char *directory =
        memory_printf("%s/containers/%s", engine->state_path, container->id);
    _cleanup_json_ json_t *spec = json_struct_write(&container_spec_json, &container->spec);
    _cleanup_json_ json_t *json = json_object();

    add_identity(json, container, spec);
    json_object_set_new(json, "State", inspect_state(engine, container));
    json_object_set_new(json, "Image", json_string(container->image.text));
    add_files(json, container, directory);
    add_environment(json, engine, container);
    json_object_set_new(json, "HostConfig", inspect_host_config(container, spec));
    json_object_set_new(json, "GraphDriver", inspect_graph_driver(engine, container, directory));
    if (with_size) {
        int64_t own, all;
        int r = container_measure(engine, container, &own, &all, err);

        if (r < 0)
            return r;
        json_object_set_new(json, "SizeRw", json_integer(own));
        json_object_set_new(json, "SizeRootFs", json_integer(all));
    }
    json_object_set_new(json, "Mounts", inspect_mounts(engine, container));
    json_object_set_new(json, "Config", inspect_config(container, spec));
    json_object_set_new(json, "NetworkSettings", inspect_network_settings(engine, container));

    *ret = TAKE_PTR(json);
    return 0;
}
