/* SPDX-License-Identifier: Apache-2.0 */

/* What the options mean, found out without looking at what they name. */

#include "engine/volume-options.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/memory.h"
#include "base/path.h"
#include "engine/project.h"

#define SIZE_NAME "size"
#define TYPE_NONE "none"

void volume_options_done(VolumeOptions *options)
{
    free(options->type);
    free(options->device);
    mount_options_done(&options->mount);
}

bool volume_options_mount(const StringMap *options)
{
    return options->count > string_map_contains(options, SIZE_NAME);
}

/* What is mounted has the size that it has. */
static int refuse_size(const StringMap *options, Error *err)
{
    const char *type = string_map_get(options, "type");

    if (type && strcmp(type, VOLUME_TYPE_TMPFS) == 0)
        return error_set(err, ERROR_INVALID,
                         "option 'size' is not for what is mounted: write 'o=size=%s'",
                         string_map_get(options, "size"));
    return error_set(err, ERROR_INVALID, "option 'size' is not for what is mounted");
}

static int check_names(const StringMap *options, Error *err)
{
    static const char *const names[] = { "type", "device", "o", SIZE_NAME };

    for (size_t i = 0; i < options->count; i++) {
        const char *name = options->items[i].key;
        bool is_known = false;

        for (size_t j = 0; j < ARRAY_SIZE(names); j++)
            is_known = is_known || strcmp(name, names[j]) == 0;
        if (!is_known)
            return error_set(err, ERROR_INVALID, "invalid option: '%s'", name);
    }
    return string_map_contains(options, SIZE_NAME) && volume_options_mount(options)
               ? refuse_size(options, err)
               : 0;
}

/* What means something to a mount(8), and nothing, or something else, to a mount that is new. */
static int check_mount_options(const MountOptions *mount, Error *err)
{
    const char *refused = mount->remount   ? "remount"
                          : mount->map_ids ? "idmap"
                          : mount->copy_up ? "tmpcopyup"
                                           : NULL;

    if (mount->own.propagation || mount->recursive.propagation)
        return error_set(err, ERROR_INVALID,
                         "option 'o': propagation is for a container's '--mount' to say");
    return refused ? error_set(err, ERROR_INVALID, "invalid option: 'o=%s'", refused) : 0;
}

static int parse_mount_options(const char *text, MountOptions *ret, Error *err)
{
    _cleanup_string_list_ StringList words = {}, options = {};

    string_list_split(&words, text, ',');
    for (size_t i = 0; i < words.count; i++)
        if (*words.items[i] && strcmp(words.items[i], "loop") != 0) /* a file is no device else */
            string_list_add(&options, words.items[i]);
    return mount_options_parse(&options, ret, err);
}

/* The kernel takes addresses only, and nothing here may ask a name server: that is what mount.nfs
 * does, with whatever the host's resolver is. */
static int check_address(const MountOptions *mount, Error *err)
{
    const char *address = string_map_get(&mount->data, "addr");
    struct in6_addr buffer;

    if (!address || inet_pton(AF_INET, address, &buffer) == 1 ||
        inet_pton(AF_INET6, address, &buffer) == 1)
        return 0;
    return error_set(err, ERROR_INVALID,
                     "option 'o': 'addr=%s' is no IP address, and names are not looked up",
                     address);
}

static int check_bind(VolumeOptions *options, const char *type, Error *err)
{
    if (type && *type && strcmp(type, TYPE_NONE) != 0 && strcmp(type, "bind") != 0)
        return error_set(err, ERROR_INVALID, "option 'type=%s' contradicts 'o=bind'", type);
    if (!path_is_absolute(options->device))
        return error_set(err, ERROR_INVALID, "option 'device=%s' is no absolute path",
                         options->device);
    if (options->mount.data.count > 0)
        return error_set(err, ERROR_INVALID, "invalid option: 'o=%s' means nothing to a bind",
                         options->mount.data.items[0].key);
    return 0;
}

static int check_file_system(VolumeOptions *options, const char *type, Error *err)
{
    if (!type || !*type)
        return error_set(err, ERROR_INVALID, "missing required option: 'type'");
    if (strcmp(type, TYPE_NONE) == 0)
        return error_set(err, ERROR_INVALID, "option 'type=none' needs 'o=bind'");
    options->type = memory_strdup(type);
    /* What is below may itself be read-only, and is refused otherwise. */
    if (strcmp(type, VOLUME_TYPE_TMPFS) != 0 &&
        (mount_options_merged(&options->mount).value & MOUNT_ATTR_RDONLY))
        string_map_set(&options->mount.data, "ro", NULL);
    return check_address(&options->mount, err);
}

int volume_options_parse(const StringMap *options, VolumeOptions *ret, Error *err)
{
    const char *type = string_map_get(options, "type"), *text = string_map_get(options, "o");
    const char *device = string_map_get(options, "device");
    int r = check_names(options, err);

    if (r < 0 || options->count == 0)
        return r;
    if (!volume_options_mount(options)) {
        r = project_parse_size(string_map_get(options, SIZE_NAME), &ret->size, err);
        return r < 0 ? error_wrap(err, r, "option 'size'") : 0;
    }
    if (!device || !*device)
        return error_set(err, ERROR_INVALID, "missing required option: 'device'");
    ret->device = memory_strdup(device);
    r = parse_mount_options(text ? text : "", &ret->mount, err);
    if (r >= 0)
        r = check_mount_options(&ret->mount, err);
    if (r < 0)
        return r;
    return ret->mount.bind ? check_bind(ret, type, err) : check_file_system(ret, type, err);
}
