/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay search`: Docker's first search API, which Docker Hub still has. A registry without one is
 * asked for the names of all its repositories.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/suggest.h"
#include "cli/commands.h"
#include "cli/open-engine.h"
#include "cli/row-writer.h"
#include "image/reference.h"
#include "registry/registry-client.h"

#define DEFAULT_LIMIT 25
#define LIMIT_MAX 100
#define CATALOG_MAX 10000 /* names that are looked through */
#define DESCRIPTION_WIDTH 45

typedef struct SearchOptions {
    char *format;
    StringList filters;
    int64_t limit;
    bool no_trunc;
} SearchOptions;

static const Option search_options[] = {
    { "filter", 'f', .type = OPTION_STRING_LIST, .argument = "filter",
      .offset = offsetof(SearchOptions, filters),
      .help = "Show only what fits: is-automated=, is-official=, stars=" },
    { "format", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(SearchOptions, format),
      .help = "'table', 'table TEMPLATE', 'json', or a Go template for each repository" },
    { "limit", .type = OPTION_INT64, .argument = "int", .offset = offsetof(SearchOptions, limit),
      .help = "How many to show at most, up to 100 (default 25)" },
    { "no-trunc", .type = OPTION_BOOL, .offset = offsetof(SearchOptions, no_trunc),
      .help = "Show whole descriptions" },
};

const OptionTable search_option_table = { OPTION_TABLE(search_options) };

static void search_options_done(SearchOptions *options)
{
    free(options->format);
    string_list_done(&options->filters);
}

static const RowColumn columns[] = {
    { "Description", "DESCRIPTION" }, { "IsAutomated", "AUTOMATED" },
    { "IsOfficial", "OFFICIAL" },     { "Name", "NAME" },
    { "StarCount", "STARS" },
};

static const RowLayout layout = {
    .table = "table {{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}",
    .columns = columns,
    .n_columns = ARRAY_SIZE(columns),
};

typedef struct SearchResult {
    char *name;
    char *description;
    int64_t stars;
    bool is_official;
    bool is_automated;
} SearchResult;

typedef struct SearchAnswer {
    JSON_ARRAY_OF(SearchResult) results;
} SearchAnswer;

static const JsonField result_fields[] = {
    JSON_FIELD_FLAGS(SearchResult, name, "name", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(SearchResult, description, "description", JSON_TYPE_STRING),
    JSON_FIELD(SearchResult, stars, "star_count", JSON_TYPE_INT64),
    JSON_FIELD(SearchResult, is_official, "is_official", JSON_TYPE_BOOL),
    JSON_FIELD(SearchResult, is_automated, "is_automated", JSON_TYPE_BOOL),
};
static const JsonStruct result_json = JSON_STRUCT(SearchResult, result_fields);

static const JsonField answer_fields[] = {
    JSON_FIELD_OF(SearchAnswer, results, "results", JSON_TYPE_STRUCT_ARRAY, &result_json),
};
static const JsonStruct answer_json = JSON_STRUCT(SearchAnswer, answer_fields);

static void search_answer_done(SearchAnswer *answer)
{
    json_struct_done(&answer_json, answer);
}

typedef struct SearchFilter {
    int64_t stars;
    OptionalBool is_official, is_automated;
} SearchFilter;

static int take_truth(const char *name, const char *value, OptionalBool *ret, Error *err)
{
    if (parse_bool(value, &ret->value) < 0)
        return error_set(err, ERROR_INVALID, "invalid filter '%s=%s': use true or false", name,
                         value);
    ret->is_set = true;
    return 0;
}

static int add_filter(const char *text, SearchFilter *filter, Error *err)
{
    size_t length = strcspn(text, "=");
    _cleanup_free_ char *name = memory_strndup(text, length);
    const char *value = text + length + 1;

    if (text[length] == '\0')
        return error_set(err, ERROR_INVALID, "invalid filter '%s': write it as NAME=VALUE", text);
    if (strcmp(name, "is-official") == 0)
        return take_truth(name, value, &filter->is_official, err);
    if (strcmp(name, "is-automated") == 0)
        return take_truth(name, value, &filter->is_automated, err);
    if (strcmp(name, "stars") != 0)
        return error_set(err, ERROR_INVALID,
                         "unknown filter '%s', there are is-automated, is-official and stars",
                         name);
    if (parse_i64(value, &filter->stars) < 0 || filter->stars < 0)
        return error_set(err, ERROR_INVALID, "invalid filter 'stars=%s': it is no number", value);
    return 0;
}

static bool fits(const SearchFilter *filter, const SearchResult *result)
{
    return result->stars >= filter->stars &&
           (!filter->is_official.is_set || filter->is_official.value == result->is_official) &&
           (!filter->is_automated.is_set || filter->is_automated.value == result->is_automated);
}

/* One line of at most @width characters (0: of any length). */
static char *shorten(const char *text, size_t width)
{
    char *line = memory_strdup(text ? text : "");
    size_t end = 0;

    for (char *at = line; *at; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    for (size_t n = 0; width > 0 && line[end]; end++) {
        bool begins = ((unsigned char)line[end] & 0xc0) != 0x80; /* of a character in UTF-8 */

        if (begins && n++ == width - 1 && strlen(line + end) > 1) {
            char *shortened = memory_printf("%.*s…", (int)end, line);

            free(line);
            return shortened;
        }
    }
    return line;
}

static const char *truth(bool is_true, bool in_json)
{
    if (in_json)
        return is_true ? "true" : "false";
    return is_true ? "[OK]" : "";
}

static int add_row(RowWriter *writer, const SearchOptions *options, const SearchResult *result,
                   Error *err)
{
    bool in_json = options->format && strcmp(options->format, "json") == 0;
    _cleanup_free_ char *description =
        shorten(result->description, options->no_trunc ? 0 : DESCRIPTION_WIDTH);
    _cleanup_free_ char *stars = memory_printf("%lld", (long long)result->stars);
    _cleanup_json_ json_t *row =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "Description", description, "IsAutomated",
                  truth(result->is_automated, in_json), "IsOfficial",
                  truth(result->is_official, in_json), "Name", result->name, "StarCount", stars);

    return row_writer_add(writer, row, NULL, err);
}

typedef struct Search {
    const char *domain;
    const char *term; /* behind the domain */
    size_t limit;
    RegistryClient *client;
} Search;

/* All repositories that have the term in their names. */
static int search_catalog(const Search *search, SearchAnswer *ret, Error *err)
{
    _cleanup_string_list_ StringList names = {};
    int r = registry_client_list_repositories(search->client, CATALOG_MAX, &names, err);

    for (size_t i = 0; r >= 0 && i < names.count && ret->results.count < search->limit; i++)
        if (strstr(names.items[i], search->term))
            JSON_ARRAY_ADD(&ret->results)->name = memory_strdup(names.items[i]);
    return r;
}

static int search_registry(const Search *search, SearchAnswer *ret, Error *err)
{
    _cleanup_registry_document_ RegistryDocument document = {};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_error_ Error problem = {};
    int r =
        registry_client_search(search->client, search->term, search->limit, &document, &problem);

    if (r < 0 && problem.kind == ERROR_NOT_FOUND)
        return search_catalog(search, ret, err);
    if (r < 0) {
        error_move(err, &problem);
        return r;
    }
    r = json_parse(document.text, document.size, &json, err);
    return r < 0 ? r : json_struct_read(&answer_json, json, ret, err);
}

static int compare_stars(const void *a, const void *b)
{
    const SearchResult *first = a, *second = b;

    if (first->stars != second->stars)
        return first->stars < second->stars ? 1 : -1;
    return strcmp(first->name, second->name);
}

/* Names at Docker Hub are those of `cay pull`; others get their registry's before them. */
static void complete_names(const Search *search, SearchAnswer *answer)
{
    for (size_t i = 0; i < answer->results.count && strcmp(search->domain, REGISTRY_HUB) != 0;
         i++) {
        SearchResult *result = &answer->results.items[i];
        char *name = memory_printf("%s/%s", search->domain, result->name);

        free(result->name);
        result->name = name;
    }
}

static int search_and_write(const Search *search, const SearchOptions *options,
                            const SearchFilter *filter, RowWriter *writer, Error *err)
{
    _cleanup_(search_answer_done) SearchAnswer answer = {};
    size_t shown = 0;
    int r = search_registry(search, &answer, err);

    if (r < 0)
        return error_wrap(err, r, "search '%s'", search->domain);
    complete_names(search, &answer);
    if (answer.results.count > 0)
        qsort(answer.results.items, answer.results.count, sizeof(SearchResult), compare_stars);
    for (size_t i = 0; i < answer.results.count && shown < search->limit && r >= 0; i++) {
        if (fits(filter, &answer.results.items[i])) {
            r = add_row(writer, options, &answer.results.items[i], err);
            shown++;
        }
    }
    return r < 0 ? r : row_writer_finish(writer, stdout, err);
}

static int check_options(const SearchOptions *options, SearchFilter *filter, Error *err)
{
    int r = 0;

    if (options->limit < 0 || options->limit > LIMIT_MAX)
        return error_set(err, ERROR_INVALID, "limit %lld is outside the range of [1, %d]",
                         (long long)options->limit, LIMIT_MAX);
    for (size_t i = 0; i < options->filters.count && r >= 0; i++)
        r = add_filter(options->filters.items[i], filter, err);
    return r;
}

static int connect_to(Invocation *invocation, const char *domain, RegistryClient **ret, Error *err)
{
    const RegistryWish wish = { .domain = domain, .for_search = true };
    _cleanup_(registry_settings_freep) RegistrySettings *settings = NULL;
    _cleanup_registry_repository_ RegistryRepository registry = {};
    int r = open_registry_settings(invocation, &settings, err);

    if (r >= 0)
        r = registry_resolve(settings, &wish, &registry, err);
    return r < 0 ? r : registry_client_open(&registry, ret, err);
}

int cli_search(Invocation *invocation, Error *err)
{
    _cleanup_(search_options_done) SearchOptions options = {};
    _cleanup_(registry_client_closep) RegistryClient *client = NULL;
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    _cleanup_free_ char *domain = NULL;
    SearchFilter filter = {};
    const char *term;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, check_options(&options, &filter, err));
    if (r >= 0)
        r = row_writer_new(&layout, options.format, false, &writer, err);
    if (r < 0)
        return r;
    term = invocation->arguments[0];
    if (reference_has_domain(term)) {
        domain = memory_strndup(term, strcspn(term, "/"));
        term += strlen(domain) + 1;
    }
    r = connect_to(invocation, domain ? domain : REGISTRY_HUB, &client, err);
    if (r < 0)
        return r;
    return search_and_write(
        &(Search) {
            .domain = domain ? domain : REGISTRY_HUB,
            .term = term,
            .limit = options.limit > 0 ? (size_t)options.limit : DEFAULT_LIMIT,
            .client = client,
        },
        &options, &filter, writer, err);
}
