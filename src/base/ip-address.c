/* SPDX-License-Identifier: Apache-2.0 */

/* IPv4 and IPv6 addresses and prefixes: text, sums, comparison. */

#include "base/ip-address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/parse.h"

static const int families[_IP_FAMILY_MAX] = { [IP_V4] = AF_INET, [IP_V6] = AF_INET6 };

int ip_address_parse(const char *text, IpAddress *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        IpAddress address = { .family = families[i] };

        if (inet_pton(families[i], text, address.bytes) == 1) {
            *ret = address;
            return 0;
        }
    }
    return -EINVAL;
}

int ip_prefix_parse(const char *text, IpPrefix *ret)
{
    char address[IP_ADDRESS_TEXT_MAX];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);
    IpPrefix prefix;

    if (length >= sizeof(address))
        return -EINVAL;
    memcpy(address, text, length);
    address[length] = '\0';
    if (ip_address_parse(address, &prefix.address) < 0)
        return -EINVAL;
    prefix.length = ip_address_bits(&prefix.address);
    if (slash && (parse_u32(slash + 1, &prefix.length) < 0 ||
                  prefix.length > ip_address_bits(&prefix.address)))
        return -EINVAL;
    *ret = prefix;
    return 0;
}

const char *ip_address_format(const IpAddress *address, char buffer[static IP_ADDRESS_TEXT_MAX])
{
    if (!ip_address_is_set(address) ||
        !inet_ntop(address->family, address->bytes, buffer, IP_ADDRESS_TEXT_MAX))
        buffer[0] = '\0';
    return buffer;
}

const char *ip_prefix_format(const IpPrefix *prefix, char buffer[static IP_PREFIX_TEXT_MAX])
{
    char address[IP_ADDRESS_TEXT_MAX];

    buffer[0] = '\0';
    if (ip_address_is_set(&prefix->address))
        (void)snprintf(buffer, IP_PREFIX_TEXT_MAX, "%s/%u",
                       ip_address_format(&prefix->address, address), prefix->length);
    return buffer;
}

IpFamily ip_address_index(const IpAddress *address)
{
    return address->family == AF_INET6 ? IP_V6 : IP_V4;
}

size_t ip_address_size(const IpAddress *address)
{
    return address->family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
}

unsigned ip_address_bits(const IpAddress *address)
{
    return 8U * (unsigned)ip_address_size(address);
}

bool ip_address_equal(const IpAddress *a, const IpAddress *b)
{
    return ip_address_compare(a, b) == 0;
}

int ip_address_compare(const IpAddress *a, const IpAddress *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static bool is_all_zero(const IpAddress *address)
{
    static const uint8_t zero[sizeof(address->bytes)];

    return memcmp(address->bytes, zero, sizeof(zero)) == 0;
}

bool ip_address_is_wildcard(const IpAddress *address)
{
    return ip_address_is_set(address) && is_all_zero(address);
}

bool ip_address_is_loopback(const IpAddress *address)
{
    return address->family == AF_INET6 ? memcmp(address->bytes, &in6addr_loopback, 16) == 0
                                       : address->family == AF_INET && address->bytes[0] == 127;
}

bool ip_address_is_multicast(const IpAddress *address)
{
    return address->family == AF_INET6
               ? address->bytes[0] == 0xff
               : address->family == AF_INET && (address->bytes[0] & 0xf0) == 0xe0;
}

bool ip_address_add(const IpAddress *address, uint64_t number, IpAddress *ret)
{
    IpAddress sum = *address;
    unsigned carry = 0;

    for (size_t i = ip_address_size(address); i > 0; i--, number >>= 8) {
        carry += sum.bytes[i - 1] + (unsigned)(number & 0xff);
        sum.bytes[i - 1] = (uint8_t)carry;
        carry >>= 8;
    }
    *ret = sum;
    return carry == 0 && number == 0;
}

/* Set the bits of the host to @bit. */
static IpAddress fill_host(const IpPrefix *prefix, bool bit)
{
    IpAddress address = prefix->address;

    for (unsigned i = prefix->length; i < ip_address_bits(&address); i++) {
        uint8_t mask = (uint8_t)(0x80U >> (i % 8));

        address.bytes[i / 8] =
            (uint8_t)(bit ? address.bytes[i / 8] | mask : address.bytes[i / 8] & ~mask);
    }
    return address;
}

IpAddress ip_prefix_first(const IpPrefix *prefix)
{
    return fill_host(prefix, false);
}

IpAddress ip_prefix_last(const IpPrefix *prefix)
{
    return fill_host(prefix, true);
}

bool ip_prefix_contains(const IpPrefix *prefix, const IpAddress *address)
{
    const IpAddress first = ip_prefix_first(prefix), last = ip_prefix_last(prefix);

    return address->family == prefix->address.family && ip_address_compare(&first, address) <= 0 &&
           ip_address_compare(address, &last) <= 0;
}

bool ip_prefix_overlaps(const IpPrefix *a, const IpPrefix *b)
{
    const IpPrefix *wide = a->length <= b->length ? a : b, *narrow = wide == a ? b : a;

    return a->address.family == b->address.family && ip_prefix_contains(wide, &narrow->address);
}
