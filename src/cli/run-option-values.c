/* SPDX-License-Identifier: Apache-2.0 */

/* Values in several parts. What the parts mean is checked with the whole specification. */

#include "cli/run-option-values.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/parse.h"
#include "cli/caller.h"
#include "cli/run-options.h"
#include "engine/cdi-name.h"
#include "engine/device-spec.h"
#include "engine/userns-mode.h"

int run_take_assignment(const Option *option, const char *value, void *target, Error *err)
{
    StringMap *map = (StringMap *)((char *)target + option->offset);
    size_t length = strcspn(value, "=");
    _cleanup_free_ char *key = memory_strndup(value, length);

    if (length == 0 || value[length] == '\0')
        return error_set(err, ERROR_INVALID, "write it as NAME=VALUE");
    string_map_set(map, key, value + length + 1);
    return 0;
}

int run_take_attach(const Option *option, const char *value, void *target, Error *err)
{
    static const char *const streams[] = { "stdin", "stdout", "stderr" };
    RunOptions *options = target;

    (void)option;
    for (unsigned i = 0; i < ARRAY_SIZE(streams); i++)
        if (strcasecmp(streams[i], value) == 0) {
            options->attach |= 1U << i;
            return 0;
        }
    return error_set(err, ERROR_INVALID, "use 'stdin', 'stdout' or 'stderr'");
}

int run_take_cpus(const Option *option, const char *value, void *target, Error *err)
{
    RunOptions *options = target;

    (void)option;
    if (parse_nano(value, &options->spec.nano_cpus) < 0)
        return error_set(err, ERROR_INVALID, "write a number of CPUs such as '1.5'");
    return 0;
}

int run_take_memory_swap(const Option *option, const char *value, void *target, Error *err)
{
    RunOptions *options = target;

    (void)option;
    if (strcmp(value, "-1") == 0) {
        options->spec.memory_swap = -1;
        return 0;
    }
    if (parse_size(value, &options->spec.memory_swap) < 0)
        return error_set(err, ERROR_INVALID,
                         "not a size: write bytes, or '512m', or -1 for unlimited swap");
    return 0;
}

int run_take_device(const Option *option, const char *value, void *target, Error *err)
{
    ContainerSpec *spec = &((RunOptions *)target)->spec;
    ContainerDevice device;
    int r;

    (void)option;
    if (cdi_name_is_meant(value)) {
        r = cdi_name_validate(value, err);
        if (r >= 0)
            string_list_add(&spec->cdi_devices, value);
        return r;
    }
    r = device_spec_parse(value, &device, err);
    if (r >= 0)
        *JSON_ARRAY_ADD(&spec->devices) = device;
    return r;
}

/* "/dev/sda:VALUE": *ret_value is what follows the last colon. */
static int split_device(const char *text, char **ret_path, const char **ret_value, Error *err)
{
    const char *colon = strrchr(text, ':');

    if (!colon || colon == text || text[0] != '/' || !colon[1])
        return error_set(err, ERROR_INVALID, "write it as DEVICE:VALUE, with the device's path");
    *ret_path = memory_strndup(text, (size_t)(colon - text));
    *ret_value = colon + 1;
    return 0;
}

int run_take_device_rate(const Option *option, const char *value, void *target, Error *err)
{
    ContainerDeviceRates *rates = (ContainerDeviceRates *)((char *)target + option->offset);
    bool is_bytes = strstr(option->name, "bps") != NULL;
    _cleanup_free_ char *path = NULL;
    const char *number;
    int64_t rate;
    int r = split_device(value, &path, &number, err);

    if (r < 0)
        return r;
    if ((is_bytes ? parse_size(number, &rate) : parse_i64(number, &rate)) < 0 || rate <= 0)
        return error_set(err, ERROR_INVALID,
                         is_bytes ? "'%s' is no rate: write bytes a second, or '10mb'"
                                  : "'%s' is no rate: write a number of operations a second",
                         number);
    *JSON_ARRAY_ADD(rates) = (ContainerDeviceRate) { .path = TAKE_PTR(path), .rate = rate };
    return 0;
}

int run_take_weight_device(const Option *option, const char *value, void *target, Error *err)
{
    ContainerSpec *spec = &((RunOptions *)target)->spec;
    _cleanup_free_ char *path = NULL;
    const char *number;
    int64_t weight;
    int r = split_device(value, &path, &number, err);

    (void)option;
    if (r < 0)
        return r;
    if (parse_i64(number, &weight) < 0)
        return error_set(err, ERROR_INVALID, "'%s' is not a whole number", number);
    *JSON_ARRAY_ADD(&spec->blkio_weight_devices) =
        (ContainerDeviceWeight) { .path = TAKE_PTR(path), .weight = weight };
    return 0;
}

int run_take_restart(const Option *option, const char *value, void *target, Error *err)
{
    ContainerRestartPolicy *policy = &((RunOptions *)target)->spec.restart_policy;
    size_t length = strcspn(value, ":");

    (void)option;
    policy->maximum_retry_count = 0;
    if (value[length] && parse_i64(value + length + 1, &policy->maximum_retry_count) < 0)
        return error_set(err, ERROR_INVALID, "the maximum '%s' is not a whole number",
                         value + length + 1);
    free(policy->name);
    policy->name = memory_strndup(value, length);
    return 0;
}

/* A name is looked up in PATH now: what runs later does not depend on who calls. */
static char *find_program(const char *name)
{
    _cleanup_string_list_ StringList directories = {};
    const char *path = getenv("PATH");

    if (strchr(name, '/'))
        return access(name, X_OK) == 0 ? realpath(name, NULL) : NULL;
    string_list_split(&directories, path ? path : "", ':');
    for (size_t i = 0; i < directories.count; i++) {
        _cleanup_free_ char *candidate = memory_printf("%s/%s", directories.items[i], name);

        if (*directories.items[i] == '/' && access(candidate, X_OK) == 0)
            return TAKE_PTR(candidate);
    }
    return NULL;
}

int run_take_runtime(const Option *option, const char *value, void *target, Error *err)
{
    ContainerSpec *spec = &((RunOptions *)target)->spec;
    char *path = *value ? find_program(value) : NULL;

    (void)option;
    if (!path)
        return error_set(err, ERROR_NOT_FOUND, "no such program: name an OCI runtime by its path");
    free(spec->runtime);
    spec->runtime = path;
    return 0;
}

int run_take_userns(const Option *option, const char *value, void *target, Error *err)
{
    ContainerSpec *spec = &((RunOptions *)target)->spec;
    UsernsMode mode;
    int r = userns_mode_parse(value, &mode, err);

    (void)option;
    if (r < 0)
        return r;
    free(spec->userns_mode);
    spec->userns_mode = memory_strdup(value);
    caller_ids(&spec->caller_uid, &spec->caller_gid);
    return 0;
}
