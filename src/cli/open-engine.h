/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/command.h"
#include "engine/engine.h"

/*
 * Open the engine on the directories that the command line names, else those of the environment
 * (CAY_STATE, CAY_RUNTIME), else the defaults. Errors: those of engine_open().
 */
int open_engine(const Invocation *invocation, Engine **ret, Error *err);

/* The same for a command that looks at containers: what killed processes left is settled first. */
int open_engine_recovered(const Invocation *invocation, Engine **ret, Error *err);

/* What has been decided about registries, for a command that needs no engine, and so no root: the
 * file CAY_REGISTRIES, else registries.yaml beside the configuration. Errors: those of
 * registry_settings_read(). */
int open_registry_settings(const Invocation *invocation, RegistrySettings **ret, Error *err);
