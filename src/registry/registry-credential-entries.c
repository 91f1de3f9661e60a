/* SPDX-License-Identifier: Apache-2.0 */

/* Entries of config.json: {"auths": {KEY: {"auth": base64 of USER:PASSWORD, ...}}}. */

#include <nettle/base64.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "registry/registry-credentials-private.h"
#include "registry/registry-host.h"
#include "registry/registry-settings.h"

typedef struct Entry {
    char *auth;
    RegistryCredentials credentials;
} Entry;

static const JsonField entry_fields[] = {
    JSON_FIELD(Entry, auth, "auth", JSON_TYPE_STRING),
    JSON_FIELD(Entry, credentials.username, "username", JSON_TYPE_STRING),
    JSON_FIELD(Entry, credentials.password, "password", JSON_TYPE_STRING),
    JSON_FIELD(Entry, credentials.identity_token, "identitytoken", JSON_TYPE_STRING),
    JSON_FIELD(Entry, credentials.registry_token, "registrytoken", JSON_TYPE_STRING),
};
static const JsonStruct entry_json = JSON_STRUCT(Entry, entry_fields);

static void wipe(char *text, size_t size)
{
    if (text)
        explicit_bzero(text, size);
    free(text);
}

static void entry_done(Entry *entry)
{
    registry_credentials_done(&entry->credentials);
    wipe(entry->auth, entry->auth ? strlen(entry->auth) : 0);
    entry->auth = NULL;
}

const char *registry_credentials_key(const char *host)
{
    return strcmp(host, REGISTRY_HUB) == 0 ? REGISTRY_HUB_CREDENTIALS : host;
}

/* Docker's tokens for its own services lie beside what is for the registry. */
static bool is_token_of_hub(const char *key)
{
    size_t length = strlen(key), suffix = strlen("-token");

    return length > suffix && strcmp(key + length - suffix, "-token") == 0 && strchr(key, '/');
}

static bool key_is_of(const char *key, const char *host)
{
    _cleanup_free_ char *named = registry_host_from_address(key);

    return strcmp(named, host) == 0;
}

static const json_t *find_entry(const json_t *config, const char *host, Error *err)
{
    json_t *auths = json_object_get(config, "auths"), *entry, *found;
    const char *key;

    if (auths && !json_is_object(auths) && !json_is_null(auths)) {
        error_set(err, ERROR_INVALID, "auths: expected an object");
        return NULL;
    }
    found = json_object_get(auths, registry_credentials_key(host));
    if (found)
        return found;
    json_object_foreach(auths, key, entry)
    {
        if (key_is_of(key, host) && !is_token_of_hub(key))
            return entry;
    }
    return NULL;
}

/* USER:PASSWORD in base64; the password may be followed by zero bytes, as old versions had it. */
static int decode(const char *auth, RegistryCredentials *credentials)
{
    size_t length = strlen(auth), size = BASE64_DECODE_LENGTH(length);
    char *text = NEW_ARRAY(char, size + 1), *colon;
    struct base64_decode_ctx context;
    int r = -1;

    base64_decode_init(&context);
    if (base64_decode_update(&context, &size, (uint8_t *)text, length, auth) &&
        base64_decode_final(&context)) {
        text[size] = '\0';
        while (size > 0 && text[size - 1] == '\0')
            size--;
        colon = strchr(text, ':');
        if (colon && colon != text && strlen(text) == size) {
            free(credentials->username);
            wipe(credentials->password, credentials->password ? strlen(credentials->password) : 0);
            credentials->username = memory_strndup(text, (size_t)(colon - text));
            credentials->password = memory_strdup(colon + 1);
            r = 0;
        }
    }
    wipe(text, BASE64_DECODE_LENGTH(length));
    return r;
}

/* Docker writes what it does not have as "". */
static void drop_empty(char **text)
{
    if (*text && !**text) {
        free(*text);
        *text = NULL;
    }
}

static int read_entry(const json_t *json, Entry *entry, Error *err)
{
    RegistryCredentials *credentials = &entry->credentials;
    int r = json_struct_read(&entry_json, json, entry, err);

    if (r < 0)
        return r;
    if (entry->auth && *entry->auth && decode(entry->auth, credentials) < 0)
        return error_set(err, ERROR_INVALID, "auth: expected USER:PASSWORD in base64");
    drop_empty(&credentials->username);
    drop_empty(&credentials->identity_token);
    drop_empty(&credentials->registry_token);
    /* With a token, the name is only told; there is no empty password. */
    if (credentials->identity_token)
        drop_empty(&credentials->password);
    return 0;
}

int registry_credential_entries_find(const json_t *config, const char *host,
                                     RegistryCredentials *ret, Error *err)
{
    _cleanup_(entry_done) Entry entry = {};
    _cleanup_error_ Error problem = {};
    const json_t *json = find_entry(config, host, &problem);
    int r = error_is_set(&problem) ? error_kind_to_result(problem.kind) : 0;

    if (json)
        r = read_entry(json, &entry, &problem);
    if (json && r < 0)
        (void)error_wrap(&problem, r, "auths: '%s'", host);
    if (r < 0) {
        error_move(err, &problem);
        return r;
    }
    *ret = entry.credentials;
    entry.credentials = (RegistryCredentials) {};
    return ret->username || ret->password || ret->identity_token || ret->registry_token;
}

static char *encode(const char *username, const char *password)
{
    _cleanup_free_ char *text = memory_printf("%s:%s", username, password ? password : "");
    size_t length = strlen(text);
    char *encoded = NEW_ARRAY(char, BASE64_ENCODE_RAW_LENGTH(length) + 1);

    base64_encode_raw(encoded, length, (const uint8_t *)text);
    explicit_bzero(text, length);
    return encoded;
}

int registry_credential_entries_put(json_t *config, const char *host,
                                    const RegistryCredentials *credentials, Error *err)
{
    json_t *auths = json_object_get(config, "auths");
    _cleanup_(entry_done) Entry entry = {};

    if (!auths || json_is_null(auths)) {
        auths = json_object();
        json_object_set_new(config, "auths", auths);
    }
    if (!json_is_object(auths))
        return error_set(err, ERROR_INVALID, "auths: expected an object");
    if (credentials) {
        entry.auth =
            credentials->username ? encode(credentials->username, credentials->password) : NULL;
        entry.credentials.identity_token = memory_strdup(credentials->identity_token);
        entry.credentials.registry_token = memory_strdup(credentials->registry_token);
    }
    json_object_set_new(auths, registry_credentials_key(host),
                        json_struct_write(&entry_json, &entry));
    return 0;
}

bool registry_credential_entries_delete(json_t *config, const char *host)
{
    json_t *auths = json_object_get(config, "auths"), *entry;
    bool deleted = false;
    const char *key;
    void *next;

    json_object_foreach_safe(auths, next, key, entry)
    {
        if (key_is_of(key, host)) {
            json_object_del(auths, key);
            deleted = true;
        }
    }
    return deleted;
}
