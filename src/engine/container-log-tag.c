/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a container's log bears in each entry: its tag, and those of its labels and variables that
 * --log-opt names. All is decided here, so that whoever writes the log needs no container.
 */

#include <regex.h>
#include <stddef.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/memory.h"
#include "base/string-buffer.h"
#include "engine/container-private.h"
#include "supervisor/log-options.h"

static char *tag_id(const Container *container)
{
    return memory_strndup(container->id, CONTAINER_SHORT_ID_LENGTH);
}

static char *tag_full_id(const Container *container)
{
    return memory_strdup(container->id);
}

static char *tag_name(const Container *container)
{
    return memory_strdup(container->name);
}

static char *tag_image_full_id(const Container *container)
{
    return memory_strdup(container->image.text);
}

static char *tag_image_id(const Container *container)
{
    return memory_strndup(digest_hex(&container->image), CONTAINER_SHORT_ID_LENGTH);
}

static char *tag_image_name(const Container *container)
{
    return memory_strdup(container->spec.image);
}

static char *tag_daemon_name(const Container *container)
{
    (void)container;
    return memory_strdup("cay");
}

static char *tag_hostname(const Container *container)
{
    struct utsname host = {};

    (void)container;
    (void)uname(&host); /* cannot fail */
    return memory_strdup(host.nodename);
}

/* Docker's (loggerutils, Info), as far as they are about more than its own. */
static const struct {
    const char *name;
    char *(*get)(const Container *container);
} placeholders[] = {
    { ".ID", tag_id },
    { ".FullID", tag_full_id },
    { ".Name", tag_name },
    { ".ImageID", tag_image_id },
    { ".ImageFullID", tag_image_full_id },
    { ".ImageName", tag_image_name },
    { ".DaemonName", tag_daemon_name },
    { ".Hostname", tag_hostname },
};

static int unknown_placeholder(const char *tag, Error *err)
{
    _cleanup_string_buffer_ StringBuffer list = {};

    for (size_t i = 0; i < ARRAY_SIZE(placeholders); i++)
        string_buffer_printf(&list, "%s'{{%s}}'", i > 0 ? ", " : "", placeholders[i].name);
    return error_set(err, ERROR_INVALID, "log option 'tag=%s': there are %s", tag,
                     string_buffer_get(&list));
}

/* Add what the @size characters between braces stand for. False when they stand for nothing. */
static bool placeholder_add(const char *name, size_t size, const Container *container,
                            StringBuffer *buffer)
{
    while (size > 0 && *name == ' ') {
        name++;
        size--;
    }
    while (size > 0 && name[size - 1] == ' ')
        size--;
    for (size_t i = 0; i < ARRAY_SIZE(placeholders); i++) {
        _cleanup_free_ char *value = NULL;

        if (strlen(placeholders[i].name) != size || memcmp(placeholders[i].name, name, size) != 0)
            continue;
        if (container) {
            value = placeholders[i].get(container);
            string_buffer_add(buffer, value ? value : "");
        }
        return true;
    }
    return false;
}

int container_log_tag_expand(const char *tag, const Container *container, char **ret, Error *err)
{
    _cleanup_string_buffer_ StringBuffer buffer = {};
    const char *position = tag;

    for (;;) {
        const char *open = strstr(position, "{{"), *close = open ? strstr(open, "}}") : NULL;

        if (!open)
            break;
        string_buffer_add_bytes(&buffer, position, (size_t)(open - position));
        if (!close || !placeholder_add(open + 2, (size_t)(close - open - 2), container, &buffer))
            return unknown_placeholder(tag, err);
        position = close + 2;
    }
    string_buffer_add(&buffer, position);
    if (ret)
        *ret = string_buffer_take(&buffer);
    return 0;
}

/* Add those of @from that the options @list (names with commas) and @pattern name. */
static void add_chosen(StringMap *attributes, const StringMap *from, const char *list,
                       const char *pattern)
{
    _cleanup_string_list_ StringList names = {};
    regex_t regex;

    if (list)
        string_list_split(&names, list, ',');
    for (size_t i = 0; i < names.count; i++)
        if (string_map_contains(from, names.items[i]))
            string_map_set(attributes, names.items[i], string_map_get(from, names.items[i]));
    if (!pattern || regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0) /* validated */
        return;
    for (size_t i = 0; i < from->count; i++)
        if (regexec(&regex, from->items[i].key, 0, NULL, 0) == 0)
            string_map_set(attributes, from->items[i].key, from->items[i].value);
    regfree(&regex);
}

static void take_environment(StringMap *map, const StringList *environment)
{
    for (size_t i = 0; i < environment->count; i++) {
        const char *item = environment->items[i], *equals = strchr(item, '=');
        _cleanup_free_ char *name = equals ? memory_strndup(item, (size_t)(equals - item)) : NULL;

        if (equals)
            string_map_set(map, name, equals + 1);
    }
}

int container_log_settings(const Container *container, ShimSettings *settings, Error *err)
{
    const ContainerSpec *spec = &container->spec;
    const StringMap *options = &spec->log_config.options;
    const char *driver = spec->log_config.type ? spec->log_config.type : LOG_DRIVER_DEFAULT;
    const char *tag = string_map_get(options, "tag");
    _cleanup_string_map_ StringMap environment = {};
    _cleanup_free_ char *expanded = NULL;

    settings->log_driver = memory_strdup(driver);
    string_map_copy(&settings->log_options, options);
    take_environment(&environment, &spec->environment);
    add_chosen(&settings->log_attributes, &spec->labels, string_map_get(options, "labels"),
               string_map_get(options, "labels-regex"));
    add_chosen(&settings->log_attributes, &environment, string_map_get(options, "env"),
               string_map_get(options, "env-regex"));
    if (tag) {
        int r = container_log_tag_expand(tag, container, &expanded, err);

        if (r < 0)
            return r;
        string_map_set(&settings->log_options, "tag", expanded);
        string_map_set(&settings->log_attributes, "tag", expanded);
    }
    return 0;
}
