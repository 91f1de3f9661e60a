/* SPDX-License-Identifier: Apache-2.0 */

/* The table of mount options. Later options win over earlier ones, as with mount(8). */

#include "sandbox/mount-options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/memory.h"

typedef enum OptionEffect {
    EFFECT_NONE,        /* what the new mount API does anyway */
    EFFECT_ATTRIBUTE,   /* mask, value */
    EFFECT_SUPER,       /* mask, value */
    EFFECT_PROPAGATION, /* value */
    EFFECT_BIND,
    EFFECT_REMOUNT,
    EFFECT_MAP_IDS,
    EFFECT_COPY_UP,
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

/* A flag of the file system and its opposite. A bind mount has none of its own. */
#define SUPER(set_name, clear_name, flag)                                                          \
    { set_name, EFFECT_SUPER, false, flag, flag },                                                 \
    {                                                                                              \
        clear_name, EFFECT_SUPER, false, flag, 0                                                   \
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
    SUPER("sync", "async", MS_SYNCHRONOUS),
    SUPER("mand", "nomand", MS_MANDLOCK),
    SUPER("lazytime", "nolazytime", MS_LAZYTIME),
    SUPER("iversion", "noiversion", MS_I_VERSION),
    { "dirsync", EFFECT_SUPER, false, MS_DIRSYNC, MS_DIRSYNC },
    { "bind", EFFECT_BIND, false },
    { "rbind", EFFECT_BIND, true },
    { "remount", EFFECT_REMOUNT },
    { "defaults", EFFECT_NONE },
    /* These two only ever chose whether mount(2) wrote to the kernel log. */
    { "loud", EFFECT_NONE },
    { "silent", EFFECT_NONE },
    { "idmap", EFFECT_MAP_IDS, false },
    { "ridmap", EFFECT_MAP_IDS, true },
    { "tmpcopyup", EFFECT_COPY_UP },
    /* Extensions of one other runtime, which would change what a path means. */
    { "copy-symlink", EFFECT_REFUSED },
    { "src-nofollow", EFFECT_REFUSED },
    { "dest-nofollow", EFFECT_REFUSED },
};

/* What fsconfig(2) calls the flags; NULL: it has no word for that. */
static const struct {
    uint64_t flag;
    const char *set;
    const char *clear;
} super_names[] = {
    { MS_SYNCHRONOUS, "sync", "async" },       { MS_MANDLOCK, "mand", "nomand" },
    { MS_LAZYTIME, "lazytime", "nolazytime" }, { MS_I_VERSION, "i_version", NULL },
    { MS_DIRSYNC, "dirsync", NULL },
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

static void set_bits(MountAttributes *attributes, const MountOption *option)
{
    attributes->mask |= option->mask;
    attributes->value = (attributes->value & ~option->mask) | option->value;
}

static int refuse_option(const char *text, Error *err)
{
    return error_set(err, ERROR_UNSUPPORTED, "mount option '%s' is not supported", text);
}

static int add_option(MountOptions *options, MountAttributes *super, const char *text, Error *err)
{
    const MountOption *option = find_option(text);
    MountAttributes *attributes;

    if (!option) {
        /* Mappings as text, in one other runtime: uidMappings and gidMappings are the standard. */
        if (strncmp(text, "idmap=", 6) == 0 || strncmp(text, "ridmap=", 7) == 0)
            return refuse_option(text, err);
        add_data(options, text);
        return 0;
    }

    attributes = option->recursive ? &options->recursive : &options->own;
    switch (option->effect) {
    case EFFECT_NONE:
        break;
    case EFFECT_ATTRIBUTE:
        set_bits(attributes, option);
        break;
    case EFFECT_SUPER:
        set_bits(super, option);
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
    case EFFECT_MAP_IDS:
        options->map_ids = true;
        options->map_ids_recursive = option->recursive;
        break;
    case EFFECT_COPY_UP:
        options->copy_up = true;
        break;
    case EFFECT_REFUSED:
        return refuse_option(text, err);
    }
    return 0;
}

/* A new file system starts with all flags cleared; only a remount has to be told. */
static int add_super_flags(MountOptions *options, const MountAttributes *super, Error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(super_names); i++) {
        uint64_t flag = super_names[i].flag;

        if (super->value & flag)
            string_map_set(&options->data, super_names[i].set, NULL);
        else if ((super->mask & flag) && options->remount && !options->bind) {
            if (!super_names[i].clear)
                return error_set(err, ERROR_UNSUPPORTED,
                                 "the kernel cannot take '%s' back from a file system",
                                 super_names[i].set);
            string_map_set(&options->data, super_names[i].clear, NULL);
        }
    }
    return 0;
}

void mount_option_names(StringList *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(options_table); i++)
        if (options_table[i].effect != EFFECT_REFUSED)
            string_list_add(ret, options_table[i].name);
}

int mount_options_parse(const StringList *options, MountOptions *ret, Error *err)
{
    MountAttributes super = {};

    for (size_t i = 0; i < options->count; i++) {
        int r = add_option(ret, &super, options->items[i], err);

        if (r < 0)
            return r;
    }
    return add_super_flags(ret, &super, err);
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

MountAttributes mount_options_merged(const MountOptions *options)
{
    const MountAttributes *own = &options->own, *recursive = &options->recursive;

    return (MountAttributes) {
        .mask = own->mask | recursive->mask,
        .value = (recursive->value & ~own->mask) | own->value,
        .propagation = own->propagation ?: recursive->propagation,
    };
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

int mount_map_ids(int fd, int namespace_fd, bool recursive)
{
    struct mount_attr change = {
        .attr_set = MOUNT_ATTR_IDMAP,
        .userns_fd = (uint64_t)namespace_fd,
    };

    return mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &change,
                         sizeof(change)) < 0
               ? -errno
               : 0;
}
