/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* IPv4 and IPv6 addresses and prefixes as values. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IP_ADDRESS_TEXT_MAX 46
#define IP_PREFIX_TEXT_MAX (IP_ADDRESS_TEXT_MAX + 4)

/* What there is once for each family is an array with these indices. */
typedef enum IpFamily {
    IP_V4,
    IP_V6,
    _IP_FAMILY_MAX,
} IpFamily;

typedef struct IpAddress {
    int family;        /* AF_INET, AF_INET6; AF_UNSPEC: there is none */
    uint8_t bytes[16]; /* in network order, of which AF_INET has the first four; the rest is 0 */
} IpAddress;

typedef struct IpPrefix {
    IpAddress address; /* an interface's keeps the bits of the host */
    uint32_t length;   /* bits of the network */
} IpPrefix;

/* Strictly: four decimal numbers or RFC 4291, without zone, port or spaces. 0 or -EINVAL. */
int ip_address_parse(const char *text, IpAddress *ret);

/* "ADDRESS/LENGTH"; without a length that of a single host. 0 or -EINVAL. */
int ip_prefix_parse(const char *text, IpPrefix *ret);

/* RFC 5952. Both return @buffer; no address at all is "". */
const char *ip_address_format(const IpAddress *address, char buffer[static IP_ADDRESS_TEXT_MAX]);
const char *ip_prefix_format(const IpPrefix *prefix, char buffer[static IP_PREFIX_TEXT_MAX]);

static inline bool ip_address_is_set(const IpAddress *address)
{
    return address->family != 0;
}

/* IP_V4 or IP_V6, of an address that there is. */
IpFamily ip_address_index(const IpAddress *address);

/* Bytes (4, 16) and bits (32, 128) of an address of the family. */
size_t ip_address_size(const IpAddress *address);
unsigned ip_address_bits(const IpAddress *address);

bool ip_address_equal(const IpAddress *a, const IpAddress *b);

/* Below 0, 0, above 0: by family, then by value. */
int ip_address_compare(const IpAddress *a, const IpAddress *b);

/* "0.0.0.0", "::". */
bool ip_address_is_wildcard(const IpAddress *address);
bool ip_address_is_loopback(const IpAddress *address);
bool ip_address_is_multicast(const IpAddress *address);

/* @address plus @number as one large number. False where that is beyond the family's last. */
bool ip_address_add(const IpAddress *address, uint64_t number, IpAddress *ret);

/* The first (network's) and last (broadcast's, for IPv4) address of a prefix. */
IpAddress ip_prefix_first(const IpPrefix *prefix);
IpAddress ip_prefix_last(const IpPrefix *prefix);

bool ip_prefix_contains(const IpPrefix *prefix, const IpAddress *address);
bool ip_prefix_overlaps(const IpPrefix *a, const IpPrefix *b);
