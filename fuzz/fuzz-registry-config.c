/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary text to what reads Docker's config.json and names of registries. Credentials that
 * are found are found again once they were stored, none are left once they were deleted, a helper
 * has a plain name, and a mirror has a host and no way out of its path.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "base/path.h"
#include "registry/registry-credentials-private.h"
#include "registry/registry-host.h"
#include "registry/registry-settings-private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const hosts[] = { "docker.io", "a", "registry.example.com:5000" };

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_entries(json_t *config, const char *host)
{
    _cleanup_registry_credentials_ RegistryCredentials found = {}, again = {}, none = {};

    if (registry_credential_entries_find(config, host, &found, NULL) <= 0)
        return;
    if (registry_credential_entries_put(config, host, &found, NULL) < 0)
        abort();
    /* A name with a colon, which only members of their own can have, is cut at it in base64. */
    if (found.username && !strchr(found.username, ':') &&
        (registry_credential_entries_find(config, host, &again, NULL) != 1 ||
         !is_same(found.username, again.username) ||
         !is_same(found.identity_token, again.identity_token) ||
         !is_same(found.registry_token, again.registry_token)))
        abort();
    if (!registry_credential_entries_delete(config, host) ||
        registry_credential_entries_find(config, host, &none, NULL) != 0)
        abort();
}

static void check_config(const char *text, size_t size)
{
    _cleanup_credential_config_ json_t *config = NULL;
    const char *helper;

    if (json_parse(text, size, &config, NULL) < 0 || !json_is_object(config))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        if (registry_credential_helper_of(config, hosts[i], &helper, NULL) == 0 && helper &&
            !path_is_name(helper))
            abort();
        check_entries(config, hosts[i]);
    }
}

static void check_name(const char *text)
{
    _cleanup_free_ char *host = registry_host_from_address(text);
    _cleanup_registry_mirror_ RegistryMirror mirror = {};

    if (strchr(host, '/'))
        abort();
    (void)registry_host_is_loopback(text);
    if (registry_mirror_parse(text, &mirror, NULL) < 0)
        return;
    if (!registry_host_is_valid(mirror.host) || strpbrk(mirror.host, "/@?#\\ ") ||
        strstr(mirror.prefix, ".."))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = memory_strndup((const char *)data, size);

    check_name(text);
    check_config(text, strlen(text));
    return 0;
}
