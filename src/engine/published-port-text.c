/* SPDX-License-Identifier: Apache-2.0 */

/* Ports as text: --publish and --expose in, `ps` out, all as Docker writes them. */

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/string-buffer.h"
#include "engine/published-port.h"

static const struct {
    const char *name;
    uint8_t protocol;
} protocols[] = {
    { "tcp", IPPROTO_TCP },
    { "udp", IPPROTO_UDP },
    { "sctp", IPPROTO_SCTP },
};

const char *port_protocol_to_string(uint8_t protocol)
{
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
        if (protocols[i].protocol == protocol)
            return protocols[i].name;
    return NULL;
}

char *published_port_name(const PublishedPort *port)
{
    return memory_printf("%u/%s", port->container_port, port_protocol_to_string(port->protocol));
}

static int find_protocol(const char *name, uint8_t *ret, Error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
        if (strcasecmp(protocols[i].name, name) == 0) {
            *ret = protocols[i].protocol;
            return 0;
        }
    return error_set(err, ERROR_INVALID, "invalid protocol '%s': there are tcp, udp and sctp",
                     name);
}

typedef struct PortRange {
    uint32_t first;
    uint32_t last;
} PortRange;

static uint32_t range_size(const PortRange *range)
{
    return range->last - range->first + 1;
}

/* "80", "80-90". */
static int parse_range(const char *text, const char *what, PortRange *ret, Error *err)
{
    _cleanup_string_list_ StringList parts = {};

    string_list_split(&parts, text, '-');
    if (parts.count > 2 || parse_u32(parts.items[0], &ret->first) < 0 ||
        parse_u32(parts.items[parts.count - 1], &ret->last) < 0 || ret->first < 1 ||
        ret->last > UINT16_MAX || ret->first > ret->last)
        return error_set(err, ERROR_INVALID,
                         "invalid %s '%s': write a port from 1 to 65535, or PORT-PORT", what, text);
    return 0;
}

/* Cut "/PROTOCOL" off @text. */
static int take_protocol(char *text, uint8_t *ret, Error *err)
{
    char *slash = strchr(text, '/');

    *ret = IPPROTO_TCP;
    if (!slash)
        return 0;
    *slash = '\0';
    return find_protocol(slash + 1, ret, err);
}

int container_port_parse(const char *text, uint16_t *ret_port, uint8_t *ret_protocol, Error *err)
{
    _cleanup_free_ char *port = memory_strdup(text ? text : "");
    PortRange range;
    int r = take_protocol(port, ret_protocol, err);

    if (r >= 0)
        r = parse_range(port, "container port", &range, err);
    if (r >= 0 && range_size(&range) > 1)
        return error_set(err, ERROR_INVALID, "invalid container port '%s': it is a range", text);
    if (r >= 0)
        *ret_port = (uint16_t)range.first;
    return r;
}

/* Ports of each protocol, so that tens of thousands of them are looked up one by one. */
typedef struct PortSet {
    uint8_t bits[ARRAY_SIZE(protocols)][(UINT16_MAX + 1) / 8];
} PortSet;

static bool port_set_contains(const PortSet *set, uint16_t port, uint8_t protocol)
{
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
        if (protocols[i].protocol == protocol)
            return set->bits[i][port / 8] & 1U << port % 8;
    return false;
}

/* False: it is there already. */
static bool port_set_add(PortSet *set, uint16_t port, uint8_t protocol)
{
    if (port_set_contains(set, port, protocol))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
        if (protocols[i].protocol == protocol)
            set->bits[i][port / 8] |= (uint8_t)(1U << port % 8);
    return true;
}

static void port_set_add_text(PortSet *set, const char *text)
{
    uint16_t port;
    uint8_t protocol;

    if (container_port_parse(text, &port, &protocol, NULL) >= 0)
        (void)port_set_add(set, port, protocol);
}

static void port_set_add_list(PortSet *set, const StringList *list)
{
    for (size_t i = 0; i < list->count; i++)
        port_set_add_text(set, list->items[i]);
}

int exposed_port_parse(const char *text, StringList *ports, Error *err)
{
    PortSet known = {};
    _cleanup_free_ char *copy = memory_strdup(text);
    uint8_t protocol;
    PortRange range;

    if (take_protocol(copy, &protocol, NULL) < 0 || parse_range(copy, "port", &range, NULL) < 0)
        return error_set(err, ERROR_INVALID, "write it as PORT[-PORT][/tcp|udp|sctp]");
    port_set_add_list(&known, ports);
    for (uint32_t port = range.first; port <= range.last; port++)
        if (port_set_add(&known, (uint16_t)port, protocol))
            string_list_printf(ports, "%u/%s", port, port_protocol_to_string(protocol));
    return 0;
}

void exposed_ports_add_published(ContainerSpec *spec)
{
    PortSet known = {};

    port_set_add_list(&known, &spec->exposed_ports);
    for (size_t i = 0; i < spec->port_bindings.count; i++) {
        const char *text = spec->port_bindings.items[i].container_port;
        uint16_t port;
        uint8_t protocol;

        if (container_port_parse(text, &port, &protocol, NULL) >= 0 &&
            port_set_add(&known, port, protocol))
            string_list_add(&spec->exposed_ports, text);
    }
}

void exposed_ports_without_bindings(const StringList *exposed,
                                    const ContainerPortBindings *bindings, StringList *ret)
{
    PortSet known = {};

    for (size_t i = 0; i < bindings->count; i++)
        port_set_add_text(&known, bindings->items[i].container_port);
    for (size_t i = 0; i < exposed->count; i++) {
        uint16_t port;
        uint8_t protocol;

        if (container_port_parse(exposed->items[i], &port, &protocol, NULL) >= 0 &&
            port_set_add(&known, port, protocol))
            string_list_add(ret, exposed->items[i]);
    }
}

/* Room for @count more at once: there may be tens of thousands. */
static ContainerPortBinding *extend(ContainerPortBindings *bindings, size_t count)
{
    size_t capacity = bindings->count;
    ContainerPortBinding *added;

    bindings->items =
        memory_grow(bindings->items, &capacity, bindings->count + count, sizeof(*added));
    added = &bindings->items[bindings->count];
    bindings->count += count;
    return added;
}

static void fill_binding(ContainerPortBinding *binding, const char *address, uint32_t port,
                         uint8_t protocol, char *host_port)
{
    *binding = (ContainerPortBinding) {
        .container_port = memory_printf("%u/%s", port, port_protocol_to_string(protocol)),
        .host_ip = memory_strdup(*address ? address : NULL),
        .host_port = host_port,
    };
}

/* The parts of a short form; what is not there is "". */
static int add_bindings(ContainerPortBindings *bindings, const char *address, const char *host,
                        char *container, Error *err)
{
    PortRange host_ports = { 0, 0 }, ports;
    ContainerPortBinding *added;
    uint8_t protocol;
    IpAddress ignored;
    int r = take_protocol(container, &protocol, err);

    if (r < 0)
        return r;
    if (*container == '\0')
        return error_set(err, ERROR_INVALID, "no container port is given");
    if (*address && ip_address_parse(address, &ignored) < 0)
        return error_set(err, ERROR_INVALID, "invalid IP address '%s'", address);
    r = parse_range(container, "container port", &ports, err);
    if (r >= 0 && *host)
        r = parse_range(host, "host port", &host_ports, err);
    if (r < 0)
        return r;
    if (*host && range_size(&ports) > 1 && range_size(&ports) != range_size(&host_ports))
        return error_set(err, ERROR_INVALID,
                         "invalid ranges specified for container and host ports: '%s' and '%s'",
                         container, host);
    if (*host && range_size(&ports) == 1) {
        fill_binding(extend(bindings, 1), address, ports.first, protocol, memory_strdup(host));
        return 0;
    }
    added = extend(bindings, range_size(&ports));
    for (uint32_t i = 0; i < range_size(&ports); i++)
        fill_binding(&added[i], address, ports.first + i, protocol,
                     *host ? memory_printf("%u", host_ports.first + i) : NULL);
    return 0;
}

/* The address is all before the last two colons: in brackets, where it has colons itself. */
static int parse_short(const char *text, ContainerPortBindings *bindings, Error *err)
{
    _cleanup_free_ char *copy = memory_strdup(text);
    char *container = strrchr(copy, ':'), *host, *address = copy;
    size_t length;

    if (!container)
        return add_bindings(bindings, "", "", copy, err);
    *container++ = '\0';
    host = strrchr(copy, ':');
    if (!host)
        return add_bindings(bindings, "", copy, container, err);
    *host++ = '\0';
    length = strlen(address);
    if (length > 2 && address[0] == '[' && address[length - 1] == ']') {
        address[length - 1] = '\0';
        address++;
    }
    if (*address == '\0')
        return error_set(err, ERROR_INVALID, "invalid IP address ''");
    return add_bindings(bindings, address, host, container, err);
}

/* "published=8080,target=80": what a swarm's services are published with. */
static int parse_long(const char *text, ContainerPortBindings *bindings, Error *err)
{
    static const char *const names[] = { "published", "target", "protocol", "mode" };
    enum { PUBLISHED, TARGET, PROTOCOL, MODE };
    _cleanup_string_list_ StringList parts = {};
    const char *values[ARRAY_SIZE(names)] = { "", "", "tcp", "host" };
    _cleanup_free_ char *container = NULL;

    string_list_split(&parts, text, ',');
    for (size_t i = 0; i < parts.count; i++) {
        size_t length = strcspn(parts.items[i], "="), j = 0;

        while (j < ARRAY_SIZE(names) &&
               (strncmp(names[j], parts.items[i], length) != 0 || names[j][length] != '\0'))
            j++;
        if (j == ARRAY_SIZE(names) || parts.items[i][length] == '\0')
            return error_set(err, ERROR_INVALID,
                             "invalid field '%s': there are published=, target=, protocol= and "
                             "mode=",
                             parts.items[i]);
        values[j] = parts.items[i] + length + 1;
    }
    if (strcmp(values[MODE], "host") != 0)
        return error_set(err, ERROR_INVALID,
                         "mode '%s' is not available: there is 'host', as there is no swarm",
                         values[MODE]);
    if (strchr(values[TARGET], '/'))
        return error_set(err, ERROR_INVALID, "invalid container port '%s'", values[TARGET]);
    container = memory_printf("%s/%s", values[TARGET], values[PROTOCOL]);
    return add_bindings(bindings, "", values[PUBLISHED], container, err);
}

int published_port_parse(const char *text, ContainerPortBindings *bindings, Error *err)
{
    return strchr(text, '=') ? parse_long(text, bindings, err) : parse_short(text, bindings, err);
}

static int check_allowed(const StringList *allow, Error *err)
{
    IpPrefix prefix;

    for (size_t i = 0; i < allow->count; i++)
        if (ip_prefix_parse(allow->items[i], &prefix) < 0)
            return error_set(err, ERROR_INVALID,
                             "invalid prefix '%s' of who may connect: write it as ADDRESS/LENGTH",
                             allow->items[i]);
    return 0;
}

static int check_binding(const ContainerPortBinding *binding, Error *err)
{
    PortRange range;
    IpAddress address;
    uint16_t port;
    uint8_t protocol;
    int r = container_port_parse(binding->container_port, &port, &protocol, err);

    if (r >= 0 && binding->host_port)
        r = parse_range(binding->host_port, "host port", &range, err);
    if (r < 0)
        return r;
    if (binding->host_ip && ip_address_parse(binding->host_ip, &address) < 0)
        return error_set(err, ERROR_INVALID, "invalid IP address '%s'", binding->host_ip);
    return check_allowed(&binding->allow, err);
}

/* The container would be in its own way. Of a range another port may be free. */
static int check_twice(const ContainerPortBindings *bindings, Error *err)
{
    PortSet taken = {};

    for (size_t i = 0; i < bindings->count; i++) {
        const ContainerPortBinding *binding = &bindings->items[i];
        uint32_t host_port;
        uint16_t port;
        uint8_t protocol;

        if (binding->host_ip || !binding->host_port ||
            parse_u32(binding->host_port, &host_port) < 0 ||
            container_port_parse(binding->container_port, &port, &protocol, NULL) < 0)
            continue;
        if (!port_set_add(&taken, (uint16_t)host_port, protocol))
            return error_set(err, ERROR_INVALID, "port %u/%s of the host is published twice",
                             host_port, port_protocol_to_string(protocol));
    }
    return 0;
}

int published_ports_validate(const ContainerSpec *spec, Error *err)
{
    int r = check_allowed(&spec->publish_allow, err);

    for (size_t i = 0; i < spec->port_bindings.count && r >= 0; i++)
        r = check_binding(&spec->port_bindings.items[i], err);
    if (r >= 0)
        r = check_twice(&spec->port_bindings, err);
    if (r >= 0 && spec->publish_allow.count > 0 && spec->port_bindings.count == 0 &&
        !spec->publish_all_ports)
        return error_set(err, ERROR_INVALID,
                         "'--publish-allow' needs ports that are published: see '--publish'");
    return r;
}

/* --- as lists show them --- */

static int compare_ports(const void *a, const void *b)
{
    const PublishedPort *one = a, *other = b;
    int by_address = ip_address_compare(&one->address, &other->address);

    if (one->container_port != other->container_port)
        return one->container_port - other->container_port;
    if (by_address != 0)
        return by_address;
    if (one->host_port != other->host_port)
        return one->host_port - other->host_port;
    return one->protocol - other->protocol;
}

/* Ports of the container that follow each other, at the host's port of the same number. An exposed
 * one has no address. */
typedef struct PortGroup {
    IpAddress address;
    uint8_t protocol;
    uint16_t first;
    uint16_t last;
} PortGroup;

typedef struct PortGroups {
    PortGroup *items;
    size_t count;
    size_t capacity;
} PortGroups;

static void format_address(StringBuffer *text, const IpAddress *address)
{
    char buffer[IP_ADDRESS_TEXT_MAX];
    bool is_ipv6 = address->family == AF_INET6;

    string_buffer_printf(text, "%s%s%s", is_ipv6 ? "[" : "", ip_address_format(address, buffer),
                         is_ipv6 ? "]" : "");
}

static void format_group(StringBuffer *text, const PortGroup *group)
{
    _cleanup_free_ char *range = group->first == group->last
                                     ? memory_printf("%u", group->first)
                                     : memory_printf("%u-%u", group->first, group->last);

    if (text->length > 0)
        string_buffer_add(text, ", ");
    if (ip_address_is_set(&group->address)) {
        format_address(text, &group->address);
        string_buffer_printf(text, ":%s->", range);
    }
    string_buffer_printf(text, "%s/%s", range, port_protocol_to_string(group->protocol));
}

static void add_to_groups(PortGroups *groups, StringBuffer *text, const PublishedPort *port)
{
    PortGroup *group = NULL;

    for (size_t i = 0; i < groups->count && !group; i++)
        if (groups->items[i].protocol == port->protocol &&
            ip_address_equal(&groups->items[i].address, &port->address))
            group = &groups->items[i];
    if (group && port->container_port == group->last + 1) {
        group->last = port->container_port;
        return;
    }
    if (group) {
        format_group(text, group);
    } else {
        groups->items =
            memory_grow(groups->items, &groups->capacity, groups->count + 1, sizeof(PortGroup));
        group = &groups->items[groups->count++];
    }
    *group =
        (PortGroup) { port->address, port->protocol, port->container_port, port->container_port };
}

/* Published ones and those that are only exposed, in the order of Docker's lists. What the items
 * own stays with @ports. */
static PublishedPort *collect(const PublishedPortList *ports, const StringList *exposed,
                              size_t *ret_count)
{
    size_t n_exposed = exposed ? exposed->count : 0, count = 0;
    PublishedPort *all = NEW_ARRAY(PublishedPort, ports->count + n_exposed + 1);
    PortSet published = {};

    for (size_t i = 0; i < ports->count; i++) {
        (void)port_set_add(&published, ports->items[i].container_port, ports->items[i].protocol);
        all[count++] = ports->items[i];
    }
    for (size_t i = 0; i < n_exposed; i++) {
        PublishedPort port = {};

        if (container_port_parse(exposed->items[i], &port.container_port, &port.protocol, NULL) >=
                0 &&
            !port_set_contains(&published, port.container_port, port.protocol))
            all[count++] = port;
    }
    qsort(all, count, sizeof(*all), compare_ports);
    *ret_count = count;
    return all;
}

char *published_ports_format(const PublishedPortList *ports, const StringList *exposed)
{
    _cleanup_string_buffer_ StringBuffer text = {}, others = {};
    PortGroups groups = {};
    size_t count;
    _cleanup_free_ PublishedPort *all = collect(ports, exposed, &count);

    for (size_t i = 0; i < count; i++) {
        const PublishedPort *port = &all[i];

        if (!ip_address_is_set(&port->address) || port->host_port == port->container_port) {
            add_to_groups(&groups, &text, port);
            continue;
        }
        string_buffer_add(&others, ", ");
        format_address(&others, &port->address);
        string_buffer_printf(&others, ":%u->%u/%s", port->host_port, port->container_port,
                             port_protocol_to_string(port->protocol));
    }
    for (size_t i = 0; i < groups.count; i++)
        format_group(&text, &groups.items[i]);
    free(groups.items);
    if (others.length > 0)
        string_buffer_add(&text, others.data + (text.length > 0 ? 0 : 2));
    return string_buffer_take(&text);
}
