/* SPDX-License-Identifier: Apache-2.0 */

/* Which of the places has somebody's credentials: a helper where one is named, else the file. */

#include "registry/registry-credentials.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "registry/registry-credentials-private.h"

char *registry_credentials_path(void)
{
    const char *directory = getenv("DOCKER_CONFIG"), *home = getenv("HOME");

    if (directory && *directory)
        return memory_printf("%s/config.json", directory);
    return memory_printf("%s/.docker/config.json", home && *home ? home : "/root");
}

void registry_credentials_place_done(RegistryCredentialsPlace *place)
{
    free(place->helper);
    free(place->file);
    *place = (RegistryCredentialsPlace) {};
}

static char *path_or_default(const char *file)
{
    return file ? memory_strdup(file) : registry_credentials_path();
}

/* The helper for @host by the file @path, for the caller to free; NULL: none. */
static int find_helper(const char *path, const char *host, char **ret, Error *err)
{
    _cleanup_credential_config_ json_t *config = NULL;
    const char *helper;
    int r = registry_credential_file_read(path, &config, err);

    if (r < 0)
        return r;
    r = registry_credential_helper_of(config, host, &helper, err);
    if (r < 0)
        return error_wrap(err, r, "credentials in '%s'", path);
    *ret = memory_strdup(helper);
    return 0;
}

int registry_credentials_find(const char *file, const char *host, RegistryCredentials *ret,
                              Error *err)
{
    _cleanup_credential_config_ json_t *config = NULL;
    _cleanup_registry_credentials_ RegistryCredentials found = {};
    _cleanup_free_ char *path = path_or_default(file);
    const char *helper;
    int r = registry_credential_file_read(path, &config, err);

    if (r < 0)
        return r;
    r = registry_credential_helper_of(config, host, &helper, err);
    if (r >= 0 && !helper)
        r = registry_credential_entries_find(config, host, &found, err);
    if (r < 0)
        return error_wrap(err, r, "credentials in '%s'", path);
    if (helper) {
        r = registry_credential_helper_get(helper, registry_credentials_key(host), &found, err);
        if (r < 0)
            return r;
    }
    *ret = found;
    found = (RegistryCredentials) {};
    return 0;
}

typedef struct PutRequest {
    const char *host;
    const RegistryCredentials *credentials; /* NULL: a helper has them */
} PutRequest;

static int put(json_t *config, void *data, Error *err)
{
    const PutRequest *request = data;
    int r = registry_credential_entries_put(config, request->host, request->credentials, err);

    return r < 0 ? r : 1;
}

int registry_credentials_store(const char *file, const char *host,
                               const RegistryCredentials *credentials,
                               RegistryCredentialsPlace *ret, Error *err)
{
    _cleanup_registry_credentials_place_ RegistryCredentialsPlace place = {
        .file = path_or_default(file),
    };
    PutRequest request = { .host = host, .credentials = credentials };
    int r = find_helper(place.file, host, &place.helper, err);

    if (r >= 0 && place.helper) {
        request.credentials = NULL;
        r = registry_credential_helper_store(place.helper, registry_credentials_key(host),
                                             credentials, err);
    }
    if (r >= 0)
        r = registry_credential_file_change(place.file, put, &request, err);
    if (r < 0)
        return r;

    *ret = place;
    place = (RegistryCredentialsPlace) {};
    return 0;
}

static int delete (json_t *config, void *data, Error *err)
{
    (void)err;
    return registry_credential_entries_delete(config, data);
}

/* Returns 1, or 0 when it had none. */
static int erase_from_helper(const char *helper, const char *host, Error *err)
{
    const char *key = registry_credentials_key(host);
    _cleanup_registry_credentials_ RegistryCredentials had = {};
    int r = registry_credential_helper_get(helper, key, &had, err);

    if (r <= 0)
        return r;
    r = registry_credential_helper_erase(helper, key, err);
    return r < 0 ? r : 1;
}

int registry_credentials_erase(const char *file, const char *host, Error *err)
{
    _cleanup_free_ char *path = path_or_default(file), *helper = NULL, *text = memory_strdup(host);
    int r = find_helper(path, host, &helper, err), erased = 0;

    if (r >= 0 && helper)
        r = erased = erase_from_helper(helper, host, err);
    if (r >= 0 && access(path, F_OK) == 0)
        r = registry_credential_file_change(path, delete, text, err);
    return r < 0 ? r : erased || r > 0;
}
