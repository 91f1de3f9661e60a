/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Names of devices in the Container Device Interface: "vendor.com/class=name". */

#include <stdbool.h>

#include "base/error.h"

/* Whether it is meant as one, and not as a path on the host. */
bool cdi_name_is_meant(const char *text);

/* Errors: INVALID. */
int cdi_name_validate(const char *name, Error *err);
int cdi_kind_validate(const char *kind, Error *err);
int cdi_device_validate(const char *device, Error *err);

/* Split a valid name; the caller frees *ret_kind, and *ret_device is a part of @name. */
void cdi_name_split(const char *name, char **ret_kind, const char **ret_device);
