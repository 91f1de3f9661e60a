/* SPDX-License-Identifier: Apache-2.0 */

/* /etc/hosts and /etc/resolv.conf of a container in networks: written whole at its start, edited
 * when its networks change, so that lines of its own stay. */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "engine/container-files.h"
#include "engine/container-network-private.h"
#include "engine/hosts-file.h"
#include "engine/resolver-file.h"

#define HOSTS_LIMIT (1 << 20)

/* --- hosts --- */

static void add_own_lines(const NetworkView *view, StringList *lines)
{
    for (size_t i = 0; i < view->endpoints.count; i++)
        for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++)
            container_own_host_line(view->container, &view->endpoints.items[i].addresses[family],
                                    lines);
}

static void list_gateways(const NetworkView *view, StringList *gateways)
{
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++) {
        size_t index = network_view_gateway(view, family);
        char text[IP_ADDRESS_TEXT_MAX];
        NetworkPrefixes prefixes;

        if (index != NO_ENDPOINT &&
            network_spec_prefixes(&view->networks.items[index]->spec, family, &prefixes))
            string_list_add(gateways, ip_address_format(&prefixes.gateway, text));
    }
}

/* Where names are not answered, a link is a line. */
static int add_link(const NetworkView *view, size_t index, const char *text, StringList *lines,
                    Error *err)
{
    _cleanup_free_ char *name = memory_strndup(text, strcspn(text, ":"));
    const char *alias = text[strlen(name)] == ':' ? text + strlen(name) + 1 : name;
    _cleanup_(container_freep) Container *other = NULL;
    _cleanup_network_view_ NetworkView view_of_other = {};
    size_t found;
    int r = container_find(view->engine, name, &other, err);

    if (r >= 0)
        r = network_view_load(view->engine, other, &view_of_other, err);
    if (r < 0)
        return r;
    found = network_view_find(&view_of_other, view->endpoints.items[index].network);
    if (found == NO_ENDPOINT || !view_of_other.endpoints.items[found].interface)
        return error_set(err, ERROR_CONFLICT,
                         "cannot link to a non running container: '%s' as '%s'", other->name,
                         alias);
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++) {
        const IpAddress *address = &view_of_other.endpoints.items[found].addresses[family];
        char buffer[IP_ADDRESS_TEXT_MAX];

        if (ip_address_is_set(address))
            string_list_printf(lines, "%s\t%s %.12s %s", ip_address_format(address, buffer), alias,
                               other->id, other->name);
    }
    return 0;
}

static int add_links(const NetworkView *view, StringList *lines, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < view->endpoints.count && r >= 0; i++) {
        const StringList *links = &view->endpoints.items[i].request.links;

        if (network_has_names(view->networks.items[i]))
            continue;
        for (size_t j = 0; j < links->count && r >= 0; j++)
            r = add_link(view, i, links->items[j], lines, err);
    }
    return r;
}

static int make_lines(const NetworkView *view, StringList *lines, Error *err)
{
    _cleanup_string_list_ StringList gateways = {};

    list_gateways(view, &gateways);
    container_extra_hosts(view->container, &gateways, lines);
    add_own_lines(view, lines);
    return add_links(view, lines, err);
}

/* --- resolv.conf --- */

static bool has_names(const NetworkView *view)
{
    for (size_t i = 0; i < view->networks.count; i++)
        if (network_has_names(view->networks.items[i]))
            return true;
    return false;
}

/* On the default bridge the host's servers are asked directly, where they can be reached. */
static void make_resolvers(const NetworkView *view, ResolverFile *ret)
{
    const ContainerSpec *spec = &view->container->spec;

    resolver_file_read_host(ret);
    resolver_file_drop_loopback(ret);
    resolver_file_override(ret, &spec->dns, &spec->dns_search, &spec->dns_options);
    if (has_names(view))
        resolver_file_redirect(ret, DNS_ADDRESS);
    else if (ret->servers.count == 0 && view->endpoints.count > 0)
        string_list_add(&ret->servers, DNS_ADDRESS);
}

bool network_view_needs_dns(const NetworkView *view)
{
    _cleanup_resolver_file_ ResolverFile file = {};

    make_resolvers(view, &file);
    return string_list_contains(&file.servers, DNS_ADDRESS);
}

bool container_bridge_needs_dns(void)
{
    _cleanup_resolver_file_ ResolverFile file = {};

    resolver_file_read_host(&file);
    resolver_file_drop_loopback(&file);
    return file.servers.count == 0;
}

/* --- both --- */

static int open_directory(const NetworkView *view, int *ret_fd, Error *err)
{
    *ret_fd = openat(view->engine->containers_fd, view->container->id,
                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *ret_fd < 0
               ? error_errno(err, "open the directory of container '%s'", view->container->name)
               : 0;
}

int container_network_files_write(const NetworkView *view, Error *err)
{
    _cleanup_string_list_ StringList lines = {};
    _cleanup_resolver_file_ ResolverFile resolvers = {};
    _cleanup_free_ char *standard = hosts_file_standard(), *hosts = NULL, *text = NULL;
    _cleanup_close_ int directory_fd = -EBADF;
    int r = open_directory(view, &directory_fd, err);

    if (r >= 0)
        r = make_lines(view, &lines, err);
    if (r < 0)
        return r;
    hosts = hosts_file_edit(standard, &(StringList) {}, &lines);
    make_resolvers(view, &resolvers);
    text = resolver_file_format(&resolvers);
    r = container_file_write(directory_fd, CONTAINER_FILE_HOSTS, hosts, err);
    return r < 0 ? r : container_file_write(directory_fd, CONTAINER_FILE_RESOLVERS, text, err);
}

static int update_hosts(int directory_fd, const NetworkView *before, const NetworkView *after,
                        Error *err)
{
    _cleanup_string_list_ StringList removed = {}, added = {};
    _cleanup_free_ char *text = NULL, *edited = NULL;
    int r = file_read_at(directory_fd, CONTAINER_FILE_HOSTS, HOSTS_LIMIT, &text, NULL);

    if (r < 0)
        return error_result(err, r, "read the container's 'hosts'");
    (void)make_lines(before, &removed, NULL); /* a link that leads nowhere is in no line */
    r = make_lines(after, &added, err);
    if (r < 0)
        return r;
    edited = hosts_file_edit(text, &removed, &added);
    return strcmp(text, edited) == 0
               ? 0
               : container_file_write(directory_fd, CONTAINER_FILE_HOSTS, edited, err);
}

/* Only where it is as we have written it. */
static int update_resolvers(int directory_fd, const NetworkView *before, const NetworkView *after,
                            Error *err)
{
    _cleanup_resolver_file_ ResolverFile old = {}, new = {};
    _cleanup_free_ char *text = NULL, *old_text = NULL, *new_text = NULL;
    int r = file_read_at(directory_fd, CONTAINER_FILE_RESOLVERS, HOSTS_LIMIT, &text, NULL);

    if (r < 0)
        return error_result(err, r, "read the container's 'resolv.conf'");
    make_resolvers(before, &old);
    make_resolvers(after, &new);
    old_text = resolver_file_format(&old);
    new_text = resolver_file_format(&new);
    if (strcmp(text, old_text) != 0 || strcmp(old_text, new_text) == 0)
        return 0;
    return container_file_write(directory_fd, CONTAINER_FILE_RESOLVERS, new_text, err);
}

int container_network_files_update(const NetworkView *before, const NetworkView *after, Error *err)
{
    _cleanup_close_ int directory_fd = -EBADF;
    int r = open_directory(after, &directory_fd, err);

    if (r >= 0)
        r = update_hosts(directory_fd, before, after, err);
    return r < 0 ? r : update_resolvers(directory_fd, before, after, err);
}
