/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a configuration must satisfy beyond the types of its members. The field tables are walked
 * once; @checks says for each struct, or for one of its members, which rule holds. A rule reports
 * what is wrong, the walk where. Unknown capabilities are not an error: the specification wants
 * them ignored.
 */

#include <string.h>

#include "base/parse.h"
#include "base/path.h"
#include "base/string-buffer.h"
#include "sandbox/process-attributes-private.h"
#include "sandbox/runtime-config-private.h"
#include "sandbox/scheduling-private.h"
#include "sandbox/seccomp-private.h"

#define HOST_NAME_LENGTH_MAX 64 /* __NEW_UTS_LEN */
#define ERRNO_MAX 4095          /* MAX_ERRNO */

typedef struct Check Check;

struct Check {
    const JsonStruct *type;
    size_t offset; /* of the member */
    int (*run)(const Check *check, const void *value, Error *err);
    int (*whole)(const void *object, Error *err);   /* instead: for the struct */
    const char *const *names;                       /* what check_name accepts, or */
    int (*lookup)(const char *name, uint32_t *ret); /* how it finds out */
    int64_t minimum, maximum;                       /* of the range checks */
};

/* Where the walk is: "linux.namespaces[2]", kept as a chain so that only an error costs. */
typedef struct Location {
    const struct Location *parent;
    const char *name;
    size_t index; /* SIZE_MAX: not an element */
} Location;

static int invalid(Error *err, const char *what)
{
    return error_set(err, ERROR_INVALID, "%s", what);
}

/* Rules for one member. Absent strings are no concern of theirs. */

static int check_absolute_path(const char *path, Error *err)
{
    if (path && !path_is_absolute(path))
        return error_set(err, ERROR_INVALID, "'%s' is not an absolute path", path);
    return 0;
}

static int check_absolute(const Check *check, const void *value, Error *err)
{
    (void)check;
    return check_absolute_path(*(char *const *)value, err);
}

static int check_absolute_list(const Check *check, const void *value, Error *err)
{
    const StringList *list = value;
    int r = 0;

    (void)check;
    for (size_t i = 0; r == 0 && i < list->count; i++)
        r = check_absolute_path(list->items[i], err);
    return r;
}

static int check_not_empty(const Check *check, const void *value, Error *err)
{
    const char *text = *(char *const *)value;

    (void)check;
    return text && *text == '\0' ? invalid(err, "must not be empty") : 0;
}

static int check_version(const Check *check, const void *value, Error *err)
{
    const char *version = *(char *const *)value;

    (void)check;
    if (strncmp(version, "1.", 2) != 0 && strncmp(version, "0.", 2) != 0)
        return error_set(err, ERROR_INVALID, "'%s' is not a version 1 of the specification",
                         version);
    return 0;
}

static int check_host_name(const Check *check, const void *value, Error *err)
{
    const char *name = *(char *const *)value;

    (void)check;
    if (name && strlen(name) > HOST_NAME_LENGTH_MAX)
        return error_set(err, ERROR_INVALID, "'%s' is longer than %d bytes", name,
                         HOST_NAME_LENGTH_MAX);
    return 0;
}

static int check_one_name(const Check *check, const char *name, Error *err)
{
    uint32_t number;

    if (check->lookup) {
        if (check->lookup(name, &number) == 0)
            return 0;
    } else {
        for (const char *const *known = check->names; *known; known++) {
            if (strcmp(*known, name) == 0)
                return 0;
        }
    }
    return error_set(err, ERROR_INVALID, "'%s' is not known", name);
}

static int check_name(const Check *check, const void *value, Error *err)
{
    const char *name = *(char *const *)value;

    return name ? check_one_name(check, name, err) : 0;
}

static int check_names(const Check *check, const void *value, Error *err)
{
    const StringList *list = value;
    int r = 0;

    for (size_t i = 0; r == 0 && i < list->count; i++)
        r = check_one_name(check, list->items[i], err);
    return r;
}

static int check_range(const Check *check, int64_t value, Error *err)
{
    if (value < check->minimum || value > check->maximum)
        return error_set(err, ERROR_INVALID, "%lld is not within %lld to %lld", (long long)value,
                         (long long)check->minimum, (long long)check->maximum);
    return 0;
}

static int check_int32(const Check *check, const void *value, Error *err)
{
    return check_range(check, *(const int32_t *)value, err);
}

static int check_int64(const Check *check, const void *value, Error *err)
{
    return check_range(check, *(const int64_t *)value, err);
}

static int check_uint32(const Check *check, const void *value, Error *err)
{
    return check_range(check, *(const uint32_t *)value, err);
}

static int check_uint64(const Check *check, const void *value, Error *err)
{
    uint64_t number = *(const uint64_t *)value;

    return check_range(check, number > INT64_MAX ? INT64_MAX : (int64_t)number, err);
}

static int check_optional_int64(const Check *check, const void *value, Error *err)
{
    const OptionalInt64 *number = value;

    return number->is_set ? check_range(check, number->value, err) : 0;
}

static int check_optional_uint64(const Check *check, const void *value, Error *err)
{
    const OptionalUint64 *number = value;

    return number->is_set ? check_uint64(check, &number->value, err) : 0;
}

static int check_cpu_list(const Check *check, const void *value, Error *err)
{
    const char *list = *(char *const *)value;

    (void)check;
    if (list && *list && parse_cpu_list(list) < 0)
        return error_set(err, ERROR_INVALID, "'%s' is not a list such as '0-3,7'", list);
    return 0;
}

static int check_not_empty_list(const Check *check, const void *value, Error *err)
{
    const StringList *list = value;

    (void)check;
    return list->count == 0 ? invalid(err, "needs at least one element") : 0;
}

static int check_empty_list(const Check *check, const void *value, Error *err)
{
    const StringList *list = value;

    (void)check;
    return list->count != 0 ? error_set(err, ERROR_INVALID, "'%s' is not known", list->items[0])
                            : 0;
}

static int check_environment(const Check *check, const void *value, Error *err)
{
    const StringList *list = value;

    (void)check;
    for (size_t i = 0; i < list->count; i++) {
        const char *equals = strchr(list->items[i], '=');

        if (!equals || equals == list->items[i])
            return error_set(err, ERROR_INVALID, "'%s' is not of the form NAME=value",
                             list->items[i]);
    }
    return 0;
}

static int check_device_access(const Check *check, const void *value, Error *err)
{
    const char *access = *(char *const *)value;

    (void)check;
    if (access && access[strspn(access, "rwm")] != '\0')
        return error_set(err, ERROR_INVALID, "'%s' has other letters than 'rwm'", access);
    return 0;
}

static int check_page_size(const Check *check, const void *value, Error *err)
{
    const char *size = *(char *const *)value;
    size_t digits = strspn(size, "0123456789");

    (void)check;
    if (digits == 0 || size[0] == '0' || !size[digits] || !strchr("KMG", size[digits]) ||
        strcmp(size + digits + 1, "B") != 0)
        return error_set(err, ERROR_INVALID, "'%s' is not a page size such as '2MB'", size);
    return 0;
}

/* A component ".." would climb out of the container's place in the hierarchy, or of /proc/sys. */
static bool has_dot_component(const char *path)
{
    for (const char *at = path; *at; at += strspn(at, "/")) {
        size_t length = strcspn(at, "/");

        if ((length == 1 && at[0] == '.') || (length == 2 && at[0] == '.' && at[1] == '.'))
            return true;
        at += length;
    }
    return false;
}

static int check_cgroups_path(const Check *check, const void *value, Error *err)
{
    const char *path = *(char *const *)value;

    (void)check;
    if (path && has_dot_component(path))
        return error_set(err, ERROR_INVALID, "'%s' has a component '.' or '..'", path);
    return 0;
}

static int check_unified(const Check *check, const void *value, Error *err)
{
    const StringMap *map = value;

    (void)check;
    for (size_t i = 0; i < map->count; i++) {
        if (!path_is_name(map->items[i].key) || !strchr(map->items[i].key, '.'))
            return error_set(err, ERROR_INVALID, "'%s' is not a control file such as 'memory.high'",
                             map->items[i].key);
    }
    return 0;
}

static int check_keys(const Check *check, const void *value, Error *err)
{
    const StringMap *map = value;

    (void)check;
    for (size_t i = 0; i < map->count; i++) {
        if (map->items[i].key[0] == '\0')
            return invalid(err, "has a member without a name");
    }
    return 0;
}

static int check_mem_bw_schema(const Check *check, const void *value, Error *err)
{
    const char *schema = *(char *const *)value;

    (void)check;
    if (schema && (strncmp(schema, "MB:", 3) != 0 || strchr(schema, '\n')))
        return error_set(err, ERROR_INVALID, "'%s' does not begin with 'MB:'", schema);
    return 0;
}

static int check_lines(const Check *check, const void *value, Error *err)
{
    const StringList *list = value;

    (void)check;
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i][0] == '\0' || strchr(list->items[i], '\n'))
            return error_set(err, ERROR_INVALID, "'%s' is not one line", list->items[i]);
    }
    return 0;
}

static int check_file_name(const Check *check, const void *value, Error *err)
{
    const char *name = *(char *const *)value;

    (void)check;
    if (name && !path_is_name(name))
        return error_set(err, ERROR_INVALID, "'%s' is not a plain name", name);
    return 0;
}

static const char *const device_types[] = { "c", "b", "u", "p", NULL };
static const char *const device_rule_types[] = { "a", "b", "c", NULL };
/* The recursive forms are not in the schema, but container managers write them. */
static const char *const propagations[] = { "private",    "shared",      "slave",
                                            "unbindable", "rprivate",    "rshared",
                                            "rslave",     "runbindable", NULL };

#define MEMBER(struct_type, table, field, function, ...)                                           \
    {                                                                                              \
        .type = &table##_json, .offset = offsetof(struct_type, field), .run = (function),          \
        __VA_ARGS__                                                                                \
    }
#define WHOLE(table, function)                                                                     \
    {                                                                                              \
        .type = &table##_json, .whole = (function)                                                 \
    }
#define RANGE(low, high) .minimum = (low), .maximum = (high)

static const Check checks[] = {
    MEMBER(RuntimeConfig, runtime_config, oci_version, check_version),
    MEMBER(RuntimeConfig, runtime_config, hostname, check_host_name),
    MEMBER(RuntimeConfig, runtime_config, domainname, check_host_name),
    MEMBER(RuntimeConfig, runtime_config, annotations, check_keys),
    WHOLE(runtime_config, runtime_rule_config),

    MEMBER(RuntimeRoot, runtime_root, path, check_not_empty),
    MEMBER(RuntimeMount, runtime_mount, destination, check_not_empty),
    WHOLE(runtime_mount, runtime_rule_mount),

    MEMBER(RuntimeProcess, runtime_process, args, check_not_empty_list),
    MEMBER(RuntimeProcess, runtime_process, env, check_environment),
    MEMBER(RuntimeProcess, runtime_process, cwd, check_absolute),
    MEMBER(RuntimeProcess, runtime_process, oom_score_adj, check_optional_int64,
           RANGE(-1000, 1000)),
    WHOLE(runtime_process, runtime_rule_rlimits),
    MEMBER(RuntimeUser, runtime_user, umask, check_optional_uint64, RANGE(0, 07777)),
    WHOLE(runtime_user, runtime_rule_user),
    MEMBER(RuntimeConsoleSize, runtime_console_size, height, check_uint64, RANGE(0, UINT16_MAX)),
    MEMBER(RuntimeConsoleSize, runtime_console_size, width, check_uint64, RANGE(0, UINT16_MAX)),
    MEMBER(RuntimeIoPriority, runtime_io_priority, class_name, check_name,
           .lookup = io_priority_class_from_name),
    MEMBER(RuntimeIoPriority, runtime_io_priority, priority, check_int32, RANGE(0, 7)),
    MEMBER(RuntimeScheduler, runtime_scheduler, policy, check_name,
           .lookup = scheduler_policy_from_name),
    MEMBER(RuntimeScheduler, runtime_scheduler, flags, check_names,
           .lookup = scheduler_flag_from_name),
    MEMBER(RuntimeScheduler, runtime_scheduler, nice, check_int32, RANGE(-20, 19)),
    MEMBER(RuntimeScheduler, runtime_scheduler, priority, check_int32, RANGE(0, 99)),
    WHOLE(runtime_scheduler, runtime_rule_scheduler),
    MEMBER(RuntimeExecCpuAffinity, runtime_exec_cpu_affinity, initial, check_cpu_list),
    MEMBER(RuntimeExecCpuAffinity, runtime_exec_cpu_affinity, final, check_cpu_list),

    MEMBER(RuntimeHook, runtime_hook, path, check_absolute),
    MEMBER(RuntimeHook, runtime_hook, env, check_environment),
    MEMBER(RuntimeHook, runtime_hook, timeout, check_optional_int64, RANGE(1, INT32_MAX)),

    MEMBER(LinuxNamespace, linux_namespace, path, check_absolute),
    MEMBER(LinuxTimeOffset, linux_time_offset, nanosecs, check_uint32, RANGE(0, 999999999)),
    MEMBER(LinuxDevice, linux_device, path, check_absolute),
    MEMBER(LinuxDevice, linux_device, type, check_name, .names = device_types),
    /* engines copy st_mode, with the type in it */
    MEMBER(LinuxDevice, linux_device, file_mode, check_optional_uint64, RANGE(0, 0177777)),
    MEMBER(LinuxDevice, linux_device, uid, check_optional_uint64, RANGE(0, UINT32_MAX - 1)),
    MEMBER(LinuxDevice, linux_device, gid, check_optional_uint64, RANGE(0, UINT32_MAX - 1)),
    WHOLE(linux_device, runtime_rule_device),
    MEMBER(LinuxDeviceRule, linux_device_rule, type, check_name, .names = device_rule_types),
    MEMBER(LinuxDeviceRule, linux_device_rule, major, check_optional_int64, RANGE(-1, UINT32_MAX)),
    MEMBER(LinuxDeviceRule, linux_device_rule, minor, check_optional_int64, RANGE(-1, UINT32_MAX)),
    MEMBER(LinuxDeviceRule, linux_device_rule, access, check_device_access),

    MEMBER(LinuxMemory, linux_memory, limit, check_optional_int64, RANGE(-1, INT64_MAX)),
    MEMBER(LinuxMemory, linux_memory, reservation, check_optional_int64, RANGE(-1, INT64_MAX)),
    MEMBER(LinuxMemory, linux_memory, swap, check_optional_int64, RANGE(-1, INT64_MAX)),
    MEMBER(LinuxMemory, linux_memory, kernel, check_optional_int64, RANGE(-1, INT64_MAX)),
    MEMBER(LinuxMemory, linux_memory, kernel_tcp, check_optional_int64, RANGE(-1, INT64_MAX)),
    MEMBER(LinuxMemory, linux_memory, swappiness, check_optional_uint64, RANGE(0, 100)),
    WHOLE(linux_memory, runtime_rule_memory),
    MEMBER(LinuxCpu, linux_cpu, cpus, check_cpu_list),
    MEMBER(LinuxCpu, linux_cpu, mems, check_cpu_list),
    MEMBER(LinuxCpu, linux_cpu, quota, check_optional_int64, RANGE(-1, INT64_MAX)),
    MEMBER(LinuxCpu, linux_cpu, idle, check_optional_int64, RANGE(0, 1)),
    MEMBER(LinuxBlockIo, linux_block_io, weight, check_optional_uint64, RANGE(0, 1000)),
    MEMBER(LinuxBlockIo, linux_block_io, leaf_weight, check_optional_uint64, RANGE(0, 1000)),
    MEMBER(LinuxBlockIoWeight, linux_block_io_weight, major, check_int64, RANGE(0, UINT32_MAX)),
    MEMBER(LinuxBlockIoWeight, linux_block_io_weight, minor, check_int64, RANGE(0, UINT32_MAX)),
    MEMBER(LinuxBlockIoWeight, linux_block_io_weight, weight, check_optional_uint64,
           RANGE(0, 1000)),
    MEMBER(LinuxBlockIoWeight, linux_block_io_weight, leaf_weight, check_optional_uint64,
           RANGE(0, 1000)),
    MEMBER(LinuxBlockIoThrottle, linux_block_io_throttle, major, check_int64, RANGE(0, UINT32_MAX)),
    MEMBER(LinuxBlockIoThrottle, linux_block_io_throttle, minor, check_int64, RANGE(0, UINT32_MAX)),
    MEMBER(LinuxHugepageLimit, linux_hugepage_limit, page_size, check_page_size),
    MEMBER(LinuxNetwork, linux_network, class_id, check_optional_uint64, RANGE(0, UINT32_MAX)),
    MEMBER(LinuxRdma, linux_rdma, hca_handles, check_optional_uint64, RANGE(0, UINT32_MAX)),
    MEMBER(LinuxRdma, linux_rdma, hca_objects, check_optional_uint64, RANGE(0, UINT32_MAX)),
    MEMBER(LinuxResources, linux_resources, unified, check_unified),

    MEMBER(LinuxSeccompArg, linux_seccomp_arg, index, check_uint32, RANGE(0, 5)),
    MEMBER(LinuxSeccompArg, linux_seccomp_arg, op, check_name,
           .lookup = seccomp_operator_from_name),
    MEMBER(LinuxSeccompSyscall, linux_seccomp_syscall, names, check_not_empty_list),
    MEMBER(LinuxSeccompSyscall, linux_seccomp_syscall, action, check_name,
           .lookup = seccomp_action_from_name),
    MEMBER(LinuxSeccompSyscall, linux_seccomp_syscall, errno_ret, check_optional_uint64,
           RANGE(0, ERRNO_MAX)),
    MEMBER(LinuxSeccomp, linux_seccomp, default_action, check_name,
           .lookup = seccomp_action_from_name),
    MEMBER(LinuxSeccomp, linux_seccomp, default_errno_ret, check_optional_uint64,
           RANGE(0, ERRNO_MAX)),
    MEMBER(LinuxSeccomp, linux_seccomp, architectures, check_names,
           .lookup = seccomp_architecture_from_name),
    MEMBER(LinuxSeccomp, linux_seccomp, flags, check_names, .lookup = seccomp_flag_from_name),
    WHOLE(linux_seccomp, runtime_rule_seccomp),

    MEMBER(LinuxPersonality, linux_personality, domain, check_name,
           .lookup = personality_from_name),
    MEMBER(LinuxPersonality, linux_personality, flags, check_empty_list),
    MEMBER(LinuxIntelRdt, linux_intel_rdt, clos_id, check_file_name),
    MEMBER(LinuxIntelRdt, linux_intel_rdt, mem_bw_schema, check_mem_bw_schema),
    MEMBER(LinuxIntelRdt, linux_intel_rdt, schemata, check_lines),
    MEMBER(LinuxMemoryPolicy, linux_memory_policy, mode, check_name,
           .lookup = memory_policy_mode_from_name),
    MEMBER(LinuxMemoryPolicy, linux_memory_policy, nodes, check_cpu_list),
    MEMBER(LinuxMemoryPolicy, linux_memory_policy, flags, check_names,
           .lookup = memory_policy_flag_from_name),
    WHOLE(linux_memory_policy, runtime_rule_memory_policy),
    MEMBER(LinuxConfig, linux_config, cgroups_path, check_cgroups_path),
    MEMBER(LinuxConfig, linux_config, rootfs_propagation, check_name, .names = propagations),
    MEMBER(LinuxConfig, linux_config, masked_paths, check_absolute_list),
    MEMBER(LinuxConfig, linux_config, readonly_paths, check_absolute_list),
    WHOLE(linux_config, runtime_rule_linux),
};

static void location_print(const Location *location, StringBuffer *buffer)
{
    if (!location)
        return;
    location_print(location->parent, buffer);
    if (buffer->length > 0)
        string_buffer_add_char(buffer, '.');
    string_buffer_add(buffer, location->name);
    if (location->index != SIZE_MAX)
        string_buffer_printf(buffer, "[%zu]", location->index);
}

/* Put the place before the message. That of a rule for a struct (@member NULL) begins with a
 * member. */
static int fail_at(const Location *parent, const char *member, int r, Error *err)
{
    _cleanup_string_buffer_ StringBuffer path = {};
    const Location location = { parent, member, SIZE_MAX };

    location_print(member ? &location : parent, &path);
    if (member)
        return error_wrap(err, r, "%s", path.data);
    if (parent)
        return error_set(err, ERROR_INVALID, "%s.%s", path.data, error_message(err));
    return r;
}

static const char *member_name(const Check *check)
{
    size_t i = 0;

    while (check->type->fields[i].offset != check->offset)
        i++;
    return check->type->fields[i].name;
}

static int validate_struct(const JsonStruct *type, const void *object, const Location *parent,
                           Error *err);

static int validate_elements(const JsonField *field, const void *value, const Location *parent,
                             Error *err)
{
    /* All such arrays have this form, whatever their elements are. */
    const JSON_ARRAY_OF(char) *array = value;

    for (size_t i = 0; i < array->count; i++) {
        const char *element = array->items + i * field->type_of->size;
        /* A map's elements begin with the member's name. */
        const Location map = { parent, field->name, SIZE_MAX };
        const Location location = field->type == JSON_TYPE_STRUCT_MAP
                                      ? (Location) { &map, *(char *const *)element, SIZE_MAX }
                                      : (Location) { parent, field->name, i };
        int r = validate_struct(field->type_of, element, &location, err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int validate_field(const JsonField *field, const void *value, const Location *parent,
                          Error *err)
{
    const Location location = { parent, field->name, SIZE_MAX };
    bool is_pointer = field->type == JSON_TYPE_STRING || field->type == JSON_TYPE_STRUCT_POINTER;

    if (is_pointer && !*(void *const *)value)
        return field->flags & JSON_REQUIRED
                   ? fail_at(parent, field->name, invalid(err, "is required"), err)
                   : 0;

    switch (field->type) {
    case JSON_TYPE_STRUCT:
        return validate_struct(field->type_of, value, &location, err);
    case JSON_TYPE_STRUCT_POINTER:
        return validate_struct(field->type_of, *(void *const *)value, &location, err);
    case JSON_TYPE_STRUCT_ARRAY:
    case JSON_TYPE_STRUCT_MAP:
        return validate_elements(field, value, parent, err);
    default:
        return 0;
    }
}

/* The parts first, so that a rule for the whole can rely on required members to be there. */
static int validate_struct(const JsonStruct *type, const void *object, const Location *parent,
                           Error *err)
{
    for (size_t i = 0; i < type->n_fields; i++) {
        int r = validate_field(&type->fields[i], (const char *)object + type->fields[i].offset,
                               parent, err);

        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
        const Check *check = &checks[i];
        int r;

        if (check->type != type)
            continue;
        r = check->whole ? check->whole(object, err)
                         : check->run(check, (const char *)object + check->offset, err);
        if (r < 0)
            return fail_at(parent, check->whole ? NULL : member_name(check), r, err);
    }
    return 0;
}

int runtime_config_validate(const RuntimeConfig *config, Error *err)
{
    return validate_struct(&runtime_config_json, config, NULL, err);
}
