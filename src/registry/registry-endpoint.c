/* SPDX-License-Identifier: Apache-2.0 */
/* Where a repository can be reached, as it is told to the program that goes there. */

#include "registry/registry-endpoint.h"

#include <string.h>

#define CREDENTIAL(member, json_name)                                                              \
    JSON_FIELD(RegistryCredentials, member, json_name, JSON_TYPE_STRING)

static const JsonField credentials_fields[] = {
    CREDENTIAL(username, "username"),
    CREDENTIAL(password, "password"),
    CREDENTIAL(identity_token, "identityToken"),
    CREDENTIAL(registry_token, "registryToken"),
};
static const JsonStruct credentials_json = JSON_STRUCT(RegistryCredentials, credentials_fields);

static const JsonField endpoint_fields[] = {
    JSON_FIELD_FLAGS(RegistryEndpoint, host, "host", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(RegistryEndpoint, prefix, "prefix", JSON_TYPE_STRING),
    JSON_FIELD(RegistryEndpoint, plain_http, "plainHttp", JSON_TYPE_BOOL),
    JSON_FIELD(RegistryEndpoint, try_plain_http, "tryPlainHttp", JSON_TYPE_BOOL),
    JSON_FIELD(RegistryEndpoint, skip_verify, "skipVerify", JSON_TYPE_BOOL),
    JSON_FIELD(RegistryEndpoint, is_mirror, "isMirror", JSON_TYPE_BOOL),
    JSON_FIELD(RegistryEndpoint, ca, "ca", JSON_TYPE_STRING),
    JSON_FIELD(RegistryEndpoint, client_certificate, "clientCertificate", JSON_TYPE_STRING),
    JSON_FIELD(RegistryEndpoint, client_key, "clientKey", JSON_TYPE_STRING),
    { .name = "credentials",
      .type = JSON_TYPE_STRUCT,
      .offset = offsetof(RegistryEndpoint, credentials),
      .type_of = &credentials_json },
};
static const JsonStruct endpoint_json = JSON_STRUCT(RegistryEndpoint, endpoint_fields);

static const JsonField repository_fields[] = {
    JSON_FIELD_FLAGS(RegistryRepository, domain, "domain", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(RegistryRepository, path, "path", JSON_TYPE_STRING),
    { .name = "endpoints",
      .type = JSON_TYPE_STRUCT_ARRAY,
      .offset = offsetof(RegistryRepository, endpoints),
      .flags = JSON_REQUIRED,
      .type_of = &endpoint_json },
};
const JsonStruct registry_repository_json = JSON_STRUCT(RegistryRepository, repository_fields);

static void wipe(const char *text)
{
    if (text)
        explicit_bzero((char *)text, strlen(text));
}

static void wipe_all(const RegistryCredentials *credentials)
{
    wipe(credentials->password);
    wipe(credentials->identity_token);
    wipe(credentials->registry_token);
}

void registry_credentials_done(RegistryCredentials *credentials)
{
    wipe_all(credentials);
    json_struct_done(&credentials_json, credentials);
}

void registry_repository_done(RegistryRepository *repository)
{
    for (size_t i = 0; i < repository->endpoints.count; i++) {
        wipe_all(&repository->endpoints.items[i].credentials);
        wipe(repository->endpoints.items[i].client_key);
    }
    json_struct_done(&registry_repository_json, repository);
}
