/* SPDX-License-Identifier: Apache-2.0 */

/* /proc/sys/net shows the network namespace of whoever opens it. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "network/network-link-private.h"

#define SYSCTL_DIRECTORY "/proc/sys/net"

static int poke(const char *path, const char *value)
{
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
    size_t size = strlen(value);
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = write(fd, value, size);
    if (n < 0)
        return -errno;
    return (size_t)n == size ? 0 : -EIO;
}

int network_sysctl_set(const char *family, const char *interface, const char *name,
                       const char *value, Error *err)
{
    _cleanup_free_ char *path =
        memory_printf(SYSCTL_DIRECTORY "/%s/conf/%s/%s", family, interface, name);
    int r = poke(path, value);

    if (r == -ENOENT && strcmp(family, "ipv6") == 0)
        return 0;
    return r < 0 ? error_result(err, r, "write '%s' to '%s'", value, path) : 0;
}

/* "net.ipv4.conf.IFNAME.NAME" to its path; NULL: it is none such. */
static char *path_of(const char *sysctl, const char *interface)
{
    static const char *const prefixes[] = { "net.ipv4.conf.IFNAME.", "net.ipv6.conf.IFNAME.",
                                            "net.mpls.conf.IFNAME.", "net.ipv4.neigh.IFNAME.",
                                            "net.ipv6.neigh.IFNAME." };

    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        const char *name = sysctl + strlen(prefixes[i]);

        if (strncmp(sysctl, prefixes[i], strlen(prefixes[i])) != 0)
            continue;
        if (*name == '\0' || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
            return NULL;
        return memory_printf(SYSCTL_DIRECTORY "/%.4s/%.*s/%s/%s", sysctl + strlen("net."),
                             (int)(strlen(prefixes[i]) - strlen("net.ipv4.") - strlen(".IFNAME.")),
                             sysctl + strlen("net.ipv4."), interface, name);
    }
    return NULL;
}

int network_sysctl_apply(const StringMap *sysctls, const char *interface, Error *err)
{
    for (size_t i = 0; sysctls && i < sysctls->count; i++) {
        const StringPair *pair = &sysctls->items[i];
        _cleanup_free_ char *path = path_of(pair->key, interface);
        int r = path ? poke(path, pair->value ? pair->value : "") : -ENOENT;

        if (r == -ENOENT || r == -EACCES)
            return error_set(err, ERROR_INVALID,
                             "'%s' is no setting of an interface: "
                             "write 'net.ipv4.conf.IFNAME.NAME' with one that the kernel has",
                             pair->key);
        if (r == -EINVAL || r == -ERANGE)
            return error_set(err, ERROR_INVALID, "'%s' is no value of '%s'",
                             pair->value ? pair->value : "", pair->key);
        if (r < 0)
            return error_result(err, r, "set '%s'", pair->key);
    }
    return 0;
}

static bool is_set(const char *path)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    char value = '0';

    return fd >= 0 && read(fd, &value, 1) == 1 && value == '1';
}

/* A host that routes IPv6 no longer listens to routers where accept_ra is 1, and would lose its
 * address and default route some time later. 2 goes on listening. */
static void keep_router_advertisements(void)
{
    _cleanup_directory_ DIR *directory = opendir(SYSCTL_DIRECTORY "/ipv6/conf");
    const struct dirent *entry;

    while (directory && directory_read(directory, &entry) > 0) {
        _cleanup_free_ char *path =
            memory_printf(SYSCTL_DIRECTORY "/ipv6/conf/%s/accept_ra", entry->d_name);

        if (strcmp(entry->d_name, "all") != 0 && is_set(path))
            (void)poke(path, "2"); /* it may have gone meanwhile */
    }
}

int network_sysctl_enable_forwarding(IpFamily family, Error *err)
{
    const char *path = family == IP_V4 ? SYSCTL_DIRECTORY "/ipv4/ip_forward"
                                       : SYSCTL_DIRECTORY "/ipv6/conf/all/forwarding";
    int r;

    if (is_set(path))
        return 0;
    if (family == IP_V6)
        keep_router_advertisements();
    r = poke(path, "1");
    return r < 0 ? error_result(err, r, "write '1' to '%s'", path) : 0;
}

bool network_sysctl_filters_bridges(IpFamily family)
{
    return is_set(family == IP_V4 ? SYSCTL_DIRECTORY "/bridge/bridge-nf-call-iptables"
                                  : SYSCTL_DIRECTORY "/bridge/bridge-nf-call-ip6tables");
}
