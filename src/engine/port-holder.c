/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Programs of the host that have a port. bind(2) is what decides, as it would for whoever else
 * wanted the port; what /proc tells is only who is in the way.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "engine/published-port.h"

#define LISTENING 0x0A /* TCP_LISTEN as /proc/net has it */
#define COMM_MAX 64

/* A row of /proc/net/tcp and its like. */
typedef struct SocketRow {
    IpAddress address;
    unsigned port;
    unsigned state;
    uint64_t inode;
} SocketRow;

static socklen_t make_socket_address(const IpAddress *address, uint16_t port,
                                     struct sockaddr_storage *ret)
{
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)ret;

    *ret = (struct sockaddr_storage) { .ss_family = (sa_family_t)address->family };
    if (address->family == AF_INET) {
        memcpy(&ipv4->sin_addr, address->bytes, sizeof(ipv4->sin_addr));
        ipv4->sin_port = htons(port);
        return sizeof(*ipv4);
    }
    memcpy(&ipv6->sin6_addr, address->bytes, sizeof(ipv6->sin6_addr));
    ipv6->sin6_port = htons(port);
    return sizeof(*ipv6);
}

/* A connection that has ended is not in the way of a TCP port, a program that listens is. */
static int try_bind(const IpAddress *address, uint8_t protocol, uint16_t port)
{
    struct sockaddr_storage storage;
    socklen_t size = make_socket_address(address, port, &storage);
    int type = protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
    _cleanup_close_ int fd = -EBADF;

    /* A socket would load the kernel's module, which whoever has such a port has done. */
    if (protocol == IPPROTO_SCTP && access("/proc/self/net/sctp", F_OK) < 0)
        return 0;
    fd = socket(address->family, type | SOCK_CLOEXEC, protocol);
    if (fd < 0)
        return -errno;
    if (protocol != IPPROTO_UDP &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int) { 1 }, sizeof(int)) < 0)
        return -errno;
    if (address->family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int) { 1 }, sizeof(int)) < 0)
        return -errno;
    return bind(fd, (struct sockaddr *)&storage, size) < 0 ? -errno : 0;
}

/* Words of 32 bits in the machine's order, each as it lies in memory. */
static bool parse_address(const char *hex, IpAddress *ret)
{
    size_t n_words = strlen(hex) / 8;

    if (n_words != 1 && n_words != 4)
        return false;
    *ret = (IpAddress) { .family = n_words == 1 ? AF_INET : AF_INET6 };
    for (size_t i = 0; i < n_words; i++) {
        uint32_t word;

        if (sscanf(hex + 8 * i, "%8" SCNx32, &word) != 1)
            return false;
        memcpy(ret->bytes + 4 * i, &word, sizeof(word));
    }
    return true;
}

static bool parse_row(const char *line, SocketRow *ret)
{
    char address[33];

    return sscanf(line,
                  " %*u: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %" SCNu64,
                  address, &ret->port, &ret->state, &ret->inode) == 4 &&
           parse_address(address, &ret->address);
}

/* Do both want the same? A wildcard of IPv6 is one of IPv4 as well. */
static bool is_in_the_way(const SocketRow *row, const IpAddress *address)
{
    bool is_wildcard = ip_address_is_wildcard(&row->address);

    if (row->address.family != address->family)
        return is_wildcard && row->address.family == AF_INET6;
    return is_wildcard || ip_address_is_wildcard(address) ||
           ip_address_equal(&row->address, address);
}

/* The inode of the socket that has the port, one that listens before others; 0: none. */
static uint64_t find_socket(const char *table, const IpAddress *address, uint16_t port)
{
    _cleanup_free_ char *path = memory_printf("/proc/self/net/%s", table);
    _cleanup_free_ char *line = NULL;
    size_t capacity = 0;
    uint64_t inode = 0;
    FILE *file = fopen(path, "re");

    if (!file)
        return 0;
    while (getline(&line, &capacity, file) > 0) {
        SocketRow row;

        if (!parse_row(line, &row) || row.port != port || row.inode == 0 ||
            !is_in_the_way(&row, address))
            continue;
        if (inode == 0 || row.state == LISTENING)
            inode = row.inode;
        if (row.state == LISTENING)
            break;
    }
    (void)fclose(file); /* it was only read */
    return inode;
}

static bool has_socket(const char *pid, const char *socket_name)
{
    _cleanup_free_ char *path = memory_printf("/proc/%s/fd", pid);
    _cleanup_directory_ DIR *directory = opendir(path);
    const struct dirent *entry;

    while (directory && directory_read(directory, &entry) > 0) {
        char target[64];
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);

        if (length > 0) {
            target[length] = '\0';
            if (strcmp(target, socket_name) == 0)
                return true;
        }
    }
    return false;
}

/* "'nginx' (pid 123)"; NULL: nobody that we can see. */
static char *find_program(uint64_t inode)
{
    _cleanup_free_ char *socket_name = memory_printf("socket:[%" PRIu64 "]", inode);
    _cleanup_directory_ DIR *directory = opendir("/proc");
    const struct dirent *entry;

    while (directory && directory_read(directory, &entry) > 0) {
        _cleanup_free_ char *path = NULL, *name = NULL;
        size_t size;

        if (strspn(entry->d_name, "0123456789") != strlen(entry->d_name) ||
            !has_socket(entry->d_name, socket_name))
            continue;
        path = memory_printf("/proc/%s/comm", entry->d_name);
        if (file_read_at(AT_FDCWD, path, COMM_MAX, &name, &size) < 0)
            continue;
        name[strcspn(name, "\n")] = '\0';
        for (char *c = name; *c; c++) /* whoever runs it chooses it, and a terminal shows it */
            *c = isprint((unsigned char)*c) ? *c : '?';
        return memory_printf("'%s' (pid %s)", name, entry->d_name);
    }
    return NULL;
}

static int is_taken(const IpAddress *address, uint8_t protocol, uint16_t port, Error *err)
{
    const char *name = port_protocol_to_string(protocol);
    _cleanup_free_ char *program = NULL, *table = NULL;
    uint64_t inode = 0;

    if (!err)
        return -EBUSY; /* nobody wants to know */
    table = memory_printf("%s6", name);
    if (address->family == AF_INET)
        inode = find_socket(name, address, port);
    if (inode == 0)
        inode = find_socket(table, address, port);
    program = inode != 0 ? find_program(inode) : NULL;
    return error_set(err, ERROR_CONFLICT, "port %u/%s of the host is in use by %s", port, name,
                     program ? program : "a program of the host");
}

int port_holder_check(const IpAddress *address, uint8_t protocol, uint16_t port, Error *err)
{
    char text[IP_ADDRESS_TEXT_MAX];
    int r = try_bind(address, protocol, port);

    if (r >= 0)
        return 0;
    if (r == -EADDRINUSE)
        return is_taken(address, protocol, port, err);
    /* Without IPv6, or with IPv6 turned off. */
    if (r == -EAFNOSUPPORT || (r == -EADDRNOTAVAIL && ip_address_is_wildcard(address)))
        return -EAFNOSUPPORT;
    if (r == -EADDRNOTAVAIL || r == -EINVAL)
        return error_set(err, ERROR_INVALID, "'%s' is no address of this host",
                         ip_address_format(address, text));
    return error_result(err, r, "try port %u/%s of the host", port,
                        port_protocol_to_string(protocol));
}
