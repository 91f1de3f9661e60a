/* SPDX-License-Identifier: Apache-2.0 */

/* A container's chain of CNI: kept in its directory from before it is run until it is undone. */

#include "engine/container-cni.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "engine/container-files.h"
#include "engine/container-private.h"
#include "engine/hosts-file.h"
#include "engine/published-port.h"
#include "engine/resolver-file.h"
#include "network/network-link.h"

#define CHAIN_NAME "cni.json"
#define CHAIN_SIZE_MAX (4 << 20)
#define INTERFACE "eth0"

static int fill_options(Engine *engine, const Container *container, CniOptions *ret, Error *err)
{
    const EngineSettings *settings;
    int r = engine_settings(engine, &settings, err);

    if (r < 0)
        return r;
    *ret = (CniOptions) {
        .config_directory = settings->cni.config_directory,
        .plugin_path = settings->cni.plugin_path,
        .timeout = settings->cni.timeout * NANOSECONDS_PER_SECOND,
        .container = container->id,
    };
    return 0;
}

static int open_directory(Engine *engine, const Container *container)
{
    int fd = openat(engine->containers_fd, container->id,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* Returns 0 or -errno, -ENOENT: there is none. */
static int read_chain(int directory_fd, CniChain **ret, Error *err)
{
    _cleanup_free_ char *text = NULL;
    size_t size;
    int r = file_read_at(directory_fd, CHAIN_NAME, CHAIN_SIZE_MAX, &text, &size);

    if (r == -ENOENT)
        return r;
    if (r < 0)
        return error_result(err, r, "read '%s' of the container", CHAIN_NAME);
    return cni_chain_parse(text, size, ret, err);
}

/* Also plug-ins keep what they have given away, over a loss of power as well. */
static int write_chain(int directory_fd, const CniChain *chain, Error *err)
{
    _cleanup_free_ char *text = cni_chain_to_text(chain);
    int r = file_write_at(directory_fd, CHAIN_NAME, text, strlen(text), 0600, FILE_WRITE_SYNC);

    return r < 0 ? error_result(err, r, "write '%s' of the container", CHAIN_NAME) : 0;
}

/* --- what is asked for --- */

/* One for all addresses of the host stands for both families: plug-ins want it once. */
static bool is_there(const json_t *mappings, const json_t *mapping)
{
    for (size_t i = 0; i < json_array_size(mappings); i++)
        if (json_equal(json_array_get(mappings, i), mapping))
            return true;
    return false;
}

static json_t *mappings_of(const PublishedPortList *ports)
{
    json_t *mappings = json_array();

    for (size_t i = 0; i < ports->count; i++) {
        const PublishedPort *port = &ports->items[i];
        char address[IP_ADDRESS_TEXT_MAX];
        _cleanup_json_ json_t *mapping = json_pack(
            "{s:i, s:i, s:s}", "hostPort", (int)port->host_port, "containerPort",
            (int)port->container_port, "protocol", port_protocol_to_string(port->protocol));

        if (!ip_address_is_wildcard(&port->address))
            json_object_set_new(mapping, "hostIP",
                                json_string(ip_address_format(&port->address, address)));
        if (!is_there(mappings, mapping))
            json_array_append(mappings, mapping);
    }
    return mappings;
}

/* Ports are ours to give away, so that no two containers have one. */
static int reserve_ports(Engine *engine, const Container *container, json_t **ret, Error *err)
{
    const ContainerSpec *spec = &container->spec;
    _cleanup_published_port_list_ PublishedPortList ports = {};
    _cleanup_(database_rollback) Transaction transaction = {};
    PublishRequest request = { .bindings = &spec->port_bindings,
                               .exposed = &spec->exposed_ports,
                               .all = spec->publish_all_ports,
                               .families = { true, true } };
    int r;

    if (spec->port_bindings.count == 0 && !spec->publish_all_ports)
        return 0;
    r = database_begin(engine->database, &transaction, err);
    if (r >= 0)
        r = published_ports_reserve(engine, container->id, &request, &ports, err);
    if (r >= 0)
        r = database_commit(&transaction, err);
    if (r >= 0)
        *ret = mappings_of(&ports);
    return r;
}

static json_t *addresses_of(const ContainerNetwork *network)
{
    json_t *addresses = json_array();

    if (network->ip4)
        json_array_append_new(addresses, json_string(network->ip4));
    if (network->ip6)
        json_array_append_new(addresses, json_string(network->ip6));
    return addresses;
}

static int open_chain(Engine *engine, const Container *container, const CniOptions *options,
                      CniChain **ret, Error *err)
{
    const ContainerSpec *spec = &container->spec;
    const ContainerNetwork *network = spec->networks.count > 0 ? &spec->networks.items[0] : NULL;
    _cleanup_json_ json_t *ports = NULL, *addresses = network ? addresses_of(network) : NULL;
    CniRequest request = { .interface =
                               network && network->interface ? network->interface : INTERFACE,
                           .addresses = addresses,
                           .mac = network ? network->mac : NULL };
    int r = reserve_ports(engine, container, &ports, err);

    request.ports = ports;
    return r < 0 ? r
                 : cni_open(container_mode_cni(container->spec.network_mode), options, &request,
                            ret, err);
}

/* --- its life --- */

static int undo(int directory_fd, const CniOptions *options, const Container *container, Error *err)
{
    _cleanup_(cni_chain_freep) CniChain *chain = NULL;
    int r = read_chain(directory_fd, &chain, err);

    if (r == -ENOENT)
        return 0;
    if (r >= 0)
        r = cni_delete(chain, options, err);
    if (r < 0)
        return error_wrap(err, r, "undo the CNI network of container '%s'", container->name);
    if (unlinkat(directory_fd, CHAIN_NAME, 0) < 0 && errno != ENOENT)
        return error_errno(err, "remove '%s' of container '%s'", CHAIN_NAME, container->name);
    return 0;
}

static int add(int directory_fd, CniChain *chain, const CniOptions *options, CniResult *ret,
               Error *err)
{
    bool is_left = false;
    int r = write_chain(directory_fd, chain, err);

    if (r < 0)
        return r;
    r = cni_add(chain, options, &is_left, err);
    if (r >= 0) {
        r = write_chain(directory_fd, chain, err);
        if (r >= 0)
            r = cni_chain_result(chain, ret, err);
        is_left = r < 0 && cni_delete(chain, options, NULL) < 0;
    }
    if (r < 0 && !is_left)
        (void)unlinkat(directory_fd, CHAIN_NAME, 0); /* else once more, for nothing */
    return r;
}

static int run_chain(Engine *engine, const Container *container, int directory_fd, pid_t pid,
                     CniResult *ret, Error *err)
{
    _cleanup_(cni_chain_freep) CniChain *chain = NULL;
    CniOptions options = {};
    int r = fill_options(engine, container, &options, err);

    if (r >= 0)
        r = undo(directory_fd, &options, container, err);
    if (r >= 0)
        r = open_chain(engine, container, &options, &chain, err);
    options.pid = pid;
    return r < 0 ? r : add(directory_fd, chain, &options, ret, err);
}

/* --- its files --- */

static void add_host_lines(const Container *container, const CniResult *result, StringList *lines)
{
    _cleanup_string_list_ StringList gateways = {};
    char text[IP_ADDRESS_TEXT_MAX];

    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++)
        if (ip_address_is_set(&result->gateways[family]))
            string_list_add(&gateways, ip_address_format(&result->gateways[family], text));
    container_extra_hosts(container, &gateways, lines);
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++)
        container_own_host_line(container, &result->addresses[family].address, lines);
}

/* The user's word counts most, then that of the plug-ins; the host's servers are asked where
 * neither has one. */
static char *make_resolvers(const Container *container, const CniResult *result)
{
    const ContainerSpec *spec = &container->spec;
    _cleanup_resolver_file_ ResolverFile file = {};

    resolver_file_read_host(&file);
    resolver_file_drop_loopback(&file);
    resolver_file_override(&file, &result->servers, &result->searches, &result->options);
    resolver_file_override(&file, &spec->dns, &spec->dns_search, &spec->dns_options);
    return resolver_file_format(&file);
}

static int write_files(int directory_fd, const Container *container, const CniResult *result,
                       Error *err)
{
    _cleanup_free_ char *standard = hosts_file_standard(), *hosts = NULL, *resolvers = NULL;
    _cleanup_string_list_ StringList lines = {};
    int r;

    add_host_lines(container, result, &lines);
    hosts = hosts_file_edit(standard, &(StringList) {}, &lines);
    resolvers = make_resolvers(container, result);
    r = container_file_write(directory_fd, CONTAINER_FILE_HOSTS, hosts, err);
    return r < 0 ? r : container_file_write(directory_fd, CONTAINER_FILE_RESOLVERS, resolvers, err);
}

/* The loopback is up without a plug-in for it. */
int container_cni_plug(Engine *engine, const Container *container, pid_t pid, int netns_fd,
                       Error *err)
{
    _cleanup_close_ int directory_fd = open_directory(engine, container);
    _cleanup_cni_result_ CniResult result = {};
    NetworkLinks *links;
    int r;

    if (directory_fd < 0)
        return error_result(err, directory_fd, "open the directory of container '%s'",
                            container->name);
    r = engine_network_links(engine, &links, err);
    if (r >= 0)
        r = network_attach(links, netns_fd, NULL, 0, err);
    if (r >= 0)
        r = run_chain(engine, container, directory_fd, pid, &result, err);
    return r < 0 ? r : write_files(directory_fd, container, &result, err);
}

void container_cni_release(Engine *engine, const Container *container)
{
    _cleanup_close_ int directory_fd = -EBADF;
    _cleanup_error_ Error problem = {};
    CniOptions options;
    int r;

    if (!container_mode_cni(container->spec.network_mode))
        return;
    directory_fd = open_directory(engine, container);
    if (directory_fd == -ENOENT)
        return;
    r = directory_fd < 0 ? error_result(&problem, directory_fd, "open the container's directory")
                         : fill_options(engine, container, &options, &problem);
    if (r >= 0)
        r = undo(directory_fd, &options, container, &problem);
    if (r < 0)
        log_warning("%s", error_message(&problem));
}

void container_cni_read(Engine *engine, const Container *container, CniResult *ret)
{
    _cleanup_close_ int directory_fd = -EBADF;
    _cleanup_(cni_chain_freep) CniChain *chain = NULL;

    *ret = (CniResult) {};
    if (!container_mode_cni(container->spec.network_mode) || container->pid <= 0)
        return;
    directory_fd = open_directory(engine, container);
    /* In doubt nothing is known of it: it is only to be shown. */
    if (directory_fd >= 0 && read_chain(directory_fd, &chain, NULL) >= 0)
        (void)cni_chain_result(chain, ret, NULL);
}
