/* SPDX-License-Identifier: Apache-2.0 */

/* One table row per filter, and one question per filter to each network. */

#include "cli/network-filter.h"

#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/suggest.h"
#include "cli/name-expression.h"

static int take_dangling(NetworkFilter *filter, const char *value, Error *err)
{
    if (parse_bool(value, &filter->dangling.value) < 0)
        return error_set(err, ERROR_INVALID, "invalid filter 'dangling=%s': use true or false",
                         value);
    filter->dangling.is_set = true;
    return 0;
}

static int take_name(NetworkFilter *filter, const char *value, Error *err)
{
    return name_expressions_add(&filter->names, value, err);
}

/* The only values that there are, in Docker's words; NULL: any. */
static const char *const scopes[] = { "global", "local", "swarm", NULL };
static const char *const types[] = { "builtin", "custom", NULL };

static const struct {
    const char *name;
    int (*take)(NetworkFilter *filter, const char *value, Error *err); /* NULL: into the list */
    size_t values;                                                     /* a StringList */
    const char *const *allowed;
} filters[] = {
    { "dangling", take_dangling, 0, NULL },
    { "driver", NULL, offsetof(NetworkFilter, drivers), NULL },
    { "id", NULL, offsetof(NetworkFilter, ids), NULL },
    { "label", NULL, offsetof(NetworkFilter, labels), NULL },
    { "name", take_name, offsetof(NetworkFilter, names), NULL },
    { "scope", NULL, offsetof(NetworkFilter, scopes), scopes },
    { "type", NULL, offsetof(NetworkFilter, types), types },
};

void network_filter_done(NetworkFilter *filter)
{
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
        if (filters[i].values > 0)
            string_list_done((StringList *)((char *)filter + filters[i].values));
}

static int take_value(NetworkFilter *filter, size_t index, const char *value, Error *err)
{
    const char *const *allowed = filters[index].allowed;
    size_t i = 0;

    if (filters[index].take)
        return filters[index].take(filter, value, err);
    while (allowed && allowed[i] && strcmp(allowed[i], value) != 0)
        i++;
    if (allowed && !allowed[i])
        return error_set(err, ERROR_INVALID, "invalid filter '%s=%s': there are %s and %s",
                         filters[index].name, value, allowed[0], allowed[1]);
    string_list_add((StringList *)((char *)filter + filters[index].values), value);
    return 0;
}

int network_filter_add(NetworkFilter *filter, const char *text, Error *err)
{
    size_t length = strcspn(text, "=");
    _cleanup_free_ char *name = memory_strndup(text, length);
    Suggestion suggestion = SUGGESTION_INIT(name);

    if (text[length] == '\0')
        return error_set(err, ERROR_INVALID, "invalid filter '%s': write it as NAME=VALUE", text);
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
        if (strcmp(filters[i].name, name) == 0)
            return take_value(filter, i, text + length + 1, err);
        suggestion_offer(&suggestion, filters[i].name);
    }
    if (suggestion.best)
        return error_set(err, ERROR_INVALID, "unknown filter '%s', did you mean '%s'?", name,
                         suggestion.best);
    return error_set(err, ERROR_INVALID,
                     "unknown filter '%s', there are dangling, driver, id, label, name, scope and "
                     "type",
                     name);
}

static bool has_labels(const NetworkFilter *filter, const Network *network)
{
    for (size_t i = 0; i < filter->labels.count; i++)
        if (!string_map_matches(&network->spec.labels, filter->labels.items[i]))
            return false;
    return true;
}

static bool has_wanted_id(const NetworkFilter *filter, const Network *network)
{
    for (size_t i = 0; i < filter->ids.count; i++)
        if (strncmp(network->spec.id, filter->ids.items[i], strlen(filter->ids.items[i])) == 0)
            return true;
    return filter->ids.count == 0;
}

static bool is_among(const StringList *values, const char *value)
{
    return values->count == 0 || string_list_contains(values, value);
}

bool network_filter_matches(const NetworkFilter *filter, const Network *network)
{
    bool is_dangling = !network->is_predefined && network->n_endpoints == 0;

    return (!filter->dangling.is_set || filter->dangling.value == is_dangling) &&
           is_among(&filter->drivers, network->spec.driver) && has_wanted_id(filter, network) &&
           has_labels(filter, network) &&
           name_expressions_match(&filter->names, network->spec.name) &&
           is_among(&filter->scopes, "local") &&
           is_among(&filter->types, network->is_predefined ? "builtin" : "custom");
}
