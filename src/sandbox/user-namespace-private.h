/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The id maps of a new user namespace. Root writes them itself; an ordinary user may map nothing
 * but itself, and takes newuidmap(1) and newgidmap(1) for the ids that /etc/subuid and /etc/subgid
 * grant.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/string-list.h"
#include "sandbox/runtime-config.h"

/*
 * Write the maps of the user namespace that our child @pid lives in and waits. Errors: UNAVAILABLE
 * (newuidmap is not installed), DENIED (what the ids were not granted for), SYSTEM.
 */
int user_namespace_write_maps(pid_t pid, const LinuxConfig *config, Error *err);

/* Whether nobody in that user namespace may call setgroups(2): the kernel's condition for whoever
 * maps its own group without a privilege. Our own namespace's denial is inherited. */
bool user_namespace_denies_groups(const LinuxConfig *config);

/* Whether the maps consist of the single id @own. */
bool id_mappings_are_self(const LinuxIdMappings *mappings, uint32_t own);

/* The arguments of newuidmap(1) or newgidmap(1), @program itself first. */
void id_mappings_to_arguments(const LinuxIdMappings *mappings, const char *program, pid_t pid,
                              StringList *ret);
