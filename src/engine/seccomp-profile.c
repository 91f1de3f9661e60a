/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A profile is thinned out as JSON, by what its rules include and exclude, until what is left is
 * what the OCI field table reads.
 */

#include "engine/seccomp-profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/memory.h"
#include "sandbox/capabilities.h"

/* "includes" or "excludes" of a rule. */
typedef struct RuleFilter {
    StringList capabilities;
    StringList architectures; /* Go's names */
    char *minimum_kernel;     /* "4.8" */
} RuleFilter;

static const JsonField rule_filter_fields[] = {
    JSON_FIELD(RuleFilter, capabilities, "caps", JSON_TYPE_STRING_LIST),
    JSON_FIELD(RuleFilter, architectures, "arches", JSON_TYPE_STRING_LIST),
    JSON_FIELD(RuleFilter, minimum_kernel, "minKernel", JSON_TYPE_STRING),
};

static const JsonStruct rule_filter_json = JSON_STRUCT(RuleFilter, rule_filter_fields);

static void rule_filter_done(RuleFilter *filter)
{
    json_struct_done(&rule_filter_json, filter);
}

typedef struct ArchitectureMap {
    char *architecture;
    StringList sub_architectures;
} ArchitectureMap;

static const JsonField architecture_map_fields[] = {
    JSON_FIELD_FLAGS(ArchitectureMap, architecture, "architecture", JSON_TYPE_STRING,
                     JSON_REQUIRED),
    JSON_FIELD(ArchitectureMap, sub_architectures, "subArchitectures", JSON_TYPE_STRING_LIST),
};

static const JsonStruct architecture_map_json =
    JSON_STRUCT(ArchitectureMap, architecture_map_fields);

static void architecture_map_done(ArchitectureMap *map)
{
    json_struct_done(&architecture_map_json, map);
}

#if defined(__x86_64__)
#define HOST_GO_ARCHITECTURE "amd64"
#define HOST_SECCOMP_ARCHITECTURE "SCMP_ARCH_X86_64"
#elif defined(__aarch64__)
#define HOST_GO_ARCHITECTURE "arm64"
#define HOST_SECCOMP_ARCHITECTURE "SCMP_ARCH_AARCH64"
#else
#error "no seccomp profile for this architecture"
#endif

static bool holds_all_capabilities(const StringList *names, uint64_t held)
{
    for (size_t i = 0; i < names->count; i++) {
        int number = capability_from_name(names->items[i]);

        if (number < 0 || !(held & CAPABILITY(number)))
            return false;
    }
    return true;
}

static bool holds_any_capability(const StringList *names, uint64_t held)
{
    for (size_t i = 0; i < names->count; i++) {
        int number = capability_from_name(names->items[i]);

        if (number >= 0 && (held & CAPABILITY(number)))
            return true;
    }
    return false;
}

static bool kernel_is_at_least(const char *minimum)
{
    unsigned wanted[2] = { 0, 0 }, running[2] = { 0, 0 };
    struct utsname host;

    if (!minimum)
        return true;
    if (uname(&host) < 0 || sscanf(minimum, "%u.%u", &wanted[0], &wanted[1]) < 1 ||
        sscanf(host.release, "%u.%u", &running[0], &running[1]) != 2)
        return false;
    return running[0] != wanted[0] ? running[0] > wanted[0] : running[1] >= wanted[1];
}

static int read_filter(const json_t *rule, const char *name, RuleFilter *ret, Error *err)
{
    const json_t *json = json_object_get(rule, name);

    return json && !json_is_null(json) ? json_struct_read(&rule_filter_json, json, ret, err) : 0;
}

/* Returns 1 when the rule holds here, 0 when not. */
static int rule_applies(const json_t *rule, uint64_t capabilities, Error *err)
{
    _cleanup_(rule_filter_done) RuleFilter includes = {}, excludes = {};
    int r = read_filter(rule, "includes", &includes, err);

    if (r >= 0)
        r = read_filter(rule, "excludes", &excludes, err);
    if (r < 0)
        return r;

    if (includes.architectures.count > 0 &&
        !string_list_contains(&includes.architectures, HOST_GO_ARCHITECTURE))
        return 0;
    if (string_list_contains(&excludes.architectures, HOST_GO_ARCHITECTURE))
        return 0;
    if (!holds_all_capabilities(&includes.capabilities, capabilities) ||
        holds_any_capability(&excludes.capabilities, capabilities))
        return 0;
    if (!kernel_is_at_least(includes.minimum_kernel))
        return 0;
    return !excludes.minimum_kernel || !kernel_is_at_least(excludes.minimum_kernel);
}

/* Old profiles have one "name" a rule instead of "names". */
static void unify_names(json_t *rule)
{
    json_t *name = json_object_get(rule, "name");

    if (json_is_string(name) && !json_object_get(rule, "names"))
        json_object_set_new(rule, "names", json_pack("[O]", name));
}

static int thin_rules(json_t *profile, uint64_t capabilities, Error *err)
{
    json_t *rules = json_object_get(profile, "syscalls"), *rule;
    _cleanup_json_ json_t *kept = json_array();
    size_t index;

    json_array_foreach(rules, index, rule)
    {
        int r;

        if (!json_is_object(rule))
            return error_set(err, ERROR_INVALID, "syscalls[%zu]: expected an object", index);
        r = rule_applies(rule, capabilities, err);
        if (r < 0)
            return error_wrap(err, r, "syscalls[%zu]", index);
        if (r == 0)
            continue;
        unify_names(rule);
        json_array_append(kept, rule);
    }
    json_object_set(profile, "syscalls", kept);
    return 0;
}

/* "archMap" becomes "architectures": ours, and those that it can run too. */
static int choose_architectures(json_t *profile, Error *err)
{
    json_t *maps = json_object_get(profile, "archMap"), *element;
    size_t index;

    json_array_foreach(maps, index, element)
    {
        _cleanup_(architecture_map_done) ArchitectureMap map = {};
        json_t *architectures;
        int r = json_struct_read(&architecture_map_json, element, &map, err);

        if (r < 0)
            return error_wrap(err, r, "archMap[%zu]", index);
        if (strcmp(map.architecture, HOST_SECCOMP_ARCHITECTURE) != 0)
            continue;
        architectures = json_array();
        json_array_append_new(architectures, json_string(map.architecture));
        for (size_t i = 0; i < map.sub_architectures.count; i++)
            json_array_append_new(architectures, json_string(map.sub_architectures.items[i]));
        json_object_set_new(profile, "architectures", architectures);
        break;
    }
    return 0;
}

int seccomp_profile_parse(const char *text, size_t size, uint64_t capabilities, LinuxSeccomp **ret,
                          Error *err)
{
    _cleanup_json_ json_t *profile = NULL;
    LinuxSeccomp *seccomp;
    int r = json_parse(text, size, &profile, err);

    if (r < 0)
        return r;
    if (!json_is_object(profile))
        return error_set(err, ERROR_INVALID, "expected an object");
    r = thin_rules(profile, capabilities, err);
    if (r >= 0)
        r = choose_architectures(profile, err);
    if (r < 0)
        return r;

    seccomp = NEW(LinuxSeccomp);
    r = json_struct_read(&linux_seccomp_json, profile, seccomp, err);
    if (r < 0) {
        json_struct_done(&linux_seccomp_json, seccomp);
        free(seccomp);
        return r;
    }
    *ret = seccomp;
    return 0;
}
