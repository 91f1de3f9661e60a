/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which subnets a network has: those that were asked for, where nobody else has them, or free ones.
 * Installations on one host know nothing of each other but their routes, so they take turns.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "engine/network-private.h"

/* The same for all installations, so it is not in the runtime directory of this one. */
#define LOCK_NAME "network.lock"
#define LOCK_MODE 0600
#define DIRECTORY_MODE 0700

static int open_lock(Error *err)
{
    _cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int directory_fd = -EBADF;
    int fd;

    if (root_fd < 0)
        return error_errno(err, "open '/'");
    directory_fd = path_make_directories(root_fd, ENGINE_DEFAULT_RUNTIME, DIRECTORY_MODE, 0, 0);
    if (directory_fd < 0)
        return error_result(err, directory_fd, "make directory '" ENGINE_DEFAULT_RUNTIME "'");
    fd = openat(directory_fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
    return fd < 0 ? error_errno(err, "open '" ENGINE_DEFAULT_RUNTIME "/" LOCK_NAME "'") : fd;
}

int network_lock(int *ret_fd, Error *err)
{
    _cleanup_close_ int fd = open_lock(err);

    if (fd < 0)
        return fd;
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return error_errno(err, "lock '" ENGINE_DEFAULT_RUNTIME "/" LOCK_NAME "'");
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static void add_prefix(NetworkPrefixList *list, size_t *capacity, const IpPrefix *prefix)
{
    list->items = memory_grow(list->items, capacity, list->count + 1, sizeof(IpPrefix));
    list->items[list->count++] = *prefix;
}

/* All that a new subnet must keep away from: other networks and the host's routes. */
static int list_taken(Engine *engine, const NetworkList *networks, NetworkPrefixList *ret,
                      Error *err)
{
    NetworkLinks *links;
    size_t capacity;
    int r = engine_network_links(engine, &links, err);

    if (r >= 0)
        r = network_list_host_prefixes(links, ret, err);
    if (r < 0)
        return r;
    capacity = ret->count;
    for (size_t i = 0; i < networks->count; i++) {
        for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++) {
            NetworkPrefixes prefixes;

            if (network_spec_prefixes(&networks->items[i]->spec, family, &prefixes))
                add_prefix(ret, &capacity, &prefixes.subnet);
        }
    }
    return 0;
}

static int check_networks(const NetworkList *networks, const IpPrefix *subnet, Error *err)
{
    char text[IP_PREFIX_TEXT_MAX], other[IP_PREFIX_TEXT_MAX];
    IpFamily family = ip_address_index(&subnet->address);

    for (size_t i = 0; i < networks->count; i++) {
        NetworkPrefixes prefixes;

        if (network_spec_prefixes(&networks->items[i]->spec, family, &prefixes) &&
            ip_prefix_overlaps(&prefixes.subnet, subnet))
            return error_set(err, ERROR_CONFLICT,
                             "pool overlaps with other one on this address space: subnet '%s' and "
                             "'%s' of network '%s'",
                             ip_prefix_format(subnet, text),
                             ip_prefix_format(&prefixes.subnet, other),
                             networks->items[i]->spec.name);
    }
    return 0;
}

/* The host itself would lose its way there. Where containers are beside the host in a network that
 * is there already, its own route is meant to be the same. */
static int check_routes(const NetworkSpec *spec, const NetworkPrefixList *taken,
                        const IpPrefix *subnet, Error *err)
{
    const NetworkDriver *driver = network_driver_find(spec->driver);
    char text[IP_PREFIX_TEXT_MAX], other[IP_PREFIX_TEXT_MAX];

    if (!driver || !network_driver_is_routed(driver))
        return 0;
    for (size_t i = 0; i < taken->count; i++)
        if (ip_prefix_overlaps(&taken->items[i], subnet))
            return error_set(err, ERROR_CONFLICT,
                             "pool overlaps with other one on this address space: subnet '%s' and "
                             "'%s', which the host has a route to",
                             ip_prefix_format(subnet, text),
                             ip_prefix_format(&taken->items[i], other));
    return 0;
}

static NetworkSubnet *add_subnet(NetworkSpec *spec, const IpPrefix *subnet)
{
    NetworkSubnet *added = JSON_ARRAY_ADD(&spec->subnets);
    char text[IP_PREFIX_TEXT_MAX];

    added->subnet = memory_strdup(ip_prefix_format(subnet, text));
    return added;
}

/* Nobody leaves an internal network by way of the host where that has no address in it. */
static bool needs_gateway(const NetworkSpec *spec)
{
    const NetworkDriver *driver = network_driver_find(spec->driver);

    return !spec->is_internal || (driver && network_driver_is_routed(driver));
}

/* What somebody else has in it is not the gateway. */
static bool is_auxiliary(const NetworkSubnet *subnet, const IpAddress *address)
{
    for (size_t i = 0; i < subnet->aux_addresses.count; i++) {
        IpAddress other;

        if (ip_address_parse(subnet->aux_addresses.items[i].value, &other) == 0 &&
            ip_address_equal(&other, address))
            return true;
    }
    return false;
}

static int choose_gateway(const NetworkSpec *spec, NetworkSubnet *subnet, Error *err)
{
    char text[IP_ADDRESS_TEXT_MAX];
    IpPrefix prefix, range;
    IpAddress gateway;

    if (subnet->gateway || !needs_gateway(spec))
        return 0;
    if (ip_prefix_parse(subnet->subnet, &prefix) < 0 ||
        ip_prefix_parse(subnet->range ? subnet->range : subnet->subnet, &range) < 0)
        return 0; /* network_spec_validate() says what is wrong with it */
    gateway = address_pool_first_host(&prefix, &range);
    while (ip_address_is_set(&gateway) && is_auxiliary(subnet, &gateway))
        if (!ip_address_add(&gateway, 1, &gateway))
            gateway = (IpAddress) {};
    if (!ip_address_is_set(&gateway) || !ip_prefix_contains(&prefix, &gateway))
        return error_set(err, ERROR_EXHAUSTED, "subnet '%s' has no address left for the gateway",
                         subnet->subnet);
    subnet->gateway = memory_strdup(ip_address_format(&gateway, text));
    return 0;
}

static int choose_family(NetworkSpec *spec, IpFamily family, const NetworkList *networks,
                         const NetworkPrefixList *taken, Error *err)
{
    NetworkPrefixes prefixes;
    IpPrefix subnet;
    int r;

    if (network_spec_prefixes(spec, family, &prefixes)) {
        r = check_networks(networks, &prefixes.subnet, err);
        return r < 0 ? r : check_routes(spec, taken, &prefixes.subnet, err);
    }
    if (!(family == IP_V4 ? spec->ipv4 : spec->ipv6))
        return 0;
    r = address_pool_choose_subnet(family, taken, &subnet, err);
    if (r >= 0)
        add_subnet(spec, &subnet);
    return r;
}

int network_choose_subnets(Engine *engine, NetworkSpec *spec, Error *err)
{
    _cleanup_network_list_ NetworkList networks = {};
    _cleanup_(network_prefixes_done) NetworkPrefixList taken = {};
    int r = network_list(engine, &networks, err);

    if (r >= 0)
        r = list_taken(engine, &networks, &taken, err);
    for (IpFamily family = 0; family < _IP_FAMILY_MAX && r >= 0; family++)
        r = choose_family(spec, family, &networks, &taken, err);
    for (size_t i = 0; i < spec->subnets.count && r >= 0; i++)
        r = choose_gateway(spec, &spec->subnets.items[i], err);
    return r;
}
