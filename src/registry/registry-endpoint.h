/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where one repository of images can be reached and as whom: everything that the program which
 * talks to registries gets to know. It opens no files, so certificates are here as text.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/json-fields.h"

/* Of one host. All but username belong to nobody else: never printed, never in arguments. */
typedef struct RegistryCredentials {
    char *username;       /* NULL: none */
    char *password;       /* with username */
    char *identity_token; /* OAuth2 refresh token, instead of a password */
    char *registry_token; /* a bearer token to be sent as it is */
} RegistryCredentials;

typedef struct RegistryEndpoint {
    char *host;          /* "registry-1.docker.io", "localhost:5000": no scheme, no path */
    char *prefix;        /* what comes before the repository's path there, "" or "proxy/hub" */
    bool plain_http;     /* http:// and nothing else */
    bool try_plain_http; /* https:// first, http:// where nobody speaks TLS: loopback, insecure */
    bool skip_verify;    /* any certificate will do */
    bool is_mirror;      /* not the registry itself: of what it lacks or refuses, the next
                            endpoint is asked; nothing is ever pushed to it */
    char *ca;            /* PEM, in addition to the system's; NULL: none */
    char *client_certificate; /* PEM; NULL: none */
    char *client_key;         /* PEM, with client_certificate */
    RegistryCredentials credentials;
} RegistryEndpoint;

typedef JSON_ARRAY_OF(RegistryEndpoint) RegistryEndpointArray;

typedef struct RegistryRepository {
    char *domain; /* as in references: "docker.io" */
    char *path;   /* "library/debian"; NULL: the registry as a whole (login, catalog) */
    RegistryEndpointArray endpoints; /* in order of preference; the last is the registry itself */
} RegistryRepository;

extern const JsonStruct registry_repository_json;

/* Frees the members (credentials are wiped first) and zeroes the struct. */
void registry_credentials_done(RegistryCredentials *credentials);
void registry_repository_done(RegistryRepository *repository);
#define _cleanup_registry_credentials_ _cleanup_(registry_credentials_done)
#define _cleanup_registry_repository_ _cleanup_(registry_repository_done)
