/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Networks and ports as elements of our sets. A network has an element in each set that knows
 * networks, whatever it is: what it is, the verdict says. So nothing has to be asked for to be
 * taken away when it becomes something else.
 */

#include "network/firewall-private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "network/network-link-private.h"

void firewall_element_list_done(FirewallElementList *list)
{
    free(list->items);
    *list = (FirewallElementList) {};
}

/* Valid until the next. */
static NftElement *element_add(FirewallElementList *list, FirewallSet set, bool is_absent)
{
    FirewallElement *item;

    list->items = memory_grow(list->items, &list->capacity, list->count + 1, sizeof(*list->items));
    item = &list->items[list->count++];
    *item = (FirewallElement) { .element.set = &firewall_sets[set], .is_absent = is_absent };
    return &item->element;
}

/* Where the fields of a key are written, one behind the other, for both ends of an interval. */
typedef struct KeyWriter {
    uint8_t *first;
    uint8_t *last;
} KeyWriter;

static KeyWriter key_writer(NftElement *element)
{
    return (KeyWriter) { element->key, element->key_end };
}

static void write_range(KeyWriter *writer, NftType type, const void *first, const void *last,
                        size_t size)
{
    memcpy(writer->first, first, size);
    memcpy(writer->last, last, size);
    writer->first += nft_type_size(type);
    writer->last += nft_type_size(type);
}

static void write_prefix(KeyWriter *writer, const IpPrefix *prefix)
{
    const IpAddress first = ip_prefix_first(prefix), last = ip_prefix_last(prefix);

    write_range(writer, first.family == AF_INET6 ? NFT_TYPE_IPV6 : NFT_TYPE_IPV4, first.bytes,
                last.bytes, ip_address_size(&first));
}

static void write_address(KeyWriter *writer, const IpAddress *address)
{
    write_prefix(writer, &(IpPrefix) { *address, ip_address_bits(address) });
}

static void write_service(KeyWriter *writer, uint8_t protocol, uint16_t port)
{
    const uint16_t in_network_order = htons(port);

    write_range(writer, NFT_TYPE_PROTOCOL, &protocol, &protocol, sizeof(protocol));
    write_range(writer, NFT_TYPE_PORT, &in_network_order, &in_network_order,
                sizeof(in_network_order));
}

static void write_interface(KeyWriter *writer, const char *interface)
{
    char name[IFNAMSIZ] = "";

    memcpy(name, interface, strnlen(interface, sizeof(name) - 1));
    write_range(writer, NFT_TYPE_INTERFACE, name, name, sizeof(name));
}

/* --- networks --- */

static void add_interface(FirewallElementList *list, FirewallSet set, const char *interface,
                          bool is_absent)
{
    KeyWriter writer = key_writer(element_add(list, set, is_absent));

    write_interface(&writer, interface);
}

static void add_prefix(FirewallElementList *list, FirewallSet set, const IpPrefix *prefix,
                       bool is_absent)
{
    KeyWriter writer = key_writer(element_add(list, set, is_absent));

    write_prefix(&writer, prefix);
}

/* What becomes of the packets that the last element is about. */
static void set_verdict(FirewallElementList *list, uint32_t verdict, const char *chain)
{
    NftElement *element = &list->items[list->count - 1].element;

    element->verdict = chain ? (uint32_t)NFT_GOTO : verdict;
    element->chain = chain;
}

void firewall_elements_of_host(FirewallElementList *list)
{
    static const IpPrefix loopback[_IP_FAMILY_MAX] = {
        [IP_V4] = { { AF_INET, { 127 } }, 8 },
        [IP_V6] = { { AF_INET6, { [15] = 1 } }, 128 },
    };

    /* With NAT on bridges an answer is for ::1 before it leaves the bridge, and is dropped there.
     */
    const bool is_published = !network_sysctl_filters_bridges(IP_V6);

    add_prefix(list, FIREWALL_LOOPBACK_V6, &loopback[IP_V6], false);
    set_verdict(list, NF_ACCEPT, is_published ? FIREWALL_CHAIN_PUBLISH_V6 : NULL);
    add_interface(list, FIREWALL_INSIDE, "lo", false);
    add_prefix(list, FIREWALL_HAIRPIN_V4, &loopback[IP_V4], false);
    add_prefix(list, FIREWALL_HAIRPIN_V6, &loopback[IP_V6], false);
}

static void add_subnet(const FirewallNetwork *network, const IpPrefix *subnet, bool is_absent,
                       FirewallElementList *list)
{
    const bool is_ipv6 = ip_address_index(&subnet->address) == IP_V6;

    add_prefix(list, is_ipv6 ? FIREWALL_HAIRPIN_V6 : FIREWALL_HAIRPIN_V4, subnet, is_absent);
    add_prefix(list, is_ipv6 ? FIREWALL_OUTGOING_V6 : FIREWALL_OUTGOING_V4, subnet, is_absent);
    set_verdict(list, NF_ACCEPT, network->masquerade ? FIREWALL_CHAIN_MASQUERADE : NULL);
}

static void add_within(const FirewallNetwork *network, bool is_absent, FirewallElementList *list)
{
    KeyWriter writer = key_writer(element_add(list, FIREWALL_WITHIN, is_absent));

    write_interface(&writer, network->interface);
    write_interface(&writer, network->interface);
    set_verdict(list, NF_ACCEPT, network->no_container_traffic ? FIREWALL_CHAIN_CROSS : NULL);
}

void firewall_elements_of_network(const FirewallNetwork *network, bool is_absent,
                                  FirewallElementList *list)
{
    const struct {
        FirewallSet set;
        const char *open, *closed; /* chains; NULL: it is accepted */
    } verdicts[] = {
        { FIREWALL_LEAVING, FIREWALL_CHAIN_LEAVE, FIREWALL_CHAIN_REFUSE },
        { FIREWALL_CROSSING, FIREWALL_CHAIN_CROSS, FIREWALL_CHAIN_REFUSE },
        { FIREWALL_ENTERING, FIREWALL_CHAIN_ENTER, FIREWALL_CHAIN_IGNORE },
        { FIREWALL_ARRIVING, NULL, FIREWALL_CHAIN_ARRIVE },
    };

    for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
        add_interface(list, verdicts[i].set, network->interface, is_absent);
        set_verdict(list, NF_ACCEPT, network->is_internal ? verdicts[i].closed : verdicts[i].open);
    }
    add_interface(list, FIREWALL_INSIDE, network->interface, is_absent);
    add_within(network, is_absent, list);
    for (size_t i = 0; i < _IP_FAMILY_MAX; i++)
        if (ip_address_is_set(&network->subnets[i].address))
            add_subnet(network, &network->subnets[i], is_absent, list);
}

/* --- ports --- */

static int check_port(const FirewallPort *port, Error *err)
{
    if (port->target.family != port->address.family)
        return error_set(err, ERROR_INVALID, "port %u leads to an address of another family",
                         port->port);
    for (size_t i = 0; i < port->n_allowed; i++)
        if (port->allowed[i].address.family != port->address.family)
            return error_set(err, ERROR_INVALID,
                             "port %u is limited to addresses of another family", port->port);
    return 0;
}

static void set_target(NftElement *element, const FirewallPort *port)
{
    const uint16_t target_port = htons(port->target_port);
    const size_t size = ip_address_size(&port->target);

    memcpy(element->data, port->target.bytes, size);
    memcpy(element->data + size, &target_port, sizeof(target_port));
}

static void add_unlimited_port(const FirewallPort *port, bool is_absent, FirewallElementList *list)
{
    static const FirewallSet sets[_IP_FAMILY_MAX][2] = {
        [IP_V4] = { FIREWALL_PUBLISHED_V4, FIREWALL_EVERYWHERE_V4 },
        [IP_V6] = { FIREWALL_PUBLISHED_V6, FIREWALL_EVERYWHERE_V6 },
    };
    const bool is_everywhere = ip_address_is_wildcard(&port->address);
    NftElement *element =
        element_add(list, sets[ip_address_index(&port->address)][is_everywhere], is_absent);
    KeyWriter writer = key_writer(element);

    if (!is_everywhere)
        write_address(&writer, &port->address);
    write_service(&writer, port->protocol, port->port);
    set_target(element, port);
}

static void add_limited_port(const FirewallPort *port, const IpPrefix *allowed, bool is_absent,
                             FirewallElementList *list)
{
    const bool is_ipv6 = ip_address_index(&port->address) == IP_V6;
    const bool is_everywhere = ip_address_is_wildcard(&port->address);
    NftElement *element =
        element_add(list, is_ipv6 ? FIREWALL_LIMITED_V6 : FIREWALL_LIMITED_V4, is_absent);
    KeyWriter writer = key_writer(element);

    write_service(&writer, port->protocol, port->port);
    write_prefix(&writer, &(IpPrefix) { port->address,
                                        is_everywhere ? 0 : ip_address_bits(&port->address) });
    write_prefix(&writer, allowed);
    set_target(element, port);
}

/* Is the prefix in a wider one, or a second time there? Intervals of a set must not overlap. */
static bool is_covered(const FirewallPort *port, size_t index)
{
    const IpPrefix *prefix = &port->allowed[index];

    for (size_t i = 0; i < port->n_allowed; i++) {
        const IpPrefix *other = &port->allowed[i];

        if (i != index && ip_prefix_overlaps(other, prefix) &&
            (other->length < prefix->length || (other->length == prefix->length && i < index)))
            return true;
    }
    return false;
}

int firewall_elements_of_port(const FirewallPort *port, bool is_absent, FirewallElementList *list,
                              Error *err)
{
    int r = check_port(port, err);

    if (r < 0)
        return r;
    /* One that was for everybody must not stay so. */
    if (port->n_allowed == 0 || !is_absent)
        add_unlimited_port(port, is_absent || port->n_allowed > 0, list);
    for (size_t i = 0; i < port->n_allowed; i++)
        if (!is_covered(port, i))
            add_limited_port(port, &port->allowed[i], is_absent, list);
    return 0;
}
