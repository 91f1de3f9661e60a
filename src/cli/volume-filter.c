/* SPDX-License-Identifier: Apache-2.0 */

/* One table row per filter, and one question per filter to each volume. */

#include "cli/volume-filter.h"

#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/suggest.h"
#include "cli/name-expression.h"

void volume_filter_done(VolumeFilter *filter)
{
    string_list_done(&filter->drivers);
    string_list_done(&filter->labels);
    string_list_done(&filter->names);
}

static int take_dangling(VolumeFilter *filter, const char *value, Error *err)
{
    if (parse_bool(value, &filter->dangling.value) < 0)
        return error_set(err, ERROR_INVALID, "invalid filter 'dangling=%s': use true or false",
                         value);
    filter->dangling.is_set = true;
    return 0;
}

static int take_driver(VolumeFilter *filter, const char *value, Error *err)
{
    (void)err;
    string_list_add(&filter->drivers, value);
    return 0;
}

static int take_label(VolumeFilter *filter, const char *value, Error *err)
{
    (void)err;
    string_list_add(&filter->labels, value);
    return 0;
}

static int take_name(VolumeFilter *filter, const char *value, Error *err)
{
    return name_expressions_add(&filter->names, value, err);
}

static const struct {
    const char *name;
    int (*take)(VolumeFilter *filter, const char *value, Error *err);
} filters[] = {
    { "dangling", take_dangling },
    { "driver", take_driver },
    { "label", take_label },
    { "name", take_name },
};

int volume_filter_add(VolumeFilter *filter, const char *text, Error *err)
{
    size_t length = strcspn(text, "=");
    _cleanup_free_ char *name = memory_strndup(text, length);
    Suggestion suggestion = SUGGESTION_INIT(name);

    if (text[length] == '\0')
        return error_set(err, ERROR_INVALID, "invalid filter '%s': write it as NAME=VALUE", text);
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
        if (strcmp(filters[i].name, name) == 0)
            return filters[i].take(filter, text + length + 1, err);
        suggestion_offer(&suggestion, filters[i].name);
    }
    if (suggestion.best)
        return error_set(err, ERROR_INVALID, "unknown filter '%s', did you mean '%s'?", name,
                         suggestion.best);
    return error_set(err, ERROR_INVALID,
                     "unknown filter '%s', there are dangling, driver, label and name", name);
}

static bool has_labels(const VolumeFilter *filter, const Volume *volume)
{
    for (size_t i = 0; i < filter->labels.count; i++)
        if (!string_map_matches(&volume->labels, filter->labels.items[i]))
            return false;
    return true;
}

bool volume_filter_matches(const VolumeFilter *filter, const Volume *volume)
{
    return (!filter->dangling.is_set || filter->dangling.value == (volume->n_users == 0)) &&
           (filter->drivers.count == 0 || string_list_contains(&filter->drivers, volume->driver)) &&
           has_labels(filter, volume) && name_expressions_match(&filter->names, volume->name);
}
