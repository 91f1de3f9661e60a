/* SPDX-License-Identifier: Apache-2.0 */

/* One table row per filter: where its values go, and the question to each container. */

#include "cli/container-filter.h"

#include <regex.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/suggest.h"
#include "engine/network.h"
#include "engine/published-port.h"

typedef bool (*MatchFunction)(const char *wanted, const Container *container);

static bool match_id(const char *wanted, const Container *container)
{
    return strncmp(container->id, wanted, strlen(wanted)) == 0;
}

static bool match_name(const char *wanted, const Container *container)
{
    _cleanup_free_ char *with_slash = memory_printf("/%s", container->name);
    regex_t expression;
    bool matches;

    if (regcomp(&expression, wanted, REG_EXTENDED | REG_NOSUB) != 0)
        return false; /* checked before */
    /* Docker's own names begin with a slash, and scripts rely on either. */
    matches = regexec(&expression, container->name, 0, NULL, 0) == 0 ||
              regexec(&expression, with_slash, 0, NULL, 0) == 0;
    regfree(&expression);
    return matches;
}

static bool match_label(const char *wanted, const Container *container)
{
    return string_map_matches(&container->spec.labels, wanted);
}

static bool match_exit_code(const char *wanted, const Container *container)
{
    int64_t code;

    return container->state == CONTAINER_EXITED && parse_i64(wanted, &code) == 0 &&
           code == container->exit_code;
}

static bool match_state(const char *wanted, const Container *container)
{
    ContainerState state =
        container->state == CONTAINER_CREATING ? CONTAINER_CREATED : container->state;

    return strcmp(wanted, container_state_to_string(state)) == 0;
}

static bool match_health(const char *wanted, const Container *container)
{
    return strcmp(wanted, container->health ? container->health : "none") == 0;
}

/* By its name or source, or where it is mounted. */
static bool match_volume(const char *wanted, const Container *container)
{
    const ContainerMounts *mounts = &container->spec.mount_points;

    for (size_t i = 0; i < mounts->count; i++)
        if (strcmp(mounts->items[i].target, wanted) == 0 ||
            (mounts->items[i].source && strcmp(mounts->items[i].source, wanted) == 0))
            return true;
    return false;
}

/* By its mode or, of one in a network, by its id: see add_network(). */
static bool match_network(const char *wanted, const Container *container)
{
    return container_mode_is(container->spec.network_mode, wanted) ||
           strcmp(container->id, wanted) == 0;
}

/* Is @text, "80/tcp", what is wanted: "80", "80/tcp", "8000-8010/tcp"? */
static bool is_port(const char *wanted, const char *text)
{
    _cleanup_string_list_ StringList ports = {};

    return exposed_port_parse(wanted, &ports, NULL) >= 0 && string_list_contains(&ports, text);
}

static bool match_exposed(const char *wanted, const Container *container)
{
    for (size_t i = 0; i < container->spec.exposed_ports.count; i++)
        if (is_port(wanted, container->spec.exposed_ports.items[i]))
            return true;
    return false;
}

/* By the container's port, as in Docker. */
static bool match_published(const char *wanted, const Container *container)
{
    for (size_t i = 0; i < container->spec.port_bindings.count; i++)
        if (is_port(wanted, container->spec.port_bindings.items[i].container_port))
            return true;
    return false;
}

static bool match_ancestor(const char *wanted, const Container *container)
{
    return strcmp(container->image.text, wanted) == 0;
}

#define LIST(member) offsetof(ContainerFilter, member)

static const struct {
    const char *name;
    size_t values; /* a StringList */
    MatchFunction matches;
    bool has_alternatives; /* one value has to hold, instead of all */
    bool wants_spec;
} filters[] = {
    { "ancestor", LIST(ancestors), match_ancestor, true, false },
    { "exited", LIST(exit_codes), match_exit_code, true, false },
    { "expose", LIST(exposed), match_exposed, true, true },
    { "health", LIST(health), match_health, true, false },
    { "id", LIST(ids), match_id, true, false },
    { "label", LIST(labels), match_label, false, true },
    { "name", LIST(names), match_name, true, false },
    { "network", LIST(networks), match_network, true, false },
    { "publish", LIST(published), match_published, true, true },
    { "status", LIST(states), match_state, true, false },
    { "volume", LIST(volumes), match_volume, true, true },
};

static StringList *values_of(const ContainerFilter *filter, size_t index)
{
    return (StringList *)((char *)filter + filters[index].values);
}

void container_filter_done(ContainerFilter *filter)
{
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
        string_list_done(values_of(filter, i));
}

/* The values that are not just any text. */
static const struct {
    const char *name;
    const char *values[8];
} known_values[] = {
    { "health", { "none", "starting", "healthy", "unhealthy" } },
    { "status", { "created", "running", "paused", "restarting", "removing", "exited", "dead" } },
};

static int check_port(const char *name, const char *value, Error *err)
{
    _cleanup_string_list_ StringList ports = {};

    if (exposed_port_parse(value, &ports, NULL) < 0)
        return error_set(err, ERROR_INVALID,
                         "invalid filter '%s=%s': write it as PORT[-PORT][/PROTOCOL]", name, value);
    return 0;
}

static int check_value(const char *name, const char *value, Error *err)
{
    regex_t expression;
    int64_t number;

    for (size_t i = 0; i < ARRAY_SIZE(known_values); i++) {
        bool is_known = strcmp(known_values[i].name, name) != 0;

        for (size_t j = 0; known_values[i].values[j]; j++)
            is_known = is_known || strcmp(known_values[i].values[j], value) == 0;
        if (!is_known)
            return error_set(err, ERROR_INVALID, "invalid filter '%s=%s'", name, value);
    }
    if (strcmp(name, "exited") == 0 && parse_i64(value, &number) < 0)
        return error_set(err, ERROR_INVALID, "invalid filter 'exited=%s': it is not a number",
                         value);
    if (strcmp(name, "expose") == 0 || strcmp(name, "publish") == 0)
        return check_port(name, value, err);
    if (strcmp(name, "name") == 0) {
        if (regcomp(&expression, value, REG_EXTENDED | REG_NOSUB) != 0)
            return error_set(err, ERROR_INVALID,
                             "invalid filter 'name=%s': it is not a regular expression", value);
        regfree(&expression);
    }
    return 0;
}

static int find_creation(const char *name, Engine *engine, OptionalInt64 *ret, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    int r = container_find(engine, name, &container, err);

    if (r >= 0)
        *ret = (OptionalInt64) { .is_set = true, .value = container->created_at };
    return r;
}

/* An image by whatever name; a container of one that is not here any more is found by its id. */
static int add_ancestor(ContainerFilter *filter, const char *name, Engine *engine, Error *err)
{
    _cleanup_(image_freep) Image *image = NULL;
    _cleanup_error_ Error problem = {};
    ImageStore *images;
    int r = engine_images(engine, &images, err);

    if (r < 0)
        return r;
    r = image_store_find(images, name, &image, &problem);
    if (r < 0 && problem.kind != ERROR_NOT_FOUND) {
        error_move(err, &problem);
        return r;
    }
    string_list_add(&filter->ancestors, image ? image->id.text : name);
    return 0;
}

/* Who is in a network is known by its endpoints, whatever the container was made with. */
static int add_network(ContainerFilter *filter, const char *name, Engine *engine, Error *err)
{
    _cleanup_(network_freep) Network *network = NULL;
    _cleanup_endpoint_list_ EndpointList endpoints = {};
    _cleanup_error_ Error problem = {};
    int r = network_find(engine, name, &network, &problem);

    if (r < 0 && problem.kind != ERROR_NOT_FOUND) {
        error_move(err, &problem);
        return r;
    }
    /* One that there is not has nobody in it, unless that is how a mode is called. */
    string_list_add(&filter->networks, network ? network->spec.name : name);
    r = network ? endpoint_list_of_network(engine, network->spec.id, &endpoints, err) : 0;
    for (size_t i = 0; i < endpoints.count; i++)
        string_list_add(&filter->networks, endpoints.items[i].container);
    return r < 0 ? r : 0;
}

static int add_value(ContainerFilter *filter, const char *name, const char *value, Engine *engine,
                     Error *err)
{
    Suggestion suggestion = SUGGESTION_INIT(name);

    if (strcmp(name, "ancestor") == 0)
        return add_ancestor(filter, value, engine, err);
    if (strcmp(name, "before") == 0)
        return find_creation(value, engine, &filter->before, err);
    if (strcmp(name, "network") == 0)
        return add_network(filter, value, engine, err);
    if (strcmp(name, "since") == 0)
        return find_creation(value, engine, &filter->since, err);
    if (strcmp(name, "is-task") == 0)
        return error_set(err, ERROR_UNSUPPORTED, "filter 'is-task': there are no swarm tasks");
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
        int r;

        suggestion_offer(&suggestion, filters[i].name);
        if (strcmp(filters[i].name, name) != 0)
            continue;
        r = check_value(name, value, err);
        if (r >= 0)
            string_list_add(values_of(filter, i), value);
        return r;
    }
    return error_set(err, ERROR_INVALID, "unknown filter '%s'%s%s%s", name,
                     suggestion.best ? ", did you mean '" : "",
                     suggestion.best ? suggestion.best : "", suggestion.best ? "'?" : "");
}

int container_filter_add(ContainerFilter *filter, const char *text, Engine *engine, Error *err)
{
    size_t length = strcspn(text, "=");
    _cleanup_free_ char *name = memory_strndup(text, length);

    if (text[length] == '\0')
        return error_set(err, ERROR_INVALID, "invalid filter '%s': write it as NAME=VALUE", text);
    return add_value(filter, name, text + length + 1, engine, err);
}

bool container_filter_wants_spec(const ContainerFilter *filter)
{
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
        if (filters[i].wants_spec && values_of(filter, i)->count > 0)
            return true;
    return false;
}

bool container_filter_wants_all(const ContainerFilter *filter)
{
    return filter->states.count > 0 || filter->exit_codes.count > 0;
}

bool container_filter_matches(const ContainerFilter *filter, const Container *container)
{
    if (filter->before.is_set && container->created_at >= filter->before.value)
        return false;
    if (filter->since.is_set && container->created_at <= filter->since.value)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
        const StringList *values = values_of(filter, i);
        size_t n_matches = 0;

        for (size_t j = 0; j < values->count; j++)
            n_matches += filters[i].matches(values->items[j], container);
        if (values->count > 0 && n_matches < (filters[i].has_alternatives ? 1 : values->count))
            return false;
    }
    return true;
}
