/* SPDX-License-Identifier: Apache-2.0 */

/* One table row per filter: where its values go, and the question to each event. */

#include "cli/event-filter.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/suggest.h"

typedef bool (*MatchFunction)(const char *wanted, const Event *event);

static bool begins_with(const char *text, const char *beginning)
{
    return text && strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool match_object(const char *type, const char *wanted, const Event *event)
{
    return strcmp(event->type, type) == 0 &&
           (begins_with(event->actor, wanted) ||
            begins_with(string_map_get(&event->attributes, "name"), wanted));
}

static bool match_container(const char *wanted, const Event *event)
{
    return match_object("container", wanted, event);
}

static bool match_daemon(const char *wanted, const Event *event)
{
    return match_object("daemon", wanted, event);
}

static bool match_network(const char *wanted, const Event *event)
{
    return match_object("network", wanted, event);
}

static bool match_secret(const char *wanted, const Event *event)
{
    return match_object("secret", wanted, event);
}

static bool match_volume(const char *wanted, const Event *event)
{
    return match_object("volume", wanted, event);
}

/* "exec_start" stands for "exec_start: ls" too. */
static bool match_action(const char *wanted, const Event *event)
{
    size_t length = strlen(wanted);

    return begins_with(event->action, wanted) &&
           (event->action[length] == '\0' || event->action[length] == ':');
}

/* "debian" is any "debian:TAG". */
static bool is_image(const char *name, const char *wanted)
{
    const char *tag = name ? strrchr(name, ':') : NULL;

    if (!name)
        return false;
    return strcmp(name, wanted) == 0 ||
           (tag && !strchr(tag, '/') && (size_t)(tag - name) == strlen(wanted) &&
            begins_with(name, wanted));
}

static bool match_image(const char *wanted, const Event *event)
{
    bool is_own = strcmp(event->type, "image") == 0;

    return (is_own && is_image(event->actor, wanted)) ||
           is_image(string_map_get(&event->attributes, is_own ? "name" : "image"), wanted);
}

static bool match_label(const char *wanted, const Event *event)
{
    return string_map_matches(&event->attributes, wanted);
}

static bool match_scope(const char *wanted, const Event *event)
{
    (void)event; /* there is no other */
    return strcmp(wanted, "local") == 0;
}

static bool match_type(const char *wanted, const Event *event)
{
    return strcmp(event->type, wanted) == 0;
}

static const struct {
    const char *name;
    size_t values; /* a StringList */
    MatchFunction matches;
    bool has_to_hold; /* every value, instead of one of them */
} filters[] = {
    { "container", offsetof(EventFilter, containers), match_container, false },
    { "daemon", offsetof(EventFilter, daemons), match_daemon, false },
    { "event", offsetof(EventFilter, events), match_action, false },
    { "image", offsetof(EventFilter, images), match_image, false },
    { "label", offsetof(EventFilter, labels), match_label, true },
    { "network", offsetof(EventFilter, networks), match_network, false },
    { "scope", offsetof(EventFilter, scopes), match_scope, false },
    { "secret", offsetof(EventFilter, secrets), match_secret, false },
    { "type", offsetof(EventFilter, types), match_type, false },
    { "volume", offsetof(EventFilter, volumes), match_volume, false },
};

static const char *const unsupported[] = { "config", "node", "plugin", "service" };

static StringList *values_of(const EventFilter *filter, size_t index)
{
    return (StringList *)((char *)filter + filters[index].values);
}

void event_filter_done(EventFilter *filter)
{
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
        string_list_done(values_of(filter, i));
}

int event_filter_add(EventFilter *filter, const char *text, Error *err)
{
    size_t length = strcspn(text, "=");
    _cleanup_free_ char *name = memory_strndup(text, length);
    Suggestion suggestion = SUGGESTION_INIT(name);

    if (text[length] == '\0' || text[length + 1] == '\0')
        return error_set(err, ERROR_INVALID, "invalid filter '%s': write it as NAME=VALUE", text);
    for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++)
        if (strcmp(unsupported[i], name) == 0)
            return error_set(err, ERROR_UNSUPPORTED,
                             "filter '%s': there are neither swarms nor plugins", name);
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
        suggestion_offer(&suggestion, filters[i].name);
        if (strcmp(filters[i].name, name) != 0)
            continue;
        string_list_add(values_of(filter, i), text + length + 1);
        return 0;
    }
    return error_set(err, ERROR_INVALID, "unknown filter '%s'%s%s%s", name,
                     suggestion.best ? ", did you mean '" : "",
                     suggestion.best ? suggestion.best : "", suggestion.best ? "'?" : "");
}

bool event_filter_matches(const EventFilter *filter, const Event *event)
{
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
        const StringList *values = values_of(filter, i);
        size_t n_matches = 0;

        for (size_t j = 0; j < values->count; j++)
            n_matches += filters[i].matches(values->items[j], event);
        if (values->count > 0 && n_matches < (filters[i].has_to_hold ? values->count : 1))
            return false;
    }
    return true;
}
