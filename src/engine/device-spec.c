/* SPDX-License-Identifier: Apache-2.0 */

/* Devices as text: only text, what the host has is found out when the container is made. */

#include "engine/device-spec.h"

#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/string-list.h"

bool device_permissions_are_valid(const char *text)
{
    return *text && strspn(text, "rwm") == strlen(text) && strlen(text) <= 3 &&
           !strchr(strchr(text, text[0]) + 1, text[0]) && (strlen(text) < 3 || text[1] != text[2]);
}

int device_spec_validate(const ContainerDevice *device, Error *err)
{
    if (!device->host_path || !path_is_absolute(device->host_path))
        return error_set(err, ERROR_INVALID, "device '%s' is not an absolute path",
                         device->host_path ? device->host_path : "");
    if (!device->container_path || !path_is_absolute(device->container_path))
        return error_set(err, ERROR_INVALID,
                         "the device's path '%s' in the container is not "
                         "absolute",
                         device->container_path ? device->container_path : "");
    if (!device->permissions || !device_permissions_are_valid(device->permissions))
        return error_set(err, ERROR_INVALID, "device permissions '%s' are not of 'rwm'",
                         device->permissions ? device->permissions : "");
    return 0;
}

int device_spec_parse(const char *text, ContainerDevice *ret, Error *err)
{
    _cleanup_string_list_ StringList parts = {};
    const char *container_path, *permissions = "rwm";

    string_list_split(&parts, text, ':');
    if (parts.count > 3)
        return error_set(err, ERROR_INVALID, "write it as HOST[:CONTAINER][:PERMISSIONS]");
    container_path = parts.items[0];
    if (parts.count == 3) {
        container_path = parts.items[1];
        permissions = parts.items[2];
    } else if (parts.count == 2 && device_permissions_are_valid(parts.items[1])) {
        permissions = parts.items[1];
    } else if (parts.count == 2) {
        container_path = parts.items[1];
    }

    const ContainerDevice device = {
        .host_path = parts.items[0],
        .container_path = (char *)container_path,
        .permissions = (char *)permissions,
    };
    int r = device_spec_validate(&device, err);

    if (r < 0)
        return r;
    *ret = (ContainerDevice) {
        .host_path = path_clean(device.host_path),
        .container_path = path_clean(container_path),
        .permissions = memory_strdup(permissions),
    };
    return 0;
}

/* A number, or "*" for any. */
static int parse_number(const char *text, OptionalInt64 *ret)
{
    uint32_t number;

    *ret = (OptionalInt64) {};
    if (strcmp(text, "*") == 0)
        return 0;
    if (parse_u32(text, &number) < 0)
        return -1;
    *ret = (OptionalInt64) { true, number };
    return 0;
}

int device_rule_parse(const char *text, LinuxDeviceRule *ret, Error *err)
{
    _cleanup_string_list_ StringList words = {}, numbers = {};

    string_list_split(&words, text, ' ');
    if (words.count == 3)
        string_list_split(&numbers, words.items[1], ':');
    if (words.count != 3 || numbers.count != 2 || strlen(words.items[0]) != 1 ||
        !strchr("abc", words.items[0][0]) || !device_permissions_are_valid(words.items[2]) ||
        parse_number(numbers.items[0], &ret->major) < 0 ||
        parse_number(numbers.items[1], &ret->minor) < 0)
        return error_set(err, ERROR_INVALID,
                         "invalid device cgroup rule '%s': write it as 'c 1:3 rwm', with a, b or c "
                         "and '*' for any number",
                         text);
    ret->allow = true;
    ret->type = memory_strdup(words.items[0]);
    ret->access = memory_strdup(words.items[2]);
    return 0;
}
