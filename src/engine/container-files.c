/* SPDX-License-Identifier: Apache-2.0 */

/* hostname, hosts, resolv.conf: small enough to be written anew for each container. */

#include "engine/container-files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/string-buffer.h"
#include "engine/hosts-file.h"
#include "engine/resolver-file.h"

#define HOST_FILE_LIMIT (1 << 20)

bool container_uses_host_network(const Container *container)
{
    return strcmp(container->spec.network_mode, "host") == 0;
}

bool container_owns_network(const Container *container)
{
    const char *mode = container->spec.network_mode;

    return !container_uses_host_network(container) && !container_mode_joined(mode) &&
           !container_mode_path(mode);
}

bool container_uses_host_uts(const Container *container)
{
    return container->spec.uts_mode && strcmp(container->spec.uts_mode, "host") == 0;
}

char *container_hostname(const Container *container)
{
    struct utsname host;

    if (container->spec.hostname)
        return memory_strdup(container->spec.hostname);
    if ((container_uses_host_network(container) || container_uses_host_uts(container)) &&
        uname(&host) == 0)
        return memory_strdup(host.nodename);
    return memory_strndup(container->id, CONTAINER_SHORT_ID_LENGTH);
}

/* The host's own file, as text; NULL when it has none. It is the administrator's: a symlink is
 * followed. */
static char *read_host_file(const char *path)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    char *text;

    if (fd < 0 || fd_read_all(fd, HOST_FILE_LIMIT, &text, NULL) < 0)
        return NULL;
    return text;
}

/* "NAME:ADDRESS", as a line; nothing for the gateway's, which only a container in a network knows.
 */
static void add_extra_host(StringList *lines, const char *text, const char *gateway)
{
    const char *address = strchr(text, ':') + 1;

    if (strcmp(address, CONTAINER_HOST_GATEWAY) == 0)
        address = gateway;
    if (address)
        string_list_printf(lines, "%s\t%.*s", address, (int)strcspn(text, ":"), text);
}

void container_own_host_line(const Container *container, const IpAddress *address,
                             StringList *lines)
{
    _cleanup_free_ char *hostname = container_hostname(container);
    const char *domain = container->spec.domainname;
    char text[IP_ADDRESS_TEXT_MAX];

    if (!ip_address_is_set(address))
        return;
    ip_address_format(address, text);
    if (domain && *domain)
        string_list_printf(lines, "%s\t%s.%s %s", text, hostname, domain, hostname);
    else
        string_list_printf(lines, "%s\t%s", text, hostname);
}

void container_extra_hosts(const Container *container, const StringList *gateways,
                           StringList *lines)
{
    for (size_t i = 0; i < container->spec.extra_hosts.count; i++) {
        const char *text = container->spec.extra_hosts.items[i];

        if (!strchr(text, ':'))
            continue;
        add_extra_host(lines, text, gateways->count > 0 ? gateways->items[0] : NULL);
        for (size_t j = 1; j < gateways->count && strstr(text, ":" CONTAINER_HOST_GATEWAY); j++)
            add_extra_host(lines, text, gateways->items[j]);
    }
}

static char *make_hosts(const Container *container)
{
    _cleanup_string_list_ StringList gateways = {}, lines = {};
    _cleanup_free_ char *text =
        container_uses_host_network(container) ? read_host_file("/etc/hosts") : NULL;

    if (!text)
        text = hosts_file_standard();
    if (container_uses_host_network(container))
        string_list_add(&gateways, "127.0.0.1"); /* the host is where it is */
    container_extra_hosts(container, &gateways, &lines);
    return hosts_file_edit(text, &(StringList) {}, &lines);
}

static char *make_resolvers(const Container *container)
{
    const ContainerSpec *spec = &container->spec;
    _cleanup_resolver_file_ ResolverFile file = {};
    char *text;

    if (spec->dns.count + spec->dns_search.count + spec->dns_options.count == 0) {
        text = read_host_file("/etc/resolv.conf");
        return text ? text : memory_strdup("");
    }
    resolver_file_read_host(&file);
    resolver_file_override(&file, &spec->dns, &spec->dns_search, &spec->dns_options);
    return resolver_file_format(&file);
}

/* Readable by whatever user the container runs as, whatever our umask. It stays the same file, as
 * it is mounted, and is never seen empty. */
int container_file_write(int directory_fd, const char *name, const char *text, Error *err)
{
    _cleanup_close_ int fd =
        openat(directory_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    int r;

    if (fd < 0)
        return error_errno(err, "make the container's '%s'", name);
    r = fd_write_all(fd, text, strlen(text));
    if (r < 0)
        return error_result(err, r, "write the container's '%s'", name);
    if (ftruncate(fd, (off_t)strlen(text)) < 0 || fchmod(fd, 0644) < 0)
        return error_errno(err, "write the container's '%s'", name);
    return 0;
}

int container_files_write(int directory_fd, const Container *container, Error *err)
{
    _cleanup_free_ char *hostname = container_hostname(container);
    _cleanup_free_ char *hostname_line = memory_printf("%s\n", hostname);
    _cleanup_free_ char *hosts = make_hosts(container);
    _cleanup_free_ char *resolvers = make_resolvers(container);
    int r = container_file_write(directory_fd, CONTAINER_FILE_HOSTNAME, hostname_line, err);

    if (r >= 0)
        r = container_file_write(directory_fd, CONTAINER_FILE_HOSTS, hosts, err);
    if (r >= 0)
        r = container_file_write(directory_fd, CONTAINER_FILE_RESOLVERS, resolvers, err);
    return r;
}
