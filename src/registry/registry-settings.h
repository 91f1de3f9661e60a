/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the administrator and the user have decided about registries:
 *
 *   /etc/cay/registries.yaml     mirrors, plain HTTP, where unqualified names are looked for
 *                                (CAY_REGISTRIES, or registries.yaml beside the --config-file)
 *   certs.d/HOST[:PORT]/         beside that file, or in /etc/docker: *.crt are authorities that
 * are trusted, NAME.cert with NAME.key is who we are, as Docker has it
 *
 *     unqualified: [docker.io, registry.example.com]
 *     registries:
 *       docker.io:
 *         mirrors: [mirror.example.com, "http://10.0.0.1:5000/hub"]
 *       registry.example.com:5000:
 *         insecure: true     # any certificate, or none: Docker's insecure-registries
 *       build.example.com:
 *         plain-http: true   # http only
 *       own.example.com:
 *         ca: /etc/ssl/own.pem
 *       bad.example.com:
 *         blocked: true      # nothing from there
 */

#include <jansson.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/string-list.h"
#include "registry/registry-endpoint.h"

#define REGISTRY_DEFAULT_SETTINGS "/etc/cay/registries.yaml"
#define REGISTRY_SETTINGS_NAME "registries.yaml"

/* Docker Hub in references, the host it is at, that of its search, and what its credentials are
 * kept under. */
#define REGISTRY_HUB "docker.io"
#define REGISTRY_HUB_HOST "registry-1.docker.io"
#define REGISTRY_HUB_INDEX "index.docker.io"
#define REGISTRY_HUB_CREDENTIALS "https://index.docker.io/v1/"

typedef struct RegistrySettings RegistrySettings;

/*
 * Read the file @path (NULL: registries.yaml beside the configuration @config_path, or the default
 * where that is NULL, too; it may be missing). Errors: INVALID (names the file and what of it),
 * NOT_FOUND, SYSTEM.
 */
int registry_settings_read(const char *path, const char *config_path, RegistrySettings **ret,
                           Error *err);
void registry_settings_free(RegistrySettings *settings);
DEFINE_CLEANUP(RegistrySettings *, registry_settings_free);

/* The domains in which a name without one is looked for, in order; "docker.io" by default. Stays
 * the settings'. */
const StringList *registry_settings_unqualified(const RegistrySettings *settings);

/* Engine API: RegistryServiceConfig. The caller owns the reference. */
json_t *registry_settings_to_json(const RegistrySettings *settings);

typedef struct RegistryWish {
    const char *domain;                     /* as in references */
    const char *path;                       /* NULL: the registry as a whole */
    bool for_push;                          /* no mirrors */
    bool for_search;                        /* of Docker Hub, where its search is */
    bool insecure;                          /* asked for by the user: as in the file */
    const char *credentials_file;           /* NULL: registry_credentials_path() */
    const RegistryCredentials *credentials; /* instead of the stored ones; NULL: those */
} RegistryWish;

/*
 * All endpoints for @wish, with certificates and with the credentials that are stored for each host
 * (a credential helper may be asked for them). Plain HTTP only for loopback and where configured.
 * Errors: DENIED (blocked), INVALID (malformed certificates or credentials), UNAVAILABLE (a helper
 * that fails), SYSTEM.
 */
int registry_resolve(const RegistrySettings *settings, const RegistryWish *wish,
                     RegistryRepository *ret, Error *err);
