/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The engine: what every front end works with. It holds the directories, the state database and the
 * stores of one installation; there is no process behind it, any number of them work on the same
 * state at the same time, and each may be killed at any moment.
 */

#include "base/cleanup.h"
#include "base/database.h"
#include "base/error.h"
#include "image/image-store.h"
#include "registry/registry-settings.h"

typedef struct Engine Engine;

#define ENGINE_DEFAULT_STATE "/var/lib/cay"
#define ENGINE_DEFAULT_RUNTIME "/run/cay"

typedef struct EngineOptions {
    const char *state;   /* directory that survives a reboot; NULL: ENGINE_DEFAULT_STATE */
    const char *runtime; /* directory that does not; NULL: ENGINE_DEFAULT_RUNTIME */
    const char *config;  /* configuration file (engine-settings.h), read when something depends on
                            it; NULL: the default */
    const char *secret_key; /* file with the key of secrets; NULL: "secrets/key" in the state
                               directory, made with the first secret */
    const char *registries; /* file about registries (registry-settings.h), read when something
                               depends on it; NULL: registries.yaml beside the configuration */
} EngineOptions;

/*
 * Open the directories and the database, made where they are missing (0700).
 * Errors: DENIED (not root), UNSUPPORTED (state of a newer version), CORRUPT, EXHAUSTED, SYSTEM.
 */
int engine_open(const EngineOptions *options, Engine **ret, Error *err);
void engine_close(Engine *engine);
DEFINE_CLEANUP(Engine *, engine_close);

/* The images of this installation; opened with the first use. Stays the engine's. */
int engine_images(Engine *engine, ImageStore **ret, Error *err);

/* What has been decided about registries, read with the first use. Stays the engine's. Errors:
 * those of registry_settings_read(). */
int engine_registry_settings(Engine *engine, const RegistrySettings **ret, Error *err);
