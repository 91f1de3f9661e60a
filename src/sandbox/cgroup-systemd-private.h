/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Resources as properties of a systemd unit (systemd.resource-control(5)). */

#include "base/error.h"
#include "sandbox/runtime-config.h"
#include "sandbox/systemd-message-private.h"

/* One property each, for an array "a(sv)". */
void unit_property_bool(BusWriter *writer, const char *name, bool value);
void unit_property_string(BusWriter *writer, const char *name, const char *value);
void unit_property_u64(BusWriter *writer, const char *name, uint64_t value);
void unit_property_pid(BusWriter *writer, const char *name, uint32_t pid);

/*
 * Those that @resources ask for. What systemd has no property for is left out, and written to the
 * cgroup itself by cgroup_limits_apply(), as everything is. With @is_update, devices are those that
 * change.
 */
void unit_properties_write(BusWriter *writer, const LinuxResources *resources, bool is_update);
