/* SPDX-License-Identifier: Apache-2.0 */

/* Options in any order become subnets with what belongs to each. */

#include "cli/network-subnets.h"

#include <string.h>

#include "base/memory.h"

void subnet_options_done(SubnetOptions *options)
{
    string_list_done(&options->subnets);
    string_list_done(&options->gateways);
    string_list_done(&options->ranges);
    string_map_done(&options->aux_addresses);
}

static void split_all(const StringList *values, StringList *ret)
{
    for (size_t i = 0; i < values->count; i++)
        string_list_split(ret, values->items[i], ',');
}

static int add_subnet(NetworkSpec *spec, const char *text, Error *err)
{
    IpPrefix prefix, other;

    if (!strchr(text, '/') || ip_prefix_parse(text, &prefix) < 0)
        return error_set(err, ERROR_INVALID,
                         "invalid subnet '%s': write it as ADDRESS/LENGTH, such as '10.0.0.0/24'",
                         text);
    for (size_t i = 0; i < spec->subnets.count; i++)
        if (ip_prefix_parse(spec->subnets.items[i].subnet, &other) == 0 &&
            ip_prefix_overlaps(&prefix, &other))
            return error_set(err, ERROR_INVALID,
                             "multiple overlapping subnet configuration is not supported: '%s' and "
                             "'%s'",
                             spec->subnets.items[i].subnet, text);
    JSON_ARRAY_ADD(&spec->subnets)->subnet = memory_strdup(text);
    return 0;
}

static NetworkSubnet *find_subnet(NetworkSpec *spec, const IpAddress *address)
{
    for (size_t i = 0; i < spec->subnets.count; i++) {
        IpPrefix prefix;

        if (ip_prefix_parse(spec->subnets.items[i].subnet, &prefix) == 0 &&
            ip_prefix_contains(&prefix, address))
            return &spec->subnets.items[i];
    }
    return NULL;
}

static int add_range(NetworkSpec *spec, const char *text, Error *err)
{
    NetworkSubnet *subnet;
    IpPrefix range;

    if (!strchr(text, '/') || ip_prefix_parse(text, &range) < 0)
        return error_set(err, ERROR_INVALID,
                         "invalid range '%s': write it as ADDRESS/LENGTH, such as '10.0.0.64/26'",
                         text);
    subnet = find_subnet(spec, &range.address);
    if (!subnet)
        return error_set(err, ERROR_INVALID, "no matching subnet for range '%s'", text);
    if (subnet->range)
        return error_set(err, ERROR_INVALID,
                         "cannot configure multiple ranges ('%s', '%s') on the same subnet '%s'",
                         text, subnet->range, subnet->subnet);
    subnet->range = memory_strdup(text);
    return 0;
}

static int add_gateway(NetworkSpec *spec, const char *text, Error *err)
{
    NetworkSubnet *subnet;
    IpAddress address;

    if (ip_address_parse(text, &address) < 0)
        return error_set(err, ERROR_INVALID, "invalid gateway address '%s'", text);
    subnet = find_subnet(spec, &address);
    if (!subnet)
        return error_set(err, ERROR_INVALID, "no matching subnet for gateway '%s'", text);
    if (subnet->gateway)
        return error_set(err, ERROR_INVALID,
                         "cannot configure multiple gateways ('%s', '%s') for the same subnet '%s'",
                         text, subnet->gateway, subnet->subnet);
    subnet->gateway = memory_strdup(text);
    return 0;
}

static int add_aux_address(NetworkSpec *spec, const StringPair *pair, Error *err)
{
    NetworkSubnet *subnet;
    IpAddress address;

    if (ip_address_parse(pair->value, &address) < 0)
        return error_set(err, ERROR_INVALID, "invalid aux-address '%s=%s'", pair->key, pair->value);
    subnet = find_subnet(spec, &address);
    if (!subnet)
        return error_set(err, ERROR_INVALID, "no matching subnet for aux-address '%s'",
                         pair->value);
    string_map_set(&subnet->aux_addresses, pair->key, pair->value);
    return 0;
}

static int add_each(NetworkSpec *spec, const StringList *values,
                    int (*add)(NetworkSpec *spec, const char *text, Error *err), Error *err)
{
    _cleanup_string_list_ StringList all = {};
    int r = 0;

    split_all(values, &all);
    for (size_t i = 0; i < all.count && r >= 0; i++)
        r = add(spec, all.items[i], err);
    return r;
}

int subnet_options_apply(const SubnetOptions *options, NetworkSpec *spec, Error *err)
{
    int r;

    if (options->subnets.count == 0 &&
        options->ranges.count + options->gateways.count + options->aux_addresses.count > 0)
        return error_set(err, ERROR_INVALID,
                         "every ip-range, gateway or aux-address must have a corresponding subnet: "
                         "add '--subnet'");
    r = add_each(spec, &options->subnets, add_subnet, err);
    if (r >= 0)
        r = add_each(spec, &options->ranges, add_range, err);
    if (r >= 0)
        r = add_each(spec, &options->gateways, add_gateway, err);
    for (size_t i = 0; i < options->aux_addresses.count && r >= 0; i++)
        r = add_aux_address(spec, &options->aux_addresses.items[i], err);
    return r;
}
