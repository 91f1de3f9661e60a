/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What registries.yaml says, for who finds out where a repository can be reached. */

#include "registry/registry-settings.h"

typedef struct RegistryRule {
    char *host; /* as in references */
    StringList mirrors;
    bool insecure;
    bool plain_http;
    char *ca;
    bool blocked;
} RegistryRule;

struct RegistrySettings {
    char *path;
    StringList unqualified;
    JSON_ARRAY_OF(RegistryRule) rules;
};

/* What is said about @host; NULL: nothing. */
const RegistryRule *registry_settings_rule(const RegistrySettings *settings, const char *host);

/* A mirror is written as [SCHEME://]HOST[/PREFIX]. */
typedef struct RegistryMirror {
    char *host;
    char *prefix;
    bool plain_http; /* http:// */
    bool only_https; /* https:// */
} RegistryMirror;

void registry_mirror_done(RegistryMirror *mirror);
#define _cleanup_registry_mirror_ _cleanup_(registry_mirror_done)

/* Errors: INVALID. */
int registry_mirror_parse(const char *text, RegistryMirror *ret, Error *err);

/*
 * Add to @endpoint what the directories certs.d have for @name: that beside the settings and
 * Docker's, where the first that has anything counts. Errors: INVALID, SYSTEM.
 */
int registry_certificates_find(const RegistrySettings *settings, const char *name,
                               RegistryEndpoint *endpoint, Error *err);

/* Add the authorities in the file @path. Errors: INVALID, SYSTEM. */
int registry_certificates_add_ca(const char *path, RegistryEndpoint *endpoint, Error *err);
