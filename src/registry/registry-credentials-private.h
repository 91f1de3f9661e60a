/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The parts of Docker's config.json that are about credentials, and the programs it names. */

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "registry/registry-endpoint.h"

/* What the credentials of @host ("docker.io" is Docker Hub) are kept under. */
const char *registry_credentials_key(const char *host);

/*
 * The member `auths`, entries by key: Docker's key, or one that older versions have used, with a
 * scheme and a path. Messages never contain what is in an entry.
 */

/* Returns 1, or 0 when there is none, or one that says nothing. Errors: INVALID. */
int registry_credential_entries_find(const json_t *config, const char *host,
                                     RegistryCredentials *ret, Error *err);
/* Put an entry, an empty one where @credentials is NULL: a helper has them. */
int registry_credential_entries_put(json_t *config, const char *host,
                                    const RegistryCredentials *credentials, Error *err);
/* Delete all entries of @host; false when there was none. */
bool registry_credential_entries_delete(json_t *config, const char *host);

/* The file. It is only changed by who holds its directory's lock, and replaced whole. */

/* *ret is an empty object when the file is missing. Errors: INVALID, SYSTEM. */
int registry_credential_file_read(const char *path, json_t **ret, Error *err);
/* Returns 1 when @config is to be written, 0 when not, or -errno. */
typedef int (*CredentialFileChange)(json_t *config, void *data, Error *err);
/* Returns what @change has returned. */
int registry_credential_file_change(const char *path, CredentialFileChange change, void *data,
                                    Error *err);
/* Releases it; secrets are wiped first. */
void registry_credential_config_free(json_t *config);
DEFINE_CLEANUP(json_t *, registry_credential_config_free);
#define _cleanup_credential_config_ _cleanup_(registry_credential_config_freep)

/*
 * Credential helpers: programs docker-credential-NAME, spoken to as
 * github.com/docker/docker-credential-helpers says. Errors: UNAVAILABLE.
 */

/* Which one has the credentials of @host; *ret stays @config's, NULL: none. Errors: INVALID. */
int registry_credential_helper_of(const json_t *config, const char *host, const char **ret,
                                  Error *err);
/* Returns 1, or 0 when it has none for @key. */
int registry_credential_helper_get(const char *helper, const char *key, RegistryCredentials *ret,
                                   Error *err);
int registry_credential_helper_store(const char *helper, const char *key,
                                     const RegistryCredentials *credentials, Error *err);
int registry_credential_helper_erase(const char *helper, const char *key, Error *err);
