/* SPDX-License-Identifier: Apache-2.0 */

/* The table of mount options. Later options win over earlier ones, as with mount(8). */

#include "sandbox/mount-options-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/memory.h"

typedef enum OptionEffect {
    EFFECT_NONE,        /* what the new mount API does anyway */
    EFFECT_ATTRIBUTE,   /* mask, value */
    EFFECT_PROPAGATION, /* value */
    EFFECT_BIND,
    EFFECT_REMOUNT,
    EFFECT_REFUSED,
} OptionEffect;

typedef struct MountOption {
    const char *name;
    OptionEffect effect;
    bool recursive;
    uint64_t mask;
    uint64_t value;
} MountOption;

/* An attribute that is set and one that is cleared, each also for all mounts below. */
#define ATTRIBUTE(set_name, clear_name, bit)                                                       \
    { set_name, EFFECT_ATTRIBUTE, false, bit, bit },                                               \
        { clear_name, EFFECT_ATTRIBUTE, false, bit, 0 },                                           \
        { "r" set_name, EFFECT_ATTRIBUTE, true, bit, bit },                                        \
    {                                                                                              \
        "r" clear_name, EFFECT_ATTRIBUTE, true, bit, 0                                             \
    }

/* How access times are kept is one field of several bits; 0 is relatime, the kernel's default. */
#define ACCESS_TIME(name, value)                                                                   \
    { name, EFFECT_ATTRIBUTE, false, MOUNT_ATTR__ATIME, value },                                   \
    {                                                                                              \
        "r" name, EFFECT_ATTRIBUTE, true, MOUNT_ATTR__ATIME, value                                 \
    }

#define PROPAGATION(name, flag)                                                                    \
    { name, EFFECT_PROPAGATION, false, 0, flag },                                                  \
    {                                                                                              \
        "r" name, EFFECT_PROPAGATION, true, 0, flag                                                \
    }

static const MountOption options_table[] = {
    ATTRIBUTE("ro", "rw", MOUNT_ATTR_RDONLY),
    ATTRIBUTE("nosuid", "suid", MOUNT_ATTR_NOSUID),
    ATTRIBUTE("nodev", "dev", MOUNT_ATTR_NODEV),
    ATTRIBUTE("noexec", "exec", MOUNT_ATTR_NOEXEC),
    ATTRIBUTE("nodiratime", "diratime", MOUNT_ATTR_NODIRATIME),
    ATTRIBUTE("nosymfollow", "symfollow", MOUNT_ATTR_NOSYMFOLLOW),
    ACCESS_TIME("relatime", MOUNT_ATTR_RELATIME),
    ACCESS_TIME("norelatime", MOUNT_ATTR_RELATIME),
    ACCESS_TIME("atime", MOUNT_ATTR_RELATIME),
    ACCESS_TIME("noatime", MOUNT_ATTR_NOATIME),
    ACCESS_TIME("strictatime", MOUNT_ATTR_STRICTATIME),
    ACCESS_TIME("nostrictatime", MOUNT_ATTR_RELATIME),
    PROPAGATION("private", MS_PRIVATE),
    PROPAGATION("shared", MS_SHARED),
    PROPAGATION("slave", MS_SLAVE),
    PROPAGATION("unbindable", MS_UNBINDABLE),
    { "bind", EFFECT_BIND, false },
    { "rbind", EFFECT_BIND, true },
    { "remount", EFFECT_REMOUNT },
    { "defaults", EFFECT_NONE },
    /* These two only ever chose whether mount(2) wrote to the kernel log. */
    { "loud", EFFECT_NONE },
    { "silent", EFFECT_NONE },
    { "idmap", EFFECT_REFUSED },
    { "ridmap", EFFECT_REFUSED },
    { "tmpcopyup", EFFECT_REFUSED },
};

static const MountOption *find_option(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(options_table); i++)
        if (strcmp(options_table[i].name, name) == 0)
            return &options_table[i];

    return NULL;
}

static void add_data(MountOptions *options, const char *text)
{
    const char *equals = strchr(text, '=');
    _cleanup_free_ char *key = equals ? memory_strndup(text, (size_t)(equals - text)) : NULL;

    string_map_set(&options->data, equals ? key : text, equals ? equals + 1 : NULL);
}

static int add_option(MountOptions *options, const char *text, Error *err)
{
    const MountOption *option = find_option(text);
    MountAttributes *attributes;

    if (!option) {
        add_data(options, text);
        return 0;
    }

    attributes = option->recursive ? &options->recursive : &options->own;
    switch (option->effect) {
    case EFFECT_NONE:
        break;
    case EFFECT_ATTRIBUTE:
        attributes->mask |= option->mask;
        attributes->value = (attributes->value & ~option->mask) | option->value;
        break;
    case EFFECT_PROPAGATION:
        attributes->propagation = option->value;
        break;
    case EFFECT_BIND:
        options->bind = true;
        options->bind_recursive = option->recursive;
        break;
    case EFFECT_REMOUNT:
        options->remount = true;
        break;
    case EFFECT_REFUSED:
        return error_set(err, ERROR_UNSUPPORTED, "mount option '%s' is not supported", text);
    }
    return 0;
}

int mount_options_parse(const StringList *options, MountOptions *ret, Error *err)
{
    for (size_t i = 0; i < options->count; i++) {
        int r = add_option(ret, options->items[i], err);

        if (r < 0)
            return r;
    }
    return 0;
}

void mount_options_done(MountOptions *options)
{
    string_map_done(&options->data);
}

uint64_t mount_propagation_flag(const char *name, bool *ret_recursive)
{
    const MountOption *option = find_option(name);

    if (!option || option->effect != EFFECT_PROPAGATION)
        return 0;
    *ret_recursive = option->recursive;
    return option->value;
}

int mount_attributes_apply(int fd, const MountAttributes *attributes, bool recursive)
{
    struct mount_attr change = {
        .attr_set = attributes->value,
        .attr_clr = attributes->mask & ~attributes->value,
        .propagation = attributes->propagation,
    };

    /* The kernel wants the whole field cleared whenever an access time mode is chosen. */
    if (attributes->mask & MOUNT_ATTR__ATIME)
        change.attr_clr |= MOUNT_ATTR__ATIME;
    if (change.attr_set == 0 && change.attr_clr == 0 && change.propagation == 0)
        return 0;

    return mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &change,
                         sizeof(change)) < 0
               ? -errno
               : 0;
}
