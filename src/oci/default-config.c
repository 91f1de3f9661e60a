/* SPDX-License-Identifier: Apache-2.0 */

/* What runc's `spec` writes, so that what was written about it holds here too. */

#include "oci/default-config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

static const char default_text[] =
    "{"
    " \"ociVersion\": \"" RUNTIME_CONFIG_VERSION "\","
    " \"root\": { \"path\": \"rootfs\", \"readonly\": true },"
    " \"hostname\": \"cay\","
    " \"process\": {"
    "  \"terminal\": true,"
    "  \"user\": { \"uid\": 0, \"gid\": 0 },"
    "  \"args\": [ \"sh\" ],"
    "  \"env\": ["
    "   \"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\","
    "   \"TERM=xterm\""
    "  ],"
    "  \"cwd\": \"/\","
    "  \"capabilities\": {"
    "   \"bounding\": [ \"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\" ],"
    "   \"effective\": [ \"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\" ],"
    "   \"permitted\": [ \"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\" ]"
    "  },"
    "  \"rlimits\": [ { \"type\": \"RLIMIT_NOFILE\", \"soft\": 1024, \"hard\": 1024 } ],"
    "  \"noNewPrivileges\": true"
    " },"
    " \"mounts\": ["
    "  { \"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\" },"
    "  { \"destination\": \"/dev\", \"type\": \"tmpfs\", \"source\": \"tmpfs\","
    "    \"options\": [ \"nosuid\", \"strictatime\", \"mode=755\", \"size=65536k\" ] },"
    "  { \"destination\": \"/dev/pts\", \"type\": \"devpts\", \"source\": \"devpts\","
    "    \"options\": [ \"nosuid\", \"noexec\", \"newinstance\", \"ptmxmode=0666\","
    "                   \"mode=0620\", \"gid=5\" ] },"
    "  { \"destination\": \"/dev/shm\", \"type\": \"tmpfs\", \"source\": \"shm\","
    "    \"options\": [ \"nosuid\", \"noexec\", \"nodev\", \"mode=1777\", \"size=65536k\" ] },"
    "  { \"destination\": \"/dev/mqueue\", \"type\": \"mqueue\", \"source\": \"mqueue\","
    "    \"options\": [ \"nosuid\", \"noexec\", \"nodev\" ] },"
    "  { \"destination\": \"/sys\", \"type\": \"sysfs\", \"source\": \"sysfs\","
    "    \"options\": [ \"nosuid\", \"noexec\", \"nodev\", \"ro\" ] },"
    "  { \"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": \"cgroup\","
    "    \"options\": [ \"nosuid\", \"noexec\", \"nodev\", \"relatime\", \"ro\" ] }"
    " ],"
    " \"linux\": {"
    "  \"resources\": { \"devices\": [ { \"allow\": false, \"access\": \"rwm\" } ] },"
    "  \"namespaces\": ["
    "   { \"type\": \"pid\" }, { \"type\": \"network\" }, { \"type\": \"ipc\" },"
    "   { \"type\": \"uts\" }, { \"type\": \"mount\" }, { \"type\": \"cgroup\" }"
    "  ],"
    "  \"maskedPaths\": ["
    "   \"/proc/acpi\", \"/proc/asound\", \"/proc/kcore\", \"/proc/keys\","
    "   \"/proc/latency_stats\", \"/proc/timer_list\", \"/proc/timer_stats\","
    "   \"/proc/sched_debug\", \"/sys/firmware\", \"/proc/scsi\""
    "  ],"
    "  \"readonlyPaths\": ["
    "   \"/proc/bus\", \"/proc/fs\", \"/proc/irq\", \"/proc/sys\", \"/proc/sysrq-trigger\""
    "  ]"
    " }"
    "}";

static LinuxNamespace *find_namespace(LinuxConfig *settings, const char *type)
{
    for (size_t i = 0; i < settings->namespaces.count; i++)
        if (strcmp(settings->namespaces.items[i].type, type) == 0)
            return &settings->namespaces.items[i];
    return NULL;
}

static RuntimeMount *find_mount(RuntimeConfig *config, const char *destination)
{
    for (size_t i = 0; i < config->mounts.count; i++)
        if (strcmp(config->mounts.items[i].destination, destination) == 0)
            return &config->mounts.items[i];
    return NULL;
}

static void replace_text(char **text, const char *value)
{
    free(*text);
    *text = memory_strdup(value);
}

/* One user can map himself alone, has no group 5, and may not mount sysfs of the host's network,
 * which is his too. */
static void adapt_to_user(RuntimeConfig *config)
{
    LinuxConfig *settings = &config->linux_config;
    RuntimeMount *sysfs = find_mount(config, "/sys");

    *JSON_ARRAY_ADD(&settings->uid_mappings) = (LinuxIdMapping) { .host_id = geteuid(), .size = 1 };
    *JSON_ARRAY_ADD(&settings->gid_mappings) = (LinuxIdMapping) { .host_id = getegid(), .size = 1 };
    replace_text(&find_namespace(settings, "network")->type, "user");
    replace_text(&sysfs->type, "none");
    replace_text(&sysfs->source, "/sys");
    string_list_add(&sysfs->options, "rbind");
    (void)string_list_remove(&find_mount(config, "/dev/pts")->options, "gid=5"); /* it is there */
}

RuntimeConfig *default_config_new(bool rootless)
{
    RuntimeConfig *config;

    if (runtime_config_parse(default_text, sizeof(default_text) - 1, &config, NULL) < 0)
        abort(); /* the text above is not valid: a test has it */
    if (rootless)
        adapt_to_user(config);
    return config;
}
