/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Credentials where Docker keeps them: `config.json` in DOCKER_CONFIG, else ~/.docker, with its
 * credential helpers (`credHelpers`, `credsStore`: programs docker-credential-NAME of the PATH).
 * What else is in that file stays as it is.
 */

#include "base/error.h"
#include "registry/registry-endpoint.h"

/* The file's path; the caller frees it. */
char *registry_credentials_path(void);

/*
 * Those for the host @host ("docker.io" is Docker Hub); all NULL when there are none.
 * @file NULL: registry_credentials_path(). Errors: INVALID (the file), UNAVAILABLE (a helper).
 */
int registry_credentials_find(const char *file, const char *host, RegistryCredentials *ret,
                              Error *err);

/* Where a store put them: for the user to hear. */
typedef struct RegistryCredentialsPlace {
    char *helper; /* NULL: in the file, in the clear */
    char *file;
} RegistryCredentialsPlace;
void registry_credentials_place_done(RegistryCredentialsPlace *place);
#define _cleanup_registry_credentials_place_ _cleanup_(registry_credentials_place_done)

/* Keep them. The file is replaced whole, 0600. Errors: INVALID, UNAVAILABLE, SYSTEM. */
int registry_credentials_store(const char *file, const char *host,
                               const RegistryCredentials *credentials,
                               RegistryCredentialsPlace *ret, Error *err);

/* Forget them. Returns 1, or 0 when there were none. */
int registry_credentials_erase(const char *file, const char *host, Error *err);
