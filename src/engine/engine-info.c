/* SPDX-License-Identifier: Apache-2.0 */

/* What there is on this machine, and how many of it. */

#include "engine/engine-info.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/string-list.h"
#include "base/time-format.h"
#include "cay-config.h"
#include "engine/container.h"
#include "engine/engine-private.h"
#include "engine/images.h"
#include "engine/network.h"
#include "engine/volume.h"
#include "sandbox/features.h"

#define OS_RELEASE_MAX 65536
#define PRETTY_NAME "PRETTY_NAME="

/* os-release(5); the file is there on whatever could be called an operating system. */
static char *operating_system(void)
{
    _cleanup_free_ char *text = NULL;
    _cleanup_string_list_ StringList lines = {};
    _cleanup_close_ int fd = open("/etc/os-release", O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fd_read_all(fd, OS_RELEASE_MAX, &text, NULL) < 0)
        return memory_strdup("Linux");
    string_list_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        const char *value = lines.items[i] + strlen(PRETTY_NAME);

        if (strncmp(lines.items[i], PRETTY_NAME, strlen(PRETTY_NAME)) != 0)
            continue;
        value += strspn(value, "\"'");
        return memory_strndup(value, strcspn(value, "\"'"));
    }
    return memory_strdup("Linux");
}

static bool has_cgroup_v2(void)
{
    _cleanup_close_ int fd = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);

    return fd >= 0 && fd_is_on_fs(fd, CGROUP2_SUPER_MAGIC);
}

static int add_containers(Engine *engine, json_t *info, Error *err)
{
    _cleanup_container_list_ ContainerList list = {};
    size_t running = 0, paused = 0;
    int r = container_list_live(engine, CONTAINER_LIST_BRIEF, &list, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < list.count; i++) {
        paused += list.items[i]->state == CONTAINER_PAUSED;
        running += list.items[i]->state == CONTAINER_RUNNING ||
                   list.items[i]->state == CONTAINER_RESTARTING;
    }
    json_object_set_new(info, "Containers", json_integer((json_int_t)list.count));
    json_object_set_new(info, "ContainersRunning", json_integer((json_int_t)running));
    json_object_set_new(info, "ContainersPaused", json_integer((json_int_t)paused));
    json_object_set_new(info, "ContainersStopped",
                        json_integer((json_int_t)(list.count - running - paused)));
    return 0;
}

static int add_images(Engine *engine, json_t *info, Error *err)
{
    _cleanup_image_list_ ImageList list = {};
    ImageStore *images;
    int r = engine_images(engine, &images, err);

    if (r >= 0)
        r = image_store_list(images, &list, err);
    if (r >= 0)
        json_object_set_new(info, "Images", json_integer((json_int_t)list.count));
    return r;
}

static void add_security(json_t *info)
{
    json_t *options = json_array();
    Features features = {};

    features_collect(&features);
    if (features.linux_features.apparmor.enabled)
        json_array_append_new(options, json_string("name=apparmor"));
    if (features.linux_features.seccomp.enabled)
        json_array_append_new(options, json_string("name=seccomp,profile=builtin"));
    if (features.linux_features.selinux.enabled)
        json_array_append_new(options, json_string("name=selinux"));
    json_array_append_new(options, json_string("name=cgroupns"));
    features_done(&features);
    json_object_set_new(info, "SecurityOptions", options);
}

static void add_machine(json_t *info)
{
    _cleanup_free_ char *system = operating_system();
    struct utsname names;
    struct sysinfo memory = {};

    if (uname(&names) < 0) /* only a bad address makes it fail */
        names = (struct utsname) {};
    (void)sysinfo(&memory); /* the same */
    json_object_set_new(info, "KernelVersion", json_string(names.release));
    json_object_set_new(info, "OperatingSystem", json_string(system));
    json_object_set_new(info, "OSType", json_string("linux"));
    json_object_set_new(info, "Architecture", json_string(names.machine));
    json_object_set_new(info, "NCPU", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    json_object_set_new(info, "MemTotal",
                        json_integer((json_int_t)memory.totalram * (json_int_t)memory.mem_unit));
    json_object_set_new(info, "Name", json_string(names.nodename));
}

static json_t *list_to_json(const StringList *list)
{
    json_t *json = json_array();

    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(json, json_string(list->items[i]));
    return json;
}

static void add_engine(const Engine *engine, json_t *info)
{
    static const char *const log_drivers[] = { "journald", "json-file", "local", "none", "syslog" };
    _cleanup_string_list_ StringList volume_drivers = {}, network_drivers = {};
    json_t *plugins = json_array();

    volume_list_drivers(&volume_drivers);
    network_list_drivers(&network_drivers);
    for (size_t i = 0; i < ARRAY_SIZE(log_drivers); i++)
        json_array_append_new(plugins, json_string(log_drivers[i]));
    json_object_set_new(info, "Driver", json_string("overlay2"));
    json_object_set_new(info, "DriverStatus", json_array());
    json_object_set_new(info, "Plugins",
                        json_pack("{s:o, s:o, s:o}", "Volume", list_to_json(&volume_drivers),
                                  "Network", list_to_json(&network_drivers), "Log", plugins));
    json_object_set_new(info, "LoggingDriver", json_string("json-file"));
    json_object_set_new(info, "CgroupDriver", json_string("cgroupfs"));
    json_object_set_new(info, "CgroupVersion", json_string(has_cgroup_v2() ? "2" : "1"));
    json_object_set_new(info, "DockerRootDir", json_string(engine->state_path));
    json_object_set_new(info, "RuntimeDir", json_string(engine->runtime_path));
    json_object_set_new(info, "DefaultRuntime", json_string("cay"));
    json_object_set_new(info, "Runtimes", json_pack("{s:{s:s}}", "cay", "path", "cay-shim"));
    json_object_set_new(info, "InitBinary", json_string("cay-init"));
    json_object_set_new(info, "ServerVersion", json_string(CAY_VERSION));
    json_object_set_new(info, "LiveRestoreEnabled", json_true());
    json_object_set_new(info, "Debug", json_false());
}

/* Settings that cannot be read are told, and no reason to tell nothing else. */
static void add_registries(Engine *engine, json_t *info)
{
    json_t *warnings = json_object_get(info, "Warnings"), *config = json_null();
    _cleanup_error_ Error problem = {};
    const RegistrySettings *settings;

    json_object_set_new(info, "IndexServerAddress", json_string(REGISTRY_HUB_CREDENTIALS));
    if (engine_registry_settings(engine, &settings, &problem) >= 0)
        config = registry_settings_to_json(settings);
    else
        json_array_append_new(warnings, json_string(error_message(&problem)));
    json_object_set_new(info, "RegistryConfig", config);
}

int engine_to_info(Engine *engine, json_t **ret, Error *err)
{
    _cleanup_json_ json_t *info = json_object();
    _cleanup_free_ char *now = time_to_rfc3339(time_now());
    int r = add_containers(engine, info, err);

    if (r >= 0)
        r = add_images(engine, info, err);
    if (r < 0)
        return r;
    add_engine(engine, info);
    add_machine(info);
    add_security(info);
    json_object_set_new(info, "SystemTime", json_string(now));
    json_object_set_new(info, "Warnings", json_array());
    add_registries(engine, info);
    *ret = TAKE_PTR(info);
    return 0;
}
