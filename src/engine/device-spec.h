/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The texts of Docker's --device and --device-cgroup-rule. */

#include <stdbool.h>

#include "base/error.h"
#include "engine/container-spec.h"
#include "sandbox/runtime-config.h"

/* Parse "host[:container][:permissions]"; the host's path is not looked at. Errors: INVALID. */
int device_spec_parse(const char *text, ContainerDevice *ret, Error *err);

/* Check one, whoever made it. Errors: INVALID. */
int device_spec_validate(const ContainerDevice *device, Error *err);

/* Whether it is at least one of "rwm", each at most once. */
bool device_permissions_are_valid(const char *text);

/* Parse "c 1:* rwm" into *ret, which is zeroed. Errors: INVALID. */
int device_rule_parse(const char *text, LinuxDeviceRule *ret, Error *err);
