/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The CDI specifications that a host has: *.json and *.yaml in some directories. */

#include "base/error.h"
#include "base/string-list.h"
#include "engine/cdi-spec.h"

typedef struct CdiRegistry CdiRegistry;

/*
 * Read what is in @directories (ends with NULL), of which the later ones win over the earlier ones.
 * One that is missing is empty. A file that cannot be used is told of only by cdi_registry_find(),
 * when a device is missing: no vendor's mistake keeps the devices of another one from being used.
 */
CdiRegistry *cdi_registry_load(const char *const *directories);
void cdi_registry_free(CdiRegistry *registry);
DEFINE_CLEANUP(CdiRegistry *, cdi_registry_free);

/*
 * The device @name ("vendor.com/class=name", valid) and the specification that has it; both are the
 * registry's. Errors: NOT_FOUND, CONFLICT (two specifications of one directory have it).
 */
int cdi_registry_find(const CdiRegistry *registry, const char *name, const CdiSpec **ret_spec,
                      const CdiDevice **ret_device, Error *err);
