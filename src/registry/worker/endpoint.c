/* SPDX-License-Identifier: Apache-2.0 */

/* Addresses, trust and proxies of an endpoint. */

#include "registry/worker/endpoint.h"

#include <string.h>

#include "base/memory.h"
#include "registry/worker/locations.h"

const char *endpoint_host(const Endpoint *endpoint)
{
    return endpoint->settings->host;
}

char *endpoint_base_url(const Endpoint *endpoint)
{
    return memory_printf("%s://%s/", endpoint->uses_plain_http ? "http" : "https",
                         endpoint->settings->host);
}

char *endpoint_repository(const Endpoint *endpoint, const char *path)
{
    const char *prefix = endpoint->settings->prefix;

    return prefix && *prefix ? memory_printf("%s/%s", prefix, path) : memory_strdup(path);
}

ExchangeTls endpoint_tls(const Endpoint *endpoint, const char *url)
{
    const RegistryEndpoint *settings = endpoint->settings;
    _cleanup_free_ char *own = endpoint_base_url(endpoint);
    ExchangeTls tls = {
        .ca_directory = endpoint->session->ca_directory,
        .ca = settings->ca,
        .skip_verify = settings->skip_verify,
    };

    if (settings->client_certificate && settings->client_key && origin_equal(url, own)) {
        tls.certificate = settings->client_certificate;
        tls.key = settings->client_key;
    }
    return tls;
}

const char *session_proxy(const Session *session, const char *url)
{
    _cleanup_origin_ Origin origin = {};

    /* As Docker: what is on this machine is reached without one. */
    if (origin_parse(url, &origin) < 0 || origin_is_loopback(&origin))
        return NULL;
    return strcmp(origin.scheme, "https") == 0 ? session->opening.https_proxy
                                               : session->opening.http_proxy;
}
