/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a name to where it can be reached: mirrors first, then the registry itself, each with the
 * rules, the certificates and the credentials of its own host and of no other.
 */

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "registry/registry-credentials.h"
#include "registry/registry-host.h"
#include "registry/registry-settings-private.h"

/* What registries.yaml and certs.d say about @name, a domain as in references. */
static int apply_rule(const RegistrySettings *settings, const char *name,
                      RegistryEndpoint *endpoint, Error *err)
{
    const RegistryRule *rule = registry_settings_rule(settings, name);

    endpoint->try_plain_http = registry_host_is_loopback(endpoint->host);
    if (rule) {
        endpoint->plain_http = rule->plain_http;
        endpoint->skip_verify = rule->insecure;
        endpoint->try_plain_http |= rule->insecure;
    }
    if (rule && rule->ca) {
        int r = registry_certificates_add_ca(rule->ca, endpoint, err);

        if (r < 0)
            return error_wrap(err, r, "registries.%s.ca", name);
    }
    return registry_certificates_find(settings, name, endpoint, err);
}

static void copy_credentials(const RegistryCredentials *source, RegistryCredentials *target)
{
    *target = (RegistryCredentials) {
        .username = memory_strdup(source->username),
        .password = memory_strdup(source->password),
        .identity_token = memory_strdup(source->identity_token),
        .registry_token = memory_strdup(source->registry_token),
    };
}

static int add_mirror(const RegistrySettings *settings, const char *text, const RegistryWish *wish,
                      RegistryRepository *repository, Error *err)
{
    _cleanup_registry_mirror_ RegistryMirror mirror = {};
    _cleanup_free_ char *name = NULL;
    RegistryEndpoint *endpoint;
    int r = registry_mirror_parse(text, &mirror, err);

    if (r < 0)
        return r;
    endpoint = JSON_ARRAY_ADD(&repository->endpoints);
    endpoint->is_mirror = true;
    endpoint->host = TAKE_PTR(mirror.host);
    endpoint->prefix = TAKE_PTR(mirror.prefix);
    name = registry_host_from_address(endpoint->host);
    r = apply_rule(settings, name, endpoint, err);
    if (r < 0)
        return r;
    /* A scheme that is written down is meant. */
    endpoint->plain_http = mirror.plain_http || (endpoint->plain_http && !mirror.only_https);
    endpoint->try_plain_http = endpoint->try_plain_http && !mirror.only_https;
    return registry_credentials_find(wish->credentials_file, name, &endpoint->credentials, err);
}

static int add_registry(const RegistrySettings *settings, const RegistryWish *wish,
                        RegistryRepository *repository, Error *err)
{
    bool is_hub = strcmp(repository->domain, REGISTRY_HUB) == 0;
    RegistryEndpoint *endpoint = JSON_ARRAY_ADD(&repository->endpoints);
    int r;

    endpoint->host = memory_strdup(!is_hub            ? repository->domain
                                   : wish->for_search ? REGISTRY_HUB_INDEX
                                                      : REGISTRY_HUB_HOST);
    endpoint->prefix = memory_strdup("");
    r = apply_rule(settings, repository->domain, endpoint, err);
    if (r < 0)
        return r;
    if (wish->insecure)
        endpoint->skip_verify = endpoint->try_plain_http = true;
    if (!wish->credentials)
        return registry_credentials_find(wish->credentials_file, repository->domain,
                                         &endpoint->credentials, err);
    copy_credentials(wish->credentials, &endpoint->credentials);
    return 0;
}

static int resolve(const RegistrySettings *settings, const RegistryWish *wish,
                   RegistryRepository *repository, Error *err)
{
    const RegistryRule *rule;
    int r = 0;

    repository->domain = registry_host_from_address(wish->domain);
    repository->path = memory_strdup(wish->path);
    rule = registry_settings_rule(settings, repository->domain);
    if (!registry_host_is_valid(repository->domain))
        return error_set(err, ERROR_INVALID, "it is no name of a registry");
    if (rule && rule->blocked)
        return error_set(err, ERROR_DENIED, "blocked by '%s'", settings->path);
    for (size_t i = 0; rule && wish->path && !wish->for_push && i < rule->mirrors.count && r >= 0;
         i++)
        r = add_mirror(settings, rule->mirrors.items[i], wish, repository, err);
    return r < 0 ? r : add_registry(settings, wish, repository, err);
}

int registry_resolve(const RegistrySettings *settings, const RegistryWish *wish,
                     RegistryRepository *ret, Error *err)
{
    _cleanup_registry_repository_ RegistryRepository repository = {};
    int r = resolve(settings, wish, &repository, err);

    if (r < 0)
        return error_wrap(err, r, "registry '%s'", wish->domain);

    *ret = repository;
    repository = (RegistryRepository) {};
    return 0;
}
