/* SPDX-License-Identifier: Apache-2.0 */

/* The texts of --network, --net-rate and of options that belong to a network: one table row for
 * each field. */

#include "engine/network-request.h"

#include <inttypes.h>
#include <string.h>

#include "base/csv.h"
#include "base/memory.h"
#include "base/parse.h"

static const char *const modes[] = { "none", "host" };
static const char *const mode_prefixes[] = { "container:", "ns:", "cni:" };

bool network_mode_is_network(const char *mode)
{
    for (size_t i = 0; i < ARRAY_SIZE(modes) && mode; i++)
        if (strcmp(modes[i], mode) == 0)
            return false;
    for (size_t i = 0; i < ARRAY_SIZE(mode_prefixes) && mode; i++)
        if (strncmp(mode_prefixes[i], mode, strlen(mode_prefixes[i])) == 0)
            return false;
    return true;
}

void network_request_done(ContainerNetwork *network)
{
    json_struct_done(&container_network_json, network);
}

static int invalid_field(const char *field, const char *value, const char *expected, Error *err)
{
    return error_set(err, ERROR_INVALID, "invalid value '%s' for '%s': %s", value, field, expected);
}

/* "NAME=VALUE", both with something in them. */
static int set_pair(StringMap *map, const char *field, const char *value, Error *err)
{
    size_t length = strcspn(value, "=");
    _cleanup_free_ char *key = memory_strndup(value, length);

    if (length == 0 || value[length] == '\0' || value[length + 1] == '\0')
        return invalid_field(field, value, "write NAME=VALUE", err);
    string_map_set(map, key, value + length + 1);
    return 0;
}

static int set_sysctls(ContainerNetwork *network, const char *value, Error *err)
{
    _cleanup_string_list_ StringList list = {};
    int r = 0;

    string_list_split(&list, value, ',');
    for (size_t i = 0; i < list.count && r >= 0; i++)
        r = set_pair(&network->sysctls, NETWORK_OPTION_SYSCTLS, list.items[i], err);
    return r;
}

/* Docker's names for what has a field of its own. */
static int set_driver_option(ContainerNetwork *network, const char *value, Error *err)
{
    size_t length = strcspn(value, "=");
    _cleanup_free_ char *key = memory_strndup(value, length);
    const char *content = value[length] ? value + length + 1 : "";

    if (strcmp(key, NETWORK_OPTION_INTERFACE) == 0)
        return network_request_set(network, "ifname", content, err);
    if (strcmp(key, NETWORK_OPTION_SYSCTLS) == 0)
        return set_sysctls(network, content, err);
    return error_set(err, ERROR_UNSUPPORTED,
                     "driver option '%s' is not supported, there are " NETWORK_OPTION_INTERFACE
                     " and " NETWORK_OPTION_SYSCTLS,
                     key);
}

static int set_number(int64_t *target, const char *field, const char *value, Error *err)
{
    return parse_i64(value, target) < 0 ? invalid_field(field, value, "write a whole number", err)
                                        : 0;
}

static int set_rate(int64_t *target, const char *field, const char *value, Error *err)
{
    return parse_bit_rate(value, target) < 0
               ? invalid_field(field, value, "write bits a second, or '10mbit', '1mbyte'", err)
               : 0;
}

typedef enum FieldKind {
    FIELD_TEXT,   /* once */
    FIELD_LIST,   /* may be repeated */
    FIELD_MAP,    /* NAME=VALUE, may be repeated */
    FIELD_NUMBER, /* int64_t */
    FIELD_RATE,   /* int64_t, bits a second */
    FIELD_DRIVER, /* of set_driver_option() */
} FieldKind;

#define MEMBER(member) offsetof(ContainerNetwork, member)

static const struct {
    const char *name;
    FieldKind kind;
    size_t offset;
    const char *option; /* that says it of the first network; NULL: none */
    const char *what;   /* in Docker's words */
} fields[] = {
    { "alias", FIELD_LIST, MEMBER(aliases), "--network-alias", "per-network alias" },
    { "ip", FIELD_TEXT, MEMBER(ip4), "--ip", "per-network IPv4 address" },
    { "ip6", FIELD_TEXT, MEMBER(ip6), "--ip6", "per-network IPv6 address" },
    { "mac-address", FIELD_TEXT, MEMBER(mac), "--mac-address", "per-network MAC address" },
    { "mac", FIELD_TEXT, MEMBER(mac), NULL, NULL },
    { "ifname", FIELD_TEXT, MEMBER(interface), NULL, NULL },
    { "link", FIELD_LIST, MEMBER(links), "--link", "per-network links" },
    { "link-local-ip", FIELD_LIST, MEMBER(link_local), "--link-local-ip",
      "per-network link-local IP addresses" },
    { "sysctl", FIELD_MAP, MEMBER(sysctls), NULL, NULL },
    { "gw-priority", FIELD_NUMBER, MEMBER(gateway_priority), NULL, NULL },
    { "ingress", FIELD_RATE, MEMBER(ingress_rate), NULL, NULL },
    { "egress", FIELD_RATE, MEMBER(egress_rate), NULL, NULL },
    { "driver-opt", FIELD_DRIVER, 0, NULL, NULL },
};

int network_request_set(ContainerNetwork *network, const char *field, const char *value, Error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        void *member = (char *)network + fields[i].offset;

        if (strcmp(fields[i].name, field) != 0)
            continue;
        if (*value == '\0')
            return error_set(err, ERROR_INVALID, "'%s' needs a value: %s=VALUE", field, field);
        switch (fields[i].kind) {
        case FIELD_TEXT:
            free(*(char **)member);
            *(char **)member = memory_strdup(value);
            return 0;
        case FIELD_LIST:
            if (!string_list_contains(member, value))
                string_list_add(member, value);
            return 0;
        case FIELD_MAP:
            return set_pair(member, field, value, err);
        case FIELD_NUMBER:
            return set_number(member, field, value, err);
        case FIELD_RATE:
            return set_rate(member, field, value, err);
        case FIELD_DRIVER:
            return set_driver_option(network, value, err);
        }
    }
    return error_set(err, ERROR_INVALID,
                     "invalid field '%s', there are name, alias, ip, ip6, mac-address, ifname, "
                     "link, link-local-ip, sysctl, gw-priority, ingress, egress and driver-opt",
                     field);
}

static int set_field(ContainerNetwork *network, const char *text, Error *err)
{
    size_t length = strcspn(text, "=");
    _cleanup_free_ char *field = memory_strndup(text, length);

    if (text[length] == '\0')
        return error_set(err, ERROR_INVALID, "invalid field '%s': write it as NAME=VALUE", text);
    if (strcmp(field, "name") != 0)
        return network_request_set(network, field, text + length + 1, err);
    free(network->network);
    network->network = memory_strdup(text + length + 1);
    return 0;
}

static int parse_fields(const char *text, ContainerNetwork *network, Error *err)
{
    _cleanup_string_list_ StringList list = {};
    int r = csv_split(text, &list, err);

    for (size_t i = 0; i < list.count && r >= 0; i++)
        r = set_field(network, list.items[i], err);
    return r;
}

/* "default", Docker's name for it, and no name stand for the network that the configuration
 * says. */
static bool is_same(const char *a, const char *b)
{
    return strcmp(a ? a : "default", b ? b : "default") == 0;
}

/* @network moves into @spec. */
static int add_network(ContainerSpec *spec, ContainerNetwork *network, Error *err)
{
    const char *name = network->network;

    if (!name || *name == '\0')
        return error_set(err, ERROR_INVALID, "no name set for network");
    for (size_t i = 0; i < spec->networks.count; i++)
        if (is_same(spec->networks.items[i].network, name))
            return error_set(err, ERROR_INVALID, "network '%s' is specified multiple times", name);
    if (!network_mode_is_network(spec->network_mode) || !network_mode_is_network(name))
        return error_set(err, ERROR_INVALID,
                         "conflicting options: cannot attach both user-defined and "
                         "non-user-defined network-modes");
    if (strcmp(name, "default") == 0)
        free(TAKE_PTR(network->network));
    else if (spec->networks.count == 0)
        spec->network_mode = memory_strdup(name);
    *JSON_ARRAY_ADD(&spec->networks) = *network;
    *network = (ContainerNetwork) {};
    return 0;
}

static int set_mode(ContainerSpec *spec, const char *mode, Error *err)
{
    if (is_same(spec->network_mode, mode))
        return error_set(err, ERROR_INVALID, "network '%s' is specified multiple times", mode);
    if (spec->network_mode || spec->networks.count > 0)
        return error_set(err, ERROR_INVALID,
                         "conflicting options: cannot attach both '%s' and '%s'",
                         spec->network_mode ? spec->network_mode : "default", mode);
    spec->network_mode = memory_strdup(mode);
    return 0;
}

static int add_names(ContainerSpec *spec, const char *text, Error *err)
{
    _cleanup_string_list_ StringList names = {};
    int r = 0;

    string_list_split(&names, text, ',');
    for (size_t i = 0; i < names.count && r >= 0; i++) {
        _cleanup_network_request_ ContainerNetwork network = { .network =
                                                                   memory_strdup(names.items[i]) };

        r = add_network(spec, &network, err);
    }
    return r;
}

int network_request_parse(const char *text, ContainerSpec *spec, Error *err)
{
    _cleanup_network_request_ ContainerNetwork network = {};
    const char *assignment = strchr(text, '='), *colon = strchr(text, ':');
    int r;

    if (!network_mode_is_network(text))
        return set_mode(spec, text, err);
    if (!assignment && !colon)
        return add_names(spec, text, err);
    if (colon && (!assignment || colon < assignment)) {
        network.network = memory_strndup(text, (size_t)(colon - text));
        text = colon + 1;
    }
    r = parse_fields(text, &network, err);
    /* A mode, too, may be written with fields, of which it can have none. */
    if (r >= 0 && network.network && !network_mode_is_network(network.network)) {
        r = set_mode(spec, network.network, err);
        free(TAKE_PTR(network.network));
        return r < 0 ? r : network_request_merge(spec, &network, err);
    }
    return r < 0 ? r : add_network(spec, &network, err);
}

static bool is_empty(const ContainerNetwork *network)
{
    _cleanup_json_ json_t *json = json_struct_write(&container_network_json, network);

    return json_object_size(json) == 0;
}

/* What both of them say. */
static int check_merge(const ContainerNetwork *a, const ContainerNetwork *b, Error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const void *one = (const char *)a + fields[i].offset;
        const void *other = (const char *)b + fields[i].offset;
        bool are_set =
            fields[i].kind == FIELD_LIST
                ? ((const StringList *)one)->count && ((const StringList *)other)->count
                : fields[i].kind == FIELD_TEXT && *(char *const *)one && *(char *const *)other;

        if (are_set && fields[i].option)
            return error_set(err, ERROR_INVALID,
                             "conflicting options: cannot specify both '%s' and %s",
                             fields[i].option, fields[i].what);
    }
    return 0;
}

int network_request_merge(ContainerSpec *spec, ContainerNetwork *own, Error *err)
{
    ContainerNetwork *first, merged = {};
    _cleanup_json_ json_t *json = NULL, *added = NULL;
    int r;

    if (is_empty(own))
        return 0;
    if (spec->networks.count == 0)
        JSON_ARRAY_ADD(&spec->networks)->network = memory_strdup(spec->network_mode);
    first = &spec->networks.items[0];
    r = check_merge(first, own, err);
    if (r < 0)
        return r;
    json = json_struct_write(&container_network_json, first);
    added = json_struct_write(&container_network_json, own);
    json_object_update(json, added);
    r = json_struct_read(&container_network_json, json, &merged, err);
    network_request_done(first);
    *first = merged;
    network_request_done(own);
    return r;
}

/* "ingress=RATE,egress=RATE" or one of them; -1 stands for what is not said. */
static int parse_rates(const char *text, ContainerNetwork *ret, Error *err)
{
    static const char expected[] = "write it as [NETWORK:]ingress=RATE,egress=RATE";
    _cleanup_string_list_ StringList parts = {};

    string_list_split(&parts, text, ',');
    for (size_t i = 0; i < parts.count; i++) {
        size_t length = strcspn(parts.items[i], "=");
        bool is_ingress = strncmp(parts.items[i], "ingress=", length + 1) == 0;
        int64_t *rate = is_ingress ? &ret->ingress_rate : &ret->egress_rate;
        int r;

        if (!is_ingress && strncmp(parts.items[i], "egress=", length + 1) != 0)
            return error_set(err, ERROR_INVALID, "%s", expected);
        if (*rate >= 0)
            return error_set(err, ERROR_INVALID, "'%.*s' is said twice", (int)length,
                             parts.items[i]);
        r = set_rate(rate, is_ingress ? "ingress" : "egress", parts.items[i] + length + 1, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int network_request_parse_rates(const char *text, ContainerSpec *spec, Error *err)
{
    ContainerNetwork rates = { .ingress_rate = -1, .egress_rate = -1 };
    const char *colon = strchr(text, ':');
    _cleanup_free_ char *name = colon ? memory_strndup(text, (size_t)(colon - text)) : NULL;
    bool is_found = false;
    int r = parse_rates(colon ? colon + 1 : text, &rates, err);

    if (r < 0)
        return r;
    if (spec->networks.count == 0)
        JSON_ARRAY_ADD(&spec->networks)->network = memory_strdup(spec->network_mode);
    for (size_t i = 0; i < spec->networks.count; i++) {
        ContainerNetwork *network = &spec->networks.items[i];

        if (name && !is_same(network->network, name))
            continue;
        is_found = true;
        if (rates.ingress_rate >= 0)
            network->ingress_rate = rates.ingress_rate;
        if (rates.egress_rate >= 0)
            network->egress_rate = rates.egress_rate;
    }
    if (!is_found)
        return error_set(err, ERROR_NOT_FOUND, "it is not in a network '%s'", name);
    return 0;
}
