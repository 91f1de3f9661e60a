/* SPDX-License-Identifier: Apache-2.0 */

/* `cay-oci list`: all containers below --root, as a table, as JSON, or their ids alone. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/json-fields.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/string-buffer.h"
#include "base/string-list.h"
#include "oci/commands.h"
#include "oci/container-id.h"
#include "oci/container-listing.h"
#include "oci/root-directory.h"
#include "oci/user-name.h"

typedef struct ListOptions {
    char *format;
    bool quiet;
} ListOptions;

static const Option list_options[] = {
    { "format", 'f', .type = OPTION_STRING, .argument = "table|json",
      .offset = offsetof(ListOptions, format), .help = "How to list (default \"table\")" },
    { "quiet", 'q', .type = OPTION_BOOL, .offset = offsetof(ListOptions, quiet),
      .help = "Only list ids" },
};

const OptionTable list_option_table = {
    OPTION_TABLE(list_options),
    .stop_at_positional = true,
};

static const struct {
    const char *title;
    const char *member;
} columns[] = {
    { "ID", "id" },         { "PID", "pid" },         { "STATUS", "status" },
    { "BUNDLE", "bundle" }, { "CREATED", "created" }, { "OWNER", "owner" },
};

static char *cell_text(const json_t *container, const char *member)
{
    const json_t *value = json_object_get(container, member);

    if (json_is_integer(value))
        return memory_printf("%lld", json_integer_value(value));
    return memory_strdup(json_is_string(value) ? json_string_value(value) : "");
}

/* Columns are as wide as runc makes them: at least 12, with a gap of 3. */
static size_t column_width(const json_t *containers, size_t column)
{
    size_t width = strlen(columns[column].title), index;
    const json_t *container;

    json_array_foreach(containers, index, container)
    {
        _cleanup_free_ char *text = cell_text(container, columns[column].member);

        if (strlen(text) > width)
            width = strlen(text);
    }
    return width + 3 > 12 ? width + 3 : 12;
}

static void add_row(const json_t *container, const size_t *widths, StringBuffer *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        _cleanup_free_ char *cell =
            container ? cell_text(container, columns[i].member) : memory_strdup(columns[i].title);
        bool is_last = i + 1 == ARRAY_SIZE(columns);

        string_buffer_printf(text, "%-*s", is_last ? 0 : (int)widths[i], cell);
    }
    string_buffer_add_char(text, '\n');
}

static void add_table(const json_t *containers, StringBuffer *text)
{
    size_t widths[ARRAY_SIZE(columns)], index;
    const json_t *container;

    for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
        widths[i] = column_width(containers, i);
    add_row(NULL, widths, text);
    json_array_foreach(containers, index, container) add_row(container, widths, text);
}

static void add_ids(const json_t *containers, StringBuffer *text)
{
    size_t index;
    const json_t *container;

    json_array_foreach(containers, index, container)
        string_buffer_printf(text, "%s\n", json_string_value(json_object_get(container, "id")));
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int find_ids(int root_fd, StringList *ids)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    int r = directory_open_at(root_fd, ".", &directory);

    while (r >= 0 && (r = directory_read(directory, &entry)) > 0)
        if (container_id_validate(entry->d_name, NULL) >= 0)
            string_list_add(ids, entry->d_name);
    if (ids->count > 0)
        qsort(ids->items, ids->count, sizeof(*ids->items), compare_ids);
    return r;
}

/* One that cannot be read, or is just deleted, does not hide the others. */
static void add_container(int root_fd, const char *id, json_t *containers)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_error_ Error problem = {};
    _cleanup_free_ char *owner = NULL;

    if (container_open(root_fd, id, &container, &problem) < 0) {
        if (problem.kind != ERROR_NOT_FOUND)
            log_warning("%s", error_message(&problem));
        return;
    }
    owner = user_name_of(container->record.owner);
    json_array_append_new(containers, container_listing_to_json(container, owner));
}

static int collect(const Invocation *invocation, json_t *containers, Error *err)
{
    _cleanup_string_list_ StringList ids = {};
    _cleanup_close_ int root_fd = -EBADF;
    int r = root_directory_open(invocation->global, &root_fd, err);

    if (r == -ENOENT && !invocation->global->root) {
        error_done(err); /* nothing was ever made here */
        return 0;
    }
    if (r < 0)
        return r;
    r = find_ids(root_fd, &ids);
    if (r < 0)
        return error_result(err, r, "list the containers");
    for (size_t i = 0; i < ids.count; i++)
        add_container(root_fd, ids.items[i], containers);
    return 0;
}

int oci_list(Invocation *invocation, Error *err)
{
    _cleanup_json_ json_t *containers = json_array();
    _cleanup_string_buffer_ StringBuffer text = {};
    ListOptions options = {};
    int r = invocation_parse(invocation, &options, err);
    _cleanup_free_ char *format = options.format;
    bool as_json = format && strcmp(format, "json") == 0;

    if (r >= 0 && format && !as_json && strcmp(format, "table") != 0)
        r = error_set(err, ERROR_INVALID, "invalid format '%s': write 'table' or 'json'", format);
    if (r >= 0)
        r = collect(invocation, containers, err);
    if (r < 0)
        return r;

    if (options.quiet) {
        add_ids(containers, &text);
    } else if (as_json) {
        _cleanup_free_ char *json = json_to_text(containers);

        string_buffer_printf(&text, "%s\n", json);
    } else {
        add_table(containers, &text);
    }
    return output_text(string_buffer_get(&text), err);
}
