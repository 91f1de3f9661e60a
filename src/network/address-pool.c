/* SPDX-License-Identifier: Apache-2.0 */

/* Subnets from pools, and addresses of a subnet by number. */

#include "network/address-pool.h"

#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "base/random-id.h"

/* Docker's, in the order that it tries them: every subnet of @length from @first to @last. */
static const struct {
    const char *first;
    const char *last;
    uint32_t length;
} pools[] = {
    { "172.17.0.0", "172.31.0.0", 16 },
    { "192.168.0.0", "192.168.240.0", 20 },
};

#define ULA_LENGTH 64
#define ULA_ATTEMPTS 64
/* fd00::/8 and 40 random bits (RFC 4193, 3.1), with a random subnet id of 16. */
#define ULA_FIRST_BYTE 0xfd
#define ULA_RANDOM_BYTES 7

/* From these lengths on every address of a subnet is a host's (RFC 3021, RFC 6164). */
#define IP4_POINT_TO_POINT 31
#define IP6_POINT_TO_POINT 127

void address_gap_list_done(AddressGapList *list)
{
    free(list->items);
    *list = (AddressGapList) {};
}

static bool overlaps_any(const IpPrefix *subnet, const NetworkPrefixList *taken)
{
    for (size_t i = 0; i < taken->count; i++)
        if (ip_prefix_overlaps(subnet, &taken->items[i]))
            return true;
    return false;
}

static bool choose_ip4(const NetworkPrefixList *taken, IpPrefix *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(pools); i++) {
        IpPrefix subnet = { .length = pools[i].length };
        IpAddress last;
        bool more = ip_address_parse(pools[i].first, &subnet.address) == 0 &&
                    ip_address_parse(pools[i].last, &last) == 0;

        while (more && ip_address_compare(&subnet.address, &last) <= 0) {
            if (!overlaps_any(&subnet, taken)) {
                *ret = subnet;
                return true;
            }
            more = ip_address_add(&subnet.address, UINT64_C(1) << (32 - subnet.length),
                                  &subnet.address);
        }
    }
    return false;
}

static bool choose_ip6(const NetworkPrefixList *taken, IpPrefix *ret)
{
    for (unsigned attempt = 0; attempt < ULA_ATTEMPTS; attempt++) {
        IpPrefix subnet = { .address = { .family = AF_INET6, .bytes = { ULA_FIRST_BYTE } },
                            .length = ULA_LENGTH };

        random_bytes(subnet.address.bytes + 1, ULA_RANDOM_BYTES);
        if (!overlaps_any(&subnet, taken)) {
            *ret = subnet;
            return true;
        }
    }
    return false;
}

int address_pool_choose_subnet(IpFamily family, const NetworkPrefixList *taken, IpPrefix *ret,
                               Error *err)
{
    if (family == IP_V4 ? choose_ip4(taken, ret) : choose_ip6(taken, ret))
        return 0;
    return error_set(err, ERROR_EXHAUSTED,
                     "all predefined %s address pools are in use: choose one with '--subnet', or "
                     "remove networks that are not needed",
                     family == IP_V4 ? "IPv4" : "IPv6");
}

/* Is it the first address of its subnet, which stands for the network (of IPv6: any router)? */
static bool is_network_address(const IpPrefix *subnet, const IpAddress *address)
{
    const IpAddress first = ip_prefix_first(subnet);

    return ip_address_equal(address, &first) &&
           subnet->length < (address->family == AF_INET6 ? IP6_POINT_TO_POINT : IP4_POINT_TO_POINT);
}

static bool is_broadcast_address(const IpPrefix *subnet, const IpAddress *address)
{
    const IpAddress last = ip_prefix_last(subnet);

    return address->family == AF_INET && subnet->length < IP4_POINT_TO_POINT &&
           ip_address_equal(address, &last);
}

IpAddress address_pool_first_host(const IpPrefix *subnet, const IpPrefix *range)
{
    IpAddress first = ip_prefix_first(range);

    if (is_network_address(subnet, &first) && !ip_address_add(&first, 1, &first))
        return (IpAddress) {};
    return is_broadcast_address(subnet, &first) ? (IpAddress) {} : first;
}

static const NetworkSubnet *find_subnet(const NetworkSpec *spec, IpFamily family)
{
    for (size_t i = 0; i < spec->subnets.count; i++) {
        IpPrefix subnet;

        if (ip_prefix_parse(spec->subnets.items[i].subnet, &subnet) == 0 &&
            ip_address_index(&subnet.address) == family)
            return &spec->subnets.items[i];
    }
    return NULL;
}

/* The name of the auxiliary address that it is; NULL: it is none. */
static const char *find_auxiliary(const NetworkSpec *spec, const IpAddress *address)
{
    const NetworkSubnet *subnet = find_subnet(spec, ip_address_index(address));

    for (size_t i = 0; subnet && i < subnet->aux_addresses.count; i++) {
        const StringPair *pair = &subnet->aux_addresses.items[i];
        IpAddress other;

        if (ip_address_parse(pair->value, &other) == 0 && ip_address_equal(&other, address))
            return pair->key;
    }
    return NULL;
}

int address_pool_check(const NetworkSpec *spec, const IpAddress *address, Error *err)
{
    char text[IP_ADDRESS_TEXT_MAX], subnet[IP_PREFIX_TEXT_MAX];
    IpFamily family = ip_address_index(address);
    NetworkPrefixes prefixes;
    const char *auxiliary;

    ip_address_format(address, text);
    if (!network_spec_prefixes(spec, family, &prefixes))
        return error_set(err, ERROR_INVALID,
                         "address '%s' cannot be had: network '%s' has no IPv%d subnet", text,
                         spec->name, family == IP_V4 ? 4 : 6);
    ip_prefix_format(&prefixes.subnet, subnet);
    if (!ip_prefix_contains(&prefixes.subnet, address))
        return error_set(err, ERROR_INVALID,
                         "no configured subnet contains address '%s': network '%s' has '%s'", text,
                         spec->name, subnet);
    if (is_network_address(&prefixes.subnet, address) ||
        is_broadcast_address(&prefixes.subnet, address))
        return error_set(err, ERROR_INVALID, "address '%s' stands for all of '%s'", text, subnet);
    if (ip_address_is_set(&prefixes.gateway) && ip_address_equal(&prefixes.gateway, address))
        return error_set(err, ERROR_INVALID, "address '%s' is the gateway of network '%s'", text,
                         spec->name);
    auxiliary = find_auxiliary(spec, address);
    if (auxiliary)
        return error_set(err, ERROR_INVALID,
                         "address '%s' is set aside for '%s' (--aux-address of network '%s')", text,
                         auxiliary, spec->name);
    return 0;
}

/* How far @b is from @a, which is not above it; at most INT64_MAX. */
static int64_t distance(const IpAddress *a, const IpAddress *b)
{
    unsigned __int128 difference = 0;

    for (size_t i = 0; i < ip_address_size(a); i++)
        difference = (difference << 8) + b->bytes[i] - a->bytes[i];
    return difference > INT64_MAX ? INT64_MAX : (int64_t)difference;
}

bool address_pool_of(const NetworkSpec *spec, IpFamily family, AddressPool *ret)
{
    NetworkPrefixes prefixes;
    IpAddress last;

    if (!network_spec_prefixes(spec, family, &prefixes))
        return false;
    ret->first = ip_prefix_first(&prefixes.range);
    last = ip_prefix_last(&prefixes.range);
    ret->last = distance(&ret->first, &last);
    return true;
}

bool address_pool_number(const AddressPool *pool, const IpAddress *address, int64_t *ret)
{
    int64_t number;

    if (address->family != pool->first.family || ip_address_compare(address, &pool->first) < 0)
        return false;
    number = distance(&pool->first, address);
    if (number > pool->last || number == INT64_MAX)
        return false;
    *ret = number;
    return true;
}

IpAddress address_pool_at(const AddressPool *pool, int64_t number)
{
    IpAddress address;

    (void)ip_address_add(&pool->first, (uint64_t)number, &address); /* it is in the range */
    return address;
}

size_t address_gap_split(const AddressGap *gap, int64_t number, AddressGap ret[static 2])
{
    size_t count = 0;

    if (gap->first < number)
        ret[count++] = (AddressGap) { gap->first, number - 1 };
    if (number < gap->last)
        ret[count++] = (AddressGap) { number + 1, gap->last };
    return count;
}

static void take_number(AddressGapList *list, int64_t number)
{
    for (size_t i = 0; i < list->count; i++) {
        AddressGap parts[2];
        size_t n_parts;

        if (number < list->items[i].first || number > list->items[i].last)
            continue;
        n_parts = address_gap_split(&list->items[i], number, parts);
        list->items =
            memory_grow(list->items, &list->capacity, list->count + 1, sizeof(AddressGap));
        memmove(&list->items[i + n_parts], &list->items[i + 1],
                (list->count - i - 1) * sizeof(AddressGap));
        memcpy(&list->items[i], parts, n_parts * sizeof(AddressGap));
        list->count += n_parts;
        list->count--;
        return;
    }
}

static void take_address(AddressGapList *list, const AddressPool *pool, const IpAddress *address)
{
    int64_t number;

    if (ip_address_is_set(address) && address_pool_number(pool, address, &number))
        take_number(list, number);
}

void address_pool_list_gaps(const NetworkSpec *spec, IpFamily family, AddressGapList *ret)
{
    const NetworkSubnet *subnet = find_subnet(spec, family);
    NetworkPrefixes prefixes;
    AddressPool pool;
    IpAddress first, last;

    if (!subnet || !network_spec_prefixes(spec, family, &prefixes) ||
        !address_pool_of(spec, family, &pool))
        return;
    ret->items = memory_grow(ret->items, &ret->capacity, 1, sizeof(AddressGap));
    /* The last number of what is wider than can be counted stands for all beyond. */
    ret->items[ret->count++] =
        (AddressGap) { 0, pool.last < INT64_MAX ? pool.last : INT64_MAX - 1 };
    first = ip_prefix_first(&prefixes.subnet);
    last = ip_prefix_last(&prefixes.subnet);
    if (is_network_address(&prefixes.subnet, &first))
        take_address(ret, &pool, &first);
    if (is_broadcast_address(&prefixes.subnet, &last))
        take_address(ret, &pool, &last);
    take_address(ret, &pool, &prefixes.gateway);
    for (size_t i = 0; i < subnet->aux_addresses.count; i++) {
        IpAddress address;

        if (ip_address_parse(subnet->aux_addresses.items[i].value, &address) == 0)
            take_address(ret, &pool, &address);
    }
}
