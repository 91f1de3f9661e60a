/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Containers whose network is a CNI configuration ("cni:NAME"). What the plug-ins are asked for is
 * written into the container's directory before they are, and stays there until they have undone
 * it: whoever settles the end of the container finds it.
 */

#include "engine/container.h"
#include "engine/engine.h"
#include "network/cni.h"

/*
 * Run the chain for @container, whose first process @pid waits in its namespaces, @netns_fd being
 * that of networks, and write its files by what it makes. What is left of one that ran before is
 * undone first. What fails is undone by container_cni_release(). Errors: those of cni_open() and
 * cni_add(), CONFLICT (a published port is taken).
 */
int container_cni_plug(Engine *engine, const Container *container, pid_t pid, int netns_fd,
                       Error *err);

/* It has ended: undo it. What cannot be undone is warned of, and tried again with its next start or
 * removal. One that has no such network, or had none yet, costs nothing. */
void container_cni_release(Engine *engine, const Container *container);

/* What it has got; nothing while it does not run. */
void container_cni_read(Engine *engine, const Container *container, CniResult *ret);
