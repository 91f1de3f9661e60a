/* SPDX-License-Identifier: Apache-2.0 */

/* One table row per filter, and one question per filter to each image. */

#include "cli/image-filter.h"

#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/suggest.h"

void image_filter_done(ImageFilter *filter)
{
    string_list_done(&filter->references);
    string_list_done(&filter->labels);
}

typedef int (*FilterFunction)(ImageFilter *filter, const char *value, ImageStore *store,
                              Error *err);

static int take_reference(ImageFilter *filter, const char *value, ImageStore *store, Error *err)
{
    (void)store, (void)err;
    string_list_add(&filter->references, value);
    return 0;
}

static int take_label(ImageFilter *filter, const char *value, ImageStore *store, Error *err)
{
    (void)store, (void)err;
    string_list_add(&filter->labels, value);
    return 0;
}

static int take_dangling(ImageFilter *filter, const char *value, ImageStore *store, Error *err)
{
    (void)store;
    if (parse_bool(value, &filter->dangling.value) < 0)
        return error_set(err, ERROR_INVALID, "invalid filter 'dangling=%s': use true or false",
                         value);
    filter->dangling.is_set = true;
    return 0;
}

static int find_creation(const char *name, ImageStore *store, OptionalInt64 *ret, Error *err)
{
    _cleanup_(image_freep) Image *image = NULL;
    int r = image_store_find(store, name, &image, err);

    if (r == 0)
        *ret = (OptionalInt64) { .is_set = true, .value = image->created };
    return r;
}

static int take_before(ImageFilter *filter, const char *value, ImageStore *store, Error *err)
{
    return find_creation(value, store, &filter->before, err);
}

static int take_since(ImageFilter *filter, const char *value, ImageStore *store, Error *err)
{
    return find_creation(value, store, &filter->since, err);
}

static const struct {
    const char *name;
    FilterFunction take;
} filters[] = {
    { "before", take_before },       { "dangling", take_dangling }, { "label", take_label },
    { "reference", take_reference }, { "since", take_since },
};

int image_filter_add(ImageFilter *filter, const char *text, ImageStore *store, Error *err)
{
    size_t length = strcspn(text, "=");
    _cleanup_free_ char *name = memory_strndup(text, length);
    Suggestion suggestion = SUGGESTION_INIT(name);

    if (text[length] == '\0')
        return error_set(err, ERROR_INVALID, "invalid filter '%s': write it as NAME=VALUE", text);
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
        if (strcmp(filters[i].name, name) == 0)
            return filters[i].take(filter, text + length + 1, store, err);
        suggestion_offer(&suggestion, filters[i].name);
    }
    if (suggestion.best)
        return error_set(err, ERROR_INVALID, "unknown filter '%s', did you mean '%s'?", name,
                         suggestion.best);
    return error_set(err, ERROR_INVALID,
                     "unknown filter '%s', there are before, dangling, label, reference and since",
                     name);
}

static bool has_labels(const ImageFilter *filter, const Image *image)
{
    for (size_t i = 0; i < filter->labels.count; i++)
        if (!string_map_matches(&image->config.config.labels, filter->labels.items[i]))
            return false;
    return true;
}

static bool has_wanted_name(const ImageFilter *filter, const Image *image)
{
    for (size_t i = 0; i < image->names.count; i++)
        if (image_filter_matches_name(filter, image->names.items[i]))
            return true;
    for (size_t i = 0; i < image->digests.count; i++)
        if (image_filter_matches_name(filter, image->digests.items[i]))
            return true;
    return filter->references.count == 0;
}

/* Docker's rule: what has a digest and no tag is neither hidden by one value nor by the other. */
static bool dangles_as_wanted(const ImageFilter *filter, const Image *image)
{
    if (!filter->dangling.is_set)
        return true;
    return filter->dangling.value ? image_is_dangling(image) : !image_is_nameless(image);
}

bool image_filter_matches(const ImageFilter *filter, const Image *image)
{
    return dangles_as_wanted(filter, image) &&
           (!filter->before.is_set || image->created < filter->before.value) &&
           (!filter->since.is_set || image->created > filter->since.value) &&
           has_labels(filter, image) && has_wanted_name(filter, image);
}

bool image_filter_matches_name(const ImageFilter *filter, const char *name)
{
    _cleanup_reference_ Reference reference = {};

    if (filter->references.count == 0)
        return true;
    if (reference_parse(name, &reference, NULL) < 0)
        return false;
    for (size_t i = 0; i < filter->references.count; i++)
        if (reference_matches(&reference, filter->references.items[i]))
            return true;
    return false;
}
